package engine

import (
	"os"
	"syscall"
)

// inode is a file's number.
func inode(s os.FileInfo) uint64 {
	if sys, ok := s.Sys().(*syscall.Stat_t); ok {
		return sys.Ino
	}
	return 0
}
