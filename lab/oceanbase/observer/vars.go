package observer

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// set is SET [SESSION|GLOBAL] name = value, ...; SET NAMES; SET ENCRYPTION and
// SET DECRYPTION, which are state of the session.
func (s *session) set(r *obsql.Reader) error {
	r.Next()
	switch {
	case r.Accept("NAMES"), r.Accept("CHARACTER", "SET"), r.Accept("TRANSACTION"), r.Accept("SESSION", "TRANSACTION"):
		return nil
	case r.Accept("ENCRYPTION", "ON"):
		return secret(r, &s.encryption, true)
	case r.Accept("DECRYPTION"):
		return secret(r, &s.decryption, false)
	}
	for {
		global := r.Accept("GLOBAL")
		if !global && !r.Accept("SESSION") {
			r.Accept("LOCAL")
		}
		t := r.Next()
		if t.Kind != obsql.Word && t.Kind != obsql.Quoted && t.Kind != obsql.Variable {
			return r.Syntax()
		}
		if !r.Accept("=") {
			if err := r.Expect(":="); err != nil {
				return err
			}
		}
		value, err := settingValue(r)
		if err != nil {
			return err
		}
		name := strings.ToLower(t.Text)
		for _, prefix := range []string{"@@session.", "@@global.", "@@local.", "@@"} {
			name = strings.TrimPrefix(name, prefix)
		}
		if err := s.setVariable(name, value, global); err != nil {
			return err
		}
		if !r.Accept(",") {
			return r.Done()
		}
	}
}

// secret reads IDENTIFIED BY 'password' [ONLY].
func secret(r *obsql.Reader, into *string, only bool) error {
	password, given, err := identified(r)
	if err != nil {
		return err
	}
	if !given || only && !r.Accept("ONLY") {
		return r.Syntax()
	}
	*into = password
	return r.Done()
}

func settingValue(r *obsql.Reader) (string, error) {
	sign := ""
	if r.Accept("-") {
		sign = "-"
	}
	t := r.Next()
	if t.Kind == obsql.End || t.Kind == obsql.Operator {
		return "", r.Syntax()
	}
	return sign + t.Text, nil
}

func (s *session) setVariable(name, value string, global bool) error {
	switch name {
	case "ob_query_timeout":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return &obsql.Error{Code: 1231, State: "42000", Text: "Variable 'ob_query_timeout' can't be set to the value of '" + value + "'"}
		}
		if !global {
			s.timeout = n
		}
	case "autocommit":
		s.autocommit = value == "1" || strings.EqualFold(value, "on") || strings.EqualFold(value, "true")
		if s.autocommit {
			return s.commit(nil)
		}
	case "recyclebin":
		if global {
			return s.cluster.changed(func() error {
				s.cluster.state.Parameters["recyclebin"] = strings.ToLower(value)
				return nil
			})
		}
	}
	s.vars[name] = value
	return nil
}

// Variable gives a system variable to SELECT.
func (s *session) Variable(name string) (any, bool) {
	name = strings.ToLower(name)
	if !strings.HasPrefix(name, "@@") {
		v, ok := s.vars[name]
		return v, ok
	}
	name = strings.TrimPrefix(name, "@@")
	for _, prefix := range []string{"session.", "global.", "local."} {
		name = strings.TrimPrefix(name, prefix)
	}
	switch name {
	case "ob_query_timeout":
		return s.timeout, true
	case "autocommit":
		if s.autocommit {
			return int64(1), true
		}
		return int64(0), true
	}
	if v, ok := s.vars[name]; ok {
		return v, true
	}
	v, ok := variables[name]
	if name == "version" {
		return s.cluster.Version.text(), true
	}
	return v, ok
}

// variables are those that clients ask for when they connect.
var variables = map[string]any{
	"version_comment": "OceanBase_CE (simulated)", "max_allowed_packet": int64(16777216), "system_time_zone": "UTC", "time_zone": "+00:00",
	"sql_mode": "STRICT_ALL_TABLES", "tx_isolation": "READ-COMMITTED", "transaction_isolation": "READ-COMMITTED", "lower_case_table_names": int64(1),
	"character_set_client": "utf8mb4", "character_set_connection": "utf8mb4", "character_set_results": "utf8mb4", "character_set_server": "utf8mb4",
	"collation_connection": "utf8mb4_general_ci", "collation_server": "utf8mb4_general_ci", "init_connect": "", "interactive_timeout": int64(28800),
	"wait_timeout": int64(28800), "net_write_timeout": int64(60), "query_cache_size": int64(0), "query_cache_type": "OFF", "license": "",
	"auto_increment_increment": int64(1), "read_only": int64(0), "ob_read_consistency": "STRONG", "performance_schema": int64(0),
	"ob_trx_timeout": int64(86400000000), "ob_compatibility_mode": "MYSQL",
}

// Function gives the functions that need the server.
func (s *session) Function(name string, args []any) (any, bool) {
	now := time.Now().UTC()
	switch name {
	case "VERSION":
		return s.cluster.Version.text(), true
	case "OB_VERSION":
		return string(s.cluster.Version), true
	case "NOW", "CURRENT_TIMESTAMP", "SYSDATE", "UTC_TIMESTAMP", "LOCALTIME":
		if len(args) == 0 {
			return now.Format("2006-01-02 15:04:05"), true
		}
		return now.Format(obsql.TimeLayout), true
	case "UNIX_TIMESTAMP":
		if len(args) == 0 {
			return now.Unix(), true
		}
		text, ok := obsql.Format(args[0])
		at, err := time.Parse("2006-01-02 15:04:05.999999", text)
		if !ok || err != nil {
			return nil, true
		}
		return at.Unix(), true
	case "USER", "CURRENT_USER":
		return s.user + "@%", true
	case "DATABASE", "SCHEMA":
		if s.database == "" {
			return nil, true
		}
		return s.database, true
	case "CONNECTION_ID":
		return int64(1), true
	case "EFFECTIVE_TENANT_ID":
		return s.effective.ID, true
	case "EFFECTIVE_TENANT":
		return s.effective.Name, true
	case "SCN_TO_TIMESTAMP":
		if len(args) == 1 {
			if n, ok := args[0].(int64); ok {
				return time.Unix(0, n).UTC().Format(obsql.TimeLayout), true
			}
			return nil, true
		}
	}
	return nil, false
}

// show is SHOW VARIABLES, PARAMETERS, GRANTS, DATABASES, TABLES, WARNINGS.
func (s *session) show(r *obsql.Reader, binary bool) (*mysql.Result, error) {
	r.Next()
	r.Accept("FULL")
	if !r.Accept("SESSION") {
		r.Accept("GLOBAL")
	}
	what := strings.ToUpper(r.Next().Text)
	pattern := "%"
	if r.Accept("LIKE") {
		var err error
		if pattern, err = r.Text(); err != nil {
			return nil, err
		}
	}
	t := obsql.Table{}
	switch what {
	case "VARIABLES":
		t.Columns = []obsql.Column{{Name: "Variable_name"}, {Name: "Value"}}
		for name := range variables {
			v, _ := s.Variable("@@" + name)
			text, _ := obsql.Format(v)
			t.Rows = append(t.Rows, []any{name, text})
		}
		t.Rows = append(t.Rows, []any{"ob_query_timeout", strconv.FormatInt(s.timeout, 10)}, []any{"version", s.cluster.Version.text()})
	case "PARAMETERS":
		p, err := s.rows("SELECT ZONE, SVR_TYPE, SVR_IP, SVR_PORT, NAME, DATA_TYPE, VALUE, INFO, SECTION, SCOPE, SOURCE, EDIT_LEVEL FROM oceanbase.GV$OB_PARAMETERS WHERE NAME LIKE " + quote(pattern))
		if err != nil {
			return nil, err
		}
		for i, c := range p.Columns {
			p.Columns[i].Name = strings.ToLower(c.Name)
		}
		return result(p, binary)
	case "GRANTS":
		t.Columns = []obsql.Column{{Name: "Grants for " + s.user + "@%"}}
		t.Rows = s.grantRows()
	case "DATABASES", "SCHEMAS":
		t.Columns = []obsql.Column{{Name: "Database"}}
		t.Rows = s.databaseRows()
	case "TABLES":
		t.Columns = []obsql.Column{{Name: "Tables_in_" + s.database}}
		t.Rows = s.tableRows()
	case "WARNINGS", "ERRORS":
		t.Columns = []obsql.Column{{Name: "Level"}, {Name: "Code", Type: obsql.Integer}, {Name: "Message"}}
	case "STATUS":
		t.Columns = []obsql.Column{{Name: "Variable_name"}, {Name: "Value"}}
	default:
		return nil, r.Syntax()
	}
	if what == "VARIABLES" {
		filtered, err := obsql.Select(oneTable{s, t}, "SELECT * FROM shown WHERE Variable_name LIKE "+quote(pattern)+" ORDER BY 1")
		if err != nil {
			return nil, err
		}
		t = filtered
	}
	return result(t, binary)
}

// oneTable lets SELECT filter what SHOW found.
type oneTable struct {
	*session
	t obsql.Table
}

func (o oneTable) Table(string, string) (obsql.Table, error) { return o.t, nil }

func (s *session) grantRows() (rows [][]any) {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.tenant.refresh()
	u := s.tenant.content.users[strings.ToLower(s.user)]
	if u == nil {
		return nil
	}
	if len(u.Grants) == 0 {
		rows = append(rows, []any{"GRANT USAGE ON *.* TO '" + s.user + "'"})
	}
	for _, g := range u.Grants {
		privileges := strings.Join(g.Privileges, ", ")
		if privileges == "ALL" {
			privileges = "ALL PRIVILEGES"
		}
		rows = append(rows, []any{"GRANT " + privileges + " ON " + g.On + " TO '" + s.user + "'"})
	}
	return rows
}

func (s *session) databaseRows() [][]any {
	rows := [][]any{{"information_schema"}, {"mysql"}, {"oceanbase"}, {"test"}}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.effective.refresh()
	for name := range s.effective.content.databases {
		rows = append(rows, []any{name})
	}
	return rows
}

func (s *session) tableRows() (rows [][]any) {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.effective.refresh()
	for name := range s.effective.content.tables {
		if db, table, _ := strings.Cut(name, "."); strings.EqualFold(db, s.database) {
			rows = append(rows, []any{table})
		}
	}
	return rows
}
