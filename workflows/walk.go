package workflows

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// walk carries out one phase of the approved plan, step by step. Phases that
// were done under an earlier plan of this run are passed over.
func (r *run) walk(ph dr.Phase) error {
	if r.past(ph) {
		return nil
	}
	phase, ok := r.plan.Phase(ph)
	if !ok {
		return dr.Hold("no_phase", "the plan has no phase %s", ph).WithNext("replan")
	}
	r.from = ph
	r.status.Phase = ph
	if err := r.breathe(); err != nil {
		return err
	}
	r.startBaseline()
	if err := r.recheck(phase); err != nil {
		return err
	}
	if err := r.keepBaseline(); err != nil {
		return err
	}
	r.attributes()
	if len(phase.Steps) == 0 {
		r.note("%s: %s", ph, phase.Empty)
	}
	for _, st := range phase.Steps {
		if err := r.breathe(); err != nil {
			return err
		}
		if err := r.step(ph, st); err != nil {
			return err
		}
	}
	r.phaseDone(ph)
	return nil
}

// recheck asks whether the approval still stands: before the first changing
// phase after a gate, hold or pause, and before each destroying phase, unless
// this run has already stopped the clients: there the guards of the steps
// decide, so that no observation lengthens the outage.
func (r *run) recheck(phase dr.PhasePlan) error {
	changes := slices.ContainsFunc(phase.Steps, func(s dr.Step) bool { return s.Kind != dr.KindRead })
	due := r.recheckDue || phase.Phase.Destroying() && r.changes != r.recheckedAt
	if !changes || !due || r.clientsStopped {
		return nil
	}
	r.say(dr.StateRunning, fmt.Sprintf("checking that the approval still stands before %s", phase.Phase))
	call := dr.RecheckCall{Request: r.req, Plan: r.plan, From: phase.Phase, Finished: slices.Clone(r.finished), Baseline: r.baseline, Approval: r.approval}
	for attempt := 1; ; attempt++ {
		from := workflow.Now(r.ctx)
		var out dr.Rechecked
		err := workflow.ExecuteActivity(shortCall(r.ctx, "recheck before "+string(phase.Phase)), dr.ActRecheck, call).Get(r.ctx, &out)
		if err != nil {
			if err := r.holdOn(holdOf("recheck."+string(phase.Phase), "Recheck before "+string(phase.Phase), attempt, asError(err), dr.SkipNever)); err != nil {
				return err
			}
			continue
		}
		r.took(from, phase.Phase, "rechecked before "+string(phase.Phase))
		if !out.Stands {
			r.again = out.Why
			return errReplan
		}
		r.recheckDue, r.recheckedAt = false, r.changes
		return nil
	}
}

// step carries out one step to its end: done, skipped, or the answer that
// people gave to its hold.
func (r *run) step(ph dr.Phase, st dr.Step) error {
	for attempt := 1; ; attempt++ {
		r.registerUndo(st)
		back := r.passNoReturn(st)
		res, err := r.attempt(ph, st, attempt)
		if err == nil {
			r.stepDone(ph, st, attempt, res)
			return nil
		}
		if errors.Is(err, errStop) {
			return err
		}
		if asError(err).NotSent {
			back()
		}
		if st.NoVeto {
			r.stepFailed(ph, st, attempt, err)
			return nil
		}
		h := holdOf(st.ID, st.Title, attempt, asError(err), st.Skip)
		r.setStep(ph, st.ID, dr.StepHeld, attempt, h.status.Text)
		if err := r.holdOn(h); err != nil {
			return err
		}
		if h.skipped {
			r.stepSkipped(ph, st, attempt, h)
			return nil
		}
	}
}

// passNoReturn: from the claim of the first irreversible step of a stage there
// is only forward, and nothing is undone any more. The workflow learns of the
// claim only afterwards, so the point counts as passed while the step runs;
// back takes that back when the step proves that nothing was claimed.
func (r *run) passNoReturn(st dr.Step) (back func()) {
	if st.Kind != dr.KindIrreversible || r.noReturn {
		return func() {}
	}
	undos := r.undos
	r.noReturn, r.undos, r.status.NoReturn = true, nil, true
	r.note("point of no return: %s", st.Title)
	return func() {
		r.noReturn, r.undos, r.status.NoReturn = false, undos, false
		r.note("the point of no return was not passed: nothing was sent by %s", st.ID)
	}
}

// attempt runs the step's activity once. An abort ends it only when the step
// is interruptible and the point of no return is not behind the run.
func (r *run) attempt(ph dr.Phase, st dr.Step, attempt int) (dr.StepResult, error) {
	r.setStep(ph, st.ID, dr.StepRunning, attempt, "")
	r.say(dr.StateRunning, st.Title)
	call := dr.StepCall{
		System: r.req.System, Product: r.begun.Product, Envelope: r.plan.Envelope, Pins: r.plan.Pins,
		InventoryDigest: r.plan.InventoryDigest, InventoryFields: r.plan.InventoryFields, Step: st, Attempt: attempt,
	}
	ctx, cancel := workflow.WithCancel(r.ctx)
	defer cancel()
	if st.Kind != dr.KindRead {
		r.changes++
	}
	from := workflow.Now(r.ctx)
	future := workflow.ExecuteActivity(stepCall(ctx, call), st.Action, call)
	if st.Interruptible || st.Kind == dr.KindRead {
		err := workflow.Await(r.ctx, func() bool { return future.IsReady() || r.wantsOut() })
		if err != nil {
			return dr.StepResult{}, fmt.Errorf("waiting for a step: %w", err)
		}
		if !future.IsReady() {
			cancel()
		}
	}
	var res dr.StepResult
	err := future.Get(r.ctx, &res)
	r.record(ph, st, attempt, from, res, err)
	if err != nil && r.wantsOut() {
		if stopped := r.breathe(); stopped != nil {
			return res, stopped
		}
	}
	return res, err
}

// wantsOut says whether people asked to leave the walk in a way that counts now.
func (r *run) wantsOut() bool { return r.abandoning != nil || r.aborting != nil && !r.noReturn }

// breathe is called between steps: it honours pause, abort and abandon.
func (r *run) breathe() error {
	if r.paused != nil && !r.wantsOut() {
		from := workflow.Now(r.ctx)
		r.say(dr.StatePaused, "paused by "+who(r.paused)+"; resume goes on")
		err := workflow.Await(r.ctx, func() bool { return r.paused == nil || r.wantsOut() })
		if err != nil {
			return fmt.Errorf("paused: %w", err)
		}
		until := workflow.Now(r.ctx)
		r.events = append(r.events, dr.Event{At: from, Until: &until, Kind: dr.EventPeople, Text: "paused"})
		r.recheckDue = true
	}
	if r.abandoning != nil {
		return r.abandon()
	}
	if r.aborting != nil && !r.noReturn {
		v := r.aborting
		r.aborting = nil
		if r.synced {
			return &stop{dr.EndSafeStop, "aborted by " + who(v) + ": the system stays in sync and was not handed back"}
		}
		return &stop{dr.EndAborted, "aborted by " + who(v)}
	}
	return nil
}
