package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/gateway/slack/slackfake"
)

// TestATakeoverIsStartedAndApprovedInSlack: two replicas of a gateway, a Slack
// that loses an answer and then fails, people who may and people who may not.
func TestATakeoverIsStartedAndApprovedInSlack(t *testing.T) {
	t.Parallel()
	s := newChatStage(t, 2)
	s.slack.LoseAnswers(1)
	s.signed(1, "/slack/command", s.slack.Command("UANA", ops, "takeover "+system+" to west because exercise"))
	st := s.Gate(dr.GateDecide)
	require.Equal(t, "ana", st.Requester, "the start is signed by the gateway for ana's account")
	m := s.card("the gate's card", func(m slackfake.Message) bool { return len(m.Buttons()) > 0 })
	s.saysEverything(m, st)
	before := s.Ledger().Commands

	s.notAuthentic(m)
	s.mayNot(m, st)

	body := s.click("UBEN", ops, m, "Approve")
	s.votes(1)
	s.signed(0, "/slack/actions", body)
	s.signed(1, "/slack/actions", body)
	s.click("UBEN", ops, m, "Approve")
	s.refused("ben has approved this plan already")
	s.votes(1)
	one := s.card("one vote in the same message", func(n slackfake.Message) bool { return n.TS == m.TS && strings.Contains(n.Line(), "1 of 2") })
	require.Contains(t, one.Line(), "signed by the gateway chat for slack:T1/UBEN")
	require.Equal(t, before, s.Ledger().Commands, "nothing is changed before two have approved")

	s.slack.Down(true)
	s.processes[0].Kill(t)
	s.answers(0, "approve", system, "--person", "carla", "--key", s.carla, "--digest", dr.ShortDigest(st.Gate.Digest))
	s.Await("the end", func(st dr.Status) bool { return st.Ending != nil })
	s.slack.Down(false)
	over := s.card("the end", func(m slackfake.Message) bool { return strings.Contains(m.Line(), "Ended: done") })
	require.Empty(t, over.Buttons())
	closed := s.card("the gate's card without buttons", func(n slackfake.Message) bool { return n.TS == m.TS && len(n.Buttons()) == 0 })
	require.Contains(t, closed.Line(), "It ended as: approved")
	cards := 0
	for _, n := range s.slack.Messages(ops) {
		if n.Thread == "" {
			cards++
		}
	}
	require.Equal(t, 2, cards, "one message for the gate, one for the end")
	s.inTheReport()
	s.Clean()
}

// saysEverything: what people must see before they decide.
func (s *chatStage) saysEverything(m slackfake.Message, st dr.Status) {
	s.T.Helper()
	line := m.Line()
	for _, want := range []string{
		"Planned takeover of orders, east to west", "REHEARSAL", "ana: exercise", "No acknowledged write is lost", "Last in-sync proof", "Expected outage",
		"Point of no return", "observed 20", "0 of 2 (roles approver)", "Request open until", st.Gate.Digest, "pg_promote(false)", "Consequences",
	} {
		require.Contains(s.T, line, want)
	}
	var labels []string
	for _, b := range m.Buttons() {
		labels = append(labels, b.Label)
		require.True(s.T, b.Confirmed || strings.HasPrefix(b.ActionID, "drreason."), "%s asks before it counts", b.Label)
	}
	require.Equal(s.T, []string{"Approve", "Reject", "Break glass"}, labels)
}

// notAuthentic sends what Slack never sent.
func (s *chatStage) notAuthentic(m slackfake.Message) {
	s.T.Helper()
	body := slackfake.Form(s.slack.Click("UBEN", "Ben Example", ops, m, m.Buttons()[0]))
	good := slackfake.Sign(body, slackfake.SigningSecret, time.Now())
	none := good.Clone()
	none.Del("X-Slack-Signature")
	for why, c := range map[string]struct {
		body    string
		headers http.Header
	}{
		"no signature":     {body, none},
		"another secret":   {body, slackfake.Sign(body, "another-secret", time.Now())},
		"an old timestamp": {body, slackfake.Sign(body, slackfake.SigningSecret, time.Now().Add(-6*time.Minute))},
		"a time to come":   {body, slackfake.Sign(body, slackfake.SigningSecret, time.Now().Add(6*time.Minute))},
		"the body changed": {strings.Replace(body, "UBEN", "UCARLA", 1), good},
		"nothing at all":   {"", http.Header{}},
	} {
		require.Equal(s.T, http.StatusUnauthorized, s.send(0, "/slack/actions", c.body, c.headers), why)
	}
	s.refused("a request that was not authentic")
	res, err := http.Get(s.gateways[0] + "/slack/actions")
	require.NoError(s.T, err)
	require.NoError(s.T, res.Body.Close())
	require.Equal(s.T, http.StatusMethodNotAllowed, res.StatusCode, "a GET never decides")
}

// mayNot clicks as people who may not approve, and as nobody.
func (s *chatStage) mayNot(m slackfake.Message, st dr.Status) {
	s.T.Helper()
	s.click("USTRANGER", ops, m, "Approve") // its display name is Ben's
	s.refused("the account slack:T1/USTRANGER belongs to nobody in the inventory")
	s.click("UDORA", ops, m, "Approve")
	s.refused("dora has none of the roles that may approve here")
	s.click("UANA2", ops, m, "Approve")
	s.refused("does not count: ana requested it")
	s.click("UBEN", "C9", m, "Approve")
	s.refused("it came from T1/C9, where people are not told about orders")
	stale := m
	stale.Blocks = json.RawMessage(strings.ReplaceAll(string(m.Blocks), dr.ShortDigest(st.Gate.Digest), "000000000000"))
	s.click("UBEN", ops, stale, "Approve")
	s.refused("it is for plan 000000000000")
	// A gateway's word without its key.
	forged := dr.Decision{
		Schema: 1, Workflow: st.Workflow, OriginalRun: st.OriginalRun, Run: st.Run, Gate: st.Gate.Gate, Occurrence: 1, Digest: st.Gate.Digest,
		Person: "ben", Gateway: "chat", Account: "slack:T1/UBEN", Time: time.Now(), Nonce: "forged",
	}
	require.NoError(s.T, s.Client.SignalWorkflow(context.Background(), st.Workflow, "", string(dr.VerbApprove), forged))
	s.refused("the gateway chat did not sign it")
	// A click on reject asks for a reason and decides nothing.
	click := s.click("UBEN", ops, m, "Reject")
	e2e.Await(s.T, time.Minute, "the form for a reason", func() (bool, string) { return s.slack.Submit("UBEN", payloadOf(click), "x") != "", "" })
	s.votes(0)
}

func payloadOf(body string) string {
	form, _ := url.ParseQuery(body)
	return form.Get("payload")
}

// inTheReport: every refusal stands in the run's report, and how each vote was
// proven.
func (s *chatStage) inTheReport() {
	s.T.Helper()
	rep := s.Report()
	require.GreaterOrEqual(s.T, len(rep.Refused), 8)
	require.Len(s.T, rep.Votes, 2)
	require.Equal(s.T, "signed by the gateway chat for slack:T1/UBEN", rep.Votes[0].How())
	require.Equal(s.T, "signed", rep.Votes[1].How())
}
