package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

// PendingStep gives the step that a worker carries out now, from the activity's
// ID: "<gate>-<occurrence>/<phase>.<slug>-<attempt>". Temporal answers this
// without any worker.
func (s *Stage) PendingStep() (phase dr.Phase, step string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	d, err := s.Client.DescribeWorkflowExecution(ctx, dr.WorkflowID(s.Lab.System), "")
	if err != nil {
		return "", ""
	}
	for _, p := range d.GetPendingActivities() {
		_, id, ok := strings.Cut(p.GetActivityId(), "/")
		if !ok || p.GetLastStartedTime() == nil {
			continue
		}
		ph, _, _ := strings.Cut(id, ".")
		return dr.Phase(ph), id
	}
	return "", ""
}

// Slowdown delays whatever arrives at the hosts, so that every step lasts long
// enough to be seen and hit.
func (s *Stage) Slowdown() {
	for host := range s.Lab.Hosts {
		s.Fault("slow", host, "40")
	}
}

// InEveryPhase does harm once in each phase that a step is seen running in,
// until stop, and tells in which steps.
func (s *Stage) InEveryPhase(stop <-chan struct{}, harm func()) map[dr.Phase]string {
	hit := map[dr.Phase]string{}
	for {
		select {
		case <-stop:
			return hit
		case <-time.After(2 * time.Millisecond):
		}
		phase, step := s.PendingStep()
		if phase == "" || hit[phase] != "" {
			continue
		}
		hit[phase] = step
		harm()
	}
}

// Survives drives a run to its end while harm is done once in each of its
// phases, and requires the undisturbed end.
func (s *Stage) Survives(run client.WorkflowRun, harm func()) (hit map[dr.Phase]string) {
	s.T.Helper()
	stop, done := make(chan struct{}), make(chan map[dr.Phase]string)
	go func() { done <- s.InEveryPhase(stop, harm) }()
	end := func() {
		close(stop)
		hit = <-done
	}
	func() {
		defer end()
		s.Drive(run)
	}()
	var res dr.Result
	require.NoError(s.T, run.Get(s.T.Context(), &res), "disturbed in %v", hit)
	require.Equal(s.T, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	s.T.Logf("disturbed in %v", hit)
	return hit
}

// KillWorker ends the worker as the kernel does and starts another one.
func (s *Stage) KillWorker() {
	s.Worker.Kill(s.T)
	s.StartWorker()
}

// CutSSH cuts all SSH connections of the hosts.
func (s *Stage) CutSSH() {
	for host := range s.Lab.Hosts {
		s.Fault("ssh-cut", host)
	}
}

// Once requires that commands ran exactly once each on a host.
func (s *Stage) Once(host string, commands ...string) {
	s.T.Helper()
	ran := s.Ledger().Commands[host]
	for _, c := range commands {
		require.Equal(s.T, 1, ran[c], "%s on %s: %v", c, host, ran)
	}
}

// AwaitStepIn waits until a worker carries out a step of the phase.
func (s *Stage) AwaitStepIn(ph dr.Phase) string {
	s.T.Helper()
	found := ""
	end := time.Now().Add(runLimit)
	for found == "" {
		require.True(s.T, time.Now().Before(end), "no step of %s was seen running", ph)
		if at, step := s.PendingStep(); at == ph {
			found = step
		} else {
			time.Sleep(2 * time.Millisecond)
		}
	}
	return found
}

// Signal sends a decision as chat ops would: a plain signal.
func (s *Stage) Signal(verb dr.Verb, body string) {
	s.T.Helper()
	require.NoError(s.T, s.Client.SignalWorkflow(context.Background(), dr.WorkflowID(s.Lab.System), "", string(verb), json.RawMessage(body)))
}
