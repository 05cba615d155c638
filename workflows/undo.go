package workflows

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// takeBack undoes what the stage did, in reverse order, before the run may end
// as the stop says. An undo that cannot be proven safe opens the gate again:
// a run never ends "aborted" while an undo is open.
func (r *run) takeBack(s *stop) error {
	r.undoing, r.clientsStopped = true, false
	defer func() { r.undoing = false }()
	for len(r.undos) > 0 {
		last := len(r.undos) - 1
		if err := r.undo(r.undos[last]); err != nil {
			return err
		}
		r.undos = r.undos[:last]
	}
	for s.kind == dr.EndSafeStop && len(r.safeStop) > 0 {
		if err := r.undo(r.safeStop[0]); err != nil {
			return err
		}
		r.safeStop = r.safeStop[1:]
	}
	return s
}

// registerUndo notes a step's undo before the step runs: a crash in the middle
// of the step must find it. A replan may walk a step again; its undo is kept
// once.
func (r *run) registerUndo(st dr.Step) {
	if st.Undo == nil || r.noReturn {
		return
	}
	for _, u := range r.undos {
		if u.ID == st.Undo.ID && string(u.Args) == string(st.Undo.Args) {
			return
		}
	}
	r.undos = append(r.undos, *st.Undo)
}

// undo carries out one undo step. While it runs the walk cannot be aborted a
// second time; abandoning is always possible.
func (r *run) undo(st dr.Step) error {
	for attempt := 1; ; attempt++ {
		r.say(dr.StateUndoing, "undoing: "+st.Title)
		res, err := r.attemptUndo(st, attempt)
		if err == nil {
			r.stepDone("", st, attempt, res)
			r.takenBack(st)
			return nil
		}
		de := asError(err)
		if de.Code == "guard" {
			r.again = fmt.Sprintf("the undo %q cannot be proven safe: %s", st.Title, de.Text)
			r.from = ""
			return errReplan
		}
		h := holdOf(st.ID, st.Title, attempt, de, st.Skip)
		if err := r.holdOn(h); err != nil {
			if errors.Is(err, errReplan) || r.abandoning != nil {
				return err
			}
			continue
		}
		if h.skipped {
			r.note("the undo %q was skipped by %s", st.Title, who(h.answer))
			return nil
		}
	}
}

// takenBack forgets that the steps with this undo were done: a plan that is made
// after it must not count on their effects.
func (r *run) takenBack(undo dr.Step) {
	for _, ph := range r.plan.Phases {
		for _, st := range ph.Steps {
			if st.Undo == nil || st.Undo.ID != undo.ID {
				continue
			}
			r.finished = slices.DeleteFunc(r.finished, func(f dr.FinishedStep) bool { return f.Phase == ph.Phase && f.ID == st.ID })
		}
	}
}

func (r *run) attemptUndo(st dr.Step, attempt int) (dr.StepResult, error) {
	if r.abandoning != nil {
		return dr.StepResult{}, r.abandon()
	}
	call := dr.StepCall{
		System: r.req.System, Product: r.begun.Product, Envelope: r.plan.Envelope, Pins: r.plan.Pins,
		InventoryDigest: r.plan.InventoryDigest, InventoryFields: r.plan.InventoryFields, Step: st, Attempt: attempt,
	}
	from := workflow.Now(r.ctx)
	var res dr.StepResult
	err := workflow.ExecuteActivity(stepCall(r.ctx, call), st.Action, call).Get(r.ctx, &res)
	r.record("", st, attempt, from, res, err)
	return res, err
}

// abandon ends the run as it is: no further step, no undo.
func (r *run) abandon() error {
	return &stop{dr.EndAbandoned, "abandoned by " + who(r.abandoning)}
}
