package host

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// killPatience bounds the wait for the end of a killed process.
const killPatience = 10 * time.Second

// Kill kills a process of a host by SIGKILL and returns when nothing of it is
// left that could hold a port or a lock. Its command line is empty before.
func Kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("process %d cannot be killed: %w", pid, err)
	}
	for late := time.Now().Add(killPatience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if gone(pid) {
			return nil
		}
	}
	return fmt.Errorf("process %d does not die", pid)
}

// gone says whether a process is collected by its parent, or waits for that
// with its last thread ended: threads that still end keep its files open.
// Where there is no /proc the signal is all that is known.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	// The name before the state may hold anything, also ")".
	_, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	return bytes.HasPrefix(state, []byte("Z")) && len(threads) == 1
}
