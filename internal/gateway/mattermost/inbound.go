package mattermost

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
)

// How long a request waits for its work. Mattermost waits longer, but a person
// who looks at a form does not; a click's trigger is good for three seconds.
const (
	formIn    = 8 * time.Second
	commandIn = 2 * time.Second
	openIn    = 3 * time.Second
)

// formFor is how long somebody may look at a form.
const formFor = 15 * time.Minute

// Purposes of tokens.
const (
	clickPurpose = "mattermost click"
	formPurpose  = "mattermost form"
)

// click is what a button brings back.
type click struct {
	Post    string      `json:"p"`
	Channel string      `json:"c"`
	Verb    dr.Verb     `json:"v"`
	Ref     gateway.Ref `json:"r"`
	Label   string      `json:"l"`
	Confirm string      `json:"f"`
	Needs   bool        `json:"n,omitempty"`
}

// form is what a form brings back. The person is in it: clients see a form's
// state, and could send it to us as somebody else.
type form struct {
	Person  string      `json:"u"`
	Channel string      `json:"c"`
	ID      string      `json:"i"`
	Verb    dr.Verb     `json:"v"`
	Ref     gateway.Ref `json:"r"`
	Needs   bool        `json:"n,omitempty"`
}

// Routes are the addresses that Mattermost sends to.
func (c *Channel) Routes() map[string]http.Handler {
	r := map[string]http.Handler{
		"POST /mattermost/action": http.HandlerFunc(c.action),
		"POST /mattermost/form":   http.HandlerFunc(c.form),
	}
	if c.command != "" {
		r["POST /mattermost/command"] = http.HandlerFunc(c.slash)
	}
	return r
}

// action is what Mattermost sends for a click on a button.
func (c *Channel) action(w http.ResponseWriter, r *http.Request) {
	var in struct {
		UserID    string    `json:"user_id"`
		ChannelID string    `json:"channel_id"`
		PostID    string    `json:"post_id"`
		TriggerID string    `json:"trigger_id"`
		Context   tokenOnly `json:"context"`
	}
	if !read(w, r, &in) {
		return
	}
	var k click
	err := c.seal.Open(clickPurpose, in.Context.Token, c.now(), &k)
	switch {
	case dr.HasCode(err, "too_old"):
		whisper(w, "Nothing was sent: this button is too old. Decide with starter, or on the web page.")
		return
	case err == nil && (k.Post != in.PostID || k.Channel != in.ChannelID):
		err = dr.Refuse("forged", "it belongs to another post or channel")
	case err == nil && !idPattern.MatchString(in.UserID):
		err = dr.Refuse("forged", "it names nobody")
	}
	if err != nil {
		wire.Peek(in.Context.Token, &k)
		c.core.Forged(Name, k.Ref.System, "a click without a good token: "+dr.AsError(err, "forged").Text)
		http.Error(w, "this click was not made with one of our buttons", http.StatusUnauthorized)
		return
	}
	if err := c.ask(r.Context(), in.TriggerID, in.UserID, k); err != nil {
		whisper(w, "Nothing was sent: the form could not be opened. Try again, or use the slash command: "+dr.AsError(err, "chat").Text)
		return
	}
	whisper(w, "")
}

// ask opens the form that confirms a decision and takes its reason. Its ID makes
// the decision one, however often the form is sent.
func (c *Channel) ask(ctx context.Context, trigger, person string, k click) error {
	ctx, cancel := context.WithTimeout(ctx, openIn)
	defer cancel()
	state := c.seal.Seal(formPurpose, c.now().Add(formFor), form{person, k.Channel, rand.Text(), k.Verb, k.Ref, k.Needs})
	type element map[string]any
	dialog := map[string]any{
		"trigger_id": trigger, "url": c.base + "/mattermost/form",
		"dialog": map[string]any{
			"callback_id": "switchback", "title": dr.Clip(k.Label, 24), "introduction_text": dr.MD(k.Confirm), "submit_label": dr.Clip(k.Label, 24), "state": state,
			"elements": []element{{
				"display_name": "Reason", "name": "reason", "type": "textarea", "max_length": dr.MaxReason, "optional": !k.Needs,
				"help_text": "It stands in the report.",
			}},
		},
	}
	_, err := c.call.JSON(ctx, http.MethodPost, c.api+"/api/v4/actions/dialogs/open", dialog)
	return err
}

// form is what Mattermost sends when a form is submitted.
func (c *Channel) form(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Type       string         `json:"type"`
		State      string         `json:"state"`
		UserID     string         `json:"user_id"`
		ChannelID  string         `json:"channel_id"`
		Submission map[string]any `json:"submission"`
		Cancelled  bool           `json:"cancelled"`
	}
	if !read(w, r, &in) {
		return
	}
	var f form
	err := c.seal.Open(formPurpose, in.State, c.now(), &f)
	if err == nil && (f.Person != in.UserID || f.Channel != in.ChannelID) {
		err = dr.Refuse("forged", "it was opened for somebody else, or elsewhere")
	}
	switch {
	case dr.HasCode(err, "too_old"):
		reply(w, map[string]any{"error": "Nothing was sent: this form is too old. Press the button again."})
		return
	case err != nil:
		wire.Peek(in.State, &f)
		c.core.Forged(Name, f.Ref.System, "a form without a good token: "+dr.AsError(err, "forged").Text)
		http.Error(w, "this form was not opened by us", http.StatusUnauthorized)
		return
	case in.Cancelled:
		reply(w, map[string]any{})
		return
	}
	reason, _ := in.Submission["reason"].(string)
	if reason = dr.CleanLine(reason); f.Needs && reason == "" {
		reply(w, map[string]any{"errors": map[string]string{"reason": "Say why: it stands in the report."}})
		return
	}
	intent := gateway.Intent{
		Channel: Name, Account: Name + ":" + f.Person, Place: f.Channel, ID: "form " + f.ID, Verb: f.Verb, Ref: f.Ref, Reason: reason,
	}
	done := make(chan gateway.Answer, 1)
	if !c.core.Later(formIn, func(ctx context.Context) { done <- c.core.Decide(ctx, intent) }) {
		reply(w, map[string]any{"error": "It is under way, but nobody has answered yet. The post will show what it was worth."})
		return
	}
	if a := <-done; !a.Counted {
		reply(w, map[string]any{"error": dr.Clip(a.Text, 500)})
		return
	}
	reply(w, map[string]any{})
}

// slash is a typed command. Mattermost proves itself by the command's token.
func (c *Channel) slash(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "this is no form", http.StatusBadRequest)
		return
	}
	f := r.PostForm
	if subtle.ConstantTimeCompare([]byte(f.Get("token")), []byte(c.command)) != 1 || !idPattern.MatchString(f.Get("user_id")) {
		system := ""
		if words := strings.Fields(f.Get("text")); len(words) > 1 {
			system = words[1]
		}
		c.core.Forged(Name, system, "a command without Mattermost's token")
		http.Error(w, "this command does not come from Mattermost", http.StatusUnauthorized)
		return
	}
	by := gateway.Asker{Channel: Name, Account: Name + ":" + f.Get("user_id"), Place: f.Get("channel_id"), ID: "command " + f.Get("trigger_id")}
	reply(w, c.carryOut(by, f.Get("text"), f.Get("response_url")))
}

// carryOut gives the answer when it comes in time; a late one follows to the
// address that came with the command.
func (c *Channel) carryOut(by gateway.Asker, text, address string) map[string]any {
	done := make(chan gateway.Answer, 1)
	var late, taken atomic.Bool
	if c.core.Later(commandIn, func(ctx context.Context) {
		a := c.core.Command(ctx, by, text)
		done <- a
		if late.Load() && taken.CompareAndSwap(false, true) {
			c.respond(ctx, address, a)
		}
	}) {
		return spoken(<-done)
	}
	late.Store(true)
	select {
	case a := <-done:
		if taken.CompareAndSwap(false, true) {
			return spoken(a)
		}
	default:
	}
	return map[string]any{"response_type": "ephemeral", "text": "It is under way; the answer follows."}
}

// respond sends a late answer to the address that came with the command.
func (c *Channel) respond(ctx context.Context, address string, a gateway.Answer) {
	if c.own(address) {
		_, _ = c.call.JSON(ctx, http.MethodPost, address, spoken(a)) // who asked can ask again
	}
}

// spoken is an answer for the eyes of one person.
func spoken(a gateway.Answer) map[string]any {
	text := dr.MDFence("", a.Text)
	if a.Card != nil {
		text += "\n" + markdown(*a.Card)
	}
	return map[string]any{"response_type": "ephemeral", "text": text}
}

// read decodes a request of Mattermost, which may carry fields that are not
// used here.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		http.Error(w, "this cannot be read", http.StatusBadRequest)
		return false
	}
	return true
}

// whisper answers a click, to the person alone; "" says nothing.
func whisper(w http.ResponseWriter, text string) {
	out := map[string]any{}
	if text != "" {
		out["ephemeral_text"] = dr.Clip(text, 1000)
	}
	reply(w, out)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // Mattermost may be gone
}
