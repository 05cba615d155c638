package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/dr"
)

// Failure types, equal to those that workflows read.
var failureTypes = map[dr.Class]string{dr.ClassRetry: "Retry", dr.ClassHold: "Hold", dr.ClassRefuse: "Refuse"}

// failure turns an error into the application error that a workflow reads. It
// is the one place where classes become retry behaviour, and where the text is
// redacted and cut to what Temporal keeps of a failure.
func (a *Activities) failure(err error) error {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return err
	}
	de := *dr.AsError(err, "failure")
	de.Text = dr.Clip(a.Redact(de.Text), 1000)
	de.Next = dr.Clip(a.Redact(de.Next), 400)
	return temporal.NewApplicationErrorWithOptions(de.Error(), failureTypes[de.Class], temporal.ApplicationErrorOptions{
		NonRetryable: de.Class != dr.ClassRetry,
		Details:      []any{de},
	})
}
