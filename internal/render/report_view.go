package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// reportView is a report with everything computed that its pages show.
type reportView struct {
	R     dr.Report
	Title string
	// Ending is the kind of the ending, or the state of a run still open.
	Ending     string
	EndingText string
	// Tone is good, warn or bad: the colour of the ending.
	Tone      string
	Cards     []card
	Timeline  timeline
	Events    []eventView
	Estimated string
	Measured  string
	Next      []string
	Roles     []dr.SiteRole
	End       time.Time
	// Point is the point of no return; the zero time when it was not passed.
	Point time.Time
}

// Clock writes a time of the run: without its date on the day of the start.
func (v reportView) Clock(t time.Time) string {
	if t.UTC().Format(time.DateOnly) == v.R.StartedAt.UTC().Format(time.DateOnly) {
		return t.UTC().Format(time.TimeOnly)
	}
	return t.UTC().Format(time.DateTime)
}

// card is one figure at the top of the page.
type card struct{ Name, Value, Note, Tone string }

// eventView is an event with its times as text.
type eventView struct {
	dr.Event
	// Meta tells phase, step, attempt, state and duration.
	Offset, Meta string
	KindOf       dr.Kind
	// Mark is a milestone that this event is: "point of no return".
	Mark string
}

func newReportView(r dr.Report) reportView {
	v := reportView{
		R: r, Title: dr.RunTitle(r.Procedure, r.Mode, r.System, r.From, r.To),
		Ending: string(r.Status.State), EndingText: r.Status.Sentence, Tone: "warn", End: reportEnd(r),
	}
	if e := r.Ending; e != nil {
		v.Ending, v.EndingText, v.Roles = string(e.Kind), e.Text, e.Roles
		v.Tone = endingTone(*e)
	}
	v.R.Outage = dr.OutageOf(r)
	kinds := stepKinds(r.Plans)
	point := pointOfNoReturn(r, kinds)
	v.Point = point
	v.Timeline = newTimeline(r, v.End, kinds, point)
	v.Events = eventViews(r, kinds, point)
	if r.Estimated != nil {
		v.Estimated = r.Estimated.Sentence(estimatedAt(r))
	}
	if r.Measured != nil {
		v.Measured = r.Measured.Amount.String()
	}
	v.Cards = cards(r, v)
	v.Next = nextSteps(r, point)
	return v
}

func endingTone(e dr.Ending) string {
	switch e.Kind {
	case dr.EndDone, dr.EndNothing, dr.EndSafeStop:
		if e.Unprotected != nil || len(e.RunningJobs) > 0 {
			return "warn"
		}
		return "good"
	case dr.EndAbandoned, dr.EndRefused:
		return "bad"
	case dr.EndRejected, dr.EndExpired, dr.EndAborted:
	}
	return "warn"
}

// reportEnd is the time at which the timeline ends.
func reportEnd(r dr.Report) time.Time {
	end := r.WrittenAt
	if r.Ending != nil {
		end = r.Ending.At
	}
	for _, e := range r.Events {
		if e.At.After(end) {
			end = e.At
		}
		if e.Until != nil && e.Until.After(end) {
			end = *e.Until
		}
	}
	return end
}

// estimatedAt is when the loss was estimated: the ages in its sentence are
// those that the approvers saw.
func estimatedAt(r dr.Report) time.Time {
	for i := len(r.Plans) - 1; i >= 0; i-- {
		if !r.Plans[i].MadeAt.IsZero() {
			return r.Plans[i].MadeAt
		}
	}
	return r.WrittenAt
}

func stepKinds(plans []dr.Plan) map[string]dr.Step {
	m := map[string]dr.Step{}
	for _, p := range plans {
		for _, ph := range p.Phases {
			for _, s := range ph.Steps {
				m[s.ID] = s
			}
		}
	}
	return m
}

// pointOfNoReturn is when the first irreversible step was begun; the zero time
// when none was. A step found already done was not begun by this run.
func pointOfNoReturn(r dr.Report, kinds map[string]dr.Step) time.Time {
	var at time.Time
	for _, e := range r.Events {
		begun := e.Kind == dr.EventWork && e.State != dr.StepAlready && e.State != dr.StepPending && e.State != dr.StepSkipped
		if begun && kinds[e.Step].Kind == dr.KindIrreversible && (at.IsZero() || e.At.Before(at)) {
			at = e.At
		}
	}
	return at
}

func eventViews(r dr.Report, kinds map[string]dr.Step, point time.Time) []eventView {
	var out []eventView
	marked := false
	for _, e := range r.Events {
		v := eventView{Event: e, Offset: "+" + dr.SpanText(e.At.Sub(r.StartedAt)), KindOf: kinds[e.Step].Kind}
		v.Meta = eventMeta(e)
		if !marked && !point.IsZero() && e.At.Equal(point) && v.KindOf == dr.KindIrreversible {
			v.Mark, marked = "point of no return", true
		}
		out = append(out, v)
	}
	return out
}

func eventMeta(e dr.Event) string {
	var parts []string
	for _, s := range []string{string(e.Phase), e.Step, string(e.State)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", e.Attempt))
	}
	if e.Until != nil {
		parts = append(parts, dr.SpanText(e.Until.Sub(e.At)))
	}
	return strings.Join(parts, " · ")
}

func cards(r dr.Report, v reportView) []card {
	out := []card{
		{Name: "Duration", Value: dr.SpanText(v.End.Sub(r.StartedAt)), Note: "start to end"},
		{Name: "Working", Value: dr.SpanText(v.Timeline.Work), Note: "everything but waiting for people"},
		{Name: "Waiting for people", Value: dr.SpanText(v.Timeline.People), Note: "gates and holds"},
	}
	if r.Status.RestoredAt != nil {
		out = append(out, card{"Service restored", dr.SpanText(r.Status.RestoredAt.Sub(r.StartedAt)), "after the start, at " + r.Status.RestoredAt.UTC().Format("15:04:05") + " UTC", "good"})
	} else {
		out = append(out, card{"Service restored", "not announced", "by this run", "warn"})
	}
	if r.Estimated != nil {
		c := card{Name: "Loss, estimated", Value: lossWord(*r.Estimated), Note: "before the decision", Tone: "warn"}
		if r.Estimated.Kind == dr.LossNone {
			c.Tone = "good"
		}
		out = append(out, c)
	}
	switch {
	case r.Measured == nil && v.Point.IsZero():
		out = append(out, card{Name: "Loss, measured", Value: "not measured", Note: "no irreversible step was begun"})
	case r.Measured == nil:
		out = append(out, card{"Loss, measured", "not measured", "unknown is not zero", "warn"})
	case r.Measured.Amount.Zero():
		out = append(out, card{"Loss, measured", "none", r.Measured.Amount.String(), "good"})
	default:
		out = append(out, card{"Loss, measured", r.Measured.Amount.String(), "read afterwards", "bad"})
	}
	return out
}

func lossWord(l dr.Loss) string {
	switch {
	case l.Kind == dr.LossNone:
		return "none"
	case l.Kind == dr.LossWindow && l.Proof != nil:
		return "since " + l.Proof.At.UTC().Format("15:04:05") + " UTC"
	}
	return "unknown"
}

// nextSteps says what is unprotected or unfinished and what to do about it.
func nextSteps(r dr.Report, point time.Time) []string {
	var out []string
	u := r.Status.Unprotected
	if e := r.Ending; e != nil {
		if e.Unprotected != nil {
			u = e.Unprotected
		}
		for _, j := range e.RunningJobs {
			out = append(out, "A command still runs: "+j+". Watch it to its end before anything else is started.")
		}
	}
	if u != nil {
		out = append(out, "Unprotected since "+dr.TimeText(u.Since)+": "+sentence(u.Why)+" Next: "+sentence(u.Next))
	}
	if h := r.Status.Hold; h != nil {
		out = append(out, "On hold at "+h.Title+": "+sentence(h.Text)+" Next: "+sentence(orElse(h.Next, "decide")))
	}
	if r.Measured != nil && r.Measured.Kept != "" {
		out = append(out, "What was lost is kept at "+r.Measured.Kept+". Decide what is entered again.")
	}
	if !point.IsZero() && r.Measured == nil && r.Estimated != nil && r.Estimated.Kind != dr.LossNone {
		out = append(out, "The loss was not measured. Read the old primary's log before its data is overwritten.")
	}
	if len(out) == 0 && r.Ending != nil {
		out = append(out, "Nothing is left to do for this run.")
	}
	return out
}

// sentence ends a text with exactly one full stop.
func sentence(s string) string { return strings.TrimRight(s, ". ") + "." }
