package teams

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/web"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// flow imitates the address of a Teams workflow or incoming webhook after its
// documentation (learn.microsoft.com, Create incoming webhooks with Workflows;
// Format cards; limits of incoming webhooks): the envelope with one Adaptive
// Card, at most 28 KB, 202 of workflows, 200 with a text of webhooks. No real
// Teams has been asked.
type flow struct {
	t      *testing.T
	http   *httptest.Server
	got    []map[string]any
	status int
	text   string
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	f := &flow{t: t, status: http.StatusAccepted}
	f.http = httptest.NewServer(http.HandlerFunc(f.take))
	t.Cleanup(f.http.Close)
	return f
}

func (f *flow) take(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var m struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string         `json:"contentType"`
			Content     map[string]any `json:"content"`
		} `json:"attachments"`
	}
	if err != nil || len(raw) > 28<<10 || json.Unmarshal(raw, &m) != nil || m.Type != "message" || len(m.Attachments) != 1 ||
		m.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || m.Attachments[0].Content["type"] != "AdaptiveCard" || m.Attachments[0].Content["version"] == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.got = append(f.got, m.Attachments[0].Content)
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(f.text))
}

func (f *flow) channel() *Channel {
	seal, err := wire.NewSealer("key", strings.Repeat("k", wire.MinKey))
	require.NoError(f.t, err)
	l, err := web.NewLinker(seal, "https://dr.example.com")
	require.NoError(f.t, err)
	return &Channel{webhooks: map[string]string{"ops": f.http.URL + "/secret-path"}, linker: l, call: wire.NewCaller("Teams", nil), now: time.Now}
}

func question() gateway.Post {
	ref := gateway.Ref{System: "orders", Run: "r", Gate: dr.GateDecide, Occurrence: 1, Digest: "02e37a8dc1a7"}
	return gateway.Post{Place: "ops", Key: "k", Kind: dr.ChatCard, Card: gateway.Card{
		Level: gateway.LevelAsk, System: "orders", Title: "Approval needed", Reality: "REAL", Lead: "shall west become primary?", Digest: "02e37a8dc1a7ffff",
		Facts:      []gateway.Fact{{Name: "Loss", Text: "[free](https://evil.example.com) **none** <at>all</at>"}},
		Statements: []string{"east takes no writes"},
		Commands:   []gateway.Phase{{Name: "promote", Steps: []gateway.Step{{Kind: dr.KindIrreversible, Title: "Promote", Commands: []string{"pg_ctl promote"}}}}, {Name: "protect", Empty: "nothing to do"}},
		Buttons:    []gateway.Button{{Verb: dr.VerbApprove, Label: "Approve", Ref: ref}},
	}}
}

// flatten gives every value of a card as JSON text.
func flatten(t *testing.T, card map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(card)
	require.NoError(t, err)
	return string(raw)
}

func TestACardLeadsToThePageAndHoldsNothingThatDecides(t *testing.T) {
	f := newFlow(t)
	_, err := f.channel().Deliver(t.Context(), question())
	require.NoError(t, err)
	card := f.got[0]
	actions, ok := card["actions"].([]any)
	require.True(t, ok)
	require.Len(t, actions, 1)
	action, ok := actions[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "Action.OpenUrl", action["type"])
	require.Contains(t, action["url"], "https://dr.example.com/go/")
	text := flatten(t, card)
	for _, want := range []string{"REAL", "east takes no writes", "pg_ctl promote", "nothing to do", "IRREVERSIBLE"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, `"TextBlock"`, "a TextBlock would read Markdown in foreign text")
	require.NotContains(t, text, "Action.Submit")
}

func TestAQuestionIsPostedOnceAndItsEndOnce(t *testing.T) {
	f := newFlow(t)
	c := f.channel()
	p := question()
	for range 3 {
		var err error
		p.Receipt, err = c.Deliver(t.Context(), p)
		require.NoError(t, err)
		p.Card.Votes = append(p.Card.Votes, "approve by anna")
	}
	require.Len(t, f.got, 1, "votes stand on the page")
	p.Card.Buttons, p.Card.Title = nil, "Gate closed"
	for range 2 {
		var err error
		p.Receipt, err = c.Deliver(t.Context(), p)
		require.NoError(t, err)
	}
	require.Len(t, f.got, 2)
	require.Contains(t, flatten(t, f.got[1]), "Gate closed")
	require.NotContains(t, flatten(t, f.got[1]), "/go/")
	reminder := question()
	reminder.Kind = dr.ChatRemind
	_, err := c.Deliver(t.Context(), reminder)
	require.NoError(t, err)
	require.Len(t, f.got, 3)
}

func TestWhatIsTooLongIsLeftOutWholeAndSaid(t *testing.T) {
	f := newFlow(t)
	p := question()
	p.Card.Commands[0].Steps[0].Commands = []string{strings.Repeat("x", 40000)}
	_, err := f.channel().Deliver(t.Context(), p)
	require.NoError(t, err)
	text := flatten(t, f.got[0])
	require.Contains(t, text, "too long to stand here")
	require.NotContains(t, text, "xxx")
	require.Contains(t, text, "east takes no writes")
	for range 100 {
		p.Card.Facts = append(p.Card.Facts, gateway.Fact{Name: "f", Text: strings.Repeat("y", 1000)})
	}
	_, err = f.channel().Deliver(t.Context(), p)
	require.NoError(t, err)
	require.Contains(t, flatten(t, f.got[1]), "east takes no writes")
}

func TestWhatTeamsDidNotTakeIsTriedAgain(t *testing.T) {
	f := newFlow(t)
	c := f.channel()
	f.status, f.text = 200, "1"
	_, err := c.Deliver(t.Context(), question())
	require.NoError(t, err)
	for _, text := range []string{
		"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x",
		"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 412",
	} {
		f.text = text
		_, err = c.Deliver(t.Context(), question())
		require.Equal(t, dr.ClassRetry, dr.ClassOf(err), text)
	}
	f.status = 404
	_, err = c.Deliver(t.Context(), question())
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	require.NotContains(t, err.Error(), "secret-path")
	p := question()
	p.Place = "nowhere"
	_, err = c.Deliver(t.Context(), p)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}
