// Package webhook brings cards to any program as signed JSON over HTTP, and
// takes decisions and commands back in the same way. The form is the product's
// own and stands in docs/chatops.md. Who holds the key of a hook speaks for its
// people: accounts are "webhook:<hook>/<user>".
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name in chatops.yaml and in decisions, and the kind of
// its accounts.
const Name = "webhook"

// Headers of every request, in both directions. The signature is
// "v1=" and the hexadecimal HMAC-SHA256, with the hook's key, of the timestamp
// (seconds since 1970), a dot and the body.
const (
	HeaderTimestamp = "Switchback-Timestamp"
	HeaderSignature = "Switchback-Signature"
)

// window is how far the sender's clock may be from ours.
const window = 5 * time.Minute

// answerIn is how long a request waits for its decision; then it goes on in the
// background.
const answerIn = 25 * time.Second

// Core is what the hooks need of the gateway.
type Core interface {
	Decide(ctx context.Context, in gateway.Intent) gateway.Answer
	Command(ctx context.Context, by gateway.Asker, text string) gateway.Answer
	Forged(channel, system, why string)
	Later(limit time.Duration, f func(ctx context.Context)) bool
}

// settings is the channel's part of chatops.yaml: hooks by the name that targets
// use as their place.
type settings struct {
	Hooks map[string]struct {
		URL inventory.SecretRef `yaml:"url"`
		Key inventory.SecretRef `yaml:"key"`
	} `yaml:"hooks"`
}

// hook is one program; without an address it only sends to us.
type hook struct {
	url string
	key []byte
}

// Channel serves the hooks.
type Channel struct {
	core  Core
	hooks map[string]hook
	call  *wire.Caller
	now   func() time.Time
}

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, g *gateway.Gateway) (gateway.Channel, error) {
	var s settings
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	if len(s.Hooks) == 0 {
		return nil, node.Complain("hooks", "name at least one hook")
	}
	c := &Channel{core: g, hooks: map[string]hook{}, call: wire.NewCaller("the webhook", nil), now: g.Now}
	for name, h := range s.Hooks {
		if err := dr.CheckName("hook", name); err != nil {
			return nil, node.Complain("hooks."+name, "%s", err)
		}
		key, err := h.Key.Read("channels.webhook.hooks." + name + ".key")
		if err != nil {
			return nil, err
		}
		if len(key) < wire.MinKey {
			return nil, node.Complain("hooks."+name+".key", "the key is shorter than %d characters and could be guessed", wire.MinKey)
		}
		out := hook{key: []byte(key)}
		if !h.URL.Empty() {
			if out.url, err = h.URL.Read("channels.webhook.hooks." + name + ".url"); err != nil {
				return nil, err
			}
			if err := wire.CheckAddress(out.url); err != nil {
				return nil, node.Complain("hooks."+name+".url", "%s", err)
			}
		}
		c.hooks[name] = out
	}
	return c, nil
}

// Run serves nothing of its own.
func (c *Channel) Run(context.Context) error { return nil }

// Routes are the addresses that programs send to.
func (c *Channel) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST /webhook/{hook}/decisions": c.authentic(c.decide),
		"POST /webhook/{hook}/commands":  c.authentic(c.command),
	}
}

// Deliver sends a message. Its id is the same for each attempt and each edit,
// so that the receiver can tell them.
func (c *Channel) Deliver(ctx context.Context, p gateway.Post) (json.RawMessage, error) {
	h, ok := c.hooks[p.Place]
	if !ok || h.url == "" {
		return nil, dr.Refuse("chat", "channels.webhook.hooks has no %q with a url", dr.Clip(p.Place, 60))
	}
	body, err := json.Marshal(messageOf(p))
	if err != nil {
		return nil, dr.Hold("internal", "the message cannot be written: %v", err)
	}
	stamp := strconv.FormatInt(c.now().Unix(), 10)
	_, err = c.call.Raw(ctx, http.MethodPost, h.url, body, http.Header{
		HeaderTimestamp: {stamp}, HeaderSignature: {sign(h.key, stamp, body)},
	})
	if err != nil {
		return nil, err
	}
	return json.RawMessage(`{"sent":true}`), nil
}

func sign(key []byte, stamp string, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(stamp + "."))
	m.Write(body)
	return "v1=" + hex.EncodeToString(m.Sum(nil))
}

// authentic lets only requests in that the hook's holder signed just now.
func (c *Channel) authentic(next func(w http.ResponseWriter, name string, body []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			answer(w, http.StatusRequestEntityTooLarge, gateway.Answer{Text: "the body is too large"})
			return
		}
		name := r.PathValue("hook")
		if why := c.wrong(name, r.Header.Get(HeaderTimestamp), r.Header.Get(HeaderSignature), body); why != "" {
			c.core.Forged(Name, claimedSystem(body), why)
			answer(w, http.StatusUnauthorized, gateway.Answer{Text: "nothing was done: this request is not signed by the hook's key, or too old"})
			return
		}
		next(w, name, body)
	})
}

// wrong says why a request is not authentic; "" when it is. An unknown hook and
// a wrong signature look the same from outside.
func (c *Channel) wrong(name, stamp, signature string, body []byte) string {
	h, ok := c.hooks[name]
	sent, err := strconv.ParseInt(stamp, 10, 64)
	switch {
	case !ok:
		return "there is no such hook"
	case !hmac.Equal([]byte(signature), []byte(sign(h.key, stamp, body))):
		return "the signature is missing or wrong"
	case err != nil || c.now().Sub(time.Unix(sent, 0)).Abs() > window:
		return "the timestamp is missing or too far from this clock"
	}
	return ""
}

// claimedSystem reads which system a request is about that nobody vouches for:
// only to show in that system's report that somebody tried.
func claimedSystem(body []byte) string {
	var d struct {
		Ref struct {
			System string `json:"system"`
		} `json:"ref"`
	}
	_ = json.Unmarshal(body, &d) // anything may be in there
	return d.Ref.System
}

// decision is the body of a decision.
type decision struct {
	ID     string  `json:"id"`
	User   string  `json:"user"`
	Verb   dr.Verb `json:"verb"`
	Ref    ref     `json:"ref"`
	Reason string  `json:"reason,omitempty"`
}

func (c *Channel) decide(w http.ResponseWriter, name string, body []byte) {
	var d decision
	if err := dr.DecodeStrict(body, &d); err != nil {
		answer(w, http.StatusBadRequest, gateway.Answer{Text: "nothing was done: " + dr.CleanLine(err.Error())})
		return
	}
	if why := named(d.ID, d.User); why != "" {
		answer(w, http.StatusBadRequest, gateway.Answer{Text: "nothing was done: " + why})
		return
	}
	in := gateway.Intent{
		Channel: Name, Account: Name + ":" + name + "/" + d.User, Place: name, ID: name + " " + d.ID, Verb: d.Verb, Ref: gateway.Ref(d.Ref), Reason: d.Reason,
	}
	if !gateway.KnownVerb(d.Verb) {
		answer(w, http.StatusBadRequest, gateway.Answer{Text: "nothing was done: there is no such verb"})
		return
	}
	c.later(w, func(ctx context.Context) gateway.Answer { return c.core.Decide(ctx, in) })
}

// command is the body of a command.
type command struct {
	ID   string `json:"id"`
	User string `json:"user"`
	Text string `json:"text"`
}

func (c *Channel) command(w http.ResponseWriter, name string, body []byte) {
	var d command
	if err := dr.DecodeStrict(body, &d); err != nil {
		answer(w, http.StatusBadRequest, gateway.Answer{Text: "nothing was done: " + dr.CleanLine(err.Error())})
		return
	}
	if why := named(d.ID, d.User); why != "" {
		answer(w, http.StatusBadRequest, gateway.Answer{Text: "nothing was done: " + why})
		return
	}
	by := gateway.Asker{Channel: Name, Account: Name + ":" + name + "/" + d.User, Place: name, ID: name + " " + d.ID}
	c.later(w, func(ctx context.Context) gateway.Answer { return c.core.Command(ctx, by, d.Text) })
}

// named checks who and which. The ID makes a repeated request the same one.
func named(id, user string) string {
	switch {
	case len(id) < 8 || len(id) > 200:
		return "id must have 8 to 200 characters, the same for each attempt and another for the next decision"
	case user == "" || len(user) > 100 || user != dr.CleanLine(user) || strings.ContainsAny(user, "/ "):
		return "user must name the person's account, without spaces and slashes"
	}
	return ""
}

// later answers in time whatever Temporal does.
func (c *Channel) later(w http.ResponseWriter, f func(ctx context.Context) gateway.Answer) {
	done := make(chan gateway.Answer, 1)
	if c.core.Later(answerIn, func(ctx context.Context) { done <- f(ctx) }) {
		answer(w, http.StatusOK, <-done)
		return
	}
	answer(w, http.StatusAccepted, gateway.Answer{Text: "it is under way; send it again with the same id to hear what it was worth"})
}

// answer writes what the sender is told.
func answer(w http.ResponseWriter, status int, a gateway.Answer) {
	out := struct {
		Counted bool   `json:"counted"`
		Text    string `json:"text"`
		Card    *card  `json:"card,omitempty"`
	}{a.Counted, a.Text, nil}
	if a.Card != nil {
		c := cardOf(*a.Card)
		out.Card = &c
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // the sender may be gone
}
