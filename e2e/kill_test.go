package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

// pendingStep gives the step that a worker carries out now, from the activity's
// ID: "<gate>-<occurrence>/<phase>.<slug>-<attempt>". Temporal answers this
// without any worker.
func (s *stage) pendingStep() (phase dr.Phase, step string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	d, err := s.client.DescribeWorkflowExecution(ctx, dr.WorkflowID(system), "")
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

// slowdown delays whatever arrives at the hosts, so that every step lasts long
// enough to be seen and hit.
func (s *stage) slowdown() {
	for _, host := range []string{"east", "west", "edge"} {
		s.fault("slow", host, "40")
	}
}

// inEveryPhase does harm once in each phase that a step is seen running in,
// until stop, and tells in which steps.
func (s *stage) inEveryPhase(stop <-chan struct{}, harm func()) map[dr.Phase]string {
	hit := map[dr.Phase]string{}
	for {
		select {
		case <-stop:
			return hit
		case <-time.After(2 * time.Millisecond):
		}
		phase, step := s.pendingStep()
		if phase == "" || hit[phase] != "" {
			continue
		}
		hit[phase] = step
		harm()
	}
}

// survives drives a run to its end while harm is done once in each of its
// phases, and requires the undisturbed end.
func (s *stage) survives(run client.WorkflowRun, harm func()) (hit map[dr.Phase]string) {
	s.t.Helper()
	stop, done := make(chan struct{}), make(chan map[dr.Phase]string)
	go func() { done <- s.inEveryPhase(stop, harm) }()
	end := func() {
		close(stop)
		hit = <-done
	}
	func() {
		defer end()
		s.drive(run)
	}()
	var res dr.Result
	require.NoError(s.t, run.Get(s.t.Context(), &res), "disturbed in %v", hit)
	require.Equal(s.t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	s.t.Logf("disturbed in %v", hit)
	return hit
}

// killWorker ends the worker as the kernel does and starts another one.
func (s *stage) killWorker() {
	s.worker.Kill(s.t)
	s.startWorker()
}

// cutSSH cuts all SSH connections of the hosts.
func (s *stage) cutSSH() {
	for _, host := range []string{"east", "west", "edge"} {
		s.fault("ssh-cut", host)
	}
}

// once requires that commands ran exactly once each on a host.
func (s *stage) once(host string, commands ...string) {
	s.t.Helper()
	ran := s.ledger().Commands[host]
	for _, c := range commands {
		require.Equal(s.t, 1, ran[c], "%s on %s: %v", c, host, ran)
	}
}

// The three procedures, each once, with the worker killed once in every phase
// that it was seen in. The end must be the undisturbed one, and no irreversible
// command may have run twice.

func TestATakeoverWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.slowdown()
	hit := s.survives(s.start(dr.ProcTakeover, planned), s.killWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	s.clean()
	s.once("west", "psql pg_promote")
	s.once("east", "pg_ctl stop")
}

func TestAFailbackWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := diverged(t)
	lost := *s.ledger().Lost
	s.slowdown()
	hit := s.survives(s.start(dr.ProcFailback, failback), s.killWorker)
	require.GreaterOrEqual(t, len(hit), 6, "the worker must have died in most phases: %v", hit)
	l := s.ledger()
	require.Empty(t, l.TwoPrimaries)
	require.NotNil(t, l.Lost)
	require.Equal(t, lost, *l.Lost, "the failback itself loses nothing")
	s.once("east", "pg_rewind", "psql pg_promote")
	s.once("west", "psql pg_promote", "pg_ctl stop")
}

func TestAReseedWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := takenOver(t)
	s.slowdown()
	hit := s.survives(s.start(dr.ProcReseed, reseed), s.killWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	require.Empty(t, s.ledger().TwoPrimaries)
	s.once("west", "psql pg_promote")
	require.LessOrEqual(t, s.ledger().Commands["east"]["pg_basebackup"], 1)
}
