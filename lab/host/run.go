package host

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// Environ is the environment of every program on the host.
func (h *Host) Environ() []string {
	return []string{
		"HOME=" + h.Path(HomeDir),
		"USER=" + h.User.Name,
		"LOGNAME=" + h.User.Name,
		"SHELL=" + h.Shell,
		"PATH=" + h.Path(BinDir) + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
		"LANG=C.UTF-8",
		"TMPDIR=" + h.Path("tmp"),
		NameEnv + "=" + h.Name,
		RootEnv + "=" + h.Root,
	}
}

// program is one running program with the lab's ends of its pipes.
type program struct {
	stdin          io.WriteCloser
	stdout, stderr io.ReadCloser
	exited         <-chan Exit
	gone           <-chan struct{}
	id             int
	spawn          *spawner
}

// start runs a program of the host in a session of its own.
func (h *Host) start(argv []string) (*program, error) {
	h.mu.Lock()
	spawn := h.spawn
	h.mu.Unlock()
	if spawn == nil {
		return nil, fmt.Errorf("the host %s is down", h.Name)
	}
	pipes, err := newPipes()
	if err != nil {
		return nil, err
	}
	id, exited, err := spawn.start(request{Argv: argv, Env: h.Environ(), Dir: h.Path(HomeDir), UID: h.User.UID, GID: h.User.GID},
		pipes[0].r, pipes[1].w, pipes[2].w)
	for _, f := range []*os.File{pipes[0].r, pipes[1].w, pipes[2].w} {
		_ = f.Close()
	}
	if err != nil {
		for _, f := range []*os.File{pipes[0].w, pipes[1].r, pipes[2].r} {
			_ = f.Close()
		}
		return nil, fmt.Errorf("the host %s cannot run %s: %w", h.Name, argv[0], err)
	}
	return &program{stdin: pipes[0].w, stdout: pipes[1].r, stderr: pipes[2].r, exited: exited, gone: spawn.gone, id: id, spawn: spawn}, nil
}

type pipe struct{ r, w *os.File }

func newPipes() ([3]pipe, error) {
	var all [3]pipe
	for i := range all {
		r, w, err := os.Pipe()
		if err != nil {
			for _, p := range all[:i] {
				_, _ = p.r.Close(), p.w.Close()
			}
			return all, fmt.Errorf("no pipe for a program: %w", err)
		}
		all[i] = pipe{r, w}
	}
	return all, nil
}

// Run runs a program to its end, with closed stdin, and gives what it printed
// on both outputs. It returns at the program's end even when a server that it
// started still holds the outputs. An exit code is no error.
func (h *Host) Run(argv ...string) (string, Exit, error) {
	p, err := h.start(argv)
	if err != nil {
		return "", Exit{}, err
	}
	_ = p.stdin.Close()
	var mu sync.Mutex
	var out bytes.Buffer
	var readers sync.WaitGroup
	for _, r := range []io.ReadCloser{p.stdout, p.stderr} {
		readers.Go(func() { copyLocked(&mu, &out, r) })
	}
	var exit Exit
	select {
	case exit = <-p.exited:
	case <-p.gone:
		err = fmt.Errorf("the host %s went down while %s ran", h.Name, argv[0])
	}
	// What the program itself printed is in the pipes already: take it, and
	// do not wait for others that hold the other ends.
	drain(p.stdout, p.stderr)
	readers.Wait()
	return out.String(), exit, err
}
