package oceanbase

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

const (
	// dialPatience bounds the connection to one observer; the next is tried
	// then.
	dialPatience = 3 * time.Second
	// readPatience bounds the answer to a SELECT.
	readPatience = 10 * time.Second
	// maxRows bounds what a view may give; more is refused as unknown.
	maxRows = 20_000
	// maxCell bounds one value, in bytes.
	maxCell = 64 << 10
)

// session is one connection to one observer, with one statement at a time: what
// is set on it holds for the statement after it.
type session struct {
	conn    *sql.Conn
	db      *sql.DB
	place   Place
	addr    string
	secrets []string
}

// quiet keeps the driver from writing anything anywhere.
var quiet = log.New(io.Discard, "", 0)

// open connects to the first observer that answers. reply bounds the wait for
// the answer to one statement.
func (p Place) open(ctx context.Context, env kit.Env, reply time.Duration) (*session, error) {
	password, err := env.Secret(ctx, p.Password)
	if err != nil {
		return nil, err
	}
	var last error
	for _, addr := range p.Addresses {
		s, err := p.connect(ctx, env, addr, password, reply)
		if err == nil {
			return s, nil
		}
		last = err
		if dr.ClassOf(err) == dr.ClassRefuse || ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

func (p Place) connect(ctx context.Context, env kit.Env, addr, password string, reply time.Duration) (*session, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = p.Login, password, "tcp", addr
	cfg.InterpolateParams, cfg.MultiStatements = true, false
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = dialPatience, reply, readPatience
	cfg.Logger = quiet
	cfg.DialFunc = env.Dial
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, dr.Refuse("login", "the connection to %s cannot be set up", p.Site).Because(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	s := &session{db: db, place: p, addr: addr, secrets: []string{password}}
	dial, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	if s.conn, err = db.Conn(dial); err != nil {
		_ = db.Close()
		return nil, s.loginError(err)
	}
	return s, nil
}

// close ends the connection.
func (s *session) close() {
	_ = s.conn.Close()
	_ = s.db.Close()
}

// loginError tells a refused login from a server that does not answer.
func (s *session) loginError(err error) error {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		return dr.Retry("unreachable", "the observer %s of %s did not answer", s.addr, s.place.Site).Because(err)
	}
	text := s.redact(me.Message)
	switch me.Number {
	case 5150:
		return dr.Retry("unreachable", "the observer %s of %s has no unit of the tenant", s.addr, s.place.Site)
	case 1235:
		return dr.Refuse("login", "%s refuses this client: %s", s.place.Site, text).
			WithNext("an Oracle-mode tenant cannot be logged in to: set login: sys")
	case 5260:
		return dr.Refuse("login", "%s refuses the login of %s: %s", s.place.Site, s.place.Login, text).WithNext("unlock the tenant, or set login: sys")
	case 1045, 1044, 1227, 1449, 5157, 5160:
		return dr.Refuse("login", "%s refuses the login of %s: %s", s.place.Site, s.place.Login, text).
			WithNext("correct user, tenant or the credential %s", s.place.Password)
	}
	return dr.Retry("unreachable", "the observer %s of %s refuses the connection: error %d, %s", s.addr, s.place.Site, me.Number, text)
}

// redact takes the connection's secrets out of a foreign text and makes it
// harmless to look at. A LOG_RESTORE_SOURCE value never passes.
func (s *session) redact(text string) string {
	for _, secret := range s.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<secret>")
		}
	}
	return clip(passwords.ReplaceAllString(text, "PASSWORD=<secret>"), 300)
}

// passwords are what may follow in a text that quotes a source; where it ends
// cannot be told, so everything goes.
var passwords = regexp.MustCompile(`(?is)(password|access_key|access_id)\s*=.*`)

// row is one row of a view by column name; a NULL is missing.
type row map[string]string

// query runs a SELECT and gives its rows. Only what came whole is given.
func (s *session) query(ctx context.Context, q string) ([]row, error) {
	rows, err := s.conn.QueryContext(ctx, q)
	if err != nil {
		return nil, s.readError(err)
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return nil, s.readError(err)
	}
	var out []row
	for rows.Next() {
		if len(out) == maxRows {
			return nil, dr.Hold("too_much", "%s gave more than %d rows", s.place.Site, maxRows)
		}
		cells := make([]sql.NullString, len(cols))
		into := make([]any, len(cols))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, s.readError(err)
		}
		r := row{}
		for i, c := range cells {
			if len(c.String) > maxCell {
				return nil, dr.Hold("too_much", "%s gave a value of more than %s", s.place.Site, dr.ByteText(maxCell))
			}
			if c.Valid {
				r[strings.ToUpper(cols[i])] = c.String
			}
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.readError(err)
	}
	return out, nil
}

func (s *session) readError(err error) error {
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		return dr.Hold("read", "%s refuses a reading: error %d, %s", s.place.Site, me.Number, s.redact(me.Message)).Because(&serverError{me.Number, s.redact(me.Message)})
	}
	return dr.Retry("unreachable", "the observer %s of %s did not answer a reading", s.addr, s.place.Site).Because(err)
}

// serverError is a server's own refusal, redacted.
type serverError struct {
	Number uint16
	Text   string
}

// Error writes "error 4179: ...".
func (e *serverError) Error() string { return fmt.Sprintf("error %d: %s", e.Number, e.Text) }

// errLost is the cause when the answer to a statement was lost: it may or may
// not have been carried out.
var errLost = errors.New("the answer was lost")

// exec sends a statement without reading anything back. Its error is a
// *serverError, or errLost.
func (s *session) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	if err == nil {
		return nil
	}
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		return &serverError{me.Number, s.redact(me.Message)}
	}
	return fmt.Errorf("%w", errLost)
}

func clip(s string, n int) string { return dr.Clip(dr.CleanLine(s), n) }
