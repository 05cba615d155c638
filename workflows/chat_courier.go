package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// courier brings one message up to date, in the background. Whatever changes
// meanwhile is delivered by the next edit: the activity shows how things are
// then.
func (c *chat) courier(k string) {
	m := c.find(k)
	if m == nil || c.leaving || m.GivenUp || m.Wanted == m.Delivered || c.underway[k] {
		return
	}
	if m.Wanted == gone && m.Receipt == nil && !m.Tried {
		m.Delivered = gone // nobody was told, nothing is to be taken back
		return
	}
	if c.underway == nil {
		c.underway = map[string]bool{}
	}
	c.underway[k] = true
	c.busy++
	workflow.GoNamed(c.ctx, "deliver", func(ctx workflow.Context) {
		defer func() { c.busy--; delete(c.underway, k) }()
		pause := chatTick
		for m := c.find(k); m != nil && !c.leaving && !m.GivenUp && m.Wanted != m.Delivered; m = c.find(k) {
			if c.deliver(ctx, k) {
				pause = chatTick
				continue
			}
			_, _ = workflow.AwaitWithTimeout(ctx, pause, func() bool { return c.leaving })
			pause = min(2*pause, chatPause)
		}
	})
}

// chatPause is the longest pause before a target that does not answer is tried
// again.
const chatPause = 2 * time.Minute

// deliver makes a few attempts at one message and says whether it arrived.
func (c *chat) deliver(ctx workflow.Context, k string) bool {
	call := dr.ChatDeliverCall{System: c.state.System, Message: *c.find(k)}
	wanted := call.Message.Wanted
	if call.Message.Kind != dr.ChatCard {
		if base := c.find(key(dr.ChatMessage{Topic: call.Message.Topic, Kind: dr.ChatCard, Target: call.Message.Target})); base != nil {
			call.Thread = base.Receipt
		}
	}
	if m := c.find(k); m != nil {
		m.Tried = true
	}
	var got dr.ChatDelivered
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: dr.ChatTaskQueue, StartToCloseTimeout: 10 * time.Minute, ScheduleToCloseTimeout: 15 * time.Minute, HeartbeatTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 15 * time.Second, MaximumAttempts: 4,
			NonRetryableErrorTypes: []string{failHold, failRefuse},
		},
		Summary: dr.Clip(string(call.Message.Kind)+" of "+call.Message.Topic.ID+" to "+call.Message.Target, 180),
	}), dr.ActChatDeliver, call).Get(ctx, &got)
	defer c.show() // what is not delivered is seen at once
	m := c.find(k)
	if m == nil {
		return true
	}
	if err != nil {
		de := asError(err)
		now := workflow.Now(ctx)
		if m.Failing == nil {
			m.Failing = &now
		}
		m.Error = dr.Clip(de.Error(), 300)
		m.GivenUp = de.Class == dr.ClassRefuse
		c.failed = true
		return false
	}
	m.Failing, m.Error, m.Receipt = nil, "", got.Receipt
	// What was shown may be newer than what was wanted, never older.
	m.Delivered = wanted
	if got.Mark == m.Wanted {
		m.Delivered = got.Mark
	}
	return true
}

// waiting says whether the clock matters: something waits for people, or
// something cannot be delivered.
func (c *chat) waiting() bool {
	return slices.ContainsFunc(c.state.View.Topics, func(t dr.ChatTopic) bool { return t.Open })
}

// nextDue is when to look again.
func (c *chat) nextDue() time.Time {
	now := workflow.Now(c.ctx)
	due := now.Add(24 * time.Hour)
	sooner := func(t time.Time) {
		if t.Before(due) {
			due = t
		}
	}
	for _, t := range c.state.View.Topics {
		if !t.Open {
			continue
		}
		if t.RemindEvery > 0 {
			sooner(t.OpenedAt.Add(time.Duration(c.reminders(t)+1) * t.RemindEvery.D()))
		}
		if t.EscalateAt != nil && !c.has(t, dr.ChatEscalate) {
			sooner(*t.EscalateAt)
		}
	}
	for _, m := range c.state.Messages {
		if m.Topic.Open && m.Failing != nil {
			sooner(now.Add(chatTick))
		}
	}
	return due
}

// reminders counts the reminders of a topic that were due before.
func (c *chat) reminders(t dr.ChatTopic) int {
	n := 0
	for _, m := range c.state.Messages {
		if m.Kind == dr.ChatRemind && m.Topic.Run == t.Run && m.Topic.ID == t.ID {
			n = max(n, m.Number)
		}
	}
	return n
}

func (c *chat) has(t dr.ChatTopic, kind dr.ChatKind) bool {
	return slices.ContainsFunc(c.state.Messages, func(m dr.ChatMessage) bool {
		return m.Kind == kind && m.Topic.Run == t.Run && m.Topic.ID == t.ID
	})
}

// remind sends what is due: a reminder to the targets that can be reached, and
// once an escalation to all of them.
func (c *chat) remind() {
	now := workflow.Now(c.ctx)
	for _, t := range c.state.View.Topics {
		if !t.Open {
			continue
		}
		if t.RemindEvery > 0 {
			if n := int(now.Sub(t.OpenedAt) / t.RemindEvery.D()); n > c.reminders(t) {
				for _, target := range c.reachable(t) {
					c.message(t, dr.ChatCard, 0, target)
					c.message(t, dr.ChatRemind, n, target)
				}
			}
		}
		if t.EscalateAt != nil && !now.Before(*t.EscalateAt) && !c.has(t, dr.ChatEscalate) {
			for _, target := range append(slices.Clone(c.state.View.First), c.state.View.Next...) {
				c.message(t, dr.ChatCard, 0, target)
				c.message(t, dr.ChatEscalate, 1, target)
			}
		}
	}
}

// reachable are the targets that have a topic's card; when none has it, the
// next one that was not tried yet is told.
func (c *chat) reachable(t dr.ChatTopic) []string {
	var have []string
	for _, m := range c.state.Messages {
		if m.Kind == dr.ChatCard && m.Topic.Run == t.Run && m.Topic.ID == t.ID && m.Failing == nil && !m.GivenUp && m.Delivered != "" {
			have = append(have, m.Target)
		}
	}
	if len(have) > 0 {
		return have
	}
	if next := c.untold(t); next != "" {
		return []string{next}
	}
	return c.state.View.First
}

// passOn tells the next target about an open topic that those before could not
// be told of for a while.
func (c *chat) passOn() {
	now := workflow.Now(c.ctx)
	for _, t := range c.state.View.Topics {
		if !t.Open {
			continue
		}
		told, lost := 0, 0
		for _, m := range c.state.Messages {
			if m.Kind != dr.ChatCard || m.Topic.Run != t.Run || m.Topic.ID != t.ID {
				continue
			}
			told++
			if m.GivenUp || m.Failing != nil && now.Sub(*m.Failing) >= failOver && m.Receipt == nil {
				lost++
			}
		}
		if next := c.untold(t); told > 0 && told == lost && next != "" {
			c.message(t, dr.ChatCard, 0, next)
		}
	}
}

// untold is the first of the next targets that has no card of the topic.
func (c *chat) untold(t dr.ChatTopic) string {
	for _, target := range c.state.View.Next {
		if c.find(key(dr.ChatMessage{Topic: t, Kind: dr.ChatCard, Target: target})) == nil {
			return target
		}
	}
	return ""
}
