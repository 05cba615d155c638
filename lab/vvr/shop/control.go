package shop

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// startPatience bounds start and stop.
const startPatience = 10 * time.Second

// running is the application's process, 0 for none. A number in a file proves
// nothing: the process must be shopd of this host.
func running(root string) int {
	b, err := os.ReadFile(filepath.Join(root, pidFile))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	exe, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.HasPrefix(string(exe), root+"/") {
		return 0
	}
	return pid
}

// startShop starts shopd and waits until it takes orders. A second start does
// nothing.
func startShop(ctx context.Context, root string, start func() error, errs io.Writer) int {
	if running(root) != 0 {
		return 0
	}
	c, err := kernel.ReadConfig(root)
	if err != nil {
		return code(err, errs)
	}
	log := filepath.Join(root, "var/log/shopd.log")
	before := size(log)
	if err := start(); err != nil {
		return code(err, errs)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for ctx.Err() == nil {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "tcp", c.Shop); err == nil {
			_ = conn.Close()
			if running(root) != 0 {
				return 0
			}
		}
		if size(log) > before {
			// It said why it ended.
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	said, _ := os.ReadFile(log)
	_, _ = fmt.Fprintf(errs, "shop did not start: %s\n", strings.TrimSpace(string(said[min(before, int64(len(said))):])))
	return 1
}

func size(path string) int64 {
	s, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return s.Size()
}

// holds says whether the kernel still counts a process's volumes as open.
func holds(root string, pid int) bool {
	var v kernel.View
	if wire.Call("unix", filepath.Join(root, kernel.Socket), "view", nil, &v, patience) != nil {
		return false
	}
	for _, o := range v.Open {
		if o.PID == pid {
			return true
		}
	}
	return false
}

// stopShop ends shopd and waits until the volumes are closed.
func stopShop(ctx context.Context, root string, errs io.Writer) int {
	pid := running(root)
	if pid == 0 {
		return 0
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return code(err, errs)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for ctx.Err() == nil {
		if running(root) == 0 && !holds(root, pid) {
			return 0
		}
		time.Sleep(2 * time.Millisecond)
	}
	_, _ = fmt.Fprintln(errs, "shop does not end")
	return 1
}
