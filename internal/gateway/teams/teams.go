// Package teams posts Adaptive Cards to Microsoft Teams, through the address of
// a workflow that starts "When a Teams webhook request is received", or of an
// incoming webhook. Neither can be called back or asked what it has posted, so
//
//   - people decide through a signed link that leads to the gateway's web page,
//     where they sign in; opening the link decides nothing;
//   - a message cannot be edited: what changes while a question is open stands on
//     the page, and its end is a new message;
//   - a message whose answer was lost is sent again, and may then stand there
//     twice. Both lead to the same question, which is decided once.
package teams

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/web"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name in chatops.yaml.
const Name = "teams"

// settings is the channel's part of chatops.yaml. The keys of Webhooks are what
// targets name as their place; the addresses are secrets, since whoever has one
// can post.
type settings struct {
	Webhooks map[string]inventory.SecretRef `yaml:"webhooks"`
	// LinkKey is the key of the channel web, which opens the links.
	LinkKey inventory.SecretRef `yaml:"link_key"`
}

// Channel posts cards.
type Channel struct {
	webhooks map[string]string
	linker   web.Linker
	call     *wire.Caller
	now      func() time.Time
}

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, g *gateway.Gateway) (gateway.Channel, error) {
	var s settings
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	if len(s.Webhooks) == 0 {
		return nil, node.Complain("webhooks", "name the address of at least one workflow or incoming webhook, by the name that targets use")
	}
	if _, ok := g.Config.Channels[web.Name]; !ok {
		return nil, node.Complain("", "people decide on the web page: describe the channel web as well")
	}
	key, err := s.LinkKey.Read("channels.teams.link_key")
	if err != nil {
		return nil, err
	}
	seal, err := wire.NewSealer("channels.teams.link_key", key)
	if err != nil {
		return nil, err
	}
	linker, err := web.NewLinker(seal, g.Config.PublicURL)
	if err != nil {
		return nil, err
	}
	c := &Channel{webhooks: map[string]string{}, linker: linker, call: wire.NewCaller("Teams", nil), now: g.Now}
	for name, ref := range s.Webhooks {
		address, err := ref.Read("channels.teams.webhooks." + name)
		if err != nil {
			return nil, err
		}
		if err := wire.CheckAddress(address); err != nil {
			return nil, node.Complain("webhooks."+name, "%s", err)
		}
		c.webhooks[name] = address
	}
	return c, nil
}

// Run serves nothing: Teams does not call back.
func (c *Channel) Run(context.Context) error { return nil }

// Routes are none: people come through the web page.
func (c *Channel) Routes() map[string]http.Handler { return nil }

// receipt says what stands in the channel.
type receipt struct {
	// Open: the last message asks something.
	Open bool `json:"open"`
}

// Deliver posts a message. An edit of an open question posts nothing, since the
// page shows it; its end is posted once.
func (c *Channel) Deliver(ctx context.Context, p gateway.Post) (json.RawMessage, error) {
	address, ok := c.webhooks[p.Place]
	if !ok {
		return nil, dr.Refuse("chat", "channels.teams.webhooks has no %q", dr.Clip(p.Place, 60))
	}
	now := receipt{Open: len(p.Card.Buttons) > 0}
	var had receipt
	if p.Receipt != nil && json.Unmarshal(p.Receipt, &had) == nil && (now.Open || !had.Open) {
		return json.Marshal(now)
	}
	answer, err := c.call.JSON(ctx, http.MethodPost, address, c.message(p.Card))
	if err != nil {
		return nil, err
	}
	// Incoming webhooks answer 200 also when Teams did not take the message.
	if text := string(answer); strings.Contains(text, "HTTP error 429") {
		return nil, gateway.RetryAfter(10*time.Second, "Teams asks to wait")
	} else if strings.Contains(text, "delivery failed") {
		return nil, dr.Retry("chat", "Teams did not take the message: %s", dr.Clip(dr.CleanLine(text), 200))
	}
	return json.Marshal(now)
}
