package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Local is a set of hosts that all run their commands on this machine, as real
// processes with a real shell. Claims are kept in memory with the meaning that
// kit.Host asks for: the first comer starts, later ones attach.
type Local struct {
	mu    sync.Mutex
	down  map[string]bool
	jobs  map[string]map[kit.JobKey]*localJob
	began time.Time
	// User runs the commands as another user when the test is root; 0 means
	// as the test's own.
	UID, GID uint32
}

type localJob struct {
	job  kit.Job
	cmd  *exec.Cmd
	done chan struct{}
}

// NewLocal makes a set without faults.
func NewLocal() *Local {
	return &Local{down: map[string]bool{}, jobs: map[string]map[kit.JobKey]*localJob{}, began: time.Now()}
}

// SetDown makes a host silent, or lets it answer again.
func (l *Local) SetDown(host string, down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down[host] = down
}

// Host gives any host.
func (l *Local) Host(name string) (kit.Host, error) { return localHost{l, name}, nil }

type localHost struct {
	l    *Local
	name string
}

func (h localHost) Name() string { return h.name }

func (h localHost) Pin() dr.HostPin { return dr.HostPin{Name: h.name, Address: "local"} }

func (h localHost) reach() error {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	if h.l.down[h.name] {
		return dr.Retry("unreachable", "the host %s did not answer", h.name)
	}
	return nil
}

func (h localHost) now() kit.HostTime { return kit.HostTime(time.Since(h.l.began)/time.Second) + 1 }

func (h localHost) command(ctx context.Context, cmd dr.Command) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", cmd.Render())
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if h.l.UID != 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: h.l.UID, Gid: h.l.GID}
	}
	c.WaitDelay = 2 * time.Second
	return c
}

// Read runs a command and gives what it printed.
func (h localHost) Read(ctx context.Context, cmd dr.Command) (kit.Output, error) {
	if err := h.reach(); err != nil {
		return kit.Output{}, err
	}
	at := h.now()
	c := h.command(ctx, cmd)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		return kit.Output{}, dr.Retry("cut_off", "the command on %s was cut off: %v", h.name, err)
	}
	return kit.Output{Stdout: out.String(), Stderr: errs.String(), Exit: c.ProcessState.ExitCode(), HostTime: at}, nil
}

func (h localHost) find(key kit.JobKey) *localJob {
	if h.l.jobs[h.name] == nil {
		h.l.jobs[h.name] = map[kit.JobKey]*localJob{}
	}
	return h.l.jobs[h.name][key]
}

// Look tells the state of a claim.
func (h localHost) Look(_ context.Context, key kit.JobKey) (kit.Job, error) {
	if err := h.reach(); err != nil {
		return kit.Job{}, err
	}
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	if j := h.find(key); j != nil {
		return j.job, nil
	}
	return kit.Job{State: kit.JobNone}, nil
}

// Start claims the key and starts the command.
func (h localHost) Start(ctx context.Context, key kit.JobKey, cmd dr.Command, guardAt kit.HostTime, wait time.Duration) (kit.Job, error) {
	if err := h.reach(); err != nil {
		return kit.Job{}, err
	}
	if age := h.now() - guardAt; guardAt == 0 || time.Duration(age)*time.Second > kit.MaxGuardAge {
		return kit.Job{}, dr.Retry("stale_guard", "the guard on %s was read %d s ago", h.name, age)
	}
	h.l.mu.Lock()
	j := h.find(key)
	started := j == nil
	if started {
		j = &localJob{job: kit.Job{State: kit.JobRunning, Dir: "memory"}, done: make(chan struct{})}
		var out, errs bytes.Buffer
		j.cmd = h.command(context.WithoutCancel(ctx), cmd)
		j.cmd.Stdout, j.cmd.Stderr = &out, &errs
		if err := j.cmd.Start(); err != nil {
			h.l.mu.Unlock()
			return kit.Job{}, dr.Hold("start", "the command could not be started on %s: %v", h.name, err)
		}
		h.l.jobs[h.name][key] = j
		go func() {
			_ = j.cmd.Wait()
			h.l.mu.Lock()
			defer h.l.mu.Unlock()
			j.job.State, j.job.Exit = kit.JobFinished, j.cmd.ProcessState.ExitCode()
			if ws, ok := j.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				j.job.State, j.job.Text = kit.JobLost, "the process was killed"
			}
			j.job.Stdout, j.job.Stderr = out.String(), errs.String()
			close(j.done)
		}()
	}
	h.l.mu.Unlock()
	job, err := h.Wait(ctx, key, wait)
	job.Started = started
	return job, err
}

// Wait follows a job.
func (h localHost) Wait(ctx context.Context, key kit.JobKey, wait time.Duration) (kit.Job, error) {
	if err := h.reach(); err != nil {
		return kit.Job{}, err
	}
	h.l.mu.Lock()
	j := h.find(key)
	h.l.mu.Unlock()
	if j == nil {
		return kit.Job{State: kit.JobNone}, nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-j.done:
	case <-t.C:
	case <-ctx.Done():
		return kit.Job{}, dr.Retry("unreachable", "the wait on %s was broken off", h.name).Because(ctx.Err())
	}
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	return j.job, nil
}

// Void claims the key so that nothing can start.
func (h localHost) Void(_ context.Context, key kit.JobKey, why string) (kit.Job, error) {
	if err := h.reach(); err != nil {
		return kit.Job{}, err
	}
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	if j := h.find(key); j != nil {
		return j.job, nil
	}
	j := &localJob{job: kit.Job{State: kit.JobVoid, Text: why}, done: make(chan struct{})}
	close(j.done)
	h.l.jobs[h.name][key] = j
	return j.job, nil
}

// Stop ends a job's process group.
func (h localHost) Stop(ctx context.Context, key kit.JobKey) (kit.Job, error) {
	h.l.mu.Lock()
	j := h.find(key)
	h.l.mu.Unlock()
	if j != nil && j.cmd != nil {
		_ = syscall.Kill(-j.cmd.Process.Pid, syscall.SIGTERM)
	}
	return h.Wait(ctx, key, 10*time.Second)
}

// Jobs lists running jobs of other runs of the workflow.
func (h localHost) Jobs(_ context.Context, workflow, exceptOriginalRun string) ([]dr.ForeignJob, error) {
	if err := h.reach(); err != nil {
		return nil, err
	}
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	var out []dr.ForeignJob
	for k, j := range h.l.jobs[h.name] {
		if k.Workflow == workflow && k.OriginalRun != exceptOriginalRun && j.job.State == kit.JobRunning {
			out = append(out, dr.ForeignJob{Host: h.name, Dir: strings.Join([]string{k.Workflow, k.OriginalRun, k.Step}, "/"), State: string(j.job.State)})
		}
	}
	return out, nil
}
