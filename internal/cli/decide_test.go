package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

func TestASignedApprovalCountsWithThePersonsKey(t *testing.T) {
	b := newBench(t)
	path, line := b.key(t)
	b.inventory(t, "people: {ana: {name: Ana, roles: [dba], ssh_keys: ['"+line+"']}}")
	p, st := b.atGate(t)
	require.Equal(t, ExitDone, b.run("approve", "orders", "--gate", "decide", "--digest", dr.ShortDigest(p.Digest), "--person", "ana", "--key", path), b.err)
	require.Equal(t, "counted: 1 of 1\n", b.out.String())

	u := b.temporal.updates[0]
	d := b.decision(t)
	require.Equal(t, "approve", u.UpdateName)
	require.Equal(t, client.WorkflowUpdateStageCompleted, u.WaitForStage)
	require.Equal(t, []string{"dr-orders", "run-1", d.Nonce}, []string{u.WorkflowID, u.RunID, u.UpdateID})
	require.Equal(t, dr.Decision{
		Schema: dr.DecisionSchema, Workflow: "dr-orders", OriginalRun: "run-0", Run: "run-1", Gate: dr.GateDecide, Occurrence: 2, Digest: p.Digest,
		Decision: dr.VerbApprove, Person: "ana", Channel: "starter", Time: noon, Nonce: d.Nonce, Signature: d.Signature,
	}, d)
	require.NotEmpty(t, d.Nonce)

	s, err := b.App.load(&input{})
	require.NoError(t, err)
	defer s.Close()
	policy := dr.DecisionPolicy{Roles: []string{"dba"}, Quorum: 1, Unsigned: dr.UnsignedRefuse, OpenFor: dr.Duration(3600e9)}
	v := people.Judge(s.Inventory.Who(), people.Call{Policy: policy, Decision: d, Requester: people.Unknown}, noon)
	require.True(t, v.Counts && v.Signed, v.Why)
	d.Occurrence++
	require.False(t, people.Judge(s.Inventory.Who(), people.Call{Policy: policy, Decision: d, Requester: people.Unknown}, noon).Counts, "the signature covers the occurrence")
	require.Equal(t, 2, st.Gate.Occurrence)
}

func TestWithoutATerminalNothingIsApprovedBlindly(t *testing.T) {
	b := newBench(t)
	p, _ := b.atGate(t)
	require.Equal(t, ExitUsage, b.run("approve", "orders", "--person", "ana"))
	require.Contains(t, b.err.String(), "--digest "+dr.ShortDigest(p.Digest))
	require.Empty(t, b.temporal.updates)
}

func TestOnATerminalThePlanIsShownAndOnlyItsDigestTypedApproves(t *testing.T) {
	b := newBench(t)
	p, _ := b.atGate(t)
	b.AsksPeople = true
	for _, typed := range []string{"yes\n", "\n", "", p.Digest[:11] + "\n", strings.Repeat("0", 12) + "\n"} {
		b.Stdin = strings.NewReader(typed)
		require.Equal(t, ExitRefused, b.run("approve", "orders", "--person", "ana"), "%q", typed)
		require.Contains(t, b.out.String(), "promote --now")
		require.Contains(t, b.err.String(), "nothing was approved")
		require.Empty(t, b.temporal.updates)
	}
	b.Stdin = strings.NewReader("  " + strings.ToUpper(p.Digest[:12]) + "\n")
	require.Equal(t, ExitDone, b.run("approve", "orders", "--person", "ana"), b.err)
	require.Equal(t, p.Digest, b.decision(t).Digest)
}

func TestAPlanThatIsNotWhatItsDigestSaysIsNeverShownForApproval(t *testing.T) {
	b := newBench(t)
	p, _ := b.atGate(t)
	b.AsksPeople = true
	b.Stdin = strings.NewReader(p.Digest + "\n")
	p.Phases[0].Steps[0].Commands = []string{"harmless"}
	b.temporal.answers[dr.QueryPlan] = p
	require.Equal(t, ExitFailure, b.run("approve", "orders", "--person", "ana"))
	require.Contains(t, b.err.String(), "does not have the digest it claims")
	require.NotContains(t, b.out.String(), "harmless")
	require.Empty(t, b.temporal.updates)
}

func TestAStaleDigestGoesOutAsTypedSoThatTheRunShowsItsRefusal(t *testing.T) {
	b := newBench(t)
	b.atGate(t)
	b.temporal.updateErr = temporal.NewNonRetryableApplicationError("x", "Refuse", nil, *dr.Refuse("decision", "approve refused: it is for plan aaaaaaaaaaaa"))
	require.Equal(t, ExitRefused, b.run("approve", "orders", "--gate", "decide", "--digest", "aaaaaaaaaaaa", "--person", "ana"))
	require.Equal(t, "aaaaaaaaaaaa", b.decision(t).Digest)
	require.Contains(t, b.err.String(), "it is for plan aaaaaaaaaaaa")
	require.Equal(t, ExitRefused, b.run("approve", "orders", "--gate", "decide", "--digest", "aaaaaaaaaaaa", "--person", "ana", "--json"))
	require.Contains(t, b.out.String(), `"counted": false`)
}

func TestARejectionNeedsNoDigest(t *testing.T) {
	b := newBench(t)
	p, _ := b.atGate(t)
	b.env["SWITCHBACK_PERSON"] = "ana"
	require.Equal(t, ExitDone, b.run("reject", "orders", "--reason", "not today"), b.err)
	d := b.decision(t)
	require.Equal(t, p.Digest, d.Digest)
	require.Equal(t, "not today", d.Reason)
	require.Empty(t, d.Signature)
}

func TestADecisionOnAHoldCarriesStepAndAttempt(t *testing.T) {
	b := newBench(t)
	_, st := b.atGate(t)
	st.Gate, st.State = nil, dr.StateHold
	st.Hold = &dr.HoldStatus{Step: "promote.it", Attempt: 3, Options: []dr.Verb{dr.VerbRetry, dr.VerbReplan, dr.VerbAbandon}}
	b.temporal.answers[dr.QueryStatus] = st
	require.Equal(t, ExitRefused, b.run("skip", "orders", "--person", "ana"))
	require.Contains(t, b.err.String(), "use one of: retry, replan, abandon")
	require.Empty(t, b.temporal.updates)
	require.Equal(t, ExitDone, b.run("retry", "orders", "--person", "ana"), b.err)
	d := b.decision(t)
	require.Equal(t, "promote.it 3", d.Step+" "+string(rune('0'+d.Attempt)))
	require.Empty(t, d.Gate)
}

func TestARetryWithNothingOnHoldIsRefusedBeforeItIsSent(t *testing.T) {
	b := newBench(t)
	b.atGate(t)
	require.Equal(t, ExitRefused, b.run("retry", "orders", "--person", "ana"))
	require.Contains(t, b.err.String(), "nothing of orders is on hold")
	require.Empty(t, b.temporal.updates)
	require.Equal(t, ExitDone, b.run("replan", "orders", "--person", "ana"), "a new plan may be asked for at a gate: %s", b.err)
}
