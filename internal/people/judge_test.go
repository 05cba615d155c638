package people_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/people"
)

var now = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

// team is two persons with keys and one without.
type team struct {
	all       map[string]inventory.Person
	anna, ben ssh.Signer
}

func newTeam(t *testing.T) team {
	anna, ben := newKey(t), newKey(t)
	return team{anna: anna, ben: ben, all: map[string]inventory.Person{
		"anna":  {ID: "anna", Name: "Anna Secret-Name", Roles: []string{"dba"}, Keys: keysOf(newKey(t), anna)},
		"ben":   {ID: "ben", Roles: []string{"lead"}, Keys: keysOf(ben)},
		"carla": {ID: "carla", Roles: []string{"dba"}},
	}}
}

func (t team) who() inventory.Who { return inventory.Who{People: t.all} }

func strict() dr.DecisionPolicy {
	return dr.DecisionPolicy{Roles: []string{"dba"}, Quorum: 2, ExcludeRequester: true, Unsigned: dr.UnsignedRefuse, OpenFor: dr.Duration(4 * time.Hour)}
}

// approval is a decision of anna's with everything that a signed one needs.
func approval() dr.Decision {
	return dr.Decision{
		Schema: dr.DecisionSchema, Workflow: "dr-orders", OriginalRun: "r0", Run: "r1", Gate: dr.GateDecide, Occurrence: 1, Digest: "0123456789ab",
		Decision: dr.VerbApprove, Person: "anna", Reason: "east is dark", Time: now.Add(-time.Minute), Nonce: "n1",
	}
}

func signed(t *testing.T, d dr.Decision, s ssh.Signer) dr.Decision {
	t.Helper()
	b, err := d.SignedBytes()
	require.NoError(t, err)
	d.Signature = sign(t, s, dr.NamespaceDecision, string(b))
	return d
}

func TestADecisionCountsOnlyWhenItsPersonMayMakeIt(t *testing.T) {
	all := newTeam(t)
	with := func(change func(*dr.Decision)) dr.Decision {
		d := approval()
		change(&d)
		return signed(t, d, all.anna)
	}
	unsigned := approval()
	tampered := signed(t, approval(), all.anna)
	tampered.Digest = "ba9876543210"
	lax := strict()
	lax.Unsigned, lax.ExcludeRequester = dr.UnsignedCount, false
	reasons := strict()
	reasons.ReasonRequired = true
	leads := strict()
	leads.Roles = []string{"lead"}
	unset := strict()
	unset.Unsigned = ""
	everyone := strict()
	everyone.Roles = nil
	wrongPurpose := approval()
	b, err := wrongPurpose.SignedBytes()
	require.NoError(t, err)
	wrongPurpose.Signature = sign(t, all.anna, dr.NamespaceStart, string(b))

	for _, c := range []struct {
		name      string
		policy    dr.DecisionPolicy
		decision  dr.Decision
		requester string
		want      dr.Verdict
	}{
		{"signed, with the role", strict(), signed(t, approval(), all.anna), "ben", dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "approve by anna, signed"}},
		{"requester not known", strict(), signed(t, approval(), all.anna), people.Unknown, dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "approve by anna, signed"}},
		{"no roles asked for", everyone, signed(t, approval(), all.anna), "ben", dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "approve by anna, signed"}},
		{"unsigned, allowed", lax, unsigned, "anna", dr.Verdict{Person: "anna", Counts: true, Why: "approve by anna, unsigned, which the policy allows: claimed, not proven"}},
		{"unsigned, refused", strict(), unsigned, "ben", dr.Verdict{Person: "anna", Why: "refused: the decision of anna is not signed, and the policy asks for a signature"}},
		{"unsigned, policy silent", unset, unsigned, "ben", dr.Verdict{Person: "anna", Why: "refused: the decision of anna is not signed, and the policy asks for a signature"}},
		{"nobody", lax, with(func(d *dr.Decision) { d.Person = "" }), "ben", dr.Verdict{Why: "refused: the decision names no person"}},
		{"a stranger", lax, with(func(d *dr.Decision) { d.Person = "x'; drop" }), "ben", dr.Verdict{Why: `refused: there is no person "x'; drop" in the inventory`}},
		{"another's key", lax, signed(t, approval(), all.ben), "ben", dr.Verdict{Person: "anna", Why: "refused: the signature was made with a key that is not one of the person's"}},
		{"a person without keys", lax, with(func(d *dr.Decision) { d.Person = "carla" }), "ben", dr.Verdict{Person: "carla", Why: "refused: the signature was made with a key that is not one of the person's"}},
		{"changed after signing", lax, tampered, "ben", dr.Verdict{Person: "anna", Why: "refused: the signature does not fit what was signed"}},
		{"signed for another purpose", lax, wrongPurpose, "ben", dr.Verdict{Person: "anna", Why: `refused: the signature was made for "switchback-start", not for "switchback-decision"`}},
		{"too old", strict(), with(func(d *dr.Decision) { d.Time = now.Add(-4*time.Hour - time.Second) }), "ben", dr.Verdict{Person: "anna", Why: "refused: the decision was signed 4h0m1s ago, longer than a request stays open (4h0m0s)"}},
		{"just not too old", strict(), with(func(d *dr.Decision) { d.Time = now.Add(-4 * time.Hour) }), "ben", dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "approve by anna, signed"}},
		{"from the future", strict(), with(func(d *dr.Decision) { d.Time = now.Add(2*time.Minute + time.Second) }), "ben", dr.Verdict{Person: "anna", Why: "refused: the decision was signed 2m1s in the future; check the clock where it was signed"}},
		{"a clock a little ahead", strict(), with(func(d *dr.Decision) { d.Time = now.Add(2 * time.Minute) }), "ben", dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "approve by anna, signed"}},
		{"for any run", strict(), with(func(d *dr.Decision) { d.Run = "" }), "ben", dr.Verdict{Person: "anna", Why: `refused: the signed decision lacks the field "run"`}},
		{"without a nonce", strict(), with(func(d *dr.Decision) { d.Nonce = "" }), "ben", dr.Verdict{Person: "anna", Why: `refused: the signed decision lacks the field "nonce"`}},
		{"without a time", strict(), with(func(d *dr.Decision) { d.Time = time.Time{} }), "ben", dr.Verdict{Person: "anna", Why: `refused: the signed decision lacks the field "time"`}},
		{"of another schema", strict(), with(func(d *dr.Decision) { d.Schema = 2 }), "ben", dr.Verdict{Person: "anna", Why: "refused: the signed decision has schema 2; this release reads 1"}},
		{"without the role", leads, signed(t, approval(), all.anna), "ben", dr.Verdict{Person: "anna", Signed: true, Why: "refused: anna has none of the roles that may approve here"}},
		{"without a reason", reasons, with(func(d *dr.Decision) { d.Reason = " \n" }), "ben", dr.Verdict{Person: "anna", Signed: true, Why: "refused: the policy asks for a reason, and anna gave none"}},
		{"by the requester", strict(), signed(t, approval(), all.anna), "anna", dr.Verdict{Person: "anna", Signed: true, Why: "does not count: anna requested it"}},
		{"rejected by the requester", strict(), with(func(d *dr.Decision) { d.Decision = dr.VerbReject }), "anna", dr.Verdict{Person: "anna", Signed: true, Counts: true, Why: "reject by anna, signed"}},
	} {
		require.Equal(t, c.want, people.Judge(all.who(), people.Call{Policy: c.policy, Decision: c.decision, Requester: c.requester}, now), c.name)
	}
}

func TestAStartIsSignedWellOrRefusedOrByNobodyKnown(t *testing.T) {
	all := newTeam(t)
	const workflow = "dr-orders"
	request := func(change func(*dr.SignedStart), s ssh.Signer) dr.Request {
		r := dr.Request{Procedure: dr.ProcTakeover, System: "orders", Mode: dr.ModePlanned, To: "west", Reason: "maintenance"}
		r.Signed = &dr.SignedStart{Person: "anna", Key: ssh.FingerprintSHA256(s.PublicKey()), Time: now, Nonce: "n1"}
		change(r.Signed)
		b, err := r.StartBytes(workflow)
		require.NoError(t, err)
		r.Signed.Signature = sign(t, s, dr.NamespaceStart, string(b))
		return r
	}
	as := func(*dr.SignedStart) {}

	person, why, err := people.JudgeStart(all.who(), dr.Request{System: "orders"}, workflow, now)
	require.NoError(t, err)
	require.Equal(t, "unknown", person)
	require.Equal(t, "the start is not signed", why)

	good := request(as, all.anna)
	person, why, err = people.JudgeStart(all.who(), good, workflow, now.Add(dr.StartValidity))
	require.NoError(t, err)
	require.Equal(t, "anna", person)
	require.Equal(t, "the start is signed by anna", why)

	elsewhere := good
	elsewhere.To = "east"
	for name, c := range map[string]struct {
		req      dr.Request
		workflow string
		at       time.Time
		want     string
	}{
		"too late":         {good, workflow, now.Add(dr.StartValidity + time.Second), "it was signed 5m1s ago; a signed start is good for 5m0s"},
		"from the future":  {good, workflow, now.Add(-3 * time.Minute), "it was signed 3m0s in the future; check the clock where it was signed"},
		"another workflow": {good, "dr-stock", now, "the signature does not fit what was signed"},
		"another site":     {elsewhere, workflow, now, "the signature does not fit what was signed"},
		"another's key":    {request(as, all.ben), workflow, now, "the signature was made with a key that is not one of the person's"},
		"a stranger":       {request(func(s *dr.SignedStart) { s.Person = "eve" }, all.anna), workflow, now, `there is no person "eve" in the inventory`},
		"no nonce":         {request(func(s *dr.SignedStart) { s.Nonce = "" }, all.anna), workflow, now, `the field "nonce" is missing`},
		"another key told": {request(func(s *dr.SignedStart) { s.Key = "SHA256:x" }, all.anna), workflow, now, `the field "key" is not the SHA256 fingerprint of the key that signed`},
	} {
		person, _, err := people.JudgeStart(all.who(), c.req, c.workflow, c.at)
		require.Empty(t, person, name)
		require.EqualError(t, err, "the signed start is refused: "+c.want+"; next: sign again with a key that stands beside you in the inventory, or start without a signature", name)
		require.True(t, dr.HasCode(err, "start_signature"), name)
		require.Equal(t, dr.ClassRefuse, dr.ClassOf(err), name)
	}
}
