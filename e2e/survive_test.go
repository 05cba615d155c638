package e2e_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const planned = `{"system":"orders","mode":"planned","to":"west","reason":"test"}`

// awaitStepIn waits until a worker carries out a step of the phase.
func (s *stage) awaitStepIn(ph dr.Phase) string {
	s.t.Helper()
	found := ""
	end := time.Now().Add(endLimit)
	for found == "" {
		require.True(s.t, time.Now().Before(end), "no step of %s was seen running", ph)
		if at, step := s.pendingStep(); at == ph {
			found = step
		} else {
			time.Sleep(2 * time.Millisecond)
		}
	}
	return found
}

func (s *stage) signal(verb dr.Verb, body string) {
	s.t.Helper()
	require.NoError(s.t, s.client.SignalWorkflow(context.Background(), dr.WorkflowID(system), "", string(verb), json.RawMessage(body)))
}

// TestAWorkerFrozenInsideThePromotionSendsNothingWhenItWakes: the frozen worker
// has its command or its guard behind it; another one finishes; then the first
// one goes on.
func TestAWorkerFrozenInsideThePromotionSendsNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.fault("slow", "west", "60")
	run := s.start(dr.ProcTakeover, planned)
	s.approve(dr.GateDecide)
	step := s.awaitStepIn(dr.PhasePromote)
	frozen := s.worker
	frozen.Stop(t)
	s.startWorker()
	s.ended(run, dr.EndDone)
	frozen.Cont(t)
	e2e.AwaitPoller(t, s.client, dr.TaskQueue, frozen)
	l := s.clean()
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "frozen in %s: %v", step, l.Commands)
}

func TestTemporalRestartedOnItsFileGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.fault("slow", "west", "60")
	run := s.start(dr.ProcTakeover, planned)
	s.gate(dr.GateDecide)
	s.dev.Kill(t)
	s.dev.Restart(t)
	s.approve(dr.GateDecide)
	s.awaitStepIn(dr.PhasePrepare)
	s.dev.Kill(t)
	s.dev.Restart(t)
	s.ended(run, dr.EndDone)
	l := s.clean()
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
}

// TestTheOldPrimaryThatBootsAfterTheApprovalVoidsIt: the approval was given for
// a silent host; when the walk begins its host is back and PostgreSQL is up.
func TestTheOldPrimaryThatBootsAfterTheApprovalVoidsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.fault("host-down", "east")
	s.start(dr.ProcTakeover, `{"system":"orders","mode":"unplanned","to":"west","reason":"east is silent"}`)
	first := s.gate(dr.GateDecide)
	s.signal(dr.VerbPause, `{"person":"ben"}`)
	s.approve(dr.GateDecide)
	s.await("the pause", func(st dr.Status) bool { return st.State == dr.StatePaused })
	s.fault("host-up", "east")
	s.signal(dr.VerbResume, `{"person":"ben"}`)
	st := s.await("the void approval", func(st dr.Status) bool {
		return st.Gate != nil && st.Gate.Occurrence > 1 || st.Hold != nil || st.Ending != nil
	})
	switch {
	case st.Gate != nil:
		require.NotEqual(t, first.Gate.Digest, st.Gate.Digest)
		require.NotEmpty(t, st.Gate.Again)
		t.Log(st.Gate.Again)
	case st.Hold != nil:
		t.Log(st.Hold.Text)
	}
	l := s.ledger()
	require.Empty(t, l.TwoPrimaries)
	require.Zero(t, l.Commands["west"]["psql pg_promote"])
}

// TestATerminatedRunIsCompletedByStartingAgain terminates the run in a phase,
// which Temporal lets nobody handle, and starts the same procedure anew.
func TestATerminatedRunIsCompletedByStartingAgain(t *testing.T) {
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote, dr.PhaseProtect} {
		t.Run(string(ph), func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.fault("slow", "east", "40")
			s.fault("slow", "west", "40")
			s.start(dr.ProcTakeover, planned)
			s.approve(dr.GateDecide)
			t.Log("terminated in", s.awaitStepIn(ph))
			require.NoError(t, s.client.TerminateWorkflow(context.Background(), dr.WorkflowID(system), "", "test"))
			run := s.start(dr.ProcTakeover, planned)
			s.drive(run)
			var res dr.Result
			require.NoError(t, run.Get(context.Background(), &res))
			require.Contains(t, []dr.EndingKind{dr.EndDone, dr.EndNothing}, res.Ending.Kind, res.Ending.Text)
			l := s.clean()
			require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
		})
	}
}
