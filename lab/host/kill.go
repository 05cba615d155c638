package host

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// killPatience bounds the wait for the end of a killed process.
const killPatience = 10 * time.Second

// Kill kills a process of a host by SIGKILL and returns when it is gone: when
// its parent, or process 1 of the host, has collected it. Only then are its
// ports and locks free; its command line is empty before.
func Kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("process %d cannot be killed: %w", pid, err)
	}
	for late := time.Now().Add(killPatience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil
		}
	}
	return fmt.Errorf("process %d was killed and nobody collects it", pid)
}
