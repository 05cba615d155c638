package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
)

// Plan observes all sites and makes the plan for a gate. The envelope's run is
// read from the activity's own info: a plan enters a run only from here.
func (a *Activities) Plan(ctx context.Context, call dr.PlanCall) (dr.Planned, error) {
	_, stop := a.beat(ctx)
	defer stop()
	sys, err := a.Inventory.System(call.Request.System)
	if err != nil {
		return dr.Planned{}, a.failure(err)
	}
	p, err := a.plan(ctx, sys, call)
	if err != nil {
		return dr.Planned{}, a.failure(err)
	}
	return a.redacted(dr.Planned{Plan: p, Baseline: &dr.Baseline{
		Run: p.Envelope.OriginalRun, At: a.Now(), Primary: p.From, Sites: sys.Instance.Baseline(p.Situation),
	}})
}

func (a *Activities) plan(ctx context.Context, sys *inventory.System, call dr.PlanCall) (dr.Plan, error) {
	info := activity.GetInfo(ctx)
	// No step of this run is carried out while it plans: a command of its own
	// that still runs is in the way like any other.
	s, err := a.observe(ctx, sys)
	if err != nil {
		return dr.Plan{}, err
	}
	return planning.Compose(planning.Call{
		System: sys, Request: call.Request, Situation: s, Finished: call.Finished, From: call.From,
		Baseline: failbackBaseline(call, s), Pin: a.Pin, Now: a.Now(),
		Envelope: dr.Envelope{
			Workflow: info.WorkflowExecution.ID, OriginalRun: call.OriginalRun, Run: info.WorkflowExecution.RunID,
			Gate: call.Gate, Occurrence: call.Occurrence, Request: a.Random(),
		},
	})
}

// failbackBaseline: a failback restores what was before the takeover, which is
// what the situation remembers, not how the system is now.
func failbackBaseline(call dr.PlanCall, s dr.Situation) *dr.Baseline {
	if call.Request.Procedure == dr.ProcFailback {
		return s.Baseline
	}
	return call.Baseline
}

// Recheck plans again and says whether the approved plan still stands.
func (a *Activities) Recheck(ctx context.Context, call dr.RecheckCall) (dr.Rechecked, error) {
	_, stop := a.beat(ctx)
	defer stop()
	if err := sameRun(ctx, call.Plan.Envelope); err != nil {
		return dr.Rechecked{}, a.failure(err)
	}
	sys, err := a.Inventory.System(call.Request.System)
	if err != nil {
		return dr.Rechecked{}, a.failure(err)
	}
	s, err := a.observe(ctx, sys)
	if err != nil {
		return dr.Rechecked{}, a.failure(err)
	}
	now, err := planning.Compose(planning.Call{
		System: sys, Request: call.Request, Situation: s, Finished: call.Finished, From: call.From,
		Baseline: failbackBaseline(dr.PlanCall{Request: call.Request, Baseline: call.Baseline}, s),
		Pin:      a.Pin, Now: a.Now(), Envelope: call.Plan.Envelope,
	})
	out := dr.Rechecked{At: a.Now()}
	if err != nil {
		de := dr.AsError(err, "plan")
		if de.Class == dr.ClassRetry {
			return out, a.failure(de)
		}
		out.Why = a.Redact(de.Error())
		return out, nil
	}
	out.Why = a.Redact(planning.Compare(call.Plan, now, call.From))
	if out.Why == "" && call.Approval != nil {
		if out.Why, err = a.judgeAgain(*call.Approval); err != nil {
			return out, a.failure(err)
		}
	}
	out.Stands = out.Why == ""
	return out, nil
}

// sameRun: after a reset the history and the digest are the same but the run is
// another one. Nothing is sent for a plan of another run.
func sameRun(ctx context.Context, e dr.Envelope) error {
	if run := activity.GetInfo(ctx).WorkflowExecution.RunID; run != e.Run {
		return dr.HoldReplan("reset", "this run was reset: its plan belongs to run %s, this is run %s", e.Run, run).
			WithNext("replan")
	}
	return nil
}

// Observe gives the situation of a system.
func (a *Activities) Observe(ctx context.Context, call dr.ObserveCall) (dr.Situation, error) {
	_, stop := a.beat(ctx)
	defer stop()
	sys, err := a.Inventory.System(call.System)
	if err != nil {
		return dr.Situation{}, a.failure(err)
	}
	s, err := a.observe(ctx, sys)
	if err != nil {
		return dr.Situation{}, a.failure(err)
	}
	return redactedValue(a, s)
}

// observe reads the world for a decision. What was cut off because this worker
// lost touch with Temporal, or is being stopped, is no observation: sites that
// answer would count as silent.
func (a *Activities) observe(ctx context.Context, sys *inventory.System) (dr.Situation, error) {
	s := a.observer().Observe(ctx, sys, "")
	if ctx.Err() != nil && !asked(context.Cause(ctx)) {
		return s, dr.Retry("severed", "the observation of %s was cut off, because this worker lost touch with Temporal or is being stopped", sys.Name)
	}
	return s, nil
}
