package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// RegisterChat registers the workflow that gateways host, on their own queue.
func RegisterChat(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(Chat, workflow.RegisterOptions{Name: dr.WorkflowChat})
}

// Chat keeps people informed about one system. One long activity follows the
// system's procedure and returns when people must see something else; each
// message is posted or edited by an activity of its own, repeated until the
// chat takes it. It only looks at the procedure and cannot harm it.
func Chat(ctx workflow.Context, in dr.ChatInput) error {
	if in.System == "" || workflow.GetInfo(ctx).WorkflowExecution.ID != dr.ChatID(in.System) {
		return refusal(dr.Refuse("workflow_id", "the chat of %q runs only as %q", in.System, dr.ChatID(in.System)).WithNext("let the gateways start it"))
	}
	c := &chat{ctx: ctx, state: in.State}
	if c.state == nil {
		c.state = &dr.ChatState{Schema: dr.ChatSchema, System: in.System}
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, dr.QueryChat, func() (*dr.ChatState, error) { return c.state, nil },
		workflow.QueryHandlerOptions{Description: "What people were told about this system, where, and what could not be delivered."})
	if err != nil {
		return err
	}
	for i := range c.state.Messages {
		c.courier(key(c.state.Messages[i]))
	}
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := c.turn(); err != nil {
			return err
		}
		c.show()
	}
	c.leaving = true
	if err := workflow.Await(ctx, func() bool { return c.busy == 0 }); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, Chat, dr.ChatInput{System: in.System, State: c.state})
}

// chat is the state of one Chat workflow.
type chat struct {
	ctx   workflow.Context
	state *dr.ChatState
	// following is the activity that follows the procedure.
	following workflow.Future
	// busy counts deliveries under way; leaving stops new ones.
	busy     int
	underway map[string]bool
	leaving  bool
	// failed wakes the main loop when a delivery fails or works again.
	failed bool
}

// chatTick is how often, at most, reminders and targets that do not answer are
// looked at.
const chatTick = 15 * time.Second

// failOver is how long a target may refuse a message before the next one is
// told.
const failOver = time.Minute

// turn waits for the next thing to happen: a new view, a time to remind, a
// target that does not answer.
func (c *chat) turn() error {
	if c.following == nil {
		c.following = workflow.ExecuteActivity(followCall(c.ctx, c.state.System), dr.ActChatFollow,
			dr.ChatFollowCall{System: c.state.System, Seen: c.state.View})
	}
	waiting := c.waiting()
	ready := func() bool { return c.following.IsReady() || waiting && c.failed }
	if waiting {
		wait := c.nextDue().Sub(workflow.Now(c.ctx))
		if _, err := workflow.AwaitWithTimeout(c.ctx, max(wait, time.Second), ready); err != nil {
			return err
		}
	} else if err := workflow.Await(c.ctx, ready); err != nil {
		return err
	}
	c.failed = false
	if c.following.IsReady() {
		var v dr.ChatView
		err := c.following.Get(c.ctx, &v)
		c.following = nil
		if err != nil {
			return err // the system is gone from the inventory, or this workflow ends
		}
		c.take(v)
	}
	c.remind()
	c.passOn()
	return nil
}

func followCall(ctx workflow.Context, system string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: dr.ChatTaskQueue, StartToCloseTimeout: 2 * time.Hour, HeartbeatTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
			NonRetryableErrorTypes: []string{failRefuse},
		},
		Summary: "follow " + system,
	})
}

// take compares what people should see with what they see.
func (c *chat) take(v dr.ChatView) {
	c.state.View = v
	open := map[string]bool{}
	for _, t := range v.Topics {
		open[t.Run+" "+t.ID] = true
		if t.Open || t.Announce {
			for _, target := range v.First {
				c.message(t, dr.ChatCard, 0, target)
			}
		}
		for i := range c.state.Messages {
			if m := &c.state.Messages[i]; m.Kind == dr.ChatCard && m.Topic.Run == t.Run && m.Topic.ID == t.ID {
				m.Topic, m.Wanted = t, t.Mark
				c.courier(key(*m))
			}
		}
	}
	for i := range c.state.Messages {
		m := &c.state.Messages[i]
		if m.Kind == dr.ChatCard && !open[m.Topic.Run+" "+m.Topic.ID] && m.Wanted != gone {
			m.Wanted, m.Topic.Open = gone, false
			c.courier(key(*m))
		}
	}
	c.forget()
}

// gone is the mark of a topic that is over and no longer listed.
const gone = "gone"

// maxMessages bounds what the workflow remembers; the oldest that are over are
// forgotten first.
const maxMessages = 60

func (c *chat) forget() {
	for i := 0; len(c.state.Messages) > maxMessages && i < len(c.state.Messages); {
		m := c.state.Messages[i]
		if m.Topic.Open || m.Wanted != m.Delivered && !m.GivenUp {
			i++
			continue
		}
		c.state.Messages = append(c.state.Messages[:i:i], c.state.Messages[i+1:]...)
	}
}

// message makes sure that there is a message about a topic in a target.
func (c *chat) message(t dr.ChatTopic, kind dr.ChatKind, number int, target string) {
	m := dr.ChatMessage{Topic: t, Kind: kind, Number: number, Target: target, Wanted: t.Mark}
	if c.find(key(m)) != nil {
		return
	}
	c.state.Messages = append(c.state.Messages, m)
	c.courier(key(m))
}

// key names a message among the others.
func key(m dr.ChatMessage) string {
	return fmt.Sprintf("%s %s %s %d %s", m.Topic.Run, m.Topic.ID, m.Kind, m.Number, m.Target)
}

func (c *chat) find(k string) *dr.ChatMessage {
	for i := range c.state.Messages {
		if key(c.state.Messages[i]) == k {
			return &c.state.Messages[i]
		}
	}
	return nil
}

// show puts what could not be delivered on the workflow's page.
func (c *chat) show() {
	c.state.Undelivered = nil
	text := fmt.Sprintf("Keeps people informed about **%s**; %d messages are remembered.\n", dr.MD(c.state.System), len(c.state.Messages))
	for _, m := range c.state.Messages {
		if m.Failing == nil && !m.GivenUp {
			continue
		}
		s := fmt.Sprintf("%s of %s to %s was not delivered: %s", m.Kind, m.Topic.ID, m.Target, m.Error)
		c.state.Undelivered = append(c.state.Undelivered, s)
		text += "\n* **Not delivered:** " + dr.MD(dr.Clip(s, 400))
	}
	workflow.SetCurrentDetails(c.ctx, dr.Clip(text, 8000))
}
