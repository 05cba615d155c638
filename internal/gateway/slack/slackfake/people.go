package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Button is one that a message shows.
type Button struct {
	ActionID, Value, Label string
	// Confirmed says that people are asked before.
	Confirmed bool
}

// Buttons gives the buttons of a message.
func (m Message) Buttons() []Button {
	var blocks []block
	_ = json.Unmarshal(m.Blocks, &blocks)
	var out []Button
	for _, b := range blocks {
		for _, e := range b.Elements {
			if e.Type == "button" {
				var text object
				_ = json.Unmarshal(e.Text, &text)
				out = append(out, Button{e.ActionID, e.Value, text.Text, e.Confirm != nil})
			}
		}
	}
	return out
}

// Click is the body of the request that Slack sends for a click
// (docs.slack.dev, block_actions payload). name is the display name, which
// anybody can choose.
func (f *Fake) Click(user, name, channel string, m Message, b Button) (payload string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	trigger := fmt.Sprintf("trigger.%d", f.serial)
	f.triggers[trigger] = f.Now()
	return asPayload(map[string]any{
		"type": "block_actions", "trigger_id": trigger, "api_app_id": "A1",
		"team": map[string]any{"id": Team, "domain": "fake"}, "user": map[string]any{"id": user, "username": name, "name": name, "team_id": Team},
		"channel": map[string]any{"id": channel, "name": "ops"}, "message": map[string]any{"ts": m.TS, "text": m.Text},
		"container":    map[string]any{"type": "message", "message_ts": m.TS, "channel_id": channel},
		"response_url": f.Hooks() + "answer",
		"actions": []any{map[string]any{
			"type": "button", "action_id": b.ActionID, "block_id": "dr", "value": b.Value, "action_ts": fmt.Sprintf("1700000001.%06d", f.serial),
		}},
	})
}

// Submit is the body for the form that a click has opened, with a reason
// written into it; "" when no form was opened.
func (f *Fake) Submit(user, click, reason string) string {
	var cb struct {
		Trigger string `json:"trigger_id"`
	}
	_ = json.Unmarshal([]byte(click), &cb)
	f.mu.Lock()
	defer f.mu.Unlock()
	raw, ok := f.forms[cb.Trigger]
	if !ok {
		return ""
	}
	var view map[string]any
	_ = json.Unmarshal([]byte(raw), &view)
	view["id"] = "V" + cb.Trigger
	view["state"] = map[string]any{"values": map[string]any{"reason": map[string]any{"reason": map[string]any{"type": "plain_text_input", "value": reason}}}}
	return asPayload(map[string]any{
		"type": "view_submission", "team": map[string]any{"id": Team}, "user": map[string]any{"id": user, "team_id": Team}, "view": view,
	})
}

func asPayload(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// Form puts a payload into the form that Slack posts.
func Form(payload string) string { return url.Values{"payload": {payload}}.Encode() }

// Command is the body for a slash command.
func (f *Fake) Command(user, channel, text string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	trigger := fmt.Sprintf("trigger.%d", f.serial)
	f.triggers[trigger] = f.Now()
	return url.Values{
		"team_id": {Team}, "channel_id": {channel}, "user_id": {user}, "user_name": {"whoever"}, "command": {"/dr"}, "text": {text},
		"response_url": {f.Hooks() + "answer"}, "trigger_id": {trigger},
	}.Encode()
}

// Push sends something through Socket Mode and waits for its acknowledgement.
func (f *Fake) Push(kind string, payload json.RawMessage) (acknowledged string) {
	f.mu.Lock()
	f.serial++
	id := fmt.Sprintf("envelope-%d", f.serial)
	f.mu.Unlock()
	late := time.After(30 * time.Second)
	select {
	case f.socket <- map[string]any{"envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": true}:
	case <-late:
		return ""
	}
	select {
	case got := <-f.acks:
		return got
	case <-late:
		return ""
	}
}

func (f *Fake) connect(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+AppToken {
		answer(w, refuse("invalid_auth"))
		return
	}
	answer(w, reply{"ok": true, "url": strings.Replace(f.URL, "http://", "ws://", 1) + "/ws"})
}

func (f *Fake) serveSocket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	_ = c.WriteJSON(map[string]any{"type": "hello", "num_connections": 1})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			var m struct {
				Envelope string `json:"envelope_id"`
			}
			if c.ReadJSON(&m) != nil {
				return
			}
			f.acks <- m.Envelope
		}
	}()
	for {
		select {
		case <-gone:
			return
		case v := <-f.socket:
			if c.WriteJSON(v) != nil {
				return
			}
		}
	}
}
