package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// hold is a step that needs a person.
type hold struct {
	status  *dr.HoldStatus
	skip    dr.Skip
	answer  *dr.Vote
	skipped bool
}

func holdOf(step, title string, attempt int, de *dr.Error, skip dr.Skip) *hold {
	return &hold{skip: skip, status: &dr.HoldStatus{
		Step: step, Attempt: attempt, Title: title, Text: de.Text, Next: de.Next, Unknown: de.Unknown,
		Options: holdOptions(de, skip),
	}}
}

// holdOptions lists what people may answer, the best advice first.
func holdOptions(de *dr.Error, skip dr.Skip) []dr.Verb {
	v := []dr.Verb{dr.VerbRetry, dr.VerbReplan}
	if de.Replan {
		v = []dr.Verb{dr.VerbReplan, dr.VerbRetry}
	}
	if skip != dr.SkipNever {
		v = append(v, dr.VerbSkip)
	}
	return append(v, dr.VerbAbandon)
}

// holdOn waits for a person. nil means: try again, or go on because the step
// is skipped.
func (r *run) holdOn(h *hold) error {
	now := workflow.Now(r.ctx)
	h.status.Since = now
	if !r.noReturn {
		h.status.Options = append(h.status.Options, dr.VerbAbort)
	}
	r.hold, r.status.Hold = h, h.status
	// What was said of an earlier hold says nothing of this one.
	clear(r.wishes)
	r.say(dr.StateHold, fmt.Sprintf("%s is on hold: %s", h.status.Step, h.status.Text))
	r.note("on hold at %s, attempt %d: %s", h.status.Step, h.status.Attempt, h.status.Text)
	r.reportLater()
	err := workflow.Await(r.ctx, func() bool { return h.answer != nil || r.wantsOut() })
	until := workflow.Now(r.ctx)
	r.events = append(r.events, dr.Event{
		At: now, Until: &until, Kind: dr.EventPeople, Step: h.status.Step, Attempt: h.status.Attempt, Text: "on hold: waited for people",
	})
	r.hold, r.status.Hold = nil, nil
	if err != nil {
		return fmt.Errorf("on hold: %w", err)
	}
	if h.answer == nil {
		return r.breathe()
	}
	r.recheckDue = true
	if h.answer.Verb == dr.VerbReplan {
		r.goBack = true
		r.again = fmt.Sprintf("%s was on hold (%s) and %s asked for a new plan", h.status.Step, h.status.Text, who(h.answer))
		return errReplan
	}
	h.skipped = h.answer.Verb == dr.VerbSkip
	r.say(dr.StateRunning, fmt.Sprintf("%s %s by %s", h.status.Step, h.answer.Verb, who(h.answer)))
	return nil
}
