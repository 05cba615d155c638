// Package pagerduty tells people through PagerDuty's Events API v2
// (developer.pagerduty.com, Events API v2, Send an event): an open question
// triggers an alert, the first vote acknowledges it, its end resolves it. It
// only tells: nobody decides through it. (What PagerDuty calls V3 are the
// webhooks that it sends itself.)
package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name in chatops.yaml.
const Name = "pagerduty"

// defaultAPI is PagerDuty's address; customers of the EU region have another.
const defaultAPI = "https://events.pagerduty.com/v2/enqueue"

// Bounds of the Events API, in characters.
const (
	maxSummary  = 1024
	maxDedupKey = 255
	maxDetail   = 2000
)

// settings is the channel's part of chatops.yaml. The keys of RoutingKeys are
// what targets name as their place.
type settings struct {
	API         string                         `yaml:"api"`
	RoutingKeys map[string]inventory.SecretRef `yaml:"routing_keys"`
}

// Channel sends events.
type Channel struct {
	api  string
	keys map[string]string
	call *wire.Caller
}

// An integration key is 32 characters long.
var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, _ *gateway.Gateway) (gateway.Channel, error) {
	s := settings{API: defaultAPI}
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	if err := wire.CheckAddress(s.API); err != nil {
		return nil, node.Complain("api", "%s", err)
	}
	if len(s.RoutingKeys) == 0 {
		return nil, node.Complain("routing_keys", "name at least one integration key of a service, by the name that targets use")
	}
	c := &Channel{api: s.API, keys: map[string]string{}, call: wire.NewCaller("PagerDuty", nil)}
	for name, ref := range s.RoutingKeys {
		key, err := ref.Read("channels.pagerduty.routing_keys." + name)
		if err != nil {
			return nil, err
		}
		if !routingKey.MatchString(key) {
			return nil, node.Complain("routing_keys."+name, "this is not an integration key of 32 letters and digits")
		}
		c.keys[name] = key
	}
	return c, nil
}

// Run serves nothing: PagerDuty does not call back.
func (c *Channel) Run(context.Context) error { return nil }

// Routes are none.
func (c *Channel) Routes() map[string]http.Handler { return nil }

// event is one request of the Events API v2.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary  string            `json:"summary"`
	Source   string            `json:"source"`
	Severity string            `json:"severity"`
	Group    string            `json:"group,omitempty"`
	Class    string            `json:"class,omitempty"`
	Details  map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// The actions of an event.
const (
	trigger     = "trigger"
	acknowledge = "acknowledge"
	resolve     = "resolve"
)

// receipt is the alert that a card has, and what was last said of it.
type receipt struct {
	DedupKey string `json:"dedup_key"`
	Action   string `json:"action"`
}

// Deliver sends the event that brings the alert up to date. Its key makes a
// repeated event the same alert, so nothing has to be searched for.
func (c *Channel) Deliver(ctx context.Context, p gateway.Post) (json.RawMessage, error) {
	key, ok := c.keys[p.Place]
	if !ok {
		return nil, dr.Refuse("chat", "channels.pagerduty.routing_keys has no %q", dr.Clip(p.Place, 60))
	}
	var had receipt
	if p.Receipt != nil && json.Unmarshal(p.Receipt, &had) != nil {
		had = receipt{}
	}
	now := receipt{DedupKey: dedupKey(p), Action: action(p, had)}
	if now.Action == "" || now == had && now.Action != trigger {
		return json.Marshal(receipt{now.DedupKey, had.Action})
	}
	e := event{RoutingKey: key, Action: now.Action, DedupKey: now.DedupKey}
	if now.Action == trigger {
		e.Client, e.Payload = "Switchback", payloadOf(p.Card)
		if strings.HasPrefix(p.Card.Link, "https://") || strings.HasPrefix(p.Card.Link, "http://") {
			e.ClientURL, e.Links = p.Card.Link, []link{{p.Card.Link, "The run"}}
		}
	}
	if _, err := c.call.JSON(ctx, http.MethodPost, c.api, e); err != nil {
		return nil, err
	}
	return json.Marshal(now)
}

// action says what has become of a card; "" when there is nothing to say.
func action(p gateway.Post, had receipt) string {
	switch card := p.Card; {
	case p.Kind != dr.ChatCard:
		return trigger // reminds whoever has it: the alert is the card's own
	case len(card.Buttons) > 0 && len(card.Votes) > 0 && had.Action != "":
		return acknowledge
	case len(card.Buttons) > 0:
		return trigger
	case had.Action == trigger || had.Action == acknowledge:
		return resolve
	case card.Level == gateway.LevelBad || card.Level == gateway.LevelAlarm:
		return trigger // an end that somebody must look at
	}
	return had.Action
}

// dedupKey is the same for a card, its edits, its reminders and its escalation.
func dedupKey(p gateway.Post) string {
	key := p.Key
	for _, kind := range []dr.ChatKind{dr.ChatRemind, dr.ChatEscalate} {
		if i := strings.LastIndex(key, "/"+string(kind)+"/"); i > 0 && p.Kind == kind {
			key = key[:i]
		}
	}
	if len(key) > maxDedupKey {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	}
	return key
}

func payloadOf(card gateway.Card) *payload {
	p := &payload{
		Summary: dr.Clip(fmt.Sprintf("%s %s %s", card.Title, card.Reality, card.Lead), maxSummary),
		Source:  card.Workflow, Severity: "info", Group: card.System, Class: string(card.Level), Details: map[string]string{},
	}
	if p.Source == "" {
		p.Source = card.System
	}
	switch card.Level {
	case gateway.LevelAsk, gateway.LevelAlarm:
		p.Severity = "critical"
	case gateway.LevelBad:
		p.Severity = "error"
	case gateway.LevelGood, gateway.LevelInfo:
	}
	for _, f := range card.Facts {
		p.Details[f.Name] = dr.Clip(f.Text, maxDetail)
	}
	for _, f := range card.Sites {
		p.Details["Site "+f.Name] = dr.Clip(f.Text, maxDetail)
	}
	p.Details["Until"] = dr.Clip(card.Footer, maxDetail)
	return p
}
