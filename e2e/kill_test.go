package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// killInEveryPhase kills the worker once in each phase that a step was seen
// running in, and starts another one, until the run is no longer running steps.
// It gives the phases in which a worker died.
func (s *stage) killInEveryPhase(stop <-chan struct{}) map[dr.Phase]string {
	killed := map[dr.Phase]string{}
	for {
		select {
		case <-stop:
			return killed
		case <-time.After(2 * time.Millisecond):
		}
		phase, step := s.pendingStep()
		if phase == "" || killed[phase] != "" {
			continue
		}
		killed[phase] = step
		s.worker.Kill(s.t)
		s.startWorker()
	}
}

// TestAWorkerKilledInEveryPhase runs each procedure once, its worker killed once
// in every phase in turn, with hosts slow enough for that. The end must be the
// undisturbed one, and no irreversible command may have run twice.
func TestATakeoverWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	s := newStage(t)
	for _, host := range []string{"east", "west", "edge"} {
		s.fault("slow", host, "40")
	}
	run := s.start(dr.ProcTakeover, `{"system":"orders","mode":"planned","to":"west","reason":"test"}`)
	s.approve(dr.GateDecide)
	stop := make(chan struct{})
	done := make(chan map[dr.Phase]string)
	go func() { done <- s.killInEveryPhase(stop) }()
	var res dr.Result
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	err := run.Get(ctx, &res)
	close(stop)
	killed := <-done
	require.NoError(t, err, "killed in %v", killed)
	require.Equal(t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	t.Logf("killed in %v", killed)
	require.GreaterOrEqual(t, len(killed), 4, "the worker must have died in most phases: %v", killed)
	l := s.clean()
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
	require.Equal(t, 1, l.Commands["east"]["pg_ctl stop"], "%v", l.Commands)
}
