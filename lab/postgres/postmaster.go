package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// postmaster finds the running server of a host. A number in a file proves
// nothing: the process must work in this data directory.
func postmaster(h *host.Host) (pid int, err error) {
	lines, err := pidFile(h)
	if err != nil {
		return 0, fmt.Errorf("no PostgreSQL runs on %s: it has no postmaster.pid", h.Name)
	}
	pid, err = strconv.Atoi(lines[0])
	if err != nil || pid < 2 {
		return 0, fmt.Errorf("the postmaster.pid of %s is not readable", h.Name)
	}
	if cwd, err := os.Readlink("/proc/" + lines[0] + "/cwd"); err != nil || cwd != h.Path(data) {
		return 0, fmt.Errorf("no PostgreSQL runs on %s: process %d is gone or another", h.Name, pid)
	}
	return pid, nil
}

func pidFile(h *host.Host) ([]string, error) {
	b, err := os.ReadFile(h.Path(data, "postmaster.pid"))
	return strings.Split(string(b), "\n"), err
}

// endPatience bounds the wait for a server's own end.
const endPatience = 2 * time.Second

// end ends a host's server when the lab ends. What a server that was killed
// holds outside of any process, a segment of shared memory, would otherwise
// stay in the kernel for ever.
func end(h *host.Host) {
	if pid, err := postmaster(h); err == nil {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		for late := time.Now().Add(endPatience); time.Now().Before(late); time.Sleep(2 * time.Millisecond) {
			if _, err := postmaster(h); err != nil {
				break
			}
		}
	}
	// The seventh line names the segment: its key and its ID.
	lines, err := pidFile(h)
	if err != nil || len(lines) < 7 {
		return
	}
	if f := strings.Fields(lines[6]); len(f) == 2 {
		h.PowerOff()
		_ = exec.Command("ipcrm", "-m", f[1]).Run()
	}
}
