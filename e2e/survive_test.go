package e2e_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const planned = `{"system":"orders","mode":"planned","to":"west","reason":"test"}`

// TestAWorkerFrozenInsideThePromotionSendsNothingWhenItWakes: the frozen worker
// has its command or its guard behind it; another one finishes; then the first
// one goes on.
func TestAWorkerFrozenInsideThePromotionSendsNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("slow", "west", "60")
	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	step := s.AwaitStepIn(dr.PhasePromote)
	frozen := s.Worker
	frozen.Stop(t)
	s.StartWorker()
	s.Ended(run, dr.EndDone)
	frozen.Cont(t)
	e2e.AwaitPoller(t, s.Client, dr.TaskQueue, frozen)
	l := s.Clean()
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "frozen in %s: %v", step, l.Commands)
}

func TestTemporalRestartedOnItsFileGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("slow", "west", "60")
	run := s.Start(dr.ProcTakeover, planned)
	s.Gate(dr.GateDecide)
	s.Dev.Kill(t)
	s.Dev.Restart(t)
	s.Approve(dr.GateDecide)
	s.AwaitStepIn(dr.PhasePrepare)
	s.Dev.Kill(t)
	s.Dev.Restart(t)
	s.Ended(run, dr.EndDone)
	l := s.Clean()
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
}

// TestTheOldPrimaryThatBootsAfterTheApprovalVoidsIt: the approval was given for
// a silent host; when the walk begins its host is back and PostgreSQL is up.
func TestTheOldPrimaryThatBootsAfterTheApprovalVoidsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("host-down", "east")
	s.Start(dr.ProcTakeover, `{"system":"orders","mode":"unplanned","to":"west","reason":"east is silent"}`)
	first := s.Gate(dr.GateDecide)
	s.Signal(dr.VerbPause, `{"person":"ben"}`)
	s.Approve(dr.GateDecide)
	s.Await("the pause", func(st dr.Status) bool { return st.State == dr.StatePaused })
	s.Fault("host-up", "east")
	s.Signal(dr.VerbResume, `{"person":"ben"}`)
	st := s.Await("the void approval", func(st dr.Status) bool {
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
	l := s.Ledger()
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
			s.Fault("slow", "east", "40")
			s.Fault("slow", "west", "40")
			s.Start(dr.ProcTakeover, planned)
			s.Approve(dr.GateDecide)
			t.Log("terminated in", s.AwaitStepIn(ph))
			require.NoError(t, s.Client.TerminateWorkflow(context.Background(), dr.WorkflowID(system), "", "test"))
			run := s.Start(dr.ProcTakeover, planned)
			s.Drive(run)
			var res dr.Result
			require.NoError(t, run.Get(context.Background(), &res))
			require.Contains(t, []dr.EndingKind{dr.EndDone, dr.EndNothing}, res.Ending.Kind, res.Ending.Text)
			l := s.Clean()
			require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
		})
	}
}
