package engine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// receiveFull takes a full replica. Until it has ended the volume is not
// initialised, also after a crash.
func (r *receiver) receiveFull(ctx context.Context, in *bufio.Reader, size int64) error {
	v := r.vol
	if err := os.WriteFile(v.path+uninitialised, nil, 0o644); err != nil {
		return err
	}
	if err := v.reopen(ctx); err != nil {
		return err
	}
	incoming := v.path + ".incoming"
	file, err := os.Create(incoming)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	got := int64(0)
	for {
		kind, b, err := readFrame(in)
		if err != nil {
			return err
		}
		if kind == frameEnd {
			break
		}
		n, err := file.Write(b)
		if err != nil {
			return err
		}
		got += int64(n)
	}
	if got != size {
		return fmt.Errorf("the full replica has %d bytes instead of %d", got, size)
	}
	for _, old := range []string{"-wal", "-shm"} {
		if err := os.Remove(v.path + old); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.Rename(incoming, v.path); err != nil {
		return err
	}
	if err := os.Remove(v.path + uninitialised); err != nil {
		return err
	}
	if err := v.reopen(ctx); err != nil {
		return err
	}
	last, _, _ := v.state()
	r.mu.Lock()
	r.got = last
	r.mu.Unlock()
	return r.e.fullDone(v)
}

// wantsFull says whether the registration asked for a full replica that this
// volume has not had yet.
func (e *engine) wantsFull(v *volume) bool {
	if !e.siteNow().ForceFull {
		return false
	}
	_, err := os.Stat(v.path + ".full-done")
	return err != nil
}

// fullDone remembers that a forced full replica of a volume has been made, and
// forgets the demand when every volume has had its own.
func (e *engine) fullDone(v *volume) error {
	if !e.siteNow().ForceFull {
		return nil
	}
	if err := os.WriteFile(v.path+".full-done", nil, 0o644); err != nil {
		return err
	}
	done, err := filepath.Glob(filepath.Join(e.conf.Data(), "*/*/*.full-done"))
	if err != nil || len(done) < e.conf.Volumes() {
		return err
	}
	return e.update(func(s *instance.Site) error {
		s.ForceFull = false
		return nil
	})
}
