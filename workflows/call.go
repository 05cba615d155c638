package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Failure types of Temporal application errors: the class of the dr.Error that
// is carried in their details.
const (
	failRetry  = "Retry"
	failHold   = "Hold"
	failRefuse = "Refuse"
)

// heartbeat is how long a worker may be silent inside an activity before
// another one takes over.
const heartbeat = 6 * time.Second

// shortCall is for activities that only think or ask: they are repeated until
// a worker and the world answer. The procedure has no deadline of its own.
func shortCall(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           dr.TaskQueue,
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    heartbeat,
		RetryPolicy:         retryPolicy(),
		WaitForCancellation: true,
		Summary:             dr.Clip(summary, 180),
	})
}

// stepCall is for one attempt at a step. The activity itself turns a retry
// that lasted too long into a hold, so that a time without workers does not
// use up a step's time.
//
// Its activity ID names the step, the attempt and the opening of the gate, so
// that people who look at pending activities see where the run is. No two
// activities of a run have the same one.
func stepCall(ctx workflow.Context, call dr.StepCall) workflow.Context {
	st := call.Step
	summary := st.Title
	if len(st.Commands) > 0 {
		summary = st.Commands[0]
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID: fmt.Sprintf("%s-%d/%s-%d", call.Envelope.Gate, call.Envelope.Occurrence, st.ID, call.Attempt),
		TaskQueue:  dr.TaskQueue,
		// The slack is for following, and for outwaiting an earlier attempt.
		StartToCloseTimeout: st.Timeout.D() + 2*time.Minute,
		HeartbeatTimeout:    heartbeat,
		RetryPolicy:         retryPolicy(),
		WaitForCancellation: true,
		Summary:             dr.Clip(summary, 180),
	})
}

func retryPolicy() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:        200 * time.Millisecond,
		BackoffCoefficient:     1.5,
		MaximumInterval:        5 * time.Second,
		NonRetryableErrorTypes: []string{failHold, failRefuse},
	}
}

// asError turns an activity's failure back into the dr.Error that it carries.
// A failure without one is a hold: nobody foresaw it.
func asError(err error) *dr.Error {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var de dr.Error
		if app.HasDetails() && app.Details(&de) == nil && de.Class != "" {
			return &de
		}
		return dr.Hold("failure", "%s", app.Message())
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return dr.HoldUnknown("timeout", "no worker gave an answer in time (%s)", timeout.TimeoutType()).
			WithNext("see that a worker runs, then retry")
	}
	var canceled *temporal.CanceledError
	if errors.As(err, &canceled) {
		return dr.Hold("interrupted", "the step was interrupted")
	}
	return dr.Hold("failure", "%s", err.Error())
}

// refusal is how a run ends that was refused: as a failed workflow whose
// message says what to do.
func refusal(e *dr.Error) error {
	return temporal.NewNonRetryableApplicationError(e.Error(), failRefuse, nil, e)
}
