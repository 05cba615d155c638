package dr

import (
	"errors"
	"fmt"
)

// Class says what an error means for the procedure. There are three classes
// and no fourth: every error that an adapter, an activity or a program returns
// is one of them.
type Class string

// The classes of errors.
const (
	// ClassRetry errors may go away by themselves and nothing was changed:
	// try again within the deadline.
	ClassRetry Class = "retry"
	// ClassHold errors need a person: the step has failed for good, or its
	// outcome is unknown. Nothing more is sent until somebody decides.
	ClassHold Class = "hold"
	// ClassRefuse errors end the request before anything is changed: the
	// input, the inventory or the state of the system forbids it.
	ClassRefuse Class = "refuse"
)

// Error is an error with a class, a sentence for people and, apart from it,
// what to do next.
type Error struct {
	Class Class `json:"class"`
	// Code is stable and machine readable, for example "two_primaries".
	Code string `json:"code"`
	// Text says what happened, where.
	Text string `json:"text"`
	// Next says what the reader should do now.
	Next string `json:"next,omitempty"`
	// Unknown is set when the outcome of a change is not known.
	Unknown bool `json:"unknown,omitempty"`
	// NotSent is set when it is certain that nothing was sent and nothing can
	// be sent any more for this attempt: the point of no return was not
	// passed by it.
	NotSent bool `json:"not_sent,omitempty"`
	// Replan is set when only a new plan can help, so that the hold offers
	// it first.
	Replan bool `json:"replan,omitempty"`

	cause error
}

// Error writes "what happened; next: what to do".
func (e *Error) Error() string {
	if e.Next == "" {
		return e.Text
	}
	return e.Text + "; next: " + e.Next
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// WithNext gives a copy with the advice replaced.
func (e *Error) WithNext(format string, a ...any) *Error {
	c := *e
	c.Next = fmt.Sprintf(format, a...)
	return &c
}

// Because gives a copy with a cause for errors.Is and errors.As.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Retry makes an error that may go away by itself.
func Retry(code, format string, a ...any) *Error {
	return &Error{Class: ClassRetry, Code: code, Text: fmt.Sprintf(format, a...)}
}

// Hold makes an error that needs a person.
func Hold(code, format string, a ...any) *Error {
	return &Error{Class: ClassHold, Code: code, Text: fmt.Sprintf(format, a...)}
}

// HoldUnknown makes the error of a change whose outcome is not known.
func HoldUnknown(code, format string, a ...any) *Error {
	return &Error{Class: ClassHold, Code: code, Text: fmt.Sprintf(format, a...), Unknown: true}
}

// HoldReplan makes the error of a step that only a new plan can replace.
func HoldReplan(code, format string, a ...any) *Error {
	return &Error{Class: ClassHold, Code: code, Text: fmt.Sprintf(format, a...), Replan: true}
}

// Refuse makes an error that ends the request before anything is changed.
func Refuse(code, format string, a ...any) *Error {
	return &Error{Class: ClassRefuse, Code: code, Text: fmt.Sprintf(format, a...)}
}

// ClassOf gives the class of any error. An error without a class is a hold: it
// was not foreseen, so a person must look at it.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ClassHold
}

// AsError gives err as an *Error; one without a class becomes a hold of the
// given code.
func AsError(err error, code string) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Hold(code, "%s", err.Error()).Because(err)
}

// HasCode says whether err carries an *Error with this code.
func HasCode(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
