package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestARejectedGateEndsTheRunWithNothingDone(t *testing.T) {
	w := newWorld(t)
	w.at(time.Minute, func() {
		s := w.status()
		w.signal(dr.VerbReject, fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"ana","reason":"not now"}`, s.Gate.Digest))
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndRejected, w.result().Ending.Kind)
	require.Contains(t, w.result().Ending.Text, "ana (not now)")
	require.Empty(t, w.ran)
}

func TestAGateThatNobodyDecidesExpires(t *testing.T) {
	w := newWorld(t)
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndExpired, w.result().Ending.Kind)
	require.Contains(t, w.result().Ending.Text, "1h0m0s")
	require.Empty(t, w.ran)
}

func TestAQuorumNeedsDifferentPersons(t *testing.T) {
	w := newWorld(t)
	w.policy.Quorum = 2
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.approve("ana") })
	w.at(3*time.Minute, func() {
		s := w.status()
		require.NotNil(t, s.Gate, "one person twice is no quorum")
		require.Len(t, s.Refused, 1)
		require.Contains(t, s.Refused[0].Why, "already")
		w.approve("ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestAnUnknownRequesterAsksForOneMoreApprover(t *testing.T) {
	w := newWorld(t)
	w.policy.ExcludeRequester = true
	w.at(1*time.Minute, func() {
		require.Equal(t, 2, w.status().Gate.Quorum)
		w.approve("ana")
	})
	w.at(2*time.Minute, func() { w.approve("ben") })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestTheRequesterDoesNotCount(t *testing.T) {
	w := newWorld(t)
	w.policy.ExcludeRequester, w.requester = true, "ana"
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		require.Contains(t, w.status().Refused[0].Why, "requester")
		w.approve("ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

// TestDecisionsThatDoNotFitAreRefusedAndVisible sends everything that is
// slightly wrong, at the gate, and sees that the gate stays shut.
func TestDecisionsThatDoNotFitAreRefusedAndVisible(t *testing.T) {
	right := func(w *world) string { return dr.ShortDigest(w.status().Gate.Digest) }
	cases := []struct {
		name, why string
		verb      dr.Verb
		body      func(w *world) string
	}{
		{"no digest", "quotes no digest", dr.VerbApprove, func(*world) string { return `{"gate":"decide","person":"ana"}` }},
		{"eleven digits", "quotes no digest", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"ana"}`, right(w)[:11])
		}},
		{"stale digest", "the open plan is", dr.VerbApprove, func(*world) string { return `{"gate":"decide","digest":"0123456789ab","person":"ana"}` }},
		{"no gate", "names no gate", dr.VerbApprove, func(w *world) string { return fmt.Sprintf(`{"digest":%q,"person":"ana"}`, right(w)) }},
		{"wrong gate", "is not open", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"gate":"cutover","digest":%q,"person":"ana"}`, right(w))
		}},
		{"wrong occurrence", "opening 2", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"gate":"decide","occurrence":2,"digest":%q,"person":"ana"}`, right(w))
		}},
		{"another run", "another run", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"gate":"decide","original_run":"x","digest":%q,"person":"ana"}`, right(w))
		}},
		{"another workflow", "for the workflow", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"workflow":"dr-pay","gate":"decide","digest":%q,"person":"ana"}`, right(w))
		}},
		{"a person who may not", "may not decide", dr.VerbApprove, func(w *world) string {
			return fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"eve"}`, right(w))
		}},
		{"a misspelt field", "unknown field", dr.VerbApprove, func(*world) string { return `{"gate":"decide","digets":"0123456789ab","person":"ana"}` }},
		{"a doubled field", "twice", dr.VerbApprove, func(*world) string { return `{"gate":"decide","gate":"decide"}` }},
		{"no object", "cannot be read", dr.VerbApprove, func(*world) string { return `"yes"` }},
		{"not JSON", "cannot be read", dr.VerbApprove, func(*world) string { return `approve!` }},
		{"another verb inside", "but the message is", dr.VerbApprove, func(*world) string { return `{"decision":"reject"}` }},
		{"too large", "larger than", dr.VerbApprove, func(*world) string { return `{"reason":"` + strings.Repeat("x", dr.MaxDecisionBytes) + `"}` }},
		{"a retry of nothing", "nothing is on hold", dr.VerbRetry, func(*world) string { return `{"step":"x","attempt":1,"person":"ana"}` }},
		{"a resume of nothing", "not paused", dr.VerbResume, func(*world) string { return `{"person":"ana"}` }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.at(time.Minute, func() { w.signal(c.verb, c.body(w)) })
			w.at(2*time.Minute, func() {
				s := w.status()
				require.NotNil(t, s.Gate)
				require.Empty(t, s.Gate.Votes)
				require.Len(t, s.Refused, 1)
				require.Contains(t, s.Refused[0].Why, c.why)
			})
			w.run(dr.WorkflowTakeover, takeover)
			require.Equal(t, dr.EndExpired, w.result().Ending.Kind)
			require.Empty(t, w.ran)
		})
	}
}

func TestADecisionSentTwiceCountsOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.Quorum = 2
	body := func() string {
		return fmt.Sprintf(`{"gate":"decide","digest":%q,"person":"ana","nonce":"n1"}`, w.status().Gate.Digest)
	}
	w.at(1*time.Minute, func() { w.signal(dr.VerbApprove, body()) })
	w.at(2*time.Minute, func() { w.signal(dr.VerbApprove, body()) })
	w.at(3*time.Minute, func() { require.Contains(t, w.status().Refused[0].Why, "sent before") })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndExpired, w.result().Ending.Kind)
}

func TestALateApprovalOpensNothing(t *testing.T) {
	w := newWorld(t)
	stuck := true
	w.fail = func(c dr.StepCall) error {
		if stuck && c.Step.ID == "redirect.change" {
			return dr.Hold("test", "the address does not answer")
		}
		return nil
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() { w.signal(dr.VerbApprove, `{"gate":"decide","digest":"0123456789abcdef","person":"ben"}`) })
	w.at(3*time.Minute, func() {
		require.Contains(t, w.status().Refused[0].Why, "no gate is open")
		stuck = false
		w.answer(dr.VerbRetry, "ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestRefusalsBeyondTheListAreCounted(t *testing.T) {
	w := newWorld(t)
	w.at(time.Minute, func() {
		for range dr.MaxRefusals + 7 {
			w.signal(dr.VerbApprove, `{}`)
		}
	})
	w.at(2*time.Minute, func() {
		s := w.status()
		require.Len(t, s.Refused, dr.MaxRefusals)
		require.Equal(t, 7, s.RefusedMore)
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndExpired, w.result().Ending.Kind)
}

func TestAStalePlanOpensTheGateAgainAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.stale = func(n int) string {
		if n == 1 {
			return "the last proof of being in sync is older"
		}
		return ""
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		s := w.status()
		require.Equal(t, 2, s.Gate.Occurrence)
		require.Contains(t, s.Gate.Again, "older")
		require.Empty(t, s.Gate.Votes, "the first approval is void")
		w.approve("ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Len(t, w.plans, 2)
}

func TestARefusalEndsARunOnlyBeforeAnybodyWasAsked(t *testing.T) {
	refusal := dr.Refuse("unreadable", "east could not be read").WithNext("bring its host back")
	w := newWorld(t)
	w.noPlan = func(int) error { return refusal }
	w.run(dr.WorkflowTakeover, takeover)
	require.ErrorContains(t, w.env.GetWorkflowError(), "east could not be read")

	w = newWorld(t)
	w.stale = func(n int) string { return map[int]string{1: "east no longer answers"}[n] }
	w.noPlan = func(n int) error {
		if n == 2 {
			return refusal
		}
		return nil
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		s := w.status()
		require.Equal(t, dr.StateHold, s.State, "people approved: the run waits for them and for the host")
		require.Equal(t, "plan.decide", s.Hold.Step)
		require.Contains(t, s.Hold.Text, "east could not be read")
		require.Equal(t, "bring its host back", s.Hold.Next)
		require.Contains(t, s.Hold.Options, dr.VerbAbort)
		w.answer(dr.VerbRetry, "ana")
	})
	w.at(3*time.Minute, func() {
		require.Equal(t, 3, w.status().Gate.Occurrence)
		w.approve("ben")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestAnApprovalThatWasNotUsedInTimeLapses(t *testing.T) {
	w := newWorld(t)
	w.at(1*time.Minute, func() { w.signal(dr.VerbPause, `{"person":"ben"}`) })
	w.at(2*time.Minute, func() { w.approve("ana") })
	w.at(30*time.Minute, func() {
		require.Equal(t, dr.StatePaused, w.status().State)
		w.signal(dr.VerbResume, `{"person":"ben"}`)
	})
	w.at(31*time.Minute, func() {
		s := w.status()
		require.NotNil(t, s.Gate)
		require.Contains(t, s.Gate.Again, "was not used")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}

func TestAGateWithNoChangeBehindItIsNotAsked(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) {
		for i := range p.Phases {
			p.Phases[i].Steps, p.Phases[i].Empty = nil, "nothing to do"
		}
	}
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Less(t, time.Duration(0), time.Hour)
	require.Empty(t, w.ran)
}

func TestNothingToDoIsAnEndingOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) { p.Nothing, p.Phases = "west is primary already", nil }
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndNothing, w.result().Ending.Kind)
	require.Contains(t, w.result().Ending.Text, "already")
}

func TestADecisionSentWithTheStartIsJudgedUnderThePinnedPolicy(t *testing.T) {
	w := newWorld(t)
	w.policy.Roles = []string{"operator"}
	w.at(0, func() { w.signal(dr.VerbPause, `{"person":"ana"}`) })
	w.at(time.Minute, func() { w.approve("ana") })
	w.at(2*time.Minute, func() {
		require.Equal(t, dr.StatePaused, w.status().State)
		w.signal(dr.VerbResume, `{"person":"ana"}`)
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	for _, j := range w.judged {
		require.Equal(t, []string{"operator"}, j.Policy.Roles, string(j.Decision.Decision))
	}
}
