package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// Traffic is a client that commits numbered rows all the time.
type Traffic struct {
	front  Front
	table  string
	record string
	writer *writer.Writer
	// refused counts connections that could not be made.
	refused atomic.Int64
	// ended is when it was closed, in nanoseconds: what was cut off then is no
	// error.
	ended atomic.Int64
}

// tables numbers the tables, so that no two clients share one.
var tables atomic.Int64

// StartTraffic begins to write every so often. A client waits for an answer as
// long as patience says.
func StartTraffic(t testing.TB, front Front, every, patience time.Duration) *Traffic {
	t.Helper()
	c := &Traffic{front: front, table: fmt.Sprintf("client_%d", tables.Add(1)), record: filepath.Join(t.TempDir(), "writes.log")}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := front.connect(ctx)
	if err == nil {
		_, err = conn.Exec(ctx, "create table "+c.table+" (n bigint)")
		_ = conn.Close(ctx)
	}
	if err != nil {
		t.Fatalf("e2e: no client: %v", err)
	}
	if c.writer, err = writer.Start(writer.Config{Dial: c.dial, Every: every, Patience: patience, Record: c.record}); err != nil {
		t.Fatalf("e2e: %v", err)
	}
	t.Cleanup(func() { _ = c.writer.Close() })
	return c
}

type trafficSession struct {
	conn  *pgx.Conn
	table string
}

func (s trafficSession) Commit(ctx context.Context, number int64) error {
	_, err := s.conn.Exec(ctx, "insert into "+s.table+" (n) values ($1)", pgx.QueryExecModeSimpleProtocol, number)
	if err != nil {
		return fmt.Errorf("the write %d has no answer: %w", number, err)
	}
	return nil
}

func (s trafficSession) Close() {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.conn.Close(done)
}

func (c *Traffic) dial(ctx context.Context) (writer.Session, error) {
	conn, err := c.front.connect(ctx)
	if err != nil {
		if c.ended.Load() == 0 {
			c.refused.Add(1)
		}
		return nil, fmt.Errorf("no session: %w", err)
	}
	return trafficSession{conn, c.table}, nil
}

// Close ends it.
func (c *Traffic) Close() {
	c.ended.Store(time.Now().UnixNano())
	_ = c.writer.Close()
}

// entries reads the record.
func (c *Traffic) entries(t testing.TB) []writer.Entry {
	t.Helper()
	all, err := writer.ReadRecord(c.record)
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	return all
}

// Acknowledged gives when writes were acknowledged.
func (c *Traffic) Acknowledged(t testing.TB) []time.Time {
	t.Helper()
	var at []time.Time
	for _, e := range c.entries(t) {
		if e.Outcome == writer.Acknowledged {
			at = append(at, e.At)
		}
	}
	return at
}

// Errors counts what the client saw fail so far: writes without a good answer
// and connections that could not be made.
func (c *Traffic) Errors(t testing.TB) int {
	t.Helper()
	n := int(c.refused.Load())
	for _, e := range c.entries(t) {
		if end := c.ended.Load(); e.Outcome != writer.Acknowledged && (end == 0 || e.At.UnixNano() < end) {
			n++
		}
	}
	return n
}

// Account compares what was acknowledged with the rows that are there, through
// the client's own way; the traffic must have been closed.
func (c *Traffic) Account(t testing.TB) ledger.Ledger {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := c.front.connect(ctx)
	if err != nil {
		t.Fatalf("e2e: no client at the end: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	found, err := conn.Query(ctx, "select n, count(*)::int from "+c.table+" group by n")
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	rows := ledger.Rows{}
	var n int64
	var times int
	if _, err = pgx.ForEachRow(found, []any{&n, &times}, func() error { rows[n] = times; return nil }); err != nil {
		t.Fatalf("e2e: %v", err)
	}
	return ledger.Account(time.Now(), c.entries(t), rows)
}
