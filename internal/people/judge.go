package people

import (
	"fmt"
	"slices"
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

// Call is a decision to judge.
type Call struct {
	Policy   dr.DecisionPolicy
	Decision dr.Decision
	// Requester is the person who started the run, or Unknown.
	Requester string
	// Attested is the account of the caller as Temporal's server authenticated
	// it ("temporal:jwt/anna"); "" when the server said nothing.
	Attested string
}

// Judge says whether a decision counts, as far as its person goes: who made
// it, whether the person may, and whether it was made in time. Whether it fits
// the open gate or hold, and whether its nonce was used before, is judged by
// the workflow.
func Judge(who inventory.Who, c Call, now time.Time) dr.Verdict {
	v, p, how := identify(who, c, now)
	if v.Why != "" {
		return v
	}
	d := c.Decision
	refuse := func(format string, a ...any) dr.Verdict {
		v.Why = "refused: " + fmt.Sprintf(format, a...)
		return v
	}
	switch {
	case d.Decision == dr.VerbBreakGlass && len(c.Policy.BreakGlass) == 0:
		return refuse("the policy of this gate has no break-glass")
	case d.Decision == dr.VerbBreakGlass && !p.HasRole(c.Policy.BreakGlass):
		return refuse("%s has none of the roles that may break the glass here", p.ID)
	}
	if d.Decision != dr.VerbBreakGlass {
		meets := c.Policy.Meets(p.Roles)
		if len(meets) == 0 {
			return refuse("%s has none of the roles that may %s here", p.ID, d.Decision)
		}
		if len(c.Policy.Also) > 0 {
			v.Meets = meets
		}
	}
	switch {
	case c.Policy.NeedsReason(d.Decision) && blank(d.Reason):
		return refuse("the policy asks for a reason, and %s gave none", p.ID)
	case c.Policy.ExcludeRequester && p.ID == c.Requester && d.Decision != dr.VerbReject && d.Decision != dr.VerbBreakGlass:
		// A rejection is always heard: it only makes things stop. Whoever may
		// break the glass is alone, and so may be who started the run.
		v.Why = fmt.Sprintf("does not count: %s requested it", p.ID)
		return v
	}
	v.Counts = true
	v.Why = fmt.Sprintf("%s by %s, %s", d.Decision, p.ID, how)
	return v
}

// identify finds the person of a decision. The verdict's Why is set when there
// is none or it is not proven as the policy asks; how says what proved it.
func identify(who inventory.Who, c Call, now time.Time) (v dr.Verdict, p inventory.Person, how string) {
	if c.Decision.Gateway != "" {
		return identifyAccount(who, c, now)
	}
	d := c.Decision
	p, ok := who.People[d.Person]
	if !ok {
		v.Why = fmt.Sprintf("refused: there is no person %q in the inventory", dr.Clip(d.Person, 60))
		if d.Person == "" {
			v.Why = "refused: the decision names no person"
		}
		return v, p, ""
	}
	v.Person = d.Person
	switch {
	case d.Signature != "":
		if why := checkSigned(p.Keys, c.Policy, d, now); why != "" {
			v.Why = "refused: " + why
			return v, p, ""
		}
		v.Signed = true
		return v, p, "signed"
	case c.Attested != "" && (c.Policy.Unsigned == dr.UnsignedAttested || c.Policy.Unsigned == dr.UnsignedCount) && slices.Contains(p.Accounts, c.Attested):
		v.Attested = c.Attested
		return v, p, "attested by the server as " + c.Attested
	case c.Policy.Unsigned == dr.UnsignedCount:
		return v, p, "unsigned, which the policy allows: claimed, not proven"
	case c.Policy.Unsigned == dr.UnsignedAttested && c.Attested == "":
		v.Why = fmt.Sprintf("refused: the decision of %s is not signed, and the server does not say who sent it", d.Person)
	case c.Policy.Unsigned == dr.UnsignedAttested:
		v.Why = fmt.Sprintf("refused: the server says that %s sent it, which is no account of %s", dr.Clip(c.Attested, 80), d.Person)
	default:
		v.Why = fmt.Sprintf("refused: the decision of %s is not signed, and the policy asks for a signature", d.Person)
	}
	return v, p, ""
}

// identifyAccount finds the person for whose account a gateway speaks. The
// account decides who it is; a person that the gateway names must be the same.
func identifyAccount(who inventory.Who, c Call, now time.Time) (v dr.Verdict, p inventory.Person, how string) {
	d := c.Decision
	kind := inventory.AccountKind(d.Account)
	refuse := func(format string, a ...any) (dr.Verdict, inventory.Person, string) {
		v.Why = "refused: " + fmt.Sprintf(format, a...)
		return v, p, ""
	}
	g, ok := who.Gateways[d.Gateway]
	switch {
	case !ok:
		return refuse("there is no gateway %q in the inventory", dr.Clip(d.Gateway, 60))
	case d.Signature == "":
		return refuse("the gateway %s did not sign it", g.Name)
	}
	if why := checkSigned(g.Keys, c.Policy, d, now); why != "" {
		return refuse("%s", why)
	}
	v.Gateway, v.Account = g.Name, dr.Clip(d.Account, 210)
	if !g.SpeaksFor(kind) {
		return refuse("the gateway %s may not speak for accounts of kind %q", g.Name, dr.Clip(kind, 40))
	}
	p, ok = who.OfAccount(d.Account)
	if ok {
		v.Person = p.ID
	}
	switch {
	case d.Refused != "":
		return refuse("by the gateway %s: %s", g.Name, dr.Clip(dr.CleanLine(d.Refused), 300))
	case !ok:
		return refuse("the account %s belongs to nobody in the inventory", dr.Clip(dr.CleanLine(d.Account), 100))
	case d.Person != "" && d.Person != p.ID:
		return refuse("the account %s belongs to %s, not to %q", dr.Clip(d.Account, 100), p.ID, dr.Clip(d.Person, 60))
	}
	v.Signed = true
	return v, p, fmt.Sprintf("signed by the gateway %s for %s", g.Name, d.Account)
}

// checkSigned says what is wrong with a signed decision, or nothing.
func checkSigned(keys []ssh.PublicKey, policy dr.DecisionPolicy, d dr.Decision, now time.Time) string {
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
	if _, err := Verify(d.Signature, dr.NamespaceDecision, message, keys); err != nil {
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
func JudgeStart(who inventory.Who, req dr.Request, workflow string, now time.Time) (person, why string, err error) {
	s := req.Signed
	if s == nil {
		return Unknown, "the start is not signed", nil
	}
	refuse := func(format string, a ...any) (string, string, error) {
		return "", "", dr.Refuse("start_signature", "the signed start is refused: "+format, a...).
			WithNext("sign again with a key that stands beside you in the inventory, or start without a signature")
	}
	if s.Nonce == "" {
		return refuse(`the field "nonce" is missing`)
	}
	id, keys, whyNot := starter(who, *s)
	if whyNot != "" {
		return refuse("%s", whyNot)
	}
	message, err := req.StartBytes(workflow)
	if err != nil {
		return refuse("it cannot be written as canonical JSON")
	}
	key, err := Verify(s.Signature, dr.NamespaceStart, message, keys)
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
	if s.Gateway != "" {
		return id, fmt.Sprintf("the start of %s is signed by the gateway %s for %s", id, s.Gateway, s.Account), nil
	}
	return id, "the start is signed by " + id, nil
}

// starter says who a signed start claims to be from, and whose keys must have
// signed it: the person's own, or those of the gateway that speaks for the
// person's account.
func starter(who inventory.Who, s dr.SignedStart) (person string, keys []ssh.PublicKey, whyNot string) {
	if s.Gateway == "" {
		p, ok := who.People[s.Person]
		if !ok {
			return "", nil, fmt.Sprintf("there is no person %q in the inventory", dr.Clip(s.Person, 60))
		}
		return s.Person, p.Keys, ""
	}
	g, ok := who.Gateways[s.Gateway]
	switch {
	case !ok:
		return "", nil, fmt.Sprintf("there is no gateway %q in the inventory", dr.Clip(s.Gateway, 60))
	case !g.SpeaksFor(inventory.AccountKind(s.Account)):
		return "", nil, fmt.Sprintf("the gateway %s may not speak for the account %q", g.Name, dr.Clip(s.Account, 80))
	}
	p, ok := who.OfAccount(s.Account)
	switch {
	case !ok:
		return "", nil, fmt.Sprintf("the account %q belongs to nobody in the inventory", dr.Clip(s.Account, 80))
	case s.Person != p.ID:
		return "", nil, fmt.Sprintf("the account %q belongs to %s, not to %q", dr.Clip(s.Account, 80), p.ID, dr.Clip(s.Person, 60))
	}
	return p.ID, g.Keys, ""
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
