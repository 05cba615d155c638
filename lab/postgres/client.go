package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/switchback-dr/switchback/lab/writer"
)

// readOnlyTransaction is the SQLSTATE of a write on a standby.
const readOnlyTransaction = "25006"

// session is one connection of the writer.
type session struct{ conn *pgx.Conn }

// Dial opens a client's session.
func (s *system) Dial(ctx context.Context, address string) (writer.Session, error) {
	c, err := pgx.Connect(ctx, s.dsnAt(address, clientRole, clientDatabase))
	if err != nil {
		return nil, fmt.Errorf("no session at %s: %w", address, err)
	}
	return &session{c}, nil
}

// Commit inserts one row in a transaction of its own.
func (s *session) Commit(ctx context.Context, number int64) error {
	_, err := s.conn.Exec(ctx, "insert into "+table+" (n) values ($1)", pgx.QueryExecModeSimpleProtocol, number)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == readOnlyTransaction {
		return fmt.Errorf("%w: %s", writer.ErrRefused, refused.Message)
	}
	return err
}

// Close drops the connection without a word: whom it is with may be dead.
func (s *session) Close() { drop(s.conn) }

func drop(c *pgx.Conn) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(done)
}

// asker asks one server whether it takes writes, on a connection that it keeps.
type asker struct {
	dsn string

	mu   sync.Mutex
	conn *pgx.Conn
}

// writable changes nothing on the server: no transaction number is taken, for
// that would write to the log and let two histories differ that are the same.
func (a *asker) writable(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		c, err := pgx.Connect(ctx, a.dsn)
		if err != nil {
			return false
		}
		a.conn = c
	}
	yes := false
	err := a.conn.QueryRow(ctx, "select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off'", pgx.QueryExecModeSimpleProtocol).Scan(&yes)
	if err != nil {
		drop(a.conn)
		a.conn = nil
		return false
	}
	return yes
}

func (a *asker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		drop(a.conn)
		a.conn = nil
	}
}
