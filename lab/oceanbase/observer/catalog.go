package observer

import (
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// view is a system view. Its rows are made when it is asked.
type view struct {
	// since is the version that has it; "" for all.
	since   Version
	columns []obsql.Column
	rows    func(s *session) [][]any
	// everyTenant is set for views whose first column is TENANT_ID: they are
	// CDB_ from sys, and DBA_ without that column in each tenant.
	everyTenant bool
}

// cols reads "NAME NAME:u NAME:i NAME:t" into columns: u is unsigned, i an
// integer, t a timestamp, nothing a text.
func cols(text string) []obsql.Column {
	var all []obsql.Column
	for _, word := range strings.Fields(text) {
		name, kind, _ := strings.Cut(word, ":")
		all = append(all, obsql.Column{Name: name, Type: map[string]obsql.Type{"": obsql.Text, "u": obsql.Unsigned, "i": obsql.Integer, "t": obsql.Timestamp}[kind]})
	}
	return all
}

// rows runs a SELECT of this session.
func (s *session) rows(query string) (obsql.Table, error) { return obsql.Select(s, query) }

// Lock is asked by SELECT ... FOR UPDATE.
func (s *session) Lock() error { return s.cluster.locked(s.writable) }

// Table gives a view or a user's table.
func (s *session) Table(schema, name string) (obsql.Table, error) {
	if schema == "" && strings.EqualFold(name, "DUAL") {
		return obsql.Table{Rows: [][]any{{}}}, nil
	}
	if schema == "" {
		schema = s.database
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	system := "oceanbase"
	if s.effective.Mode == modeOracle {
		system = "SYS"
	}
	if strings.EqualFold(schema, system) || s.effective.Mode == modeOracle && schema == "" {
		if t, found, err := s.view(strings.ToUpper(name)); found || err != nil {
			return t, err
		}
	}
	if schema == "" {
		return obsql.Table{}, noDatabaseNow.with()
	}
	return s.userTable(schema + "." + name)
}

func (s *session) userTable(name string) (obsql.Table, error) {
	s.effective.refresh()
	t := s.effective.content.tables[strings.ToLower(name)]
	if t == nil {
		return obsql.Table{}, noTable.with(name)
	}
	if !s.may(name, "SELECT") {
		return obsql.Table{}, selectDenied.with(s.user, name)
	}
	return t.table(), nil
}

// view finds a system view by any of its names. The caller holds the lock.
func (s *session) view(name string) (obsql.Table, bool, error) {
	v, found := views[name]
	own := false
	if !found && strings.HasPrefix(name, "DBA_") {
		// The DBA_ form of a CDB_ view: this tenant's rows.
		v, found = views["CDB_"+strings.TrimPrefix(name, "DBA_")]
		own = true
	}
	if !found && strings.HasPrefix(name, "V$") {
		v, found = views["GV$"+strings.TrimPrefix(name, "V$")]
	}
	sys := s.effective.sys()
	switch {
	case !found, v.since != "" && !s.cluster.Version.AtLeast(v.since), strings.HasPrefix(name, "CDB_") && !sys:
		return obsql.Table{}, false, nil
	case !s.may("oceanbase.*", "SELECT"):
		return obsql.Table{}, false, selectDenied.with(s.user, strings.ToLower(name))
	}
	t := obsql.Table{Columns: v.columns, Rows: v.rows(s)}
	if !sys && v.everyTenant {
		t.Rows = slices.DeleteFunc(t.Rows, func(row []any) bool { return row[0] != s.effective.ID })
	}
	if own {
		if sys {
			t.Rows = slices.DeleteFunc(t.Rows, func(row []any) bool { return row[0] != int64(sysID) })
		}
		t.Columns = t.Columns[1:]
		for i := range t.Rows {
			t.Rows[i] = t.Rows[i][1:]
		}
	}
	return t, true, nil
}

// views by name; each file of views adds its own.
var views = map[string]view{}

// stamp writes microseconds since 1970 as the views do; 0 is NULL.
func stamp(micros int64) any {
	if micros == 0 {
		return nil
	}
	return time.UnixMicro(micros).UTC().Format(obsql.TimeLayout)
}

// display writes an SCN as a time.
func display(scn int64) any {
	if scn <= minSCN {
		return nil
	}
	return time.Unix(0, scn).UTC().Format(obsql.TimeLayout)
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}
