// Package slack brings gates to Slack: one Block Kit message for each question,
// edited while people decide, buttons and a slash command, over HTTP or over
// Socket Mode where nothing may be reached from outside.
//
// Reference: docs.slack.dev, Block Kit, Interactivity, Verifying requests from
// Slack, Rate limits.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Name is the channel's name and the kind of its accounts.
const Name = "slack"

// settings is the channel's part of chatops.yaml.
type settings struct {
	// Token is the bot token (xoxb-...), with the scopes chat:write,
	// channels:history, groups:history and commands.
	Token inventory.SecretRef `yaml:"token"`
	// SigningSecret verifies requests over HTTP.
	SigningSecret inventory.SecretRef `yaml:"signing_secret"`
	// AppToken (xapp-...) switches Socket Mode on.
	AppToken inventory.SecretRef `yaml:"app_token"`
	// API and Hooks are Slack's addresses; others are for tests.
	API   string `yaml:"api"`
	Hooks string `yaml:"hooks"`
}

// Channel is Slack.
type Channel struct {
	g      *gateway.Gateway
	api    *slackapi.Client
	secret string
	socket bool
	hooks  string
	pace   *pace
}

// New makes the channel from its part of chatops.yaml.
func New(node inventory.Node, g *gateway.Gateway) (gateway.Channel, error) {
	s := settings{API: slackapi.APIURL, Hooks: "https://hooks.slack.com/"}
	if err := node.Decode(&s); err != nil {
		return nil, dr.Refuse("chatops", "%s", err).Because(err)
	}
	token, err := s.Token.Read("channels.slack.token")
	if err != nil {
		return nil, err
	}
	c := &Channel{g: g, hooks: s.Hooks, pace: newPace(g.Now, sleep)}
	options := []slackapi.Option{slackapi.OptionAPIURL(s.API), slackapi.OptionHTTPClient(&http.Client{Timeout: 15 * time.Second})}
	if s.SigningSecret.Empty() == s.AppToken.Empty() {
		return nil, node.Complain("", "name either signing_secret (requests over HTTP) or app_token (Socket Mode)")
	}
	if !s.AppToken.Empty() {
		app, err := s.AppToken.Read("channels.slack.app_token")
		if err != nil {
			return nil, err
		}
		options, c.socket = append(options, slackapi.OptionAppLevelToken(app)), true
	} else if c.secret, err = s.SigningSecret.Read("channels.slack.signing_secret"); err != nil {
		return nil, err
	}
	c.api = slackapi.New(token, options...)
	return c, nil
}

// receipt is where a message is.
type receipt struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// marker is the type of the metadata by which our own messages are found again.
const marker = "switchback_message"

// Deliver posts or edits one message. Its metadata carries the key, by which a
// message that an earlier attempt posted unseen is found.
func (c *Channel) Deliver(ctx context.Context, p gateway.Post) (json.RawMessage, error) {
	channel := placeChannel(p.Place)
	blocks := render(p.Card)
	options := []slackapi.MsgOption{
		slackapi.MsgOptionBlocks(blocks...), slackapi.MsgOptionText(fallback(p.Card), true), slackapi.MsgOptionDisableLinkUnfurl(),
		slackapi.MsgOptionMetadata(slackapi.SlackMetadata{EventType: marker, EventPayload: map[string]any{"key": p.Key}}),
	}
	var at receipt
	if len(p.Receipt) > 0 && json.Unmarshal(p.Receipt, &at) != nil {
		at = receipt{}
	}
	if at.TS == "" && p.Tried {
		found, err := c.find(ctx, channel, p.Key)
		if err != nil {
			return nil, err
		}
		at = found
	}
	if at.TS != "" {
		err := c.call(ctx, "update", updateEvery, func() error {
			_, _, _, err := c.api.UpdateMessageContext(ctx, at.Channel, at.TS, options...)
			return err
		})
		if err == nil || !hasCode(err, "message_not_found") {
			return asReceipt(at), explain(err)
		}
		// Somebody deleted it: people must see it nevertheless.
	}
	var thread receipt
	if len(p.Thread) > 0 && json.Unmarshal(p.Thread, &thread) == nil && thread.TS != "" {
		options = append(options, slackapi.MsgOptionTS(thread.TS), slackapi.MsgOptionBroadcast())
	}
	err := c.call(ctx, "post "+channel, postEvery, func() error {
		var err error
		at.Channel, at.TS, err = c.api.PostMessageContext(ctx, channel, options...)
		return err
	})
	return asReceipt(at), explain(err)
}

func asReceipt(at receipt) json.RawMessage {
	if at.TS == "" {
		return nil
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return nil
	}
	return raw
}

// searched is how far back a message of an earlier attempt is looked for.
const searched = 200

// find looks for our own message by its metadata; none is the zero receipt.
func (c *Channel) find(ctx context.Context, channel, key string) (receipt, error) {
	var got *slackapi.GetConversationHistoryResponse
	err := c.call(ctx, "history", updateEvery, func() error {
		var err error
		got, err = c.api.GetConversationHistoryContext(ctx, &slackapi.GetConversationHistoryParameters{
			ChannelID: channel, Limit: searched, IncludeAllMetadata: true,
		})
		return err
	})
	if err != nil {
		return receipt{}, explain(err)
	}
	for _, m := range got.Messages {
		if m.Metadata.EventType == marker && m.Metadata.EventPayload["key"] == key {
			return receipt{channel, m.Timestamp}, nil
		}
	}
	return receipt{}, nil
}

// placeChannel takes the channel out of "T1/C1".
func placeChannel(place string) string {
	_, channel, ok := strings.Cut(place, "/")
	if !ok {
		return place
	}
	return channel
}

// call paces a method as Slack asks, and waits when Slack says so.
func (c *Channel) call(ctx context.Context, key string, every time.Duration, f func() error) error {
	for attempt := 1; ; attempt++ {
		if err := c.pace.wait(ctx, key, every); err != nil {
			return err
		}
		err := f()
		var limited *slackapi.RateLimitedError
		if !errors.As(err, &limited) || attempt == 10 {
			return err
		}
		c.pace.hold(key, limited.RetryAfter)
	}
}

func hasCode(err error, codes ...string) bool {
	var e slackapi.SlackErrorResponse
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.Err == code {
			return true
		}
	}
	return false
}

// explain sorts Slack's errors: what will never go away, what people must mend,
// and what may go away by itself.
func explain(err error) error {
	var limited *slackapi.RateLimitedError
	var e slackapi.SlackErrorResponse
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limited):
		return gateway.RetryAfter(limited.RetryAfter, "Slack asks to wait %s", dr.Duration(limited.RetryAfter))
	case hasCode(err, "channel_not_found", "is_archived"):
		return dr.Refuse("chat", "Slack: there is no such channel, or it is archived").WithNext("mend targets in chatops.yaml")
	case hasCode(err, "not_in_channel", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"):
		errors.As(err, &e)
		return dr.Hold("chat", "Slack refuses: %s", e.Err).WithNext("invite the app into the channel, or mend its token and scopes")
	case errors.As(err, &e):
		return dr.Hold("chat", "Slack refuses: %s %s", dr.Clip(e.Err, 80), dr.Clip(strings.Join(e.ResponseMetadata.Messages, "; "), 200))
	}
	return dr.Retry("chat", "Slack does not answer: %s", dr.Clip(dr.CleanLine(err.Error()), 200))
}

// Run serves Socket Mode; over HTTP there is nothing to run.
func (c *Channel) Run(ctx context.Context) error {
	if !c.socket {
		return nil
	}
	return c.runSocket(ctx)
}
