package observer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// store keeps a cluster's state file: replaced in one step, so that a kill at
// any moment leaves the old one or the new one.
type store struct {
	dir  string
	lock *os.File
}

// openStore takes the data directory for this process alone.
func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("no data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("no data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("another observer has %s", dir)
	}
	return &store{dir: dir, lock: lock}, nil
}

func (s *store) close() { _ = s.lock.Close() }

// load reads the state; a missing file is a cluster that is new.
func (s *store) load() (*state, bool, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, "cluster.json"))
	if os.IsNotExist(err) {
		return &state{}, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("the cluster's state cannot be read: %w", err)
	}
	var st state
	if err := json.Unmarshal(b, &st); err != nil {
		return nil, false, fmt.Errorf("the cluster's state cannot be read: %w", err)
	}
	return &st, false, nil
}

func (s *store) save(st *state) error {
	b, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "cluster.json")
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("the cluster's state cannot be kept: %w", err)
	}
	return os.Rename(path+".new", path)
}

// tenantDir is where a tenant's logs are.
func (s *store) tenantDir(id int64) string {
	return filepath.Join(s.dir, "tenant_"+strconv.FormatInt(id, 10))
}
