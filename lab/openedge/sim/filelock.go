package sim

import (
	"os"
	"syscall"
)

// Commands of fcntl(2) for locks of open files. Unlike flock(2) they can be
// asked about without being taken, so that a question never refuses somebody
// the lock.
const (
	ofdGet = 36 // F_OFD_GETLK
	ofdSet = 37 // F_OFD_SETLK
)

// tryLock takes the lock of a file for as long as it is open.
func tryLock(f *os.File) bool {
	return syscall.FcntlFlock(f.Fd(), ofdSet, &syscall.Flock_t{Type: syscall.F_WRLCK}) == nil
}

// locked says whether a living process has the lock.
func locked(f *os.File) bool {
	l := syscall.Flock_t{Type: syscall.F_WRLCK}
	return syscall.FcntlFlock(f.Fd(), ofdGet, &l) != nil || l.Type != syscall.F_UNLCK
}
