package histories

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/dr"
)

// world is one scenario's system as the scripted activities show it.
type world struct {
	World

	mu sync.Mutex
	// calls counts the calls of each activity that is no step.
	calls map[string]int
	// ran are the steps that were carried out.
	ran []string
}

func newWorld(w World) *world { return &world{World: w, calls: map[string]int{}} }

// Ran gives the steps that were carried out, in order.
func (w *world) Ran() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ran)
}

// call counts a call and gives the failure that the script has for it.
func (w *world) call(ctx context.Context, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[name]++
	return w.fault(ctx, name, w.calls[name], nil)
}

func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[name]
}

func (w *world) fault(ctx context.Context, at string, attempt int, e *dr.Envelope) error {
	for _, f := range w.Faults {
		if f.At != at || attempt > max(f.Times, 1) || e != nil && e.Occurrence != 1 {
			continue
		}
		if f.Blocks {
			return untilInterrupted(ctx)
		}
		if f.With.Class == dr.ClassRetry && activity.GetInfo(ctx).Attempt > 1 {
			continue
		}
		return failure(f.With)
	}
	return nil
}

// untilInterrupted is a command that runs on until people end it.
func untilInterrupted(ctx context.Context) error {
	for {
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return failure(dr.Hold("interrupted", "the step was interrupted: its command has ended"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// failure is how the real activities give an error to a workflow.
func failure(de *dr.Error) error {
	types := map[dr.Class]string{dr.ClassRetry: "Retry", dr.ClassHold: "Hold", dr.ClassRefuse: "Refuse"}
	return temporal.NewApplicationErrorWithOptions(de.Error(), types[de.Class],
		temporal.ApplicationErrorOptions{NonRetryable: de.Class != dr.ClassRetry, Details: []any{*de}})
}

// sameRun: after a reset nothing is done for the plan of the run before it.
func sameRun(ctx context.Context, e dr.Envelope) error {
	if run := activity.GetInfo(ctx).WorkflowExecution.RunID; run != e.Run {
		return failure(dr.HoldReplan("reset", "this run was reset: its plan belongs to run %s, this is run %s", e.Run, run).WithNext("replan"))
	}
	return nil
}

func (w *world) begin(ctx context.Context) (dr.Begun, error) {
	if err := w.call(ctx, dr.ActBegin); err != nil {
		return dr.Begun{}, err
	}
	or := func(d, standard time.Duration) dr.Duration {
		if d == 0 {
			d = standard
		}
		return dr.Duration(d)
	}
	p := dr.DecisionPolicy{
		Roles: []string{"operator"}, Quorum: max(w.Quorum, 1), ExcludeRequester: w.ExcludeRequester, Unsigned: dr.UnsignedCount,
		OpenFor: or(w.OpenFor, time.Hour), UsableFor: or(w.UsableFor, time.Hour),
	}
	one := p
	one.Quorum, one.ExcludeRequester = 1, false
	gates := map[dr.Gate]dr.DecisionPolicy{}
	for _, g := range []dr.Gate{dr.GateDecide, dr.GateConvert, dr.GateOverwrite, dr.GateCutover} {
		gates[g] = p
		if w.Expires != "" && w.Expires != g {
			patient := p
			patient.OpenFor = dr.Duration(time.Hour)
			gates[g] = patient
		}
	}
	return dr.Begun{
		Product: "lab", Sites: []string{"east", "west"}, RequesterWhy: "the start is not signed", Attributes: true,
		Policies: dr.Policies{Gates: gates, Hold: one, Run: one, Abandon: one},
	}, nil
}

func (w *world) plan(ctx context.Context, call dr.PlanCall) (dr.Planned, error) {
	if err := w.call(ctx, dr.ActPlan); err != nil {
		return dr.Planned{}, err
	}
	p := w.planOf(call, activity.GetInfo(ctx).WorkflowExecution.RunID)
	digest, err := p.ComputeDigest()
	if err != nil {
		return dr.Planned{}, fmt.Errorf("digest of the scripted plan: %w", err)
	}
	p.Digest = digest
	return dr.Planned{Plan: p, Baseline: &dr.Baseline{Run: call.OriginalRun, At: p.MadeAt, Primary: "east"}}, nil
}

func (w *world) recheck(ctx context.Context, call dr.RecheckCall) (dr.Rechecked, error) {
	if err := sameRun(ctx, call.Plan.Envelope); err != nil {
		return dr.Rechecked{}, err
	}
	if err := w.call(ctx, dr.ActRecheck); err != nil {
		return dr.Rechecked{}, err
	}
	if w.count(dr.ActRecheck) <= w.Stale {
		return dr.Rechecked{Why: "the last proof of being in sync is older than the approved one", At: time.Now().UTC()}, nil
	}
	return dr.Rechecked{Stands: true, At: time.Now().UTC()}, nil
}

func (w *world) step(ctx context.Context, call dr.StepCall) (dr.StepResult, error) {
	if call.Step.Kind != dr.KindRead {
		if err := sameRun(ctx, call.Envelope); err != nil {
			return dr.StepResult{}, err
		}
	}
	if err := w.fault(ctx, call.Step.ID, call.Attempt, &call.Envelope); err != nil {
		return dr.StepResult{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran = append(w.ran, call.Step.ID)
	return dr.StepResult{State: dr.StepDone, Text: "done", Sent: call.Step.Kind != dr.KindRead}, nil
}

// watch returns the script's samples one after the other, then observes until
// it is told to come back.
func (w *world) watch(ctx context.Context, in dr.WatchInput) (dr.Memory, error) {
	if err := w.call(ctx, dr.ActWatch); err != nil {
		return dr.Memory{}, err
	}
	m := dr.Memory{Schema: dr.MemorySchema, System: in.System}
	if in.Memory != nil {
		m = *in.Memory
	}
	n := w.count(dr.ActWatch)
	if n > len(w.Samples) {
		_ = untilInterrupted(ctx)
		return m, nil
	}
	s := w.Samples[n-1]
	if s.After > 0 {
		observing, stop := context.WithTimeout(ctx, s.After)
		_ = untilInterrupted(observing)
		stop()
	}
	if s.Fails != nil {
		return m, failure(s.Fails)
	}
	return s.remember(m, time.Now().UTC()), nil
}
