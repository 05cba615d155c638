package vras

import (
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
)

// PowerPipe is the pipe through which a program of a host asks for the host's
// power to be taken away: the lab reads it.
const PowerPipe = "var/vx/power"

// stall waits between two halves of a command, at most as long as the fault
// switch says and only while it is on: the moment in which a test breaks what
// it wants to.
func (r *run) stall(command string) {
	from := time.Now()
	for {
		ms, on := kernel.Knob(r.root, "stall-"+command)
		if !on || time.Since(from) > time.Duration(ms)*time.Millisecond {
			return
		}
		r.stalled(command)
		time.Sleep(10 * time.Millisecond)
	}
}

// stalled tells everybody who looks that a command waits.
func (r *run) stalled(command string) {
	_ = os.WriteFile(filepath.Join(r.root, kernel.Knobs, "stalled-"+command), nil, 0o644)
}

// obey stops at the block that a fault switch names: the daemon is killed, or
// the whole host loses its power, with everything as it is at this moment.
func (s *syncing) obey() {
	if n, on := kernel.Knob(s.root, "sync-dies-at"); on && s.compared == n {
		_ = os.Remove(filepath.Join(s.root, kernel.Knobs, "sync-dies-at"))
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if n, on := kernel.Knob(s.root, "crash-at"); on && s.compared == n {
		_ = os.Remove(filepath.Join(s.root, kernel.Knobs, "crash-at"))
		if f, err := os.OpenFile(filepath.Join(s.root, PowerPipe), os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			_, _ = f.WriteString("off\n")
		}
		// What comes next never happens.
		select {}
	}
}
