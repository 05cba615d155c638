package people_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/people"
)

// chatTeam is the team with accounts and a gateway of two keys, the older of
// which is being replaced.
func chatTeam(t *testing.T) (who inventory.Who, gateway, older ssh.Signer) {
	all := newTeam(t)
	gateway, older = newKey(t), newKey(t)
	add := func(id string, accounts ...string) {
		p := all.all[id]
		p.Accounts = accounts
		all.all[id] = p
	}
	add("anna", "slack:T1/UANNA", "slack:T1/UANNA2", "temporal:jwt/anna")
	add("ben", "slack:T1/UBEN")
	who = all.who()
	who.Gateways = map[string]inventory.Gateway{"chat": {Name: "chat", Keys: keysOf(gateway, older), Accounts: []string{"slack"}}}
	return who, gateway, older
}

func byGateway(change func(*dr.Decision)) dr.Decision {
	d := approval()
	d.Gateway, d.Account = "chat", "slack:T1/UANNA"
	change(&d)
	return d
}

func TestADecisionThroughAGatewayCountsForThePersonWhoseAccountItIs(t *testing.T) {
	who, gateway, older := chatTeam(t)
	as := func(*dr.Decision) {}
	with := func(change func(*dr.Decision)) dr.Decision { return signed(t, byGateway(change), gateway) }
	tampered := with(as)
	tampered.Account = "slack:T1/UBEN"
	for _, c := range []struct {
		name      string
		decision  dr.Decision
		requester string
		counts    bool
		person    string
		why       string
	}{
		{"good", with(as), "ben", true, "anna", "approve by anna, signed by the gateway chat for slack:T1/UANNA"},
		{"the older key", signed(t, byGateway(as), older), "ben", true, "anna", "approve by anna, signed by the gateway chat for slack:T1/UANNA"},
		{"no person named", with(func(d *dr.Decision) { d.Person = "" }), "ben", true, "anna", "approve by anna, signed by the gateway chat for slack:T1/UANNA"},
		{"another person named", with(func(d *dr.Decision) { d.Person = "ben" }), "ben", false, "anna", `refused: the account slack:T1/UANNA belongs to anna, not to "ben"`},
		{"nobody's account", with(func(d *dr.Decision) { d.Account = "slack:T1/UX" }), "ben", false, "", "refused: the account slack:T1/UX belongs to nobody in the inventory"},
		{"an account that only looks alike", with(func(d *dr.Decision) { d.Account = "slack:T1/uanna" }), "ben", false, "", "refused: the account slack:T1/uanna belongs to nobody in the inventory"},
		{"a kind it may not speak for", with(func(d *dr.Decision) { d.Account = "temporal:jwt/anna" }), "ben", false, "", `refused: the gateway chat may not speak for accounts of kind "temporal"`},
		{"another gateway", with(func(d *dr.Decision) { d.Gateway = "other" }), "ben", false, "", `refused: there is no gateway "other" in the inventory`},
		{"not signed", byGateway(as), "ben", false, "", "refused: the gateway chat did not sign it"},
		{"signed by a stranger", signed(t, byGateway(as), newKey(t)), "ben", false, "", "refused: the signature was made with a key that is not one of the person's"},
		{"changed after signing", tampered, "ben", false, "", "refused: the signature does not fit what was signed"},
		{"the requester's second account", with(func(d *dr.Decision) { d.Account = "slack:T1/UANNA2" }), "anna", false, "anna", "does not count: anna requested it"},
		{"without the role", with(func(d *dr.Decision) { d.Account, d.Person = "slack:T1/UBEN", "ben" }), "anna", false, "ben", "refused: ben has none of the roles that may approve here"},
		{"refused before", with(func(d *dr.Decision) { d.Refused = "it came from\nT1/C9" }), "ben", false, "anna", "refused: by the gateway chat: it came from T1/C9"},
	} {
		v := people.Judge(who, people.Call{Policy: strict(), Decision: c.decision, Requester: c.requester}, now)
		require.Equal(t, c.counts, v.Counts, c.name)
		require.Equal(t, c.person, v.Person, c.name)
		require.Equal(t, c.why, v.Why, c.name)
	}
}

func TestAGatewayThatWasRemovedSpeaksForNobody(t *testing.T) {
	who, gateway, _ := chatTeam(t)
	d := signed(t, byGateway(func(*dr.Decision) {}), gateway)
	who.Gateways = nil
	require.False(t, people.Judge(who, people.Call{Policy: strict(), Decision: d, Requester: "ben"}, now).Counts)
}

func TestAnUnsignedDecisionCountsWhenTheServerAttestsItsSender(t *testing.T) {
	who, _, _ := chatTeam(t)
	policy := strict()
	policy.Unsigned = dr.UnsignedAttested
	judge := func(attested string) dr.Verdict {
		return people.Judge(who, people.Call{Policy: policy, Decision: approval(), Requester: "ben", Attested: attested}, now)
	}
	v := judge("temporal:jwt/anna")
	require.True(t, v.Counts, v.Why)
	require.Equal(t, "temporal:jwt/anna", v.Attested)
	require.Equal(t, "refused: the decision of anna is not signed, and the server does not say who sent it", judge("").Why)
	require.Equal(t, "refused: the server says that temporal:jwt/eve sent it, which is no account of anna", judge("temporal:jwt/eve").Why)
	policy.Unsigned = dr.UnsignedRefuse
	require.False(t, judge("temporal:jwt/anna").Counts, "the policy decides whether the server's word is enough")
}

func TestWhoMayBreakTheGlass(t *testing.T) {
	who, gateway, _ := chatTeam(t)
	policy := strict()
	judge := func(change func(*dr.Decision)) dr.Verdict {
		d := signed(t, byGateway(func(d *dr.Decision) { d.Decision = dr.VerbBreakGlass; change(d) }), gateway)
		return people.Judge(who, people.Call{Policy: policy, Decision: d, Requester: "anna"}, now)
	}
	as := func(*dr.Decision) {}
	require.Equal(t, "refused: the policy of this gate has no break-glass", judge(as).Why)
	policy.BreakGlass = []string{"lead"}
	require.Equal(t, "refused: anna has none of the roles that may break the glass here", judge(as).Why)
	policy.BreakGlass = []string{"dba"}
	require.True(t, judge(as).Counts, "whoever is alone has also started the run")
	require.Equal(t, "refused: the policy asks for a reason, and anna gave none", judge(func(d *dr.Decision) { d.Reason = " " }).Why)
}

func TestAStartThroughAGatewayIsThePersonsWhoseAccountItIs(t *testing.T) {
	who, gateway, _ := chatTeam(t)
	start := func(change func(*dr.SignedStart), key ssh.Signer) (string, error) {
		r := dr.Request{Procedure: dr.ProcTakeover, System: "orders", Mode: dr.ModePlanned, To: "west", Reason: "maintenance"}
		r.Signed = &dr.SignedStart{Person: "anna", Key: ssh.FingerprintSHA256(key.PublicKey()), Time: now, Nonce: "n1", Gateway: "chat", Account: "slack:T1/UANNA2"}
		change(r.Signed)
		b, err := r.StartBytes("dr-orders")
		require.NoError(t, err)
		r.Signed.Signature = sign(t, key, dr.NamespaceStart, string(b))
		person, _, err := people.JudgeStart(who, r, "dr-orders", now)
		return person, err
	}
	person, err := start(func(*dr.SignedStart) {}, gateway)
	require.NoError(t, err)
	require.Equal(t, "anna", person)
	for name, change := range map[string]func(*dr.SignedStart){
		"another person":  func(s *dr.SignedStart) { s.Person = "ben" },
		"nobody":          func(s *dr.SignedStart) { s.Account = "slack:T1/UX" },
		"another gateway": func(s *dr.SignedStart) { s.Gateway = "other" },
		"another kind":    func(s *dr.SignedStart) { s.Account = "temporal:jwt/anna" },
	} {
		_, err := start(change, gateway)
		require.True(t, dr.HasCode(err, "start_signature"), name)
	}
	_, err = start(func(*dr.SignedStart) {}, newKey(t))
	require.True(t, dr.HasCode(err, "start_signature"))
}
