package engine

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// database is one database behind a SQL port.
type database struct {
	engine *engine
	name   string
	vol    *volume
	port   int // its SQL port
}

// Name is the database's name.
func (d *database) Name() string { return d.name }

// System is the SID.
func (d *database) System() string { return d.engine.conf.SID }

// Version is the server's version.
func (d *database) Version() string { return d.engine.conf.Version }

// Redirect says where a database's SQL port is.
func (d *database) Redirect(name string) (string, int, bool, bool) {
	for _, other := range d.engine.databases {
		if strings.EqualFold(other.name, name) {
			return d.engine.conf.Listen, other.port, other == d, true
		}
	}
	return "", 0, false, false
}

// session is one client's session. It has a connection of its own.
type session struct {
	d      *database
	user   string
	admin  bool
	schema string
	db     *sql.DB
	conn   *sql.Conn
	// open says that the session has begun a transaction with changes: it has
	// the right to write, and done are its changes so far.
	open bool
	done []statement
	// views are the M_ views that this connection has tables for.
	views map[string]bool
}

// Session opens a session.
func (d *database) Session(user string) (hdbsql.Session, error) {
	ctx := context.Background()
	db, conn, err := d.vol.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{d: d, user: strings.ToUpper(user), schema: d.vol.schema, db: db, conn: conn, views: map[string]bool{}}
	if _, s.admin, err = d.user(ctx, user); err == nil {
		err = s.makeSchemas(ctx)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) makeSchemas(ctx context.Context) error {
	for _, q := range []string{
		"attach ':memory:' as SYS", "attach ':memory:' as SYS_DATABASES",
		"create table SYS.DUMMY (DUMMY NVARCHAR(1))", "insert into SYS.DUMMY values ('X')",
	} {
		if _, err := s.conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the session; an open transaction is rolled back.
func (s *session) Close() {
	_ = s.Rollback(context.Background())
	_ = s.conn.Close()
	_ = s.db.Close()
}

// Execute runs one statement.
func (s *session) Execute(ctx context.Context, text string, args []any, commit bool) (*hdbsql.Result, error) {
	all, ok := scan(text)
	if !ok || len(all) == 0 {
		return nil, syntaxError(text)
	}
	if special := s.special(all); special != nil {
		r, err := special(ctx, all)
		if err != nil {
			return nil, translate(err)
		}
		return r, nil
	}
	all = rewrite(all, now(), s.user, s.schema)
	kind := kindOf(all)
	if kind == hdbsql.Query {
		if err := s.fillViews(ctx, all); err != nil {
			return nil, translate(err)
		}
		r, err := s.query(ctx, join(all), bind(args))
		return r, translate(err)
	}
	changed, err := s.change(ctx, statement{join(all), bind(args)}, commit)
	if err != nil {
		return nil, translate(err)
	}
	if kind == hdbsql.DDL {
		changed = 0 // the embedded engine repeats the count of the statement before
	}
	return &hdbsql.Result{Kind: kind, Changed: changed}, nil
}

// bind turns arguments into what the embedded engine keeps.
func bind(args []any) []any {
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			args[i] = stamp(t)
		}
	}
	return args
}

// lockWait is how long a session waits for the right to write, in HANA's
// seconds (lock_wait_timeout is 1800 s).
const lockWait = 1800

// begin opens a transaction that may change something.
func (s *session) begin(ctx context.Context) error {
	if s.open {
		return nil
	}
	if err := s.d.engine.mayWrite(); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, s.d.engine.conf.Scale(lockWait))
	defer cancel()
	s.d.engine.waitForLogSpace(wait)
	if err := s.d.vol.acquire(wait); err != nil {
		return &hdbsql.Error{Code: hdbsql.CodeLockWait, State: "HY000", Text: "transaction rolled back by lock wait timeout"}
	}
	if err := s.d.engine.mayWrite(); err != nil {
		s.d.vol.release()
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "begin immediate"); err != nil {
		s.d.vol.release()
		return err
	}
	s.open = true
	return nil
}

// waitForLogSpace stops writers while a fault has filled the log volume.
func (e *engine) waitForLogSpace(ctx context.Context) {
	for ctx.Err() == nil {
		if _, full := e.conf.Fault("log-volume-full"); !full {
			return
		}
		select {
		case <-time.After(memoryTime):
		case <-ctx.Done():
		}
	}
}

// change runs a statement that changes something and, with commit, commits.
func (s *session) change(ctx context.Context, st statement, commit bool) (int64, error) {
	was := s.open
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	r, err := s.conn.ExecContext(ctx, st.Text, st.Args...)
	if err != nil {
		// A failed statement alone does not end a transaction that was open.
		if !was {
			_ = s.Rollback(ctx)
		}
		return 0, err
	}
	s.done = append(s.done, st)
	n, err := r.RowsAffected()
	if err == nil && commit {
		err = s.Commit(ctx)
	}
	return n, err
}

// Commit makes the open transaction durable here and, as the replication mode
// demands, at the secondaries.
func (s *session) Commit(ctx context.Context) error {
	if !s.open {
		return nil
	}
	if len(s.done) == 0 {
		return s.Rollback(ctx)
	}
	p, committed, err := s.d.vol.log(ctx, s.conn, s.done)
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "commit")
	}
	if err != nil {
		_ = s.Rollback(ctx)
		return err
	}
	committed()
	s.open, s.done = false, nil
	s.d.vol.release()
	return s.d.engine.replicated(ctx, s.d.vol, p)
}

// Rollback ends the open transaction without effect.
func (s *session) Rollback(ctx context.Context) error {
	if !s.open {
		return nil
	}
	_, err := s.conn.ExecContext(context.WithoutCancel(ctx), "rollback")
	s.open, s.done = false, nil
	s.d.vol.release()
	return err
}

// query runs a query to its end: results in a lab are small.
func (s *session) query(ctx context.Context, text string, args []any) (*hdbsql.Result, error) {
	rows, err := s.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	r := &hdbsql.Result{Kind: hdbsql.Query, Rows: [][]any{}}
	for rows.Next() {
		row := make([]any, len(types))
		into := make([]any, len(types))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		r.Rows = append(r.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, t := range types {
		r.Columns = append(r.Columns, describe(t, i, r.Rows))
	}
	return r, nil
}

// describe finds a column's type: as it was declared, else as its values are.
func describe(t *sql.ColumnType, i int, rows [][]any) hdbsql.Column {
	c := hdbsql.Column{Name: t.Name(), Type: hdbsql.TypeNvarchar, Length: 5000}
	declared, length, ok := columnType(t.DatabaseTypeName())
	if ok {
		c.Type, c.Length = declared, length
	} else {
		for _, row := range rows {
			if row[i] != nil {
				c.Type, c.Length = inferred(row[i])
				break
			}
		}
	}
	for _, row := range rows {
		row[i] = converted(c.Type, row[i])
	}
	return c
}

func inferred(v any) (hdbsql.Type, int) {
	switch v := v.(type) {
	case int64:
		return hdbsql.TypeBigint, 19
	case float64:
		return hdbsql.TypeDouble, 15
	case bool:
		return hdbsql.TypeBoolean, 1
	case []byte:
		return hdbsql.TypeVarbinary, 5000
	case string:
		if isStamp(v) {
			return hdbsql.TypeLongdate, 27
		}
	}
	return hdbsql.TypeNvarchar, 5000
}

func converted(t hdbsql.Type, v any) any {
	switch t {
	case hdbsql.TypeLongdate, hdbsql.TypeDaydate:
		if text, ok := v.(string); ok {
			if at, ok := parseStamp(text); ok {
				return at
			}
			return nil
		}
	case hdbsql.TypeBoolean:
		if n, ok := v.(int64); ok {
			return n != 0
		}
	default:
	}
	return v
}
