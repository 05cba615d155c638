package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// decide sends a gate decision of a person with a reason.
func (w *world) decide(verb dr.Verb, person, reason string) {
	s := w.status()
	require.NotNil(w.t, s.Gate, "no gate is open: %s", s.Sentence)
	w.signal(verb, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":%q,"reason":%q}`, s.Gate.Gate, s.Gate.Digest, person, reason))
}

func TestAWaiverAsksForItsOwnPeopleBesideTheGates(t *testing.T) {
	w := newWorld(t)
	w.people["lea"] = true
	w.meets = map[string][]string{"ana": {dr.MeetsGate}, "ben": {dr.MeetsGate}, "lea": {dr.MeetsWaiver}}
	w.change = func(p *dr.Plan) { p.Waivers = []dr.Waiver{{ID: "fence:east", Text: "I state that east is off"}} }
	waiver := w.policy
	waiver.Roles, waiver.ReasonRequired, waiver.OpenFor = []string{"lead"}, true, dr.Duration(30*time.Minute)
	w.waiver = &waiver
	w.at(1*time.Minute, func() {
		g := w.status().Gate
		require.Equal(t, []dr.Need{{For: dr.MeetsWaiver, Roles: []string{"lead"}, Quorum: 1}}, g.Also)
		require.True(t, g.NeedsReason)
		require.Equal(t, 30*time.Minute, g.ExpiresAt.Sub(g.OpenedAt), "the stricter clock counts")
		w.decide(dr.VerbApprove, "ana", "checked")
	})
	w.at(2*time.Minute, func() {
		g := w.status().Gate
		require.NotNil(t, g, "the waiver has not been approved by its own people")
		require.Equal(t, "waiver: 0 of 1 (lead)", g.Lacks)
		w.decide(dr.VerbApprove, "lea", "I saw the plug")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	for _, call := range w.judged {
		require.True(t, call.Policy.NeedsReason(dr.VerbApprove))
	}
}

func TestDiscardedDataAsksForItsOwnPeopleOnlyWhereDataIsDiscarded(t *testing.T) {
	w := newWorld(t)
	discard := w.policy
	discard.Roles = []string{"lead"}
	w.discard = &discard
	w.at(1*time.Minute, func() {
		g := w.status().Gate
		require.Equal(t, dr.GateConvert, g.Gate)
		require.Equal(t, dr.MeetsDiscard, g.Also[0].For)
		w.decide(dr.VerbReject, "ana", "not now")
	})
	w.run(dr.WorkflowFailback, failback)
	require.Equal(t, dr.EndRejected, w.result().Ending.Kind)

	w = newWorld(t)
	w.discard = &discard
	w.at(1*time.Minute, func() {
		require.Empty(t, w.status().Gate.Also, "a takeover discards nothing by itself")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestABrokenGlassPassesTheGateAloneAndIsToldEverywhere(t *testing.T) {
	w := newWorld(t)
	w.policy.Quorum, w.policy.ExcludeRequester, w.requester = 2, true, "ana"
	w.policy.BreakGlass = []string{"lead"}
	w.at(time.Minute, func() { w.decide(dr.VerbBreakGlass, "ana", "nobody answers and east burns") })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	s := w.status()
	require.Len(t, s.Glass, 1)
	require.Equal(t, "BREAK-GLASS by ana (nobody answers and east burns)", s.Closed[0].Outcome)
	last := w.reports[len(w.reports)-1]
	require.Equal(t, dr.VerbBreakGlass, last.Votes[0].Verb)
	require.Contains(t, last.Votes[0].Text, "BREAK-GLASS: ana passed the gate decide")
	var told []dr.FollowUp
	for _, x := range w.told {
		if x.FollowUp != nil {
			told = append(told, *x.FollowUp)
		}
	}
	require.Len(t, told, 1)
	require.Equal(t, "ana", told[0].Person)
	require.True(t, told[0].Policy.ExcludeRequester, "who broke the glass may not acknowledge it")
	require.Contains(t, dr.DetailsMarkdown(s, nil, s.Since), "Break-glass")
}

// TestAVoteThatNoLongerCountsBeforeTheFirstChangeVoidsTheApproval: keys and
// roles are read once more by the recheck, which is given every decision.
func TestAVoteThatNoLongerCountsBeforeTheFirstChangeVoidsTheApproval(t *testing.T) {
	w := newWorld(t)
	w.stale = func(n int) string {
		if n == 1 {
			return "the approve of ana does not count any more"
		}
		return ""
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(5*time.Minute, func() {
		g := w.status().Gate
		require.NotNil(t, g)
		require.Contains(t, g.Again, "does not count any more")
		require.Empty(t, g.Votes)
		w.approve("ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, "ana", w.approvals[0].Votes[0].Decision.Person)
	require.Equal(t, "ben", w.approvals[1].Votes[0].Decision.Person, "an approval of an earlier opening is none of this one")
}

func TestADecisionThatAGatewayRefusedNeverCountsAndIsShownWithItsReason(t *testing.T) {
	w := newWorld(t)
	w.at(time.Minute, func() {
		s := w.status()
		w.signal(dr.VerbApprove, fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"ana","account":"slack:T1/U1","refused":"it came from a wrong channel"}`, s.Gate.Digest))
	})
	w.at(2*time.Minute, func() {
		s := w.status()
		require.NotNil(t, s.Gate)
		require.Len(t, s.Refused, 1)
		require.Contains(t, s.Refused[0].Why, "wrong channel")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndExpired, w.result().Ending.Kind)
}
