package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// The IDs of the test's server.
const (
	bot     = "botbotbotbotbotbotbotbotbo"
	anna    = "annaannaannaannaannaannaan"
	mallory = "mallorymallorymallorymallo"
	place   = "channelchannelchannelchann"
	other   = "otherotherotherotherothero"
)

// server imitates Mattermost's REST API v4 and the requests that it sends to
// integrations, after its documentation (api.mattermost.com: create a post, patch
// a post, get posts for a channel, open a dialog; developers.mattermost.com:
// interactive messages, interactive dialogs, slash commands). It refuses what
// these pages say is refused. No real Mattermost has been asked.
type server struct {
	t    *testing.T
	http *httptest.Server

	mu    sync.Mutex
	posts map[string]post
	order []string
	// swallow loses the next answers after the work is done.
	swallow  int
	limit    int
	dialogs  []dialog
	triggers map[string]bool
	later    []string
}

type dialog struct {
	TriggerID string `json:"trigger_id"`
	URL       string `json:"url"`
	Dialog    struct {
		CallbackID       string           `json:"callback_id"`
		Title            string           `json:"title"`
		IntroductionText string           `json:"introduction_text"`
		Elements         []map[string]any `json:"elements"`
		SubmitLabel      string           `json:"submit_label"`
		State            string           `json:"state"`
	} `json:"dialog"`
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, posts: map[string]post{}, triggers: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v4/users/me", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, 200, map[string]string{"id": bot}) })
	mux.HandleFunc("POST /api/v4/posts", s.create)
	mux.HandleFunc("PUT /api/v4/posts/{id}/patch", s.patch)
	mux.HandleFunc("GET /api/v4/channels/{id}/posts", s.list)
	mux.HandleFunc("POST /api/v4/actions/dialogs/open", s.open)
	mux.HandleFunc("POST /hooks/commands/{id}", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.later = append(s.later, string(b))
	})
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/hooks/") && r.Header.Get("Authorization") != "Bearer bot-token" {
			s.answer(w, 401, map[string]string{"id": "api.context.session_expired.app_error"})
			return
		}
		s.mu.Lock()
		limited := s.limit > 0
		if limited {
			s.limit--
		}
		s.mu.Unlock()
		if limited {
			w.Header().Set("Retry-After", "7")
			http.Error(w, "limit exceeded", http.StatusTooManyRequests)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.http.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, status int, v any) {
	if s.swallow > 0 && status < 300 {
		s.swallow--
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

var actionID = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// refused says why Mattermost would not take a post.
func refused(p post) string {
	if len([]rune(p.Message)) > 16383 {
		return "api.context.invalid_body_param.app_error"
	}
	for _, a := range p.Props.Attachments {
		for _, b := range a.Actions {
			if !actionID.MatchString(b.ID) || b.Name == "" || b.Integration.URL == "" {
				return "the action would not be routed"
			}
		}
	}
	return ""
}

func (s *server) create(w http.ResponseWriter, r *http.Request) {
	var p post
	if json.NewDecoder(r.Body).Decode(&p) != nil {
		s.answer(w, 400, map[string]string{"id": "api.context.invalid_body_param.app_error"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if why := refused(p); why != "" || p.ChannelID != place && p.ChannelID != other {
		s.answer(w, 400, map[string]string{"id": why})
		return
	}
	p.ID, p.UserID = fmt.Sprintf("p%025d", len(s.posts)+1), bot
	s.posts[p.ID] = p
	s.order = append(s.order, p.ID)
	s.answer(w, 201, p)
}

func (s *server) patch(w http.ResponseWriter, r *http.Request) {
	var n post
	if json.NewDecoder(r.Body).Decode(&n) != nil {
		s.answer(w, 400, map[string]string{"id": "api.context.invalid_body_param.app_error"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.posts[r.PathValue("id")]
	if !ok {
		s.answer(w, 404, map[string]string{"id": "app.post.get.app_error"})
		return
	}
	if why := refused(n); why != "" {
		s.answer(w, 400, map[string]string{"id": why})
		return
	}
	p.Message, p.Props = n.Message, n.Props
	s.posts[p.ID] = p
	s.answer(w, 200, p)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]post{}
	for id, p := range s.posts {
		if p.ChannelID == r.PathValue("id") {
			out[id] = p
		}
	}
	s.answer(w, 200, map[string]any{"order": s.order, "posts": out})
}

func (s *server) open(w http.ResponseWriter, r *http.Request) {
	var d dialog
	if json.NewDecoder(r.Body).Decode(&d) != nil {
		s.answer(w, 400, map[string]string{"id": "api.context.invalid_body_param.app_error"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.triggers[d.TriggerID] || len(d.Dialog.Title) > 24 || len(d.Dialog.Elements) > 5 || d.URL == "" {
		s.answer(w, 400, map[string]string{"id": "app.submit_interactive_dialog.json_error"})
		return
	}
	delete(s.triggers, d.TriggerID)
	s.dialogs = append(s.dialogs, d)
	s.answer(w, 200, map[string]string{"status": "OK"})
}

// last gives the newest post.
func (s *server) last() post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts[s.order[len(s.order)-1]]
}

// core is a gateway that notes what it is asked.
type core struct {
	mu       sync.Mutex
	intents  []gateway.Intent
	commands []gateway.Asker
	forged   []string
	answer   gateway.Answer
	// hold keeps commands from being answered until it is closed.
	hold chan struct{}
}

func (c *core) Decide(_ context.Context, in gateway.Intent) gateway.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intents = append(c.intents, in)
	return c.answer
}

func (c *core) Command(_ context.Context, by gateway.Asker, text string) gateway.Answer {
	if c.hold != nil {
		<-c.hold
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands = append(c.commands, by)
	return gateway.Answer{Text: "you said " + text}
}

func (c *core) Forged(_, system, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forged = append(c.forged, system+": "+why)
}

func (c *core) Later(limit time.Duration, f func(ctx context.Context)) bool {
	done := make(chan struct{})
	go func() { defer close(done); f(context.Background()) }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

// desk is a channel with its Mattermost.
type desk struct {
	*server
	core    *core
	channel *Channel
	gateway *httptest.Server
	clock   time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{server: newServer(t), core: &core{answer: gateway.Answer{Text: "approve counted", Counted: true}}, clock: time.Now()}
	seal, err := wire.NewSealer("key", strings.Repeat("k", wire.MinKey))
	require.NoError(t, err)
	mux := http.NewServeMux()
	d.gateway = httptest.NewServer(mux)
	t.Cleanup(d.gateway.Close)
	d.channel = &Channel{
		core: d.core, api: d.http.URL, base: d.gateway.URL, seal: seal, command: "slash-token", now: func() time.Time { return d.clock },
		call: wire.NewCaller("Mattermost", http.Header{"Authorization": {"Bearer bot-token"}}),
	}
	for pattern, h := range d.channel.Routes() {
		mux.Handle(pattern, h)
	}
	return d
}

// send posts a body as Mattermost does and gives status and answer.
func (d *desk) send(path, kind, body string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.gateway.URL+path, strings.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return resp.StatusCode, string(b)
}

func (d *desk) json(path string, v any) (int, string) {
	d.t.Helper()
	var b bytes.Buffer
	require.NoError(d.t, json.NewEncoder(&b).Encode(v))
	return d.send(path, "application/json", b.String())
}

// clickBody is what Mattermost sends for a click (interactive messages,
// integration request).
func (d *desk) clickBody(p post, n int, user string) map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	trigger := fmt.Sprint("trigger", len(d.triggers)+len(d.dialogs))
	d.triggers[trigger] = true
	return map[string]any{
		"user_id": user, "user_name": "Anna Admin", "channel_id": p.ChannelID, "channel_name": "ops", "team_id": "t", "team_domain": "team", "post_id": p.ID,
		"trigger_id": trigger, "type": "button", "data_source": "", "context": map[string]any{"token": p.Props.Attachments[0].Actions[n].Integration.Context.Token},
	}
}

// formBody is what Mattermost sends for a form (interactive dialogs).
func formBody(f dialog, user, reason string) map[string]any {
	return map[string]any{
		"type": "dialog_submission", "callback_id": f.Dialog.CallbackID, "state": f.Dialog.State, "user_id": user, "channel_id": place, "team_id": "t",
		"submission": map[string]any{"reason": reason}, "cancelled": false,
	}
}

var ref = gateway.Ref{System: "orders", OriginalRun: "o", Run: "r", Gate: dr.GateDecide, Occurrence: 1, Digest: "02e37a8dc1a7"}

func askingPost() gateway.Post {
	return gateway.Post{Place: place, Key: "gw/orders/r/gate/decide/1", Kind: dr.ChatCard, Card: gateway.Card{
		Key: "gw/orders/r/gate/decide/1", Level: gateway.LevelAsk, System: "orders", Title: "Approval needed", Reality: "REAL", Lead: "shall west become primary?",
		Facts:    []gateway.Fact{{Name: "Loss", Text: "@channel [free](http://evil.example.com) **none**"}},
		Commands: []gateway.Phase{{Name: "promote", Steps: []gateway.Step{{Kind: dr.KindIrreversible, Title: "Promote", Commands: []string{"echo '```' @all"}}}}},
		Buttons: []gateway.Button{
			{Verb: dr.VerbApprove, Label: "Approve", Confirm: "Approve plan 02e37a8dc1a7?", Ref: ref},
			{Verb: dr.VerbBreakGlass, Label: "Break glass", Danger: true, Confirm: "ALONE?", NeedsReason: true, Ref: ref},
		},
	}}
}
