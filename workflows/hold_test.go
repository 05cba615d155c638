package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// once fails the given step in its first attempt.
func once(step string, err error) func(dr.StepCall) error {
	return func(c dr.StepCall) error {
		if c.Step.ID == step && c.Attempt == 1 && c.Envelope.Occurrence == 1 {
			return err
		}
		return nil
	}
}

func TestAHeldStepIsRetriedWithTheNextAttempt(t *testing.T) {
	w := newWorld(t)
	attempts := []int{}
	w.fail = func(c dr.StepCall) error {
		if c.Step.ID != "promote.act" {
			return nil
		}
		attempts = append(attempts, c.Attempt)
		return once("promote.act", dr.HoldUnknown("unknown", "the answer was lost"))(c)
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		s := w.status()
		require.Equal(t, dr.StateHold, s.State)
		require.True(t, s.Hold.Unknown)
		require.NotContains(t, s.Hold.Options, dr.VerbSkip, "a promotion is never skipped")
		require.NotContains(t, s.Hold.Options, dr.VerbAbort, "the point of no return is behind")
		w.signal(dr.VerbSkip, `{"step":"promote.act","attempt":1,"person":"ana"}`)
		w.signal(dr.VerbRetry, `{"step":"promote.act","attempt":2,"person":"ana"}`)
	})
	w.at(3*time.Minute, func() {
		s := w.status()
		require.Equal(t, dr.StateHold, s.State, "a skip that is not allowed and a retry of another attempt change nothing")
		require.Len(t, s.Refused, 2)
		w.answer(dr.VerbRetry, "ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []int{1, 2}, attempts)
}

func TestASkippedStepIsNotCarriedOut(t *testing.T) {
	w := newWorld(t)
	w.fail = once("redirect.change", dr.Hold("test", "the address does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.answer(dr.VerbSkip, "ana") })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.NotContains(t, w.ran, "redirect.change")
	require.Contains(t, w.ran, "verify.proof")
}

func TestAReplanPlansThePhasesThatHaveNotBegunAndAsksAgain(t *testing.T) {
	w := newWorld(t)
	w.fail = once("redirect.change", dr.HoldReplan("test", "the address has moved"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		require.Equal(t, dr.VerbReplan, w.status().Hold.Options[0], "the best advice comes first")
		w.answer(dr.VerbReplan, "ana")
	})
	w.at(3*time.Minute, func() {
		require.Equal(t, 2, w.status().Gate.Occurrence)
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, dr.PhaseRedirect, w.plans[1].From)
	require.Equal(t, []string{"prepare.change", "isolate.change", "promote.act", "redirect.change", "verify.proof", "protect.change"}, w.ran,
		"nothing that was done is done again")
}

func TestAReplanGoesBackToThePhaseThatThePlanNames(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) { p.BackTo = dr.PhaseIsolate }
	w.fail = once("redirect.change", dr.HoldReplan("test", "what isolate made is gone"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.answer(dr.VerbReplan, "ana") })
	w.at(3*time.Minute, func() {
		require.Equal(t, 2, w.status().Gate.Occurrence, "people approve what is done again")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "isolate.change", "promote.act", "isolate.change", "promote.act", "redirect.change", "verify.proof", "protect.change"}, w.ran,
		"phases before it are not walked again")
}

func TestAbandonEndsAsItIsWithTheRolesAsRead(t *testing.T) {
	w := newWorld(t)
	w.fail = once("isolate.change", dr.Hold("test", "the host does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbAbandon, `{"person":"ana","reason":"by hand"}`) })
	w.run(dr.WorkflowTakeover, takeover)
	e := w.result().Ending
	require.Equal(t, dr.EndAbandoned, e.Kind)
	require.Len(t, e.Roles, 2)
	require.Equal(t, []string{"prepare.change"}, w.ran, "no further step and no undo")
}

func TestAbortUndoesInReverseOrder(t *testing.T) {
	w := newWorld(t)
	w.fail = once("isolate.change", dr.Hold("test", "the host does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbAbort, `{"person":"ana","reason":"changed my mind"}`) })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndAborted, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "isolate.change.undo", "prepare.change.undo"}, w.ran,
		"the undo of the step that failed runs too: it was registered before the step")
}

func TestTemporalsCancelIsAnAbort(t *testing.T) {
	w := newWorld(t)
	w.fail = once("isolate.change", dr.Hold("test", "the host does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.env.CancelWorkflow() })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndAborted, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "isolate.change.undo", "prepare.change.undo"}, w.ran)
}

func TestBehindThePointOfNoReturnAnAbortIsRecordedAsNotPossible(t *testing.T) {
	w := newWorld(t)
	w.fail = once("redirect.change", dr.Hold("test", "the address does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbAbort, `{"person":"ana"}`) })
	w.at(3*time.Minute, func() {
		s := w.status()
		require.Equal(t, dr.StateHold, s.State)
		require.Len(t, s.Refused, 1, "one abort is one refusal")
		require.Contains(t, s.Refused[0].Why, "not possible now")
		w.answer(dr.VerbRetry, "ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestAnUndoThatIsNotSafeOpensTheGateAgain(t *testing.T) {
	w := newWorld(t)
	unsafe := true
	w.fail = func(c dr.StepCall) error {
		switch {
		case c.Step.ID == "isolate.change" && c.Envelope.Occurrence == 1:
			return dr.Hold("test", "the host does not answer")
		case c.Step.ID == "isolate.change.undo" && unsafe:
			return dr.Hold("guard", "west may have been promoted by hand")
		}
		return nil
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbAbort, `{"person":"ana"}`) })
	w.at(3*time.Minute, func() {
		s := w.status()
		require.NotNil(t, s.Gate, "never aborted while an undo is open: %s", s.Sentence)
		require.Contains(t, s.Gate.Again, "cannot be proven safe")
		unsafe = false
		s = w.status()
		w.signal(dr.VerbReject, `{"gate":"decide","digest":"`+s.Gate.Digest+`","person":"ana","reason":"undo now"}`)
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndRejected, w.result().Ending.Kind)
	require.Contains(t, w.ran, "isolate.change.undo")
	require.Contains(t, w.ran, "prepare.change.undo")
}

func TestAPauseStartsNothingAndIsFollowedByARecheck(t *testing.T) {
	w := newWorld(t)
	w.fail = once("prepare.change", dr.Hold("test", "no answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		w.signal(dr.VerbPause, `{"person":"ana"}`)
		w.answer(dr.VerbRetry, "ana")
	})
	w.at(20*time.Minute, func() {
		require.Equal(t, dr.StatePaused, w.status().State)
		require.NotContains(t, w.ran, "isolate.change")
		w.signal(dr.VerbResume, `{"person":"ana"}`)
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, 2, w.rechecks, "one before the first change, one after the pause")
}

func TestAPromotionWhoseGuardSaidNoCanStillBeAborted(t *testing.T) {
	w := newWorld(t)
	refused := dr.Hold("guard", "west has lost its copy")
	refused.NotSent = true
	w.fail = once("promote.act", refused)
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		require.Contains(t, w.status().Hold.Options, dr.VerbAbort, "nothing was claimed")
		w.signal(dr.VerbAbort, `{"person":"ana"}`)
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndAborted, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "isolate.change", "isolate.change.undo", "prepare.change.undo"}, w.ran)
}

func TestAPlanMadeAfterAnUndoDoesNotCountOnWhatWasTakenBack(t *testing.T) {
	w := newWorld(t)
	refused := dr.Hold("guard", "west has lost its copy")
	refused.NotSent = true
	w.fail = func(c dr.StepCall) error {
		if c.Envelope.Occurrence == 1 && c.Step.ID == "prepare.change.undo" {
			return dr.Hold("guard", "a backup runs")
		}
		return once("promote.act", refused)(c)
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbAbort, `{"person":"ana"}`) })
	w.at(3*time.Minute, func() {
		require.Equal(t, []string{"prepare.change", "isolate.change", "isolate.change.undo"}, w.ran)
		require.Len(t, w.plans[1].Finished, 1)
		require.Equal(t, "prepare.change", w.plans[1].Finished[0].ID)
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestAHoldWhosePolicyAsksForTwoIsAnsweredByTwo(t *testing.T) {
	w := newWorld(t)
	w.holdQuorum = 2
	w.fail = once("redirect.change", dr.Hold("test", "the address does not answer"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.answer(dr.VerbSkip, "ana") })
	w.at(3*time.Minute, func() { w.answer(dr.VerbSkip, "ana") })
	w.at(4*time.Minute, func() {
		s := w.status()
		require.NotNil(t, s.Hold, "one person twice is not two")
		require.Contains(t, s.Refused[0].Why, "2 different persons")
		w.answer(dr.VerbSkip, "ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.NotContains(t, w.ran, "redirect.change")
}
