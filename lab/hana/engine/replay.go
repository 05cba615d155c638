package engine

import (
	"context"
	"database/sql"
	"fmt"
)

// keep writes redo rows that came from the source, in one transaction, and
// makes them the log's end. They are on disk when it returns.
func (v *volume) keep(ctx context.Context, all []record) error {
	if len(all) == 0 {
		return nil
	}
	v.mu.Lock()
	db := v.db
	v.mu.Unlock()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	last, _, _ := v.state()
	gen, pos := last.Gen, last.Pos
	for _, r := range all {
		if r.Pos != pos+1 {
			return fmt.Errorf("the log has a gap: %d follows %d", r.Pos, pos)
		}
		if r.Gen != gen {
			if _, err := tx.ExecContext(ctx, "insert or ignore into _SYS_GENERATIONS values (?, ?)", r.Gen, pos); err != nil {
				return err
			}
		}
		gen, pos = r.Gen, r.Pos
		if _, err := tx.ExecContext(ctx, "insert into _SYS_REDO values (?, ?, ?, ?)", r.Pos, r.At.UnixNano(), r.Gen, r.Body); err != nil {
			return err
		}
	}
	// Before the first row is kept, all that is there has been replayed: the
	// file is a copy of the source's.
	if _, err := tx.ExecContext(ctx, "insert or ignore into _SYS_META values ('replayed', ?)", last.Pos); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	v.moved(func() { v.last = all[len(all)-1].point })
	return nil
}

// replay applies kept redo rows up to a position, in one transaction per call.
// It gives how many it applied.
func (v *volume) replay(ctx context.Context, c *sql.Conn, upTo int64) (int, error) {
	_, replayed, _ := v.state()
	all, err := v.records(ctx, replayed.Pos, 200)
	if err != nil {
		return 0, err
	}
	for i, r := range all {
		if r.Pos > upTo {
			all = all[:i]
			break
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	if err := v.acquire(ctx); err != nil {
		return 0, err
	}
	defer v.release()
	if _, err := c.ExecContext(ctx, "begin immediate"); err != nil {
		return 0, err
	}
	for _, r := range all {
		if err := apply(ctx, c, r); err != nil {
			_, _ = c.ExecContext(context.WithoutCancel(ctx), "rollback")
			return 0, fmt.Errorf("the redo row %d of the volume %d cannot be replayed: %w", r.Pos, v.id, err)
		}
	}
	last := all[len(all)-1].point
	_, err = c.ExecContext(ctx, replaceSchema("insert or replace into @._SYS_META values ('replayed', ?)", v.schema), last.Pos)
	if err == nil {
		_, err = c.ExecContext(ctx, "commit")
	}
	if err != nil {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "rollback")
		return 0, err
	}
	v.moved(func() { v.replayed = last })
	return len(all), nil
}

func apply(ctx context.Context, c *sql.Conn, r record) error {
	all, err := decodeBody(r.Body)
	if err != nil {
		return err
	}
	for _, s := range all {
		if _, err := c.ExecContext(ctx, s.Text, s.Args...); err != nil {
			return err
		}
	}
	return nil
}

// beginGeneration starts the log of a new primary: what follows is no
// continuation of the old primary's.
func (v *volume) beginGeneration(ctx context.Context, gen string) error {
	v.mu.Lock()
	db, last := v.db, v.last
	v.mu.Unlock()
	if last.Gen == gen {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "insert or ignore into _SYS_GENERATIONS values (?, ?)", gen, last.Pos); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "delete from _SYS_META where key = 'replayed'"); err != nil {
		return err
	}
	body, err := encodeBody(nil)
	if err != nil {
		return err
	}
	p := point{Pos: last.Pos + 1, At: now(), Gen: gen}
	if _, err := tx.ExecContext(ctx, "insert into _SYS_REDO values (?, ?, ?, ?)", p.Pos, p.At.UnixNano(), p.Gen, body); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	v.moved(func() { v.last, v.replayed = p, p })
	return nil
}
