package dr

import (
	"strconv"
	"strings"
)

// YourID is the placeholder for the person in copy-paste bodies.
const YourID = "<your ID>"

// YourReason is the placeholder for the reason in copy-paste bodies.
const YourReason = "<your reason>"

// SendForm is one decision in the forms in which people can send it.
type SendForm struct {
	Verb Verb
	// Body is the JSON body of the signal or update named Verb.
	Body string
	// Starter and Temporal are shell lines.
	Starter  string
	Temporal string
}

// GateForm gives the forms of a decision on a gate.
func GateForm(v Verb, workflow, system string, g Gate, occurrence int, digest string) SendForm {
	return gateForm(v, workflow, system, g, occurrence, digest, false)
}

// FormOf is GateForm for an open gate, with a reason where one is needed.
func (g GateStatus) FormOf(v Verb, workflow, system string) SendForm {
	return gateForm(v, workflow, system, g.Gate, g.Occurrence, g.Digest, v == VerbApprove && g.NeedsReason)
}

func gateForm(v Verb, workflow, system string, g Gate, occurrence int, digest string, reason bool) SendForm {
	short := ShortDigest(digest)
	d := Decision{Gate: g, Occurrence: occurrence, Digest: short, Person: YourID}
	args := []string{"starter", string(v), system, "--gate", string(g), "--digest", short}
	if v != VerbApprove || reason {
		d.Reason = YourReason
		args = append(args, "--reason", YourReason)
	}
	return sendForm(v, workflow, d, args)
}

// HoldForm gives the forms of a decision on a hold. Abandon ends the run and
// names no step.
func HoldForm(v Verb, workflow, system, step string, attempt int) SendForm {
	d := Decision{Step: step, Attempt: attempt, Person: YourID}
	args := []string{"starter", string(v), system, "--step", step, "--attempt", strconv.Itoa(attempt)}
	if !v.OnHold() {
		d = Decision{Person: YourID}
		args = []string{"starter", string(v), system}
	}
	if v == VerbSkip || v == VerbAbandon || v == VerbAbort {
		d.Reason = YourReason
		args = append(args, "--reason", YourReason)
	}
	return sendForm(v, workflow, d, args)
}

func sendForm(v Verb, workflow string, d Decision, args []string) SendForm {
	body := "{}"
	if b, err := Canonical(d); err == nil {
		body = string(b)
	}
	for i := range args {
		args[i] = Quote(args[i])
	}
	return SendForm{
		Verb: v, Body: body, Starter: strings.Join(args, " "),
		Temporal: "temporal workflow signal --workflow-id " + Quote(workflow) + " --name " + Quote(string(v)) +
			" --input " + Quote(body),
	}
}

// Word is the mark of a step's kind, in capitals, for people.
func (k Kind) Word() string {
	switch k {
	case KindRead:
		return "READ"
	case KindChange:
		return "CHANGE"
	case KindIrreversible:
		return "IRREVERSIBLE"
	}
	return "UNKNOWN KIND"
}

// RunTitle names a run for people: "Planned takeover of orders, east to west".
func RunTitle(p Procedure, m Mode, system, from, to string) string {
	s := string(p)
	if m != "" {
		s = string(m) + " " + s
	}
	if s != "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	s += " of " + system
	switch {
	case from != "" && to != "":
		s += ", " + from + " to " + to
	case to != "":
		s += ", to " + to
	}
	return s
}
