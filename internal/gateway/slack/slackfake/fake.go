// Package slackfake is a Slack for tests that refuses what Slack refuses: wrong
// tokens, unknown channels, messages that break the bounds of Block Kit, form
// titles that are too long, triggers that are too old, and more calls than its
// rate limits allow. What it checks is from docs.slack.dev (Web API methods,
// Block Kit reference, Rate limits, Verifying requests from Slack); it was not
// compared with Slack itself.
package slackfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The credentials of the app.
const (
	Token         = "xoxb-fake-token" //nolint:gosec // G101: of no workspace
	AppToken      = "xapp-fake-token" //nolint:gosec // G101: of no workspace
	SigningSecret = "fake-signing-secret-0123456789"
	Team          = "T1"
)

// Message is one that people see.
type Message struct {
	Channel  string
	TS       string
	Thread   string
	Text     string
	Blocks   json.RawMessage
	Metadata string
	Edits    int
}

// Fake is one workspace.
type Fake struct {
	*httptest.Server
	// Now is its clock.
	Now func() time.Time

	mu        sync.Mutex
	channels  []string
	messages  []*Message
	Ephemeral []string
	forms     map[string]string
	triggers  map[string]time.Time
	last      map[string][]time.Time
	down      bool
	// lose makes the next post succeed without an answer.
	lose    int
	limited int
	serial  int
	socket  chan any
	acks    chan string
}

// New starts a workspace with channels.
func New(channels ...string) *Fake {
	f := &Fake{
		Now: time.Now, channels: channels, forms: map[string]string{}, triggers: map[string]time.Time{}, last: map[string][]time.Time{},
		socket: make(chan any, 10), acks: make(chan string, 10),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/chat.postMessage", f.method("post", f.post))
	mux.HandleFunc("/chat.update", f.method("update", f.update))
	mux.HandleFunc("/chat.postEphemeral", f.method("ephemeral", f.ephemeral))
	mux.HandleFunc("/conversations.history", f.method("history", f.history))
	mux.HandleFunc("/views.open", f.open)
	mux.HandleFunc("/hooks/", f.hook)
	mux.HandleFunc("/apps.connections.open", f.connect)
	mux.HandleFunc("/ws", f.serveSocket)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		down := f.down
		f.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return f
}

// API is the address for the client.
func (f *Fake) API() string { return f.URL + "/" }

// Hooks begins every response_url.
func (f *Fake) Hooks() string { return f.URL + "/hooks/" }

// Down switches the whole of Slack off or on.
func (f *Fake) Down(down bool) { f.mu.Lock(); f.down = down; f.mu.Unlock() }

// LoseAnswers makes the next n posts succeed without the client learning it.
func (f *Fake) LoseAnswers(n int) { f.mu.Lock(); f.lose = n; f.mu.Unlock() }

// Limited counts the calls that were refused for their rate.
func (f *Fake) Limited() int { f.mu.Lock(); defer f.mu.Unlock(); return f.limited }

// Messages gives what people see in a channel, oldest first.
func (f *Fake) Messages(channel string) []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Message
	for _, m := range f.messages {
		if m.Channel == channel {
			out = append(out, *m)
		}
	}
	return out
}

// Told gives what was said to people alone.
func (f *Fake) Told() []string { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.Ephemeral) }

type reply map[string]any

func refuse(code string, messages ...string) reply {
	return reply{"ok": false, "error": code, "response_metadata": map[string]any{"messages": messages}}
}

// method is a Web API method with form arguments.
func (f *Fake) method(name string, serve func(url.Values) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			answer(w, refuse("invalid_form_data"))
			return
		}
		if r.Form.Get("token") != Token && r.Header.Get("Authorization") != "Bearer "+Token {
			answer(w, refuse("invalid_auth"))
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if wait := f.rate(name, r.Form.Get("channel")); wait > 0 {
			f.limited++
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		out := serve(r.Form)
		if name == "post" && out["ok"] == true && f.lose > 0 {
			f.lose--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		answer(w, out)
	}
}

// rate applies the limits: a message a second in a channel with a burst of
// three, fifty calls a minute of each method of tier 3.
func (f *Fake) rate(method, channel string) time.Duration {
	key, most, within := method, 50, time.Minute
	if method == "post" {
		key, most, within = "post "+channel, 3, 3*time.Second
	}
	now := f.Now()
	kept := slices.DeleteFunc(f.last[key], func(t time.Time) bool { return now.Sub(t) >= within })
	if len(kept) >= most {
		f.last[key] = kept
		return within - now.Sub(kept[0])
	}
	f.last[key] = append(kept, now)
	return 0
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (f *Fake) post(form url.Values) reply {
	channel := form.Get("channel")
	if !slices.Contains(f.channels, channel) {
		return refuse("channel_not_found")
	}
	if why := check(form); why != "" {
		return refuse("invalid_blocks", why)
	}
	f.serial++
	m := &Message{Channel: channel, TS: fmt.Sprintf("1700000000.%06d", f.serial), Thread: form.Get("thread_ts")}
	m.take(form)
	f.messages = append(f.messages, m)
	return reply{"ok": true, "channel": channel, "ts": m.TS}
}

func (m *Message) take(form url.Values) {
	m.Text, m.Blocks, m.Metadata = form.Get("text"), json.RawMessage(form.Get("blocks")), form.Get("metadata")
}

func (f *Fake) update(form url.Values) reply {
	if why := check(form); why != "" {
		return refuse("invalid_blocks", why)
	}
	for _, m := range f.messages {
		if m.Channel == form.Get("channel") && m.TS == form.Get("ts") {
			m.take(form)
			m.Edits++
			return reply{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
		}
	}
	return refuse("message_not_found")
}

func (f *Fake) history(form url.Values) reply {
	var out []map[string]any
	for i := len(f.messages) - 1; i >= 0; i-- {
		m := f.messages[i]
		if m.Channel != form.Get("channel") {
			continue
		}
		one := map[string]any{"type": "message", "ts": m.TS, "text": m.Text}
		if m.Metadata != "" && (form.Get("include_all_metadata") == "1" || form.Get("include_all_metadata") == "true") {
			one["metadata"] = json.RawMessage(m.Metadata)
		}
		out = append(out, one)
	}
	return reply{"ok": true, "messages": out}
}

func (f *Fake) ephemeral(form url.Values) reply {
	f.Ephemeral = append(f.Ephemeral, form.Get("text"))
	return reply{"ok": true, "message_ts": "1"}
}

func (f *Fake) hook(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Text string `json:"text"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.Ephemeral = append(f.Ephemeral, body.Text)
	f.mu.Unlock()
	_, _ = w.Write([]byte("ok"))
}

// open opens a form; its trigger is good for three seconds.
func (f *Fake) open(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Trigger string          `json:"trigger_id"`
		View    json.RawMessage `json:"view"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, refuse("invalid_arguments"))
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	born, known := f.triggers[body.Trigger]
	switch {
	case !known:
		answer(w, refuse("invalid_trigger_id"))
		return
	case f.Now().Sub(born) > 3*time.Second:
		answer(w, refuse("expired_trigger_id"))
		return
	}
	if why := checkView(body.View); why != "" {
		answer(w, refuse("invalid_arguments", why))
		return
	}
	f.forms[body.Trigger] = string(body.View)
	answer(w, reply{"ok": true, "view": map[string]any{"id": "V" + body.Trigger}})
}

// Sign makes the headers with which Slack signs a request.
func Sign(body, secret string, at time.Time) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte("v0:" + ts + ":" + body))
	return http.Header{
		"Content-Type":              {"application/x-www-form-urlencoded"},
		"X-Slack-Request-Timestamp": {ts}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))},
	}
}

// Line gives a message's whole text as people read it.
func (m Message) Line() string {
	var tree any
	_ = json.Unmarshal(m.Blocks, &tree)
	var parts []string
	collect(tree, &parts)
	return strings.Join(parts, "")
}

func collect(v any, into *[]string) {
	switch t := v.(type) {
	case map[string]any:
		if s, ok := t["text"].(string); ok {
			*into = append(*into, s+" ")
		}
		for _, k := range []string{"text", "elements", "fields"} {
			if _, plain := t[k].(string); !plain {
				collect(t[k], into)
			}
		}
	case []any:
		for _, e := range t {
			collect(e, into)
		}
	}
}
