package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/switchback-dr/switchback/dr"
)

// Deliver posts or edits one message. It shows how things are now, which may be
// newer than what was asked for.
func (g *Gateway) Deliver(ctx context.Context, call dr.ChatDeliverCall) (dr.ChatDelivered, error) {
	stop := beat(ctx)
	defer stop()
	m := call.Message
	target, ok := g.Config.Targets[m.Target]
	if !ok {
		return dr.ChatDelivered{}, failure(dr.Refuse("chat", "chatops.yaml has no target %q any more", dr.Clip(m.Target, 60)))
	}
	channel, ok := g.channels[target.Channel]
	if !ok {
		return dr.ChatDelivered{}, failure(dr.Refuse("chat", "chatops.yaml has no channel %q any more", dr.Clip(target.Channel, 60)))
	}
	card, err := g.CardOf(ctx, call.System, m.Topic)
	if err != nil {
		return dr.ChatDelivered{}, failure(err)
	}
	out := dr.ChatDelivered{Mark: mark(card)}
	if m.Kind != dr.ChatCard {
		out.Mark = m.Wanted
		card = g.composer().reminder(card, m.Kind, m.Number, g.mentions(ctx, call.System, m))
	}
	attempt := activity.GetInfo(ctx).Attempt
	out.Receipt, err = channel.Deliver(ctx, Post{
		Place: target.To, Key: card.Key, Kind: m.Kind, Card: card, Receipt: m.Receipt, Thread: call.Thread, Tried: m.Tried || attempt > 1,
	})
	return out, failure(err)
}

// mentions are the people who are asked next, on an escalation.
func (g *Gateway) mentions(ctx context.Context, system string, m dr.ChatMessage) []Mention {
	if m.Kind != dr.ChatEscalate {
		return nil
	}
	st, err := g.Status(ctx, system, m.Topic.Run)
	if err != nil || st.Gate == nil {
		return nil
	}
	who, err := g.Who()
	if err != nil {
		return nil
	}
	var out []Mention
	asked := st.Gate.EscalateTo
	for id, p := range who.People {
		if slices.Contains(asked.People, id) || len(asked.Roles) > 0 && p.HasRole(asked.Roles) {
			out = append(out, Mention{id, p.Accounts})
		}
	}
	slices.SortFunc(out, func(a, b Mention) int { return strings.Compare(a.Person, b.Person) })
	return out
}

// beat sends heartbeats until stop is called.
func beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(3 * time.Second)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { cancel(); <-done }
}
