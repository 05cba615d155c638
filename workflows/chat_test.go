package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/workflows"
)

// chatWorld is what a Chat workflow sees of the world: views one after the
// other, and targets that take messages or do not.
type chatWorld struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment

	mu sync.Mutex
	// views are returned one after the other, each after its time.
	views []timedView
	began time.Time
	// broken says why a target refuses; "" means that it takes messages.
	broken map[string]error
	// said are the deliveries that arrived: "target topic kind mark".
	said []string
	// calls are all attempts.
	calls []dr.ChatDeliverCall
}

type timedView struct {
	after time.Duration
	view  dr.ChatView
}

func newChatWorld(t *testing.T) *chatWorld {
	var suite testsuite.WorkflowTestSuite
	w := &chatWorld{t: t, env: suite.NewTestWorkflowEnvironment(), broken: map[string]error{}}
	w.env.SetTestTimeout(20 * time.Second)
	workflows.RegisterChat(w.env)
	w.env.RegisterActivityWithOptions(w.follow, activity.RegisterOptions{Name: dr.ActChatFollow})
	w.env.RegisterActivityWithOptions(w.deliver, activity.RegisterOptions{Name: dr.ActChatDeliver})
	// It looks every twenty seconds of virtual time.
	w.env.OnActivity(dr.ActChatFollow, mock.Anything, mock.Anything).After(20 * time.Second).Return(w.follow)
	return w
}

// follow gives the newest view that is due.
func (w *chatWorld) follow(_ context.Context, call dr.ChatFollowCall) (dr.ChatView, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.env.Now().Sub(w.began)
	got := call.Seen
	for _, v := range w.views {
		if v.after <= at {
			got = v.view
		}
	}
	return got, nil
}

func (w *chatWorld) deliver(_ context.Context, call dr.ChatDeliverCall) (dr.ChatDelivered, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	m := call.Message
	if err := w.broken[m.Target]; err != nil {
		return dr.ChatDelivered{}, fails(err)
	}
	how := "posts"
	if len(m.Receipt) > 0 {
		how = "edits"
	}
	w.said = append(w.said, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", m.Target, how, m.Kind, m.Topic.ID, m.Wanted)))
	return dr.ChatDelivered{Receipt: json.RawMessage(`"` + m.Target + `"`), Mark: m.Wanted}, nil
}

// play runs the workflow for so long.
func (w *chatWorld) play(length time.Duration) dr.ChatState {
	w.env.SetStartWorkflowOptions(startOptions(dr.ChatID("orders")))
	w.began = w.env.Now()
	var state dr.ChatState
	w.env.RegisterDelayedCallback(func() {
		v, err := w.env.QueryWorkflow(dr.QueryChat)
		require.NoError(w.t, err)
		require.NoError(w.t, v.Get(&state))
		w.env.CancelWorkflow()
	}, length)
	w.env.ExecuteWorkflow(dr.WorkflowChat, dr.ChatInput{System: "orders"})
	return state
}

func open(id, mark string, change ...func(*dr.ChatTopic)) dr.ChatTopic {
	t := dr.ChatTopic{ID: id, Workflow: "dr-orders", Run: "r1", Mark: mark, Open: true, OpenedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, c := range change {
		c(&t)
	}
	return t
}

func over(id, mark string) dr.ChatTopic {
	return dr.ChatTopic{ID: id, Workflow: "dr-orders", Run: "r1", Mark: mark}
}

func view(topics ...dr.ChatTopic) dr.ChatView {
	return dr.ChatView{Run: "r1", Topics: topics, First: []string{"ops"}, Next: []string{"leads", "pager"}}
}

func TestAQuestionHasOneMessageThatIsEditedAndLosesItsButtons(t *testing.T) {
	w := newChatWorld(t)
	end := over("end", "m4")
	end.Announce = true
	w.views = []timedView{
		{0, view(open("gate/decide/1", "m1"))},
		{time.Minute, view(open("gate/decide/1", "m2"))},
		{2 * time.Minute, view(over("gate/decide/1", "m3"))},
		{3 * time.Minute, view(over("gate/decide/1", "m3"), end)},
	}
	state := w.play(10 * time.Minute)
	require.Equal(t, []string{
		"ops posts card gate/decide/1 m1", "ops edits card gate/decide/1 m2", "ops edits card gate/decide/1 m3", "ops posts card end m4",
	}, w.said)
	require.Empty(t, state.Undelivered)
}

func TestWhatWasOverBeforeAnybodyWasToldIsNotTold(t *testing.T) {
	w := newChatWorld(t)
	w.views = []timedView{{0, view(over("gate/decide/1", "m1"))}}
	w.play(10 * time.Minute)
	require.Empty(t, w.said)
}

func TestAHoldThatIsOverIsTakenBack(t *testing.T) {
	w := newChatWorld(t)
	w.views = []timedView{{0, view(open("hold/promote.promote/1", "m1"))}, {time.Minute, view()}}
	w.play(10 * time.Minute)
	require.Equal(t, []string{"ops posts card hold/promote.promote/1 m1", "ops edits card hold/promote.promote/1 gone"}, w.said)
}

// TestWhenAChatIsDownTheNextTargetIsTold: the first target is tried on; when it
// is back it shows the question too.
func TestWhenAChatIsDownTheNextTargetIsTold(t *testing.T) {
	w := newChatWorld(t)
	w.broken["ops"] = dr.Retry("chat", "Slack does not answer")
	w.broken["leads"] = dr.Refuse("chat", "there is no such channel")
	w.views = []timedView{{0, view(open("gate/decide/1", "m1"))}}
	var between dr.ChatState
	w.env.RegisterDelayedCallback(func() {
		v, err := w.env.QueryWorkflow(dr.QueryChat)
		require.NoError(t, err)
		require.NoError(t, v.Get(&between))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.broken["ops"] = nil
	}, 10*time.Minute)
	state := w.play(30 * time.Minute)
	require.Equal(t, []string{"pager posts card gate/decide/1 m1", "ops posts card gate/decide/1 m1"}, w.said)
	require.Len(t, between.Undelivered, 2, "what could not be delivered is shown")
	require.Contains(t, strings.Join(between.Undelivered, " "), "Slack does not answer")
	require.Len(t, state.Undelivered, 1)
	require.True(t, w.calls[len(w.calls)-1].Message.Tried, "a message that was tried is looked for before it is posted again")
	require.False(t, w.calls[0].Message.Tried)
}

func TestPeopleAreRemindedAndOthersAreAskedNext(t *testing.T) {
	w := newChatWorld(t)
	w.began = w.env.Now()
	w.views = []timedView{{0, view(open("gate/decide/1", "m1", func(t *dr.ChatTopic) {
		t.OpenedAt, t.RemindEvery = w.env.Now(), dr.Duration(10*time.Minute)
		at := w.env.Now().Add(25 * time.Minute)
		t.EscalateAt = &at
	}))}}
	w.play(32 * time.Minute)
	require.Equal(t, []string{"ops posts card gate/decide/1 m1", "ops posts reminder gate/decide/1 m1", "ops posts reminder gate/decide/1 m1"}, w.said[:3])
	require.ElementsMatch(t, []string{
		"ops posts escalation gate/decide/1 m1", "leads posts card gate/decide/1 m1", "leads posts escalation gate/decide/1 m1",
		"pager posts card gate/decide/1 m1", "pager posts escalation gate/decide/1 m1",
	}, w.said[3:8])
}

// TestWhenAChatIsDownTheReminderGoesToTheNextTarget: nobody in the first target
// can have seen the question.
func TestWhenAChatIsDownTheReminderGoesToTheNextTarget(t *testing.T) {
	w := newChatWorld(t)
	w.broken["ops"] = dr.Retry("chat", "Slack does not answer")
	w.views = []timedView{{0, view(open("gate/decide/1", "m1", func(t *dr.ChatTopic) {
		t.OpenedAt, t.RemindEvery = w.env.Now(), dr.Duration(10*time.Minute)
	}))}}
	w.play(12 * time.Minute)
	require.Equal(t, []string{"leads posts card gate/decide/1 m1", "leads posts reminder gate/decide/1 m1"}, w.said)
}
