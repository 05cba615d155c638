package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// endLimit bounds the wait for a process that was told to end.
	endLimit = 30 * time.Second
	// tailLines is how much of a log a failed test prints.
	tailLines = 60
)

// Spec says what to run.
type Spec struct {
	// Name stands in messages and log files, for example "worker-a".
	Name string
	// Path is the program; Build gives it.
	Path string
	Args []string
	// Env is added to the environment of the test.
	Env []string
	// Dir is the working directory; empty is that of the test.
	Dir string
}

// Process is one running program.
type Process struct {
	// Name is the Spec's.
	Name string
	// PID is the process ID, also that of its group.
	PID int

	stdout, stderr string // log files
	done           chan struct{}
	state          *os.ProcessState // set before done is closed
}

// Start runs a program. It is killed with all its descendants at the end of
// the test at the latest.
func Start(t testing.TB, spec Spec) *Process {
	t.Helper()
	mark := testMark(t)
	p := &Process{
		Name:   spec.Name,
		stdout: filepath.Join(t.TempDir(), spec.Name+".stdout"),
		stderr: filepath.Join(t.TempDir(), spec.Name+".stderr"),
		done:   make(chan struct{}),
	}
	stdout, err := os.Create(p.stdout)
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(append(os.Environ(), spec.Env...), markName+"="+mark)
	cmd.Dir = spec.Dir
	// Files, not pipes: nobody waits for a descendant that holds a pipe.
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = ownGroup()
	started := make(chan error)
	go func() {
		// A process with a parent-death signal is killed when the thread
		// that started it ends, so this thread is kept until then; and given
		// back, since others may have started theirs from it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := errors.Join(cmd.Start(), stdout.Close(), stderr.Close())
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		p.state = cmd.ProcessState
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("e2e: %s does not start: %v", spec.Name, err)
	}
	p.PID = cmd.Process.Pid
	t.Cleanup(func() { p.cleanUp(t) })
	return p
}

// cleanUp kills the group and prints the logs of a failed test.
func (p *Process) cleanUp(t testing.TB) {
	t.Helper()
	p.signalGroup(syscall.SIGKILL)
	<-p.done
	if t.Failed() {
		t.Logf("e2e: %s (pid %d) ended with %s; tail of its output:\n%s%s", p.Name, p.PID, p.state, tail(p.Stdout()), tail(p.Stderr()))
	}
}

// Running says whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends the process and its group at once, as the kernel does to a
// process without memory, and waits for its end.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.signalGroup(syscall.SIGKILL)
	p.Wait(t)
}

// KillOnly ends the process alone at once; what it started lives on.
func (p *Process) KillOnly(t testing.TB) {
	t.Helper()
	p.signal(t, p.PID, syscall.SIGKILL)
	p.Wait(t)
}

// Stop freezes the process and its group (SIGSTOP) until Cont.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	p.signal(t, -p.PID, syscall.SIGSTOP)
	Await(t, endLimit, p.Name+" is frozen", func() (bool, string) {
		state := procState(p.PID)
		return state == "T", "state " + state
	})
}

// Cont lets a frozen process go on.
func (p *Process) Cont(t testing.TB) {
	t.Helper()
	p.signal(t, -p.PID, syscall.SIGCONT)
}

// End asks the process to end (SIGTERM), waits and gives the exit status.
func (p *Process) End(t testing.TB) int {
	t.Helper()
	p.signal(t, p.PID, syscall.SIGTERM)
	return p.Wait(t)
}

// Wait waits for the end and gives the exit status; -1 after a signal.
func (p *Process) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
		return p.state.ExitCode()
	case <-time.After(endLimit):
		t.Fatalf("e2e: %s (pid %d) did not end within %s", p.Name, p.PID, endLimit)
		return -1
	}
}

// Stdout is what the process has written to standard output so far.
func (p *Process) Stdout() string { return read(p.stdout) }

// Stderr is what the process has written to standard error so far.
func (p *Process) Stderr() string { return read(p.stderr) }

// AwaitLine waits for the first whole line on standard output. The programs
// print one line of JSON when they are ready.
func (p *Process) AwaitLine(t testing.TB, limit time.Duration) string {
	t.Helper()
	var line string
	Await(t, limit, p.Name+" has printed its line", func() (bool, string) {
		running := p.Running()
		var whole bool
		if line, _, whole = strings.Cut(p.Stdout(), "\n"); whole {
			return true, line
		}
		if !running {
			t.Fatalf("e2e: %s ended with %s before it was ready: %s", p.Name, p.state, tail(p.Stderr()))
		}
		return false, line
	})
	return line
}

func (p *Process) signal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if !p.Running() {
		t.Fatalf("e2e: %s has ended with %s, it cannot get %s", p.Name, p.state, sig)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("e2e: %s (pid %d) cannot get %s: %v", p.Name, p.PID, sig, err)
	}
}

// signalGroup tells the whole group, which may be gone already. The group
// keeps the ID while any member lives, so no stranger is hit.
func (p *Process) signalGroup(sig syscall.Signal) { _ = syscall.Kill(-p.PID, sig) }

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return string(text)
}

func tail(text string) string {
	lines := strings.SplitAfter(text, "\n")
	if len(lines) > tailLines {
		lines = append([]string{fmt.Sprintf("(%d lines before)\n", len(lines)-tailLines)}, lines[len(lines)-tailLines:]...)
	}
	return strings.Join(lines, "")
}
