package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// watchTries is how often a gate may open again because its watch came to an
// end. A watch that fails at once would open it without end.
const watchTries = 5

// gateWatch looks, while a gate is open, at what does not wait for people.
type gateWatch struct {
	future workflow.Future
	cancel workflow.CancelFunc
}

// watchGate begins the watch that the plan names; without one nothing is
// watched.
func (r *run) watchGate() gateWatch {
	st := r.plan.Watch
	if st == nil || st.Kind != dr.KindRead {
		return gateWatch{cancel: func() {}}
	}
	if r.watchesEnded >= watchTries {
		r.note("%s: it has come to an end %d times, and this gate is open without it; look by hand before you approve", st.Title, r.watchesEnded)
		return gateWatch{cancel: func() {}}
	}
	call := dr.StepCall{
		System: r.req.System, Product: r.begun.Product, Envelope: r.plan.Envelope, Pins: r.plan.Pins,
		InventoryDigest: r.plan.InventoryDigest, InventoryFields: r.plan.InventoryFields, Step: *st, Attempt: 1,
	}
	ctx, cancel := workflow.WithCancel(r.ctx)
	return gateWatch{workflow.ExecuteActivity(stepCall(ctx, call), st.Action, call), cancel}
}

// over says whether the watch has come to an end by itself.
func (w gateWatch) over() bool { return w.future != nil && w.future.IsReady() }

// why is what the watch found; "" while it looks.
func (w gateWatch) why(ctx workflow.Context) string {
	if !w.over() {
		return ""
	}
	if err := w.future.Get(ctx, nil); err != nil {
		return "while the gate was open: " + asError(err).Text
	}
	return "while the gate was open the watch came to its end"
}

// end stops the watch; nobody waits for it.
func (w gateWatch) end() { w.cancel() }
