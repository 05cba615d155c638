package dr

import (
	"slices"
	"strings"
	"time"
)

// OutagePart is one part of the time in which clients could not work, as the
// report tells it.
type OutagePart struct {
	// Name is stable: "decision", "stop", "promotion", "redirection", "clients".
	Name string `json:"name"`
	// Title is what people read.
	Title string `json:"title"`
	// Known says whether it was measured: yes, no (it did not happen in this
	// run) or unknown.
	Known Tri `json:"known"`
	// From and Until are set when Known is yes.
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// Text is one sentence: what the times mean, or why there are none.
	Text string `json:"text"`
}

// Took is how long the part lasted; 0 when it is not known.
func (p OutagePart) Took() time.Duration {
	if p.From == nil || p.Until == nil {
		return 0
	}
	return p.Until.Sub(*p.From)
}

// ActionProbeClient is the name of the action that proves that clients arrive and
// can write.
const ActionProbeClient = "probe.client"

// OutageOf finds the parts of the outage of a takeover, or of a failback's
// cutover, in a report's timeline. A run without them has none.
func OutageOf(r Report) []OutagePart {
	var v outageView
	switch r.Procedure {
	case ProcTakeover:
		v = outageView{r: r, stop: []Phase{PhaseIsolate}, promote: PhasePromote}
	case ProcFailback:
		v = outageView{r: r, stop: []Phase{PhaseQuiesce, PhaseCatchUp}, promote: PhaseHandBack}
	default:
		return nil
	}
	promotion := v.phase("promotion", "Promotion", "the new site became primary", v.promote)
	redirection := v.phase("redirection", "Redirection", "addresses were moved and applications started", PhaseRedirect)
	stop := v.phase("stop", "Stop of clients", "clients were kept away and the old primary was stopped or fenced", v.stop...)
	if promotion.Known == No && redirection.Known == No && stop.Known == No {
		return nil
	}
	began := stop.From
	if began == nil {
		began = promotion.From
	}
	return []OutagePart{v.decision(began), stop, promotion, redirection, v.clients(began)}
}

type outageView struct {
	r       Report
	stop    []Phase
	promote Phase
}

// phase spans the steps of phases, from the first to the last.
func (v outageView) phase(name, title, text string, phases ...Phase) OutagePart {
	p := OutagePart{Name: name, Title: title, Known: No, Text: "no step of it was carried out in this run"}
	var last Event
	for _, e := range v.r.Events {
		if e.Kind != EventWork || e.Step == "" || !slices.Contains(phases, e.Phase) || e.State == StepSkipped {
			continue
		}
		if at := e.At; p.From == nil || at.Before(*p.From) {
			p.From = &at
		}
		last = e
	}
	switch {
	case p.From == nil:
	case last.Until == nil || last.State != StepDone && last.State != StepAlready:
		p.Known, p.Text = Unknown, "it was begun, and its end is not in this report"
	default:
		until := *last.Until
		p.Known, p.Until, p.Text = Yes, &until, text
	}
	return p
}

// decision is the last wait at a gate before clients were stopped; waits at
// holds and pauses are none.
func (v outageView) decision(began *time.Time) OutagePart {
	p := OutagePart{Name: "decision", Title: "Decision", Known: Unknown, Text: "no gate was passed before clients were stopped"}
	for _, e := range v.r.Events {
		gate := e.Kind == EventPeople && e.Step == "" && strings.HasPrefix(strings.ToLower(e.Text), "gate ")
		if !gate || e.Until == nil || began == nil || e.Until.After(*began) {
			continue
		}
		at, until := e.At, *e.Until
		p.From, p.Until, p.Known, p.Text = &at, &until, Yes, "people decided"
	}
	return p
}

// clients ends with the first proof that clients can write by their own address:
// the first write was possible at the latest then.
func (v outageView) clients(began *time.Time) OutagePart {
	p := OutagePart{Name: "clients", Title: "First client write", Known: Unknown, Text: "nobody has measured when clients could write again: no probe of theirs was made that tells"}
	proofs := map[string]bool{}
	for _, plan := range v.r.Plans {
		for _, ph := range plan.Phases {
			for _, st := range ph.Steps {
				proofs[st.ID] = proofs[st.ID] || st.Action == ActionProbeClient
			}
		}
	}
	for _, e := range v.r.Events {
		done := e.State == StepDone && e.Until != nil && proofs[e.Step] && began != nil && !e.Until.Before(*began)
		if done && (p.Until == nil || e.Until.Before(*p.Until)) {
			until := *e.Until
			p.From, p.Until, p.Known = began, &until, Yes
			p.Text = "from the stop of clients until a probe by their own address found that the new primary takes writes: at the latest then"
		}
	}
	return p
}
