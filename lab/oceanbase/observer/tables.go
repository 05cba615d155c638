package observer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// createTable is CREATE TABLE name (column type ..., ...). Keys are read over:
// a row that was applied twice must show.
func (s *session) createTable(r *obsql.Reader) error {
	quiet := r.Accept("IF", "NOT", "EXISTS")
	name, err := s.qualified(r)
	if err != nil {
		return err
	}
	def := tableDef{Name: name}
	if err := r.Expect("("); err != nil {
		return err
	}
	for {
		c, err := columnOf(r)
		if err != nil {
			return err
		}
		if c.Name != "" {
			def.Columns = append(def.Columns, c)
		}
		if !r.Accept(",") {
			break
		}
	}
	if err := r.Expect(")"); err != nil {
		return err
	}
	err = s.recorded(func(c *content) (payload, error) {
		db, _, _ := strings.Cut(strings.ToLower(name), ".")
		switch {
		case !c.databases[db] && db != "test" && (s.effective.Mode != modeOracle || c.users[db] == nil):
			return payload{}, noDatabase.with(db)
		case c.tables[strings.ToLower(name)] != nil:
			return payload{}, tableThere.with(name)
		}
		return payload{Table: &def}, nil
	})
	return ignore(quiet, tableThere, err)
}

// columnOf reads one column up to the comma or parenthesis behind it.
func columnOf(r *obsql.Reader) (c columnDef, err error) {
	if c.Name, err = r.Identifier(); err != nil {
		return c, err
	}
	kind, err := r.Identifier()
	if err != nil {
		return c, err
	}
	switch upper := strings.ToUpper(kind); {
	case strings.HasSuffix(upper, "INT") || upper == "NUMBER":
		c.Type = "integer"
	case upper == "TIMESTAMP", upper == "DATETIME":
		c.Type = "timestamp"
	default:
		c.Type = "text"
	}
	for depth := 0; !r.End(); r.Next() {
		switch {
		case r.Peek(0).Is("("):
			depth++
		case r.Peek(0).Is(")") && depth == 0, r.Peek(0).Is(",") && depth == 0:
			if slices.Contains([]string{"PRIMARY", "UNIQUE", "KEY", "INDEX"}, strings.ToUpper(c.Name)) {
				c.Name = ""
			}
			return c, nil
		case r.Peek(0).Is(")"):
			depth--
		case r.Peek(0).Is("DEFAULT") && (r.Peek(1).Is("CURRENT_TIMESTAMP") || r.Peek(1).Is("NOW") || r.Peek(1).Is("SYSTIMESTAMP")):
			c.Now = true
		}
	}
	return c, r.Syntax()
}

func (s *session) dropTable(r *obsql.Reader) error {
	name, err := s.qualified(r)
	if err != nil {
		return err
	}
	return s.recorded(func(c *content) (payload, error) {
		if c.tables[strings.ToLower(name)] == nil {
			return payload{}, noTable.with(name)
		}
		return payload{Table: &tableDef{Name: name, Drop: true}}, nil
	})
}

// insert is INSERT INTO name [(columns)] VALUES (...), (...).
func (s *session) insert(r *obsql.Reader) (*mysql.Result, error) {
	if err := r.Expect("INSERT", "INTO"); err != nil {
		return nil, err
	}
	name, err := s.qualified(r)
	if err != nil {
		return nil, err
	}
	var columns []string
	if r.Accept("(") {
		if columns, err = names(r); err != nil {
			return nil, err
		}
	}
	if !r.Accept("VALUES") {
		if err := r.Expect("VALUE"); err != nil {
			return nil, err
		}
	}
	var rows []rowChange
	for {
		values, err := literals(r)
		if err != nil {
			return nil, err
		}
		row, err := s.row(name, columns, values)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, row); !r.Accept(",") {
			break
		}
	}
	if err := r.Done(); err != nil {
		return nil, err
	}
	if s.inside || !s.autocommit {
		if err := s.cluster.locked(s.writable); err != nil {
			return nil, err
		}
		s.pending = append(s.pending, rows...)
		return done(uint64(len(rows))), nil
	}
	return done(uint64(len(rows))), s.write(rows)
}

func names(r *obsql.Reader) (all []string, err error) {
	for {
		n, err := r.Identifier()
		if err != nil {
			return nil, err
		}
		if all = append(all, n); !r.Accept(",") {
			return all, r.Expect(")")
		}
	}
}

// literals reads one row of VALUES; NOW() and its like are the time.
func literals(r *obsql.Reader) (all []string, err error) {
	if err := r.Expect("("); err != nil {
		return nil, err
	}
	for {
		sign := ""
		if r.Accept("-") {
			sign = "-"
		}
		t := r.Next()
		switch {
		case t.Kind == obsql.String, t.Kind == obsql.Number:
			all = append(all, sign+t.Text)
		case t.Is("NULL"):
			all = append(all, "")
		case t.Is("NOW"), t.Is("CURRENT_TIMESTAMP"), t.Is("SYSTIMESTAMP"):
			if r.Accept("(") {
				r.Accept(r.Peek(0).Text)
				for !r.Accept(")") {
					if r.End() {
						return nil, r.Syntax()
					}
					r.Next()
				}
			}
			all = append(all, time.Now().UTC().Format(obsql.TimeLayout))
		default:
			return nil, r.Syntax()
		}
		if !r.Accept(",") {
			return all, r.Expect(")")
		}
	}
}

// row puts the values into the table's order.
func (s *session) row(name string, columns, values []string) (rowChange, error) {
	o := s.cluster
	o.mu.Lock()
	defer o.mu.Unlock()
	s.effective.refresh()
	t := s.effective.content.tables[strings.ToLower(name)]
	if t == nil {
		return rowChange{}, noTable.with(name)
	}
	if !s.may(name, "INSERT") {
		return rowChange{}, &obsql.Error{Code: 1142, State: "42000", Text: "INSERT command denied to user '" + s.user + "'@'%' for table '" + name + "'"}
	}
	if columns == nil {
		for _, c := range t.def.Columns {
			columns = append(columns, c.Name)
		}
	}
	if len(columns) != len(values) {
		return rowChange{}, &obsql.Error{Code: 1136, State: "21S01", Text: "Column count doesn't match value count at row 1"}
	}
	row := rowChange{Table: t.def.Name, Values: make([]string, len(t.def.Columns))}
	for i, c := range t.def.Columns {
		if c.Now {
			row.Values[i] = time.Now().UTC().Format(obsql.TimeLayout)
		}
	}
	for i, name := range columns {
		at := slices.IndexFunc(t.def.Columns, func(c columnDef) bool { return strings.EqualFold(c.Name, name) })
		if at < 0 {
			return rowChange{}, noSuchColumn.with(name)
		}
		if _, err := strconv.ParseInt(values[i], 10, 64); err != nil && t.def.Columns[at].Type == "integer" {
			return rowChange{}, &obsql.Error{Code: 1366, State: "HY000", Text: "Incorrect integer value for column '" + name + "'"}
		}
		row.Values[at] = values[i]
	}
	return row, nil
}

// writable refuses a client's write on anything but a primary. The caller holds
// the lock.
func (s *session) writable() error {
	t := s.effective
	if t.Role != rolePrimary {
		return standbyReadOnly.with()
	}
	for _, stream := range t.Streams {
		if stream.Access != accessAppend {
			return standbyReadOnly.with()
		}
	}
	return nil
}

// write commits rows; they are in the log, and so acknowledged, when it
// returns.
func (s *session) write(rows []rowChange) error {
	return s.cluster.locked(func() error {
		if err := s.writable(); err != nil {
			return err
		}
		for _, row := range rows {
			stream := s.home(row)
			if _, ok := s.cluster.leader(s.effective, stream.ID); !ok {
				return noLeader.with()
			}
			if err := s.cluster.append(s.effective, stream, payload{Row: &row}); err != nil {
				return err
			}
		}
		return nil
	})
}

// home is the log stream that a row belongs to: user streams in turn by the
// first column.
func (s *session) home(row rowChange) *stream {
	all := s.effective.Streams
	if len(all) < 2 {
		return all[0]
	}
	n := uint64(0)
	if len(row.Values) > 0 {
		n, _ = strconv.ParseUint(row.Values[0], 10, 64)
	}
	return all[1+int(n%uint64(len(all)-1))]
}

func (s *session) begin(r *obsql.Reader) error {
	r.Next()
	s.inside, s.pending = true, nil
	return nil
}

func (s *session) commit(*obsql.Reader) error {
	rows := s.pending
	s.inside, s.pending = false, nil
	if len(rows) == 0 {
		return nil
	}
	return s.write(rows)
}

func (s *session) rollback(*obsql.Reader) error {
	s.inside, s.pending = false, nil
	return nil
}
