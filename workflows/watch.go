package workflows

import (
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Watch remembers, for one system, the last proof of being in sync. One long
// activity observes; it returns its memory when an interval opens or closes,
// on an alarm, and at least hourly. The workflow keeps the memory, answers the
// query "memory" and carries it through continue-as-new.
//
// The last proof is never erased by an unreachable primary; a reachable
// primary that says "not in sync" closes the interval.
func Watch(ctx workflow.Context, in dr.WatchInput) error {
	if in.System == "" || workflow.GetInfo(ctx).WorkflowExecution.ID != dr.WatchID(in.System) {
		return refusal(dr.Refuse("workflow_id", "a watch of %q runs only as %q", in.System, dr.WatchID(in.System)).
			WithNext("let the workers start it"))
	}
	if in.Memory == nil {
		in.Memory = &dr.Memory{Schema: dr.MemorySchema, System: in.System}
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, dr.QueryMemory,
		func() (*dr.Memory, error) { return in.Memory, nil },
		workflow.QueryHandlerOptions{Description: "What the watch remembers: the last proof of being in sync, the primary last seen, open alarms."})
	if err != nil {
		return err
	}
	told := workflow.GetSignalChannelWithOptions(ctx, dr.SignalTold,
		workflow.SignalChannelOptions{Description: "For procedures only: the baseline before a takeover, and whether the system is protected."})
	follow, err := listenForAcknowledgements(ctx, &in)
	if err != nil {
		return err
	}
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := watchOnce(ctx, &in, told); err != nil {
			return err
		}
		showMemory(ctx, in.Memory)
	}
	for told.Len() > 0 {
		if t := nextTold(ctx, told); t != nil {
			tell(in.Memory, *t)
		}
	}
	if err := follow.settle(ctx); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, Watch, in)
}

// watchOnce runs the observing activity until it returns its memory, or until
// a procedure has something to tell.
func watchOnce(ctx workflow.Context, in *dr.WatchInput, told workflow.ReceiveChannel) error {
	actx, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           dr.WatchTaskQueue,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    time.Minute,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             "observe " + in.System,
	}))
	defer cancel()
	future := workflow.ExecuteActivity(actx, dr.ActWatch, *in)
	sel := workflow.NewSelector(ctx)
	var t *dr.Told
	sel.AddFuture(future, func(workflow.Future) {})
	sel.AddReceive(told, func(workflow.ReceiveChannel, bool) {
		// Remembered at once: the activity may take a while to notice that it
		// is cancelled, and the next procedure asks for the baseline.
		if t = nextTold(ctx, told); t != nil {
			tell(in.Memory, *t)
		}
	})
	for t == nil && !future.IsReady() {
		sel.Select(ctx)
	}
	if t != nil {
		cancel()
	}
	var got dr.Memory
	err := future.Get(ctx, &got)
	switch {
	case err == nil && got.Schema == dr.MemorySchema:
		got.Baseline, got.Unprotected, got.FollowUps = in.Memory.Baseline, in.Memory.Unprotected, in.Memory.FollowUps
		in.Memory = &got
	case err != nil && t == nil:
		// The activity retries what may go away; what is left is a refusal
		// (the system is gone from the inventory) or this watch's own end.
		return err
	}
	return nil
}

func tell(m *dr.Memory, t dr.Told) {
	if t.Baseline != nil {
		m.Baseline = t.Baseline
	}
	if t.Protection {
		m.Unprotected = t.Unprotected
	}
	if t.FollowUp != nil {
		m.FollowUps = append(m.FollowUps, *t.FollowUp)
		if n := len(m.FollowUps); n > dr.MaxFollowUps {
			m.FollowUps = m.FollowUps[n-dr.MaxFollowUps:]
		}
	}
}

// nextTold takes the next thing told; nil when there is none or it cannot be
// read. It is received raw: a typed receive would drop what it cannot decode
// and wait for the next one, and the watch would stand still.
func nextTold(ctx workflow.Context, told workflow.ReceiveChannel) *dr.Told {
	var raw converter.RawValue
	if !told.ReceiveAsync(&raw) {
		return nil
	}
	var t dr.Told
	body, err := jsonInput(raw)
	if err == nil {
		err = dr.DecodeStrict(body, &t)
	}
	if err != nil {
		workflow.GetLogger(ctx).Warn("what the watch was told cannot be read", "error", err)
		return nil
	}
	return &t
}

// showMemory puts the memory on the watch's page in the UI.
func showMemory(ctx workflow.Context, m *dr.Memory) {
	workflow.SetCurrentDetails(ctx, dr.MemoryMarkdown(m, workflow.Now(ctx)))
}
