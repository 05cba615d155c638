package devserver

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.temporal.io/server/common/config"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"

	"github.com/switchback-dr/switchback/dr"
)

// busyTimeout is how long SQLite waits for a lock that somebody else holds
// (a backup, a person with the sqlite3 shell) before a request fails.
const busyTimeout = 10 * time.Second

// store is the database of one server.
type store struct {
	sql  *config.SQL
	lock *os.File
}

// openStore readies the database. A file is locked against a second server,
// which would run every workflow twice, until close.
func openStore(path string) (*store, error) {
	if path == "" {
		return &store{sql: memoryConfig()}, nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, dr.Refuse("dev_database", "the folder of the database file %s does not exist", path).WithNext("create the folder, or give another path")
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &store{sql: fileConfig(path), lock: lock}
	if err := createSchema(path); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close lets another server have the file.
func (s *store) close() {
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

func memoryConfig() *config.SQL {
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: "switchback-" + rand.Text(),
		ConnectAttributes: map[string]string{
			"mode":  "memory",
			"cache": "shared",
		},
	}
}

// fileConfig asks for a write-ahead log that is synchronised at each commit:
// what the server has answered survives the loss of power.
func fileConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: path,
		ConnectAttributes: map[string]string{
			"mode":         "rwc",
			"journal_mode": "wal",
			"synchronous":  "full",
			"busy_timeout": strconv.FormatInt(busyTimeout.Milliseconds(), 10),
		},
	}
}

// createSchema creates the database if there is none. It is built under
// another name and renamed when whole, so that a start killed half-way leaves
// no half database behind.
func createSchema(path string) error {
	_, err := os.Stat(path)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return dr.Refuse("dev_database", "the database file %s cannot be read: %v", path, err).Because(err)
	}
	fresh := path + ".new-" + rand.Text()
	cfg := fileConfig(fresh)
	cfg.ConnectAttributes["journal_mode"] = "delete"
	if err := sqlite.SetupSchema(cfg); err != nil {
		_ = os.Remove(fresh)
		return dr.Refuse("dev_database", "the database %s cannot be created: %v", path, err).Because(err)
	}
	// Histories name hosts and commands: they are nobody else's to read.
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		_ = os.Remove(fresh)
		return dr.Refuse("dev_database", "the database %s cannot be created: %v", path, err).Because(err)
	}
	return nil
}

// lockFile takes a lock that the kernel releases when the process ends,
// however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, dr.Refuse("dev_database", "the lock file %s cannot be opened: %v", path, err).Because(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, dr.Refuse("dev_database_in_use", "another server has the database: the lock %s is held", path).
			WithNext("stop the other server, or give another file").Because(err)
	}
	return f, nil
}
