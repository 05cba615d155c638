package slack

import (
	"context"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// runSocket serves Socket Mode: the gateway calls Slack, so that no request
// from outside need reach it. The connection itself is authenticated by the app
// token; Slack signs nothing in it.
func (c *Channel) runSocket(ctx context.Context) error {
	client := socketmode.New(c.api)
	done := make(chan error, 1)
	go func() { done <- client.RunContext(ctx) }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-done:
			// The connection's own reconnecting gave up. Slack may be down for
			// hours; nothing else of the gateway ends for it.
			c.g.Log.Warn("the connection to Slack ended; it is opened again", "error", err)
			if err := sleep(ctx, 15*time.Second); err != nil {
				return err
			}
			client = socketmode.New(c.api)
			go func() { done <- client.RunContext(ctx) }()
		case e, ok := <-client.Events:
			if ok {
				c.socketEvent(client, e)
			}
		}
	}
}

// socketEvent acknowledges first: Slack waits three seconds.
func (c *Channel) socketEvent(client *socketmode.Client, e socketmode.Event) {
	if lost, ok := e.Data.(*slackapi.ConnectionErrorEvent); ok {
		c.g.Log.Warn("Slack cannot be reached by Socket Mode", "error", explain(lost.ErrorObj), "attempt", lost.Attempt)
	}
	if e.Request == nil {
		return
	}
	switch data := e.Data.(type) {
	case slackapi.InteractionCallback:
		c.ack(client, e)
		go c.interaction(data)
	case slackapi.SlashCommand:
		c.ack(client, e)
		go c.command(data)
	}
}

func (c *Channel) ack(client *socketmode.Client, e socketmode.Event) {
	if err := client.Ack(*e.Request); err != nil {
		c.g.Log.Warn("a message of Slack could not be acknowledged", "error", err)
	}
}
