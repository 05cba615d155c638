package sim

import (
	"fmt"
	"os"
	"strings"
)

// How a database is held, as the lock file says.
const (
	modeStarting = "starting" // a broker that does not serve yet
	modeMulti    = "multi"
	modeSingle   = "single"
)

// lock is a held database. Its file is there as long as the database is open,
// and stays behind when the holder is killed. The kernel's lock on the file
// says whether the holder lives; a file that names another machine is believed,
// because nobody here can look there.
type lock struct {
	file *os.File
	path string
	host string
}

// holder tells how the database is held, "" for free.
func holder(db, host string) string {
	f, err := os.Open(db + ".lk")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	mode, of := readLk(f)
	if of != host {
		return mode
	}
	if !locked(f) {
		return ""
	}
	return mode
}

// readLk reads "mode pid host".
func readLk(f *os.File) (mode, host string) {
	b := make([]byte, 200)
	n, _ := f.ReadAt(b, 0)
	words := strings.Fields(string(b[:n]))
	if len(words) != 3 {
		return modeMulti, "unreadable"
	}
	return words[0], words[2]
}

// inUse says that the database is held.
func inUse(db, mode string) error {
	if mode == modeSingle {
		return say(msgSingleUser, db)
	}
	return say(msgMultiUser, db)
}

// takeLock holds a database. The file of a dead holder on this host is taken
// over.
func takeLock(db, host, mode string) (*lock, error) {
	for {
		f, err := os.OpenFile(db+".lk", os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, say(msgCannotOpen, db+".lk", 13)
		}
		held, of := readLk(f)
		s, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if s.Size() > 0 && of != host {
			_ = f.Close()
			return nil, inUse(db, held)
		}
		if !tryLock(f) {
			_ = f.Close()
			return nil, inUse(db, held)
		}
		// The last holder may have removed the file in between.
		if now, err := os.Stat(db + ".lk"); err != nil || !os.SameFile(now, s) {
			_ = f.Close()
			continue
		}
		l := &lock{file: f, path: db + ".lk", host: host}
		return l, l.set(mode)
	}
}

// set writes how the database is held.
func (l *lock) set(mode string) error {
	line := fmt.Sprintf("%-9s %-10d %s\n", mode, os.Getpid(), l.host)
	if _, err := l.file.WriteAt([]byte(line), 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(line)))
}

// release gives the database up.
func (l *lock) release() {
	_ = os.Remove(l.path)
	_ = l.file.Close()
}
