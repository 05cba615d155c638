package engine

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the embedded SQL engine
)

// point is a position in a volume's log: the number of a redo row, and when it
// was written. Gen names the takeover since which this log goes on.
type point struct {
	Pos int64
	At  time.Time
	Gen string
}

// statement is one changing statement with its arguments, as it is replayed.
type statement struct {
	Text string
	Args []any
}

// record is one redo row.
type record struct {
	point
	Body []byte
}

func encodeBody(all []statement) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(all)
	return b.Bytes(), err
}

func decodeBody(body []byte) ([]statement, error) {
	var all []statement
	return all, gob.NewDecoder(bytes.NewReader(body)).Decode(&all)
}

// volume is one persistence: data and log of one service.
type volume struct {
	id       int
	database string
	service  string
	port     int
	path     string
	schema   string

	// turn is the right to write: one transaction at a time.
	turn chan struct{}

	mu       sync.Mutex
	db       *sql.DB // the log's readers, and the writer of a secondary
	last     point   // the last redo row
	first    int64   // the oldest redo row that is kept
	replayed point
	changed  chan struct{} // closed and renewed when last or replayed moves
	created  bool
}

// systemTables are made in every volume. They belong to HANA's own catalog and
// are replicated as users' tables are.
const systemTables = `
create table if not exists @._SYS_REDO (pos integer primary key, at integer not null, gen text not null, body blob not null);
create table if not exists @._SYS_META (key text primary key, value text not null);
create table if not exists @._SYS_GENERATIONS (gen text primary key, start integer not null);
create table if not exists @._SYS_USERS (name text primary key, verifier text not null, admin integer not null);
create table if not exists @._SYS_BACKUPS (entry_id integer primary key, type text, backup_id integer, started text, ended text, state text, comment text, message text, size integer, path text);
create table if not exists @._SYS_DATABASES (name text primary key, description text, active text);
create table if not exists @._SYS_TAKEOVERS (id text primary key, body text not null);
`

// uninitialised stands beside a volume whose full replica has not ended.
const uninitialised = ".uninitialised"

// connect opens a connection whose main database is in memory, with the volume
// attached under its schema's name.
func (v *volume) connect(ctx context.Context) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", ":memory:?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err == nil {
		err = attach(ctx, c, v.path, v.schema)
	}
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("the volume %s cannot be opened: %w", v.path, err)
	}
	return db, c, nil
}

func attach(ctx context.Context, c *sql.Conn, path, schema string) error {
	for _, q := range []string{
		"attach " + sqlText(path) + " as " + schema,
		"pragma " + schema + ".journal_mode=wal",
		// A kill leaves what was written to the kernel; only the machine's own
		// power failure, which the lab never makes, would take it.
		"pragma " + schema + ".synchronous=off",
	} {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// open reads what is on disk. A volume that was never created or whose full
// replica has not ended is not initialised.
func (v *volume) open(ctx context.Context) error {
	if v.turn == nil {
		v.turn, v.changed = make(chan struct{}, 1), make(chan struct{})
	}
	if err := os.MkdirAll(filepath.Dir(v.path), 0o755); err != nil {
		return err
	}
	return v.reopen(ctx)
}

func (v *volume) initialised() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.db != nil
}

func (v *volume) reopen(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db != nil {
		_ = v.db.Close()
		v.db = nil
	}
	if _, err := os.Stat(v.path + uninitialised); err == nil {
		return nil
	}
	if _, err := os.Stat(v.path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := sql.Open("sqlite", "file:"+v.path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(4)
	v.db = db
	return v.readState(ctx)
}

// create makes an empty volume.
func (v *volume) create(ctx context.Context) error {
	db, c, err := v.connect(ctx)
	if err != nil {
		return err
	}
	if _, err = c.ExecContext(ctx, replaceSchema(systemTables, v.schema)); err == nil {
		_, err = c.ExecContext(ctx, replaceSchema("insert into @._SYS_GENERATIONS values ('0', 0)", v.schema))
	}
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	v.created = true
	return v.reopen(ctx)
}

func replaceSchema(text, schema string) string {
	return string(bytes.ReplaceAll([]byte(text), []byte("@"), []byte(schema)))
}

// readState reads the log's ends; v.mu is held.
func (v *volume) readState(ctx context.Context) error {
	var at int64
	v.last, v.replayed, v.first = point{Gen: "0"}, point{Gen: "0"}, 1
	err := v.db.QueryRowContext(ctx, "select pos, at, gen from _SYS_REDO order by pos desc limit 1").Scan(&v.last.Pos, &at, &v.last.Gen)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// A volume without redo rows: its generation alone tells where it is.
		err = v.db.QueryRowContext(ctx, "select start, gen from _SYS_GENERATIONS order by start desc, rowid desc limit 1").Scan(&v.last.Pos, &v.last.Gen)
	case err == nil:
		v.last.At = time.Unix(0, at).UTC()
		err = v.db.QueryRowContext(ctx, "select min(pos) from _SYS_REDO").Scan(&v.first)
	}
	if err != nil {
		return fmt.Errorf("the log of the volume %d cannot be read: %w", v.id, err)
	}
	v.replayed = v.last
	var pos, stamped int64
	err = v.db.QueryRowContext(ctx, "select value from _SYS_META where key = 'replayed'").Scan(&pos)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil || pos >= v.last.Pos {
		return err
	}
	v.replayed = point{Pos: pos}
	if v.db.QueryRowContext(ctx, "select at from _SYS_REDO where pos = ?", pos).Scan(&stamped) == nil {
		v.replayed.At = time.Unix(0, stamped).UTC()
	}
	return nil
}

// state gives the log's ends and a channel that closes when they move.
func (v *volume) state() (last, replayed point, changed <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last, v.replayed, v.changed
}

func (v *volume) moved(set func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	set()
	close(v.changed)
	v.changed = make(chan struct{})
}

// acquire takes the right to write.
func (v *volume) acquire(ctx context.Context) error {
	select {
	case v.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *volume) release() { <-v.turn }

// log writes a transaction's redo row, inside the transaction and with the
// right to write. The point becomes the volume's last one when committed is
// called, after the commit.
func (v *volume) log(ctx context.Context, c execer, all []statement) (p point, committed func(), err error) {
	body, err := encodeBody(all)
	if err != nil {
		return p, nil, err
	}
	last, _, _ := v.state()
	p = point{Pos: last.Pos + 1, At: time.Now().UTC(), Gen: last.Gen}
	if _, err = c.ExecContext(ctx, "insert into "+v.schema+"._SYS_REDO values (?, ?, ?, ?)", p.Pos, p.At.UnixNano(), p.Gen, body); err != nil {
		return p, nil, err
	}
	return p, func() { v.moved(func() { v.last, v.replayed = p, p }) }, nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// records reads redo rows behind a position.
func (v *volume) records(ctx context.Context, after int64, limit int) ([]record, error) {
	v.mu.Lock()
	db := v.db
	v.mu.Unlock()
	if db == nil {
		return nil, errors.New("the volume is not initialised")
	}
	rows, err := db.QueryContext(ctx, "select pos, at, gen, body from _SYS_REDO where pos > ? order by pos limit ?", after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []record
	for rows.Next() {
		var r record
		var at int64
		if err := rows.Scan(&r.Pos, &at, &r.Gen, &r.Body); err != nil {
			return nil, err
		}
		r.At = time.Unix(0, at).UTC()
		all = append(all, r)
	}
	return all, rows.Err()
}

// holds says whether a log that ends at p is a beginning of this one, and
// whether everything behind p is still kept.
func (v *volume) holds(ctx context.Context, p point) (related, kept bool, err error) {
	v.mu.Lock()
	db, last, first := v.db, v.last, v.first
	v.mu.Unlock()
	if db == nil {
		return false, false, nil
	}
	var start int64
	err = db.QueryRowContext(ctx, "select start from _SYS_GENERATIONS where gen = ?", p.Gen).Scan(&start)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	end := last.Pos
	var next sql.NullInt64
	if err := db.QueryRowContext(ctx, "select min(start) from _SYS_GENERATIONS where start >= ? and gen <> ? and rowid > (select rowid from _SYS_GENERATIONS where gen = ?)", start, p.Gen, p.Gen).Scan(&next); err != nil {
		return false, false, err
	}
	if next.Valid {
		end = next.Int64
	}
	return p.Pos <= end, p.Pos+1 >= first, nil
}

// prune forgets the redo rows up to a position that are not needed for a
// restart: no secondary can catch up from there any more.
func (v *volume) prune(ctx context.Context, upTo int64) error {
	v.mu.Lock()
	db, last := v.db, v.last.Pos
	v.mu.Unlock()
	if db == nil {
		return nil
	}
	// The last row stays: it says where the log is.
	upTo = min(upTo, last-1)
	if _, err := db.ExecContext(ctx, "delete from _SYS_REDO where pos <= ?", upTo); err != nil {
		return err
	}
	v.mu.Lock()
	v.first = max(v.first, upTo+1)
	v.mu.Unlock()
	return nil
}

// close lets go of the files.
func (v *volume) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db != nil {
		_ = v.db.Close()
		v.db = nil
	}
}
