package hana

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
	"github.com/switchback-dr/switchback/lab/writer"
)

// session is one connection of the writer.
type session struct{ client *hdbsql.Client }

// Dial opens a client's session at an address.
func (s *system) Dial(ctx context.Context, address string) (writer.Session, error) {
	c, err := hdbsql.Dial(ctx, address, clientUser, s.passwords[clientUser])
	if err != nil {
		return nil, fmt.Errorf("no session at %s: %w", address, err)
	}
	return &session{c}, nil
}

// Commit inserts one row in a transaction of its own.
func (s *session) Commit(ctx context.Context, number int64) error {
	err := s.client.Exec(ctx, fmt.Sprintf("INSERT INTO %s.%s (N, AT) VALUES (%d, CURRENT_TIMESTAMP)", schema, table, number), true)
	var refused *hdbsql.Error
	if errors.As(err, &refused) && refused.State == "25006" {
		return fmt.Errorf("%w: %s", writer.ErrRefused, refused.Text)
	}
	return err
}

// Close drops the connection without a word.
func (s *session) Close() { s.client.Close() }

// asker tries a write on one site, and takes it back, on a connection that it
// keeps.
type asker struct {
	address, user, password string

	mu     sync.Mutex
	client *hdbsql.Client
}

func (s *system) asker(site string) *asker {
	s.asking.Lock()
	defer s.asking.Unlock()
	a := s.asks[site]
	if a == nil {
		a = &asker{address: s.Target(site), user: clientUser, password: s.passwords[clientUser]}
		s.asks[site] = a
	}
	return a
}

// askPatience bounds one attempt to write: a primary that blocks writers takes
// no writes.
const askPatience = 300 * time.Millisecond

// writable inserts a row and rolls it back: no redo is written.
func (a *asker) writable(ctx context.Context) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	if a.client == nil {
		c, err := hdbsql.Dial(ctx, a.address, a.user, a.password)
		if err != nil {
			return false
		}
		a.client = c
	}
	err := a.client.Exec(ctx, "INSERT INTO "+schema+"."+table+" (N) VALUES (-1)", false)
	if err == nil {
		err = a.client.Rollback(ctx)
	}
	if err == nil {
		return true
	}
	var refused *hdbsql.Error
	if !errors.As(err, &refused) {
		a.client.Close()
		a.client = nil
	}
	return false
}

func (a *asker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		a.client.Close()
		a.client = nil
	}
}
