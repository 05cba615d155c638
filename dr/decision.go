package dr

import (
	"fmt"
	"time"
)

// Verb is what somebody decided.
type Verb string

// The verbs. Approve and reject answer a gate; retry, skip and replan answer
// a hold; abandon answers a hold or ends the run; abort, pause and resume
// concern the run.
const (
	VerbApprove Verb = "approve"
	VerbReject  Verb = "reject"
	VerbAbort   Verb = "abort"
	VerbPause   Verb = "pause"
	VerbResume  Verb = "resume"
	VerbRetry   Verb = "retry"
	VerbSkip    Verb = "skip"
	VerbReplan  Verb = "replan"
	VerbAbandon Verb = "abandon"
)

// Verbs lists all verbs in the order in which they are shown.
func Verbs() []Verb {
	return []Verb{VerbApprove, VerbReject, VerbPause, VerbResume, VerbAbort, VerbRetry, VerbSkip, VerbReplan, VerbAbandon}
}

// OnGate says whether the verb answers a gate.
func (v Verb) OnGate() bool { return v == VerbApprove || v == VerbReject }

// OnHold says whether the verb can only answer a hold.
func (v Verb) OnHold() bool { return v == VerbRetry || v == VerbSkip || v == VerbReplan }

// Describe gives the sentence that the Temporal UI shows beside the verb.
func (v Verb) Describe() string {
	switch v {
	case VerbApprove:
		return `Approve the open gate. Body: {"gate":"decide","digest":"<12 hex digits>","person":"<your ID>"}`
	case VerbReject:
		return `Reject the open gate; one rejection ends the wait. Body: {"gate":"decide","digest":"<12 hex digits>","person":"<your ID>","reason":"..."}`
	case VerbAbort:
		return `Stop before the point of no return and undo what was done. Body: {"person":"<your ID>","reason":"..."}`
	case VerbPause:
		return `Start no further step until resume. Body: {"person":"<your ID>"}`
	case VerbResume:
		return `Go on after a pause; the situation is checked again first. Body: {"person":"<your ID>"}`
	case VerbRetry:
		return `Try the step on hold once more. Body: {"step":"<step ID>","attempt":1,"person":"<your ID>"}`
	case VerbSkip:
		return `Skip the step on hold, where the plan allows it. Body: {"step":"<step ID>","attempt":1,"person":"<your ID>","reason":"..."}`
	case VerbReplan:
		return `Observe again, plan anew and open the gate again. Body: {"step":"<step ID>","attempt":1,"person":"<your ID>"}`
	case VerbAbandon:
		return `End the run as it is: no further step, no undo. Body: {"person":"<your ID>","reason":"..."}`
	}
	return ""
}

// DecisionSchema is the schema number of Decision that this release writes.
const DecisionSchema = 1

// SSHSIG namespaces: a signature made for one purpose is none for the other.
const (
	NamespaceDecision = "switchback-decision"
	NamespaceStart    = "switchback-start"
)

// Decision is what somebody decided, as it is sent and signed. Gate decisions
// carry gate, occurrence and digest; decisions on a hold carry step and
// attempt, so that a doubled retry cannot hit the next hold.
type Decision struct {
	Schema      int       `json:"schema,omitempty"`
	Workflow    string    `json:"workflow,omitempty"`
	OriginalRun string    `json:"original_run,omitempty"`
	Run         string    `json:"run,omitempty"`
	Gate        Gate      `json:"gate,omitempty"`
	Occurrence  int       `json:"occurrence,omitempty"`
	Digest      string    `json:"digest,omitempty"`
	Step        string    `json:"step,omitempty"`
	Attempt     int       `json:"attempt,omitempty"`
	Decision    Verb      `json:"decision,omitempty"`
	Person      string    `json:"person,omitempty"`
	Channel     string    `json:"channel,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Nonce       string    `json:"nonce,omitempty"`
	// Signature is an armoured OpenSSH signature (SSHSIG) in the namespace
	// NamespaceDecision over SignedBytes; empty for an unsigned decision.
	Signature string `json:"signature,omitempty"`
}

// MaxDecisionBytes bounds the body of a decision.
const MaxDecisionBytes = 16 * 1024

// MaxReason bounds the reason, in characters.
const MaxReason = 1000

// DecodeDecision reads the body of a message of the given verb. It refuses
// only what cannot be decoded or is too large; whether the decision counts is
// judged elsewhere.
func DecodeDecision(verb Verb, raw []byte) (Decision, error) {
	var d Decision
	if len(raw) > MaxDecisionBytes {
		return d, fmt.Errorf("the %s is larger than %d bytes", verb, MaxDecisionBytes)
	}
	if err := DecodeStrict(raw, &d); err != nil {
		return Decision{}, fmt.Errorf("the %s cannot be read (%w); %s", verb, err, verb.Describe())
	}
	if d.Decision != "" && d.Decision != verb {
		return Decision{}, fmt.Errorf("the body says %q but the message is %q", d.Decision, verb)
	}
	d.Decision = verb
	if len([]rune(d.Reason)) > MaxReason {
		return Decision{}, fmt.Errorf("the reason is longer than %d characters", MaxReason)
	}
	return d, nil
}

// SignedBytes is what a signature is made over: the canonical JSON of the
// decision without its signature.
func (d Decision) SignedBytes() ([]byte, error) {
	d.Signature = ""
	return Canonical(d)
}

// Vote is a decision that was judged.
type Vote struct {
	Verb    Verb      `json:"verb"`
	Person  string    `json:"person"`
	Channel string    `json:"channel,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
	Signed  bool      `json:"signed"`
	// Text says how it was judged.
	Text string `json:"text,omitempty"`
}

// Refusal is a decision that did not count, with the reason.
type Refusal struct {
	Verb   Verb      `json:"verb"`
	Person string    `json:"person,omitempty"`
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
}

// MaxRefusals bounds the refusals that a run lists; further ones are counted.
const MaxRefusals = 200
