package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// pages is the history of one run.
type pages struct {
	events []*historypb.HistoryEvent
	err    error
}

func (p *pages) HasNext() bool { return len(p.events) > 0 || p.err != nil }

func (p *pages) Next() (*historypb.HistoryEvent, error) {
	if p.err != nil {
		return nil, p.err
	}
	e := p.events[0]
	p.events = p.events[1:]
	return e, nil
}

type historyOf struct {
	client.Client
	pages pages
}

func (h historyOf) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	p := h.pages
	return &p
}

func signalled(verb, body, kind, name string) *historypb.HistoryEvent {
	e := &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
			SignalName: verb, Input: &commonpb.Payloads{Payloads: []*commonpb.Payload{{Data: []byte(body)}}},
		},
	}}
	if name != "" {
		e.Principal = &commonpb.Principal{Type: kind, Name: name}
	}
	return e
}

// TestTheServersWordAboutASenderIsReadFromTheEventOfTheDecisionItself: not from
// another event, and not when two callers sent the same.
func TestTheServersWordAboutASenderIsReadFromTheEventOfTheDecisionItself(t *testing.T) {
	who := inventory.Who{People: map[string]inventory.Person{"anna": {ID: "anna", Accounts: []string{"temporal:jwt/anna"}}}}
	d := dr.Decision{Decision: dr.VerbApprove, Person: "anna", Nonce: "n1"}
	const body = `{"person":"anna","nonce":"n1"}`
	for name, c := range map[string]struct {
		nonce  string
		pages  pages
		counts bool
		fails  bool
	}{
		"attested":        {"n1", pages{events: []*historypb.HistoryEvent{signalled("reject", body, "jwt", "eve"), signalled("approve", body, "jwt", "anna")}}, true, false},
		"somebody else":   {"n1", pages{events: []*historypb.HistoryEvent{signalled("approve", body, "jwt", "eve")}}, false, false},
		"nobody said":     {"n1", pages{events: []*historypb.HistoryEvent{signalled("approve", body, "", "")}}, false, false},
		"two callers":     {"n1", pages{events: []*historypb.HistoryEvent{signalled("approve", body, "jwt", "anna"), signalled("approve", body, "jwt", "eve")}}, false, false},
		"another nonce":   {"n2", pages{events: []*historypb.HistoryEvent{signalled("approve", body, "jwt", "anna")}}, false, false},
		"without a nonce": {"", pages{events: []*historypb.HistoryEvent{signalled("approve", `{"person":"anna"}`, "jwt", "anna")}}, false, false},
		"history unread":  {"n1", pages{err: errors.New("unavailable")}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Activities{
				People: func() (inventory.Who, error) { return who, nil }, Temporal: historyOf{pages: c.pages}, Now: time.Now,
				Redact: func(s string) string { return s }, Log: slog.New(slog.DiscardHandler),
			}
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			env.RegisterActivityWithOptions(a.Judge, activity.RegisterOptions{Name: dr.ActJudge})
			d.Nonce = c.nonce
			got, err := env.ExecuteActivity(dr.ActJudge, dr.JudgeCall{Decision: d, Policy: dr.DecisionPolicy{Quorum: 1, Unsigned: dr.UnsignedAttested}})
			if c.fails {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			var v dr.Verdict
			require.NoError(t, got.Get(&v))
			require.Equal(t, c.counts, v.Counts, v.Why)
		})
	}
}

func TestAnApprovalIsVoidOnlyWhenTooFewDecisionsStillCount(t *testing.T) {
	people := map[string]inventory.Person{"ana": {ID: "ana", Roles: []string{"dba"}}, "ben": {ID: "ben", Roles: []string{"dba"}}, "eve": {ID: "eve", Roles: []string{"dba"}}}
	a := &Activities{People: func() (inventory.Who, error) { return inventory.Who{People: people}, nil }}
	cast := func(p string) dr.Cast {
		return dr.Cast{Decision: dr.Decision{Decision: dr.VerbApprove, Person: p}, At: time.Now()}
	}
	ap := dr.Approval{
		Policy: dr.DecisionPolicy{Quorum: 2, Roles: []string{"dba"}, Unsigned: dr.UnsignedCount}, Requester: "carl",
		Votes: []dr.Cast{cast("ana"), cast("ben"), cast("eve")},
	}
	judge := func() string {
		why, err := a.judgeAgain(ap)
		require.NoError(t, err)
		return why
	}
	require.Empty(t, judge())
	people["eve"] = inventory.Person{ID: "eve"}
	require.Empty(t, judge(), "two are left")
	delete(people, "ben")
	require.Contains(t, judge(), "approvals now: 1 of 2")
	ap.Votes[0].Decision.Decision = dr.VerbBreakGlass
	ap.Policy.BreakGlass = []string{"dba"}
	ap.Votes[0].Decision.Reason = "alone"
	require.Empty(t, judge(), "a broken glass is enough alone")
}
