package people

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Unknown is the requester of a start that nobody signed.
const Unknown = inventory.UnknownPerson

// maxAhead is how far a signer's clock may be ahead of the worker's.
const maxAhead = 2 * time.Minute

// Verdict is how a decision's person was judged.
type Verdict struct {
	// Person is the ID in the inventory; "" when there is no such person.
	Person string `json:"person,omitempty"`
	// Signed is true when a valid signature of that person was there.
	Signed bool `json:"signed"`
	// Counts is true when the decision counts.
	Counts bool `json:"counts"`
	// Why is one sentence.
	Why string `json:"why"`
}

// Judge says whether a decision counts, as far as its person goes: who made
// it, whether the person may, and whether it was made in time. Whether it fits
// the open gate or hold, and whether its nonce was used before, is judged by
// the workflow. requester is the person who started the run, or Unknown.
func Judge(all map[string]inventory.Person, policy dr.DecisionPolicy, d dr.Decision, requester string, now time.Time) Verdict {
	p, ok := all[d.Person]
	if !ok {
		if d.Person == "" {
			return Verdict{Why: "refused: the decision names no person"}
		}
		return Verdict{Why: fmt.Sprintf("refused: there is no person %q in the inventory", dr.Clip(d.Person, 60))}
	}
	v := Verdict{Person: d.Person}
	refuse := func(format string, a ...any) Verdict {
		v.Why = "refused: " + fmt.Sprintf(format, a...)
		return v
	}
	how := "unsigned, which the policy allows"
	if d.Signature != "" {
		if why := checkSigned(p, policy, d, now); why != "" {
			return refuse("%s", why)
		}
		v.Signed, how = true, "signed"
	} else if policy.Unsigned != dr.UnsignedCount {
		return refuse("the decision of %s is not signed, and the policy asks for a signature", d.Person)
	}
	switch {
	case !p.HasRole(policy.Roles):
		return refuse("%s has none of the roles that may %s here", d.Person, d.Decision)
	case policy.ReasonRequired && blank(d.Reason):
		return refuse("the policy asks for a reason, and %s gave none", d.Person)
	case policy.ExcludeRequester && d.Person == requester && d.Decision != dr.VerbReject:
		// A rejection is always heard: it only makes things stop.
		v.Why = fmt.Sprintf("does not count: %s requested it", d.Person)
		return v
	}
	v.Counts = true
	v.Why = fmt.Sprintf("%s by %s, %s", d.Decision, d.Person, how)
	return v
}

// checkSigned says what is wrong with a signed decision, or nothing.
func checkSigned(p inventory.Person, policy dr.DecisionPolicy, d dr.Decision, now time.Time) string {
	if d.Schema != dr.DecisionSchema {
		return fmt.Sprintf("the signed decision has schema %d; this release reads %d", d.Schema, dr.DecisionSchema)
	}
	// Without these the signature would be good for another run as well.
	for _, f := range []struct {
		name   string
		absent bool
	}{
		{"workflow", d.Workflow == ""},
		{"original_run", d.OriginalRun == ""},
		{"run", d.Run == ""},
		{"time", d.Time.IsZero()},
		{"nonce", d.Nonce == ""},
	} {
		if f.absent {
			return fmt.Sprintf("the signed decision lacks the field %q", f.name)
		}
	}
	message, err := d.SignedBytes()
	if err != nil {
		return "the signed decision cannot be written as canonical JSON"
	}
	if _, err := Verify(d.Signature, dr.NamespaceDecision, message, p.Keys); err != nil {
		return dr.AsError(err, "signature").Text
	}
	switch age := now.Sub(d.Time); {
	case age > policy.OpenFor.D():
		return fmt.Sprintf("the decision was signed %s ago, longer than a request stays open (%s)", age.Round(time.Second), policy.OpenFor)
	case age < -maxAhead:
		return fmt.Sprintf("the decision was signed %s in the future; check the clock where it was signed", (-age).Round(time.Second))
	}
	return ""
}

// JudgeStart says who started a procedure: the person's ID, or Unknown when
// the start is not signed. A signature that is not good is a refusal of code
// "start_signature", never an unsigned start. why is one sentence. Whether the
// nonce was used before is judged by the caller.
func JudgeStart(all map[string]inventory.Person, req dr.Request, workflow string, now time.Time) (person, why string, err error) {
	s := req.Signed
	if s == nil {
		return Unknown, "the start is not signed", nil
	}
	refuse := func(format string, a ...any) (string, string, error) {
		return "", "", dr.Refuse("start_signature", "the signed start is refused: "+format, a...).
			WithNext("sign again with a key that stands beside you in the inventory, or start without a signature")
	}
	p, ok := all[s.Person]
	switch {
	case !ok:
		return refuse("there is no person %q in the inventory", dr.Clip(s.Person, 60))
	case s.Nonce == "":
		return refuse(`the field "nonce" is missing`)
	}
	message, err := req.StartBytes(workflow)
	if err != nil {
		return refuse("it cannot be written as canonical JSON")
	}
	key, err := Verify(s.Signature, dr.NamespaceStart, message, p.Keys)
	if err != nil {
		return refuse("%s", dr.AsError(err, "signature").Text)
	}
	if s.Key != "" && s.Key != ssh.FingerprintSHA256(key) {
		return refuse(`the field "key" is not the SHA256 fingerprint of the key that signed`)
	}
	switch age := now.Sub(s.Time); {
	case age > dr.StartValidity:
		return refuse("it was signed %s ago; a signed start is good for %s", age.Round(time.Second), dr.Duration(dr.StartValidity))
	case age < -maxAhead:
		return refuse("it was signed %s in the future; check the clock where it was signed", (-age).Round(time.Second))
	}
	return s.Person, "the start is signed by " + s.Person, nil
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
