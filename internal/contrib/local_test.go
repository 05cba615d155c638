package contrib_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// localHost is a host whose commands run on this machine, as real processes
// with a home of their own.
type localHost struct {
	kit.Host
	home, path string
	secrets    map[string]string

	mu      sync.Mutex
	started []string
}

func newLocalHost(t *testing.T) *localHost {
	t.Helper()
	return &localHost{home: t.TempDir(), path: os.Getenv("PATH") + ":/usr/sbin:/sbin"}
}

func (h *localHost) Read(ctx context.Context, c dr.Command) (kit.Output, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{"PATH=" + h.path, "HOME=" + h.home}, c.Env...)
	for name, credential := range c.SecretEnv {
		cmd.Env = append(cmd.Env, name+"="+h.secrets[credential])
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		return kit.Output{}, dr.Retry("unreachable", "%v", err)
	}
	return kit.Output{Stdout: out.String(), Stderr: errs.String(), Exit: cmd.ProcessState.ExitCode(), HostTime: 1}, nil
}

func (h *localHost) Look(context.Context, kit.JobKey) (kit.Job, error) {
	return kit.Job{State: kit.JobNone}, nil
}

func (h *localHost) Void(context.Context, kit.JobKey, string) (kit.Job, error) {
	return kit.Job{State: kit.JobVoid}, nil
}

func (h *localHost) Start(ctx context.Context, _ kit.JobKey, c dr.Command, _ kit.HostTime, _ time.Duration) (kit.Job, error) {
	h.mu.Lock()
	h.started = append(h.started, c.Shown())
	h.mu.Unlock()
	out, err := h.Read(ctx, c)
	return kit.Job{State: kit.JobFinished, Started: true, Exit: out.Exit, Stdout: out.Stdout, Stderr: out.Stderr}, err
}

func (h *localHost) env() kit.Env {
	return kit.Env{
		Hosts: only{h}, Now: time.Now, Progress: func(kit.Progress) {},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
		Secret: func(_ context.Context, name string) (string, error) { return h.secrets[name], nil },
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// execute carries one step out and requires that it is done.
func execute(t *testing.T, env kit.Env, st dr.Step) kit.StepResult {
	t.Helper()
	res, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
	require.NoError(t, err, "%s: %s", st.ID, res.Output)
	return res
}

// stepNamed finds a step of a plan by its ID.
func stepNamed(t *testing.T, d *kit.Draft, id string) dr.Step {
	t.Helper()
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	var have []string
	for _, ph := range phases {
		for _, st := range ph.Steps {
			if st.ID == id {
				return st
			}
			have = append(have, st.ID)
		}
	}
	t.Fatalf("there is no step %s, only %s", id, strings.Join(have, ", "))
	return dr.Step{}
}

// program starts a program of the test and ends it with the test.
func program(t *testing.T, debian, name string, args ...string) {
	t.Helper()
	programAs(t, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, debian, name, args...)
}

func programAs(t *testing.T, attr *syscall.SysProcAttr, debian, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name)
	}
	_, err = os.Stat(path)
	require.NoError(t, err, "install the Debian package %s", debian)
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.SysProcAttr, cmd.Dir = attr, "/"
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", name, said.String())
		}
	})
}

// without gives a PATH that has every program of the usual directories but one.
func without(t *testing.T, missing string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range []string{"/bin", "/usr/bin"} {
		entries, err := os.ReadDir(from)
		require.NoError(t, err)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), missing) {
				_ = os.Symlink(filepath.Join(from, e.Name()), filepath.Join(dir, e.Name()))
			}
		}
	}
	return dir
}

// endSleep ends the sleep of a promise of so many seconds, so that a test does
// not wait for it.
func endSleep(t *testing.T, seconds dr.Duration) {
	t.Helper()
	want := fmt.Sprintf("sleep\x00%d\x00", int(seconds.D()/time.Second))
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil || string(text) != want {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
		return
	}
	t.Fatalf("nothing sleeps for %s", seconds)
}

// aLongTime is a duration that no other test of this machine uses.
func aLongTime() dr.Duration {
	return dr.Duration(time.Duration(100_000+os.Getpid()%100_000*10+int(moments.Add(1))) * time.Second)
}

var moments atomic.Int64
