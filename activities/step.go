package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/planning"
)

// stepOf gives the activity of an action: one attempt at one step.
func (a *Activities) stepOf(action kit.Action) func(context.Context, dr.StepCall) (dr.StepResult, error) {
	return func(ctx context.Context, call dr.StepCall) (dr.StepResult, error) {
		progress, stop := a.beat(ctx)
		defer stop()
		if err := a.mayRun(ctx, action, call); err != nil {
			return dr.StepResult{}, a.failure(err)
		}
		env := a.stepEnv(ctx, call, progress)
		res, err := kit.Execute(ctx, env, action, call.Step)
		switch {
		case err == nil || ctx.Err() == nil:
		case !asked(context.Cause(ctx)):
			err = severed(call, err)
		case call.Step.Interruptible:
			err = a.endJob(ctx, env, action, call, err)
		}
		if err != nil {
			return dr.StepResult{}, a.failure(a.patience(ctx, call, res, err))
		}
		res.Text, res.Output = a.Redact(res.Text), a.Redact(res.Output)
		return redactedValue(a, res)
	}
}

// mayRun compares the plan with this run, this worker's inventory and this
// worker's code, before anything is sent.
func (a *Activities) mayRun(ctx context.Context, action kit.Action, call dr.StepCall) error {
	if call.Step.Kind != dr.KindRead {
		if err := sameRun(ctx, call.Envelope); err != nil {
			return err
		}
	}
	if call.Step.Action != action.Name() || call.Step.Kind != action.Kind() {
		return dr.HoldReplan("action", "the step %s is planned as %s (%s); this is %s (%s)",
			call.Step.ID, call.Step.Action, call.Step.Kind, action.Name(), action.Kind()).WithNext("replan")
	}
	sys, err := a.Inventory.System(call.System)
	if err != nil {
		return err
	}
	if err := planning.CheckPins(sys, a.Pin, call); err != nil {
		return err
	}
	cmds, err := action.Render(call.Step.Args)
	if err != nil {
		return err
	}
	var shown []string
	for _, c := range cmds {
		shown = append(shown, c.Shown())
	}
	if !slices.Equal(shown, call.Step.Commands) {
		return dr.HoldReplan("rendering", "this worker would run %s differently from what was shown and approved", call.Step.ID).
			WithNext("the worker was probably upgraded: replan")
	}
	return nil
}

func (a *Activities) stepEnv(ctx context.Context, call dr.StepCall, progress func(kit.Progress)) kit.Env {
	env := a.env()
	env.Progress = progress
	env.Resumed = activity.GetInfo(ctx).Attempt > 1
	env.Job = kit.JobKey{
		Workflow: call.Envelope.Workflow, OriginalRun: call.Envelope.OriginalRun, Gate: call.Envelope.Gate,
		Occurrence: call.Envelope.Occurrence, Step: call.Step.ID, Attempt: call.Attempt,
	}
	return env
}

// patience turns a retry that has lasted longer than the step's time into a
// hold, so that people see it. Time without any worker does not end a step: at
// least one attempt is made after it.
func (a *Activities) patience(ctx context.Context, call dr.StepCall, res dr.StepResult, err error) error {
	de := dr.AsError(err, "step")
	if res.Output != "" {
		c := *de
		c.Text += "\noutput: " + tail(a.Redact(res.Output), 600)
		de = &c
	}
	if de.Class != dr.ClassRetry {
		return de
	}
	lasted := a.Now().Sub(activity.GetInfo(ctx).ScheduledTime)
	limit := max(call.Step.Timeout.D(), time.Minute)
	if call.Step.NoVeto {
		limit = call.Step.Timeout.D() // nothing waits longer for what may fail
	}
	if lasted < limit {
		return de
	}
	return dr.HoldUnknown(de.Code, "%s, for %s now", de.Text, lasted.Round(time.Second)).WithNext("see to the cause, then retry")
}

func tail(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return "…" + string(r[len(r)-n:])
}

// asked says whether the workflow cancelled the activity because people ended
// the step. Everything else that cancels it says nothing about the command: the
// worker is being stopped, or its heartbeats did not arrive and another attempt
// may be following the command already.
func asked(cause error) bool {
	var c *temporal.CanceledError
	return errors.As(cause, &c)
}

// severed is the end of an attempt that lost touch with Temporal: the command
// goes on, and the next attempt follows it.
func severed(call dr.StepCall, cause error) error {
	if dr.HasCode(cause, "deadline") || dr.ClassOf(cause) == dr.ClassRetry {
		return dr.Retry("severed", "%s: this worker lost touch with Temporal or is being stopped; a command that was started goes on, and the next attempt follows it", call.Step.Title).Because(cause)
	}
	return cause
}

// endJob ends the job of an interruptible step and proves its end.
func (a *Activities) endJob(ctx context.Context, env kit.Env, action kit.Action, call dr.StepCall, cause error) error {
	name := action.Host(call.Step.Args)
	if name == "" {
		return cause
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	h, err := env.Hosts.Host(name)
	if err != nil {
		return err
	}
	j, err := h.Stop(end, env.Job)
	if err != nil {
		return dr.HoldUnknown("stop", "%s was interrupted, but its command's end on %s is not proven: %s", call.Step.Title, name, dr.AsError(err, "stop").Text).
			WithNext("look at %s", j.Dir)
	}
	return dr.Hold("interrupted", "%s was interrupted: its command has ended (%s)", call.Step.Title, j.State)
}
