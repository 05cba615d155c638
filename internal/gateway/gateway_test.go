package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

func approve(id string) Intent {
	return Intent{
		Channel: "slack", Account: "slack:T1/UANA", Place: "T1/C1", ID: id, Verb: dr.VerbApprove,
		Ref: Ref{System: "orders", OriginalRun: "r0", Run: "r1", Gate: dr.GateDecide, Occurrence: 2, Digest: "aaaaaaaaaaaa"},
	}
}

func TestADecisionIsSignedSoThatTheWorkerCountsItForThePerson(t *testing.T) {
	g, w := newGateway(t)
	require.True(t, g.Decide(context.Background(), approve("click 1")).Counted)
	who, err := g.Who()
	require.NoError(t, err)
	policy := dr.DecisionPolicy{Quorum: 1, Roles: []string{"dba"}, Unsigned: dr.UnsignedRefuse, OpenFor: dr.Duration(time.Hour)}
	v := people.Judge(who, people.Call{Policy: policy, Decision: w.updates[0]}, w.at)
	require.True(t, v.Counts, v.Why)
	require.Equal(t, "ana", v.Person)
}

// TestOneClickIsOneDecision: repeated by the chat, through another gateway, or
// later, it has the same nonce, which is the update's ID.
func TestOneClickIsOneDecision(t *testing.T) {
	g, w := newGateway(t)
	g.Decide(context.Background(), approve("click 1"))
	w.at = w.at.Add(time.Minute)
	g.Decide(context.Background(), approve("click 1"))
	g.Decide(context.Background(), approve("click 2"))
	require.Equal(t, w.ids[0], w.ids[1])
	require.NotEqual(t, w.ids[0], w.ids[2])
	require.True(t, strings.HasPrefix(w.ids[0], "dr-orders "+w.updates[0].Nonce))
}

func TestWhatMustNotCountIsMarkedAsRefusedAndShown(t *testing.T) {
	g, w := newGateway(t)
	in := approve("click 1")
	in.Place = "T1/C9"
	g.Decide(context.Background(), in)
	require.Contains(t, w.updates[0].Refused, "it came from T1/C9")
	in.Ref.System, in.Place = "stock", "T1/C1"
	g.Decide(context.Background(), in)
	require.Len(t, w.updates, 2)
	require.Contains(t, w.updates[1].Refused, "not told about stock")
	in.Ref.System = "nothing"
	require.Contains(t, g.Decide(context.Background(), in).Text, "there is no system")
	require.Len(t, w.updates, 2)
}

func TestWithoutAWorkerTheDecisionIsLeftAsASignal(t *testing.T) {
	g, w := newGateway(t)
	w.workers = false
	a := g.Decide(context.Background(), approve("click 1"))
	require.Contains(t, a.Text, "it will be judged when one is back")
	require.Empty(t, w.updates)
	require.Len(t, w.signals, 1)
	require.NotEmpty(t, w.signals[0].Signature)
}

func TestNobodyCanFillAHistoryWithDecisions(t *testing.T) {
	g, w := newGateway(t)
	for range accountMost + 5 {
		g.Decide(context.Background(), approve("click"))
	}
	require.Len(t, w.updates, accountMost)
	for range 30 {
		g.Forged("slack", "orders", "no signature")
	}
	g.later.Wait()
	require.Len(t, w.updates, accountMost+10)
	last := w.updates[len(w.updates)-1]
	require.Contains(t, last.Refused, "not authentic")
	require.Equal(t, "slack:not-authentic", last.Account)
	w.at = w.at.Add(2 * time.Minute)
	require.True(t, g.Decide(context.Background(), approve("later")).Counted)
}

func TestCommandsSayWhatTheyDoAndNothingIsDecidedBlindly(t *testing.T) {
	g, w := newGateway(t)
	ask := func(text string) Answer {
		return g.Command(context.Background(), Asker{"slack", "slack:T1/UANA", "T1/C1", text}, text)
	}
	require.Contains(t, g.Command(context.Background(), Asker{"slack", "slack:T1/UX", "T1/C1", "1"}, "systems").Text, "belongs to nobody")
	require.Contains(t, ask("approve orders").Text, "nothing is decided blindly")
	require.Contains(t, ask("approve").Text, "orders, stock")
	require.Contains(t, ask("aprove orders").Text, `there is no command "aprove"`)
	require.Contains(t, ask("retry orders").Text, "which step on hold")
	require.Contains(t, ask("takeover orders to west").Text, "say why")
	require.Contains(t, ask("takeover orders west because x").Text, "was not understood")
	require.Empty(t, w.updates)
	require.Empty(t, w.starts)

	require.True(t, ask("approve orders AAAAAAAAAAAA because checked with the shop").Counted)
	require.Equal(t, 2, w.updates[0].Occurrence)
	require.Equal(t, "checked with the shop", w.updates[0].Reason)
	require.True(t, ask("retry orders promote.promote 1").Counted)
	require.Equal(t, "promote.promote", w.updates[1].Step)
	require.True(t, ask("takeover orders to west unplanned because east has no power").Counted)
	var in dr.TakeoverInput
	require.NoError(t, json.Unmarshal(w.starts[0], &in))
	require.Equal(t, []string{"orders", "unplanned", "west", "east has no power", "ana", "chat"}, []string{in.System, string(in.Mode), in.To, in.Reason, in.Signed.Person, in.Signed.Gateway})
	require.Contains(t, ask("acknowledge orders").Text, "waits for an acknowledgement")
	w.memory.FollowUps = []dr.FollowUp{{Workflow: "dr-orders", OriginalRun: "r7", Run: "r8", Person: "ben"}}
	require.True(t, ask("acknowledge orders because told").Counted)
	require.True(t, strings.HasPrefix(w.ids[len(w.ids)-1], "drwatch-orders "))
	require.Equal(t, "r7", w.updates[len(w.updates)-1].OriginalRun)
}

func FuzzCommands(f *testing.F) {
	for _, s := range strings.Split(Usage, "\n") {
		f.Add(s)
	}
	f.Add("approve orders aaaaaaaaaaaa because")
	f.Fuzz(func(t *testing.T, text string) {
		g, w := newGateway(t)
		g.Command(context.Background(), Asker{"slack", "slack:T1/UANA", "T1/C1", "1"}, text)
		for _, d := range w.updates {
			require.NotEmpty(t, d.Signature)
			require.LessOrEqual(t, len([]rune(d.Reason)), dr.MaxReason)
		}
	})
}

func TestACardSaysTheSameUntilSomethingChangesAndHoldsNoSecret(t *testing.T) {
	g, w := newGateway(t)
	g.Redact = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	p := dr.Plan{Digest: w.status.Gate.Digest, Phases: []dr.PhasePlan{{Phase: dr.PhasePromote, Steps: []dr.Step{{
		Kind: dr.KindIrreversible, Title: "Promote\u202e hunter2", Commands: []string{"west$ psql password=hunter2"},
	}}}}}
	first := g.composer().run(w.status, &p, "")
	require.Equal(t, first, g.composer().run(w.status, &p, ""))
	text, err := json.Marshal(first[0].card)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hunter2")
	require.NotContains(t, string(text), "\u202e")
	require.Contains(t, string(text), "REAL")
	st := w.status
	gate := *st.Gate
	gate.Votes = []dr.Vote{{Verb: dr.VerbApprove, Person: "ana"}}
	st.Gate = &gate
	require.NotEqual(t, first[0].topic.Mark, g.composer().run(st, &p, "")[0].topic.Mark)
	other := p
	other.Digest = digestOf('b')
	require.Empty(t, g.composer().run(w.status, &other, "")[0].card.Commands, "the commands of another plan never stand beside this digest")
	require.Empty(t, g.composer().run(w.status, &p, "terminated")[0].card.Buttons)
	st.Ending = &dr.Ending{Kind: dr.EndDone, Text: "west is primary"}
	all := g.composer().run(st, &p, "")
	require.Equal(t, topicEnd, all[len(all)-1].topic.ID)
}

func TestSystemsThatNobodyIsToldAboutAreNotFollowedByAccident(t *testing.T) {
	g, _ := newGateway(t)
	first, next := g.Config.route("stock")
	require.Empty(t, first)
	require.Empty(t, next)
	require.True(t, g.Config.mayCome("orders", "slack", "T1/C2"), "whoever is asked next may answer")
	require.False(t, g.Config.mayCome("orders", "mattermost", "T1/C1"))
}
