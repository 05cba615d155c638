package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

const (
	failback = `{"system":"orders","reason":"test"}`
	reseed   = `{"system":"orders","to":"east","reason":"test"}`
)

func TestAFailbackAsksBeforeConvertAndBeforeCutover(t *testing.T) {
	w := newWorld(t)
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		require.Equal(t, dr.GateCutover, w.status().Gate.Gate)
		require.Equal(t, []string{"prepare.change", "convert.act", "resynchronise.change"}, w.ran)
		w.approve("ana")
	})
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []string{
		"prepare.change", "convert.act", "resynchronise.change",
		"quiesce.change", "catch-up.change", "hand-back.act", "redirect.change", "verify.proof", "protect.change",
	}, w.ran)
}

func TestWhatTheTakeoverLostIsNotHiddenByACutoverThatLosesNothing(t *testing.T) {
	w := newWorld(t)
	lost := dr.Amount{Bytes: 5800, Transactions: 27, Millis: -1}
	w.losses = map[string]*dr.LossFound{
		"convert.act":     {Amount: lost, Kept: "east:/kept"},
		"catch-up.change": {Amount: dr.Amount{Millis: -1}, Text: "no loss"},
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, &dr.LossFound{Amount: lost, Kept: "east:/kept"}, w.reports[len(w.reports)-1].Measured)
}

func TestARejectionAtCutoverIsASafeStopThatCleansUp(t *testing.T) {
	w := newWorld(t)
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		w.signal(dr.VerbReject, `{"gate":"cutover","digest":"`+w.status().Gate.Digest+`","person":"ana","reason":"tomorrow"}`)
	})
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndSafeStop, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "convert.act", "resynchronise.change", "safe-stop.clean"}, w.ran)
}

func TestExpiryAtCutoverIsASafeStopToo(t *testing.T) {
	w := newWorld(t)
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndSafeStop, w.result().Ending.Kind)
}

func TestAnAbortDuringQuiesceUndoesAndStopsSafely(t *testing.T) {
	w := newWorld(t)
	w.fail = once("catch-up.change", dr.Hold("test", "not caught up"))
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.approve("ana") })
	w.at(3*time.Minute, func() { w.signal(dr.VerbAbort, `{"person":"ana"}`) })
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndSafeStop, w.result().Ending.Kind)
	require.Contains(t, w.ran, "quiesce.change.undo")
	require.NotContains(t, w.ran, "hand-back.act")
}

func TestAFailbackThatNeedsACopyAsksOnlyTheOverwriteGate(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) {
		if p.Envelope.Gate != dr.GateConvert {
			return
		}
		p.Envelope.Gate = dr.GateOverwrite
		p.Phases = nil
		for _, ph := range dr.PhasesAfter(dr.ProcFailback, dr.GateOverwrite) {
			p.Phases = append(p.Phases, dr.PhasePlan{Phase: ph, Steps: stepsOf(ph)})
		}
	}
	w.at(1*time.Minute, func() {
		require.Equal(t, dr.GateOverwrite, w.status().Gate.Gate)
		w.approve("ana")
	})
	w.at(2*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []string{"backup.change", "transfer.change", "restore.act", "transition.change", "start-replication.change"}, w.ran[:5])
}

func TestAReseedRunsFromBackupToVerify(t *testing.T) {
	w := newWorld(t)
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowReseed, reseed)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []string{"backup.change", "transfer.change", "restore.act", "transition.change", "start-replication.change", "verify.proof"}, w.ran)
	require.Equal(t, 2, w.rechecks, "before the first change and before restore")
}
