package activities

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/dr"
)

// TestOnlyPeopleEndACommand: a lost heartbeat, a server that has given the
// attempt to somebody else and a worker that is stopped leave it running.
func TestOnlyPeopleEndACommand(t *testing.T) {
	for _, cause := range []error{
		context.Canceled, context.DeadlineExceeded, serviceerror.NewNotFound("the attempt timed out"), serviceerror.NewUnavailable("no frontend"),
		activity.ErrActivityPaused, activity.ErrActivityReset,
	} {
		require.False(t, asked(cause), "%v", cause)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(temporal.NewCanceledError())
	below, stop := context.WithTimeout(ctx, 0)
	defer stop()
	require.True(t, asked(context.Cause(below)))
}

// TestAnAttemptThatLostTouchIsMadeAgainAndHoldsNobodyUp: what it knew for
// certain stays what it was.
func TestAnAttemptThatLostTouchIsMadeAgainAndHoldsNobodyUp(t *testing.T) {
	call := dr.StepCall{Step: dr.Step{Title: "Copy"}}
	for _, cause := range []error{dr.HoldUnknown("deadline", "it still ran"), dr.Retry("unreachable", "no answer")} {
		err := severed(call, cause)
		require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
		require.True(t, dr.HasCode(err, "severed"), "%v", err)
	}
	refused := dr.Hold("guard", "nothing was sent")
	require.Equal(t, error(refused), severed(call, refused))
}
