package pagerduty

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

const key = "0123456789abcdef0123456789abcdef"

// events imitates the Events API v2 after its documentation
// (developer.pagerduty.com, Events API v2 overview and Send an event): the
// fields that each action needs, 202 with the dedup key, 400 with errors, 429.
// No real PagerDuty has been asked.
type events struct {
	t     *testing.T
	http  *httptest.Server
	got   []event
	limit bool
}

func newEvents(t *testing.T) *events {
	t.Helper()
	e := &events{t: t}
	e.http = httptest.NewServer(http.HandlerFunc(e.enqueue))
	t.Cleanup(e.http.Close)
	return e
}

func (e *events) enqueue(w http.ResponseWriter, r *http.Request) {
	if e.limit {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	var in event
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	p := in.Payload
	bad := err != nil || r.Method != http.MethodPost || len(in.RoutingKey) != 32 || len(in.DedupKey) > 255 ||
		!slices.Contains([]string{"trigger", "acknowledge", "resolve"}, in.Action) ||
		in.Action == "trigger" && (p == nil || p.Summary == "" || len([]rune(p.Summary)) > 1024 || p.Source == "" || !slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity)) ||
		in.Action != "trigger" && in.DedupKey == ""
	if bad {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"status":"invalid event","message":"Event object is invalid","errors":["?"]}`))
		return
	}
	e.got = append(e.got, in)
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte(`{"status":"success","message":"Event processed","dedup_key":"` + in.DedupKey + `"}`))
}

func (e *events) channel() *Channel {
	return &Channel{api: e.http.URL, keys: map[string]string{"ops": key}, call: wire.NewCaller("PagerDuty", nil)}
}

func question() gateway.Post {
	return gateway.Post{Place: "ops", Key: "gw/orders/r/gate/decide/1", Kind: dr.ChatCard, Card: gateway.Card{
		Level: gateway.LevelAsk, System: "orders", Workflow: "dr-orders", Title: "Approval needed", Reality: "REAL", Lead: strings.Repeat("long ", 500),
		Facts: []gateway.Fact{{Name: "Loss", Text: "none"}}, Link: "https://ui.example.com/run", Buttons: []gateway.Button{{Verb: dr.VerbApprove}},
	}}
}

func TestAQuestionTriggersAVoteAcknowledgesAndItsEndResolvesTheSameAlert(t *testing.T) {
	e := newEvents(t)
	c := e.channel()
	p := question()
	deliver := func() {
		t.Helper()
		var err error
		p.Receipt, err = c.Deliver(t.Context(), p)
		require.NoError(t, err)
	}
	deliver()
	reminder := p
	reminder.Kind, reminder.Key, reminder.Thread, reminder.Receipt = dr.ChatRemind, p.Key+"/reminder/1", p.Receipt, nil
	reminder.Card.Buttons = nil
	_, err := c.Deliver(t.Context(), reminder)
	require.NoError(t, err)
	p.Card.Votes = []string{"approve by anna"}
	deliver()
	p.Card.Votes = append(p.Card.Votes, "approve by ben")
	deliver()
	p.Card.Buttons, p.Card.Level = nil, gateway.LevelInfo
	deliver()
	deliver()
	var actions []string
	for _, ev := range e.got {
		actions = append(actions, ev.Action)
		require.Equal(t, "gw/orders/r/gate/decide/1", ev.DedupKey)
		require.Equal(t, key, ev.RoutingKey)
	}
	require.Equal(t, []string{"trigger", "trigger", "acknowledge", "resolve"}, actions, "each is said once")
	first := e.got[0]
	require.Equal(t, "critical", first.Payload.Severity)
	require.Equal(t, "none", first.Payload.Details["Loss"])
	require.Equal(t, "https://ui.example.com/run", first.ClientURL)
}

func TestAnEndIsAnAlertOnlyWhenSomebodyMustLook(t *testing.T) {
	e := newEvents(t)
	p := question()
	p.Key, p.Card.Buttons, p.Card.Level = "gw/orders/r/end", nil, gateway.LevelGood
	_, err := e.channel().Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Empty(t, e.got)
	p.Card.Level = gateway.LevelBad
	_, err = e.channel().Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, "error", e.got[0].Payload.Severity)
}

func TestWhatPagerDutyRefusesIsSaidWithoutTheKey(t *testing.T) {
	e := newEvents(t)
	c := e.channel()
	p := question()
	p.Place = "nowhere"
	_, err := c.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	p = question()
	c.keys["ops"] = "short"
	_, err = c.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	require.NotContains(t, err.Error(), "short")
	e.limit = true
	_, err = c.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	long := question()
	long.Key = strings.Repeat("k", 300)
	require.Len(t, dedupKey(long), 64)
}
