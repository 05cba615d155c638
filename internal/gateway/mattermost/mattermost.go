// Package mattermost brings cards to Mattermost as posts with buttons, forms and
// a slash command (developers.mattermost.com: interactive messages, interactive
// dialogs, slash commands).
//
// Mattermost does not authenticate the requests that a click sends to an
// integration. So each button carries a sealed token, bound to the post, the
// channel, the action and an expiry, in the button's context, which Mattermost
// keeps from its clients; a form's token is bound to the person who clicked as
// well, since clients do see a form's state. A request without a good token is
// nobody's.
package mattermost

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/gateway/wire"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name in chatops.yaml and in decisions, and the kind of
// its accounts ("mattermost:<user id>").
const Name = "mattermost"

// Core is what the channel needs of the gateway.
type Core interface {
	Decide(ctx context.Context, in gateway.Intent) gateway.Answer
	Command(ctx context.Context, by gateway.Asker, text string) gateway.Answer
	Forged(channel, system, why string)
	Later(limit time.Duration, f func(ctx context.Context)) bool
}

// settings is the channel's part of chatops.yaml.
type settings struct {
	URL string `yaml:"url"`
	// Token is the bot account's access token.
	Token inventory.SecretRef `yaml:"token"`
	// Key seals buttons and forms; the same in all gateways.
	Key inventory.SecretRef `yaml:"key"`
	// CommandToken is what Mattermost sends with the slash command.
	CommandToken inventory.SecretRef `yaml:"command_token"`
}

// Channel talks to one Mattermost server.
type Channel struct {
	core Core
	api  string
	// base is the gateway's own address, to which Mattermost sends clicks.
	base    string
	seal    wire.Sealer
	command string
	call    *wire.Caller
	now     func() time.Time

	mu sync.Mutex
	me string
}

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, g *gateway.Gateway) (gateway.Channel, error) {
	var s settings
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	if err := wire.CheckAddress(s.URL); err != nil {
		return nil, node.Complain("url", "%s", err)
	}
	if err := wire.CheckAddress(g.Config.PublicURL); err != nil {
		return nil, dr.Refuse("chatops", "Mattermost sends clicks to public_url: %s", err)
	}
	token, err := s.Token.Read("channels.mattermost.token")
	if err != nil {
		return nil, err
	}
	key, err := s.Key.Read("channels.mattermost.key")
	if err != nil {
		return nil, err
	}
	seal, err := wire.NewSealer("channels.mattermost.key", key)
	if err != nil {
		return nil, err
	}
	c := &Channel{
		core: g, api: strings.TrimSuffix(s.URL, "/"), base: strings.TrimSuffix(g.Config.PublicURL, "/"), seal: seal, now: g.Now,
		call: wire.NewCaller("Mattermost", http.Header{"Authorization": {"Bearer " + token}}),
	}
	if !s.CommandToken.Empty() {
		if c.command, err = s.CommandToken.Read("channels.mattermost.command_token"); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Run serves nothing of its own.
func (c *Channel) Run(context.Context) error { return nil }

// idPattern is what Mattermost's IDs look like; they become parts of addresses.
var idPattern = regexp.MustCompile(`^[a-z0-9]{26}$`)

// receipt is where a message is.
type receipt struct {
	Post string `json:"post"`
}

// post is a post as Mattermost's API has it, as far as it is used.
type post struct {
	ID        string `json:"id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	ChannelID string `json:"channel_id,omitempty"`
	RootID    string `json:"root_id,omitempty"`
	Message   string `json:"message"`
	Props     props  `json:"props"`
}

type props struct {
	// Key finds our own message again.
	Key         string       `json:"switchback_key,omitempty"`
	Attachments []attachment `json:"attachments"`
}

// Deliver posts or edits one message. A post is made without its buttons first:
// their tokens are bound to the post's ID, which only Mattermost gives.
func (c *Channel) Deliver(ctx context.Context, p gateway.Post) (json.RawMessage, error) {
	if !idPattern.MatchString(p.Place) {
		return nil, dr.Refuse("chat", "%q is not the ID of a Mattermost channel", dr.Clip(dr.CleanLine(p.Place), 60))
	}
	var at, thread receipt
	if p.Receipt != nil && (json.Unmarshal(p.Receipt, &at) != nil || !idPattern.MatchString(at.Post)) {
		at = receipt{}
	}
	if at.Post == "" && p.Tried {
		found, err := c.find(ctx, p.Place, p.Key)
		if err != nil {
			return nil, err
		}
		at.Post = found
	}
	if at.Post != "" {
		err := c.edit(ctx, p, at.Post)
		if err == nil || !dr.HasCode(err, wire.CodeGone) {
			return asReceipt(at), err
		}
		// Somebody deleted it: people must see it nevertheless.
	}
	if p.Thread != nil && json.Unmarshal(p.Thread, &thread) != nil {
		thread = receipt{}
	}
	made := post{ChannelID: p.Place, RootID: thread.Post, Message: markdown(p.Card), Props: props{Key: p.Key, Attachments: []attachment{}}}
	raw, err := c.call.JSON(ctx, http.MethodPost, c.api+"/api/v4/posts", made)
	if err != nil {
		return nil, err
	}
	var got post
	if json.Unmarshal(raw, &got) != nil || !idPattern.MatchString(got.ID) {
		return nil, dr.Retry("chat", "Mattermost's answer has no post ID")
	}
	at.Post = got.ID
	if len(p.Card.Buttons) == 0 {
		return asReceipt(at), nil
	}
	return asReceipt(at), c.edit(ctx, p, at.Post)
}

// edit brings a post up to date, with buttons that are good for it alone.
func (c *Channel) edit(ctx context.Context, p gateway.Post, id string) error {
	body := struct {
		Message string `json:"message"`
		Props   props  `json:"props"`
	}{markdown(p.Card), props{p.Key, c.attachments(p.Card, id, p.Place)}}
	_, err := c.call.JSON(ctx, http.MethodPut, c.api+"/api/v4/posts/"+id+"/patch", body)
	return err
}

func asReceipt(at receipt) json.RawMessage {
	raw, err := json.Marshal(at)
	if err != nil || at.Post == "" {
		return nil
	}
	return raw
}

// searched is how many posts of a channel are looked at for one that an earlier
// attempt made.
const searched = "200"

// find looks for our own post by its key; others' posts do not count, whatever
// they carry.
func (c *Channel) find(ctx context.Context, channel, key string) (string, error) {
	me, err := c.whoAmI(ctx)
	if err != nil {
		return "", err
	}
	raw, err := c.call.JSON(ctx, http.MethodGet, c.api+"/api/v4/channels/"+channel+"/posts?per_page="+searched, nil)
	if err != nil {
		return "", err
	}
	var list struct {
		Posts map[string]post `json:"posts"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return "", dr.Retry("chat", "Mattermost's list of posts cannot be read")
	}
	for id, p := range list.Posts {
		if p.UserID == me && p.Props.Key == key && idPattern.MatchString(id) {
			return id, nil
		}
	}
	return "", nil
}

// whoAmI gives the bot's own ID.
func (c *Channel) whoAmI(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.me != "" {
		return c.me, nil
	}
	raw, err := c.call.JSON(ctx, http.MethodGet, c.api+"/api/v4/users/me", nil)
	if err != nil {
		return "", err
	}
	var u struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &u) != nil || !idPattern.MatchString(u.ID) {
		return "", dr.Retry("chat", "Mattermost does not say who the bot is")
	}
	c.me = u.ID
	return c.me, nil
}

// own says whether an address is Mattermost's own: answers go nowhere else.
func (c *Channel) own(address string) bool {
	a, err := url.Parse(address)
	if err != nil {
		return false
	}
	b, err := url.Parse(c.api)
	return err == nil && a.Scheme == b.Scheme && a.Host == b.Host && a.User == nil
}
