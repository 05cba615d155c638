package oceanbase

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// asker asks one site whether it takes writes, on a connection that it keeps.
type asker struct {
	system *system
	site   string

	mu     sync.Mutex
	db     *sql.DB
	conn   *sql.Conn
	opened time.Time
}

// askPatience bounds one question.
const askPatience = 2 * time.Second

// believed is how long a refusal is believed without another login: a session
// stays with its tenant when that is renamed, and another one may have the name
// by now.
const believed = 200 * time.Millisecond

// writable writes as a client does, in a transaction that is rolled back: what
// the server answers to the write is the proof, and nothing stays.
func (a *asker) writable(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	yes, again := a.ask(ctx)
	if again {
		a.drop()
		yes, _ = a.ask(ctx)
	}
	return yes
}

// ask asks once. A session that is not new and is refused says to ask again.
func (a *asker) ask(ctx context.Context) (yes, again bool) {
	if a.conn == nil && !a.open(ctx) {
		return false, false
	}
	_, err := a.conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s.%s (n) VALUES (0)", a.system.schema(), table))
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == readOnly {
		return false, time.Since(a.opened) > believed // said by a server that is well
	}
	if err == nil {
		_, err = a.conn.ExecContext(ctx, "ROLLBACK")
	}
	if err != nil {
		a.drop()
	}
	return err == nil, false
}

// open finds a server of the site that lets the client in.
func (a *asker) open(ctx context.Context) bool {
	for _, address := range a.system.inner(a.site) {
		db, err := connect(a.system.client(address), a.system.set.oracle, askPatience)
		if err != nil {
			return false
		}
		c, err := db.Conn(ctx)
		if err == nil {
			_, err = c.ExecContext(ctx, "SET autocommit = 0")
		}
		if err != nil {
			_ = db.Close()
			continue
		}
		a.db, a.conn, a.opened = db, c, time.Now()
		return true
	}
	return false
}

func (a *asker) drop() {
	if a.conn != nil {
		_, _ = a.conn.Close(), a.db.Close()
		a.conn, a.db = nil, nil
	}
}

func (a *asker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
}
