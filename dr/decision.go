package dr

import (
	"fmt"
	"time"
)

// Verb is what somebody decided.
type Verb string

// The verbs. Approve and reject answer a gate; retry, skip and replan answer
// a hold; abandon answers a hold or ends the run; abort, pause and resume
// concern the run. Break-glass passes a gate alone where the policy has it;
// acknowledge answers what a broken glass leaves behind, at the watch.
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

	VerbBreakGlass  Verb = "break-glass"
	VerbAcknowledge Verb = "acknowledge"
)

// Verbs lists all verbs of a run in the order in which they are shown.
func Verbs() []Verb {
	return []Verb{
		VerbApprove, VerbReject, VerbPause, VerbResume, VerbAbort, VerbRetry, VerbSkip, VerbReplan, VerbAbandon, VerbBreakGlass,
	}
}

// OnGate says whether the verb answers a gate.
func (v Verb) OnGate() bool { return v == VerbApprove || v == VerbReject || v == VerbBreakGlass }

// Passes says whether the verb speaks for passing a gate.
func (v Verb) Passes() bool { return v == VerbApprove || v == VerbBreakGlass }

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
	case VerbBreakGlass:
		return `Pass the open gate alone, where the policy has break-glass; it must be acknowledged afterwards. Body: {"gate":"decide","digest":"<12 hex digits>","person":"<your ID>","reason":"..."}`
	case VerbAcknowledge:
		return `Acknowledge that somebody else broke the glass. Body: {"original_run":"<the run's ID>","person":"<your ID>","reason":"..."}`
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
	// Gateway names the gateway of the inventory that speaks for Account, such
	// as "slack:T1/U1", and signs with its own key. Both are empty when the
	// person signs.
	Gateway string `json:"gateway,omitempty"`
	Account string `json:"account,omitempty"`
	// Refused is set by a gateway that has refused already, for example because
	// the click came from a wrong channel: the decision never counts and the
	// run shows it as refused.
	Refused string `json:"refused,omitempty"`
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
	// Gateway and Account are set when a gateway signed for an account.
	Gateway string `json:"gateway,omitempty"`
	Account string `json:"account,omitempty"`
	// Attested is the caller as Temporal's server authenticated it.
	Attested string `json:"attested,omitempty"`
	// Meets names what the vote counts towards: MeetsGate, MeetsWaiver,
	// MeetsDiscard; empty means the gate alone.
	Meets []string `json:"meets,omitempty"`
	// Text says how it was judged.
	Text string `json:"text,omitempty"`
}

// How says in a few words how much is known of who voted.
func (v Vote) How() string {
	switch {
	case v.Gateway != "":
		return "signed by the gateway " + v.Gateway + " for " + v.Account
	case v.Signed:
		return "signed"
	case v.Attested != "":
		return "attested by the server as " + v.Attested
	}
	return "unsigned: claimed, not proven"
}

// Refusal is a decision that did not count, with the reason.
type Refusal struct {
	Verb   Verb   `json:"verb"`
	Person string `json:"person,omitempty"`
	// Account is the one that a gateway spoke for, as it said.
	Account string    `json:"account,omitempty"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// MaxRefusals bounds the refusals that a run lists; further ones are counted.
const MaxRefusals = 200
