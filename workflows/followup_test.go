package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/workflows"
)

// TestABrokenGlassStaysWithTheWatchUntilSomebodyElseAcknowledgesIt: also over
// what the observing activity remembers.
func TestABrokenGlassStaysWithTheWatchUntilSomebodyElseAcknowledgesIt(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(20 * time.Second)
	workflows.RegisterWatch(env)
	w := &world{people: map[string]bool{"ana": true, "ben": true}}
	env.RegisterActivityWithOptions(func(_ context.Context, call dr.JudgeCall) (dr.Verdict, error) {
		if call.Decision.Person == call.Requester {
			return dr.Verdict{Person: call.Decision.Person, Why: "does not count"}, nil
		}
		return w.judge(context.Background(), call)
	}, activity.RegisterOptions{Name: dr.ActJudge})
	observe := func(_ context.Context, in dr.WatchInput) (dr.Memory, error) {
		return dr.Memory{Schema: dr.MemorySchema, System: "orders", At: time.Unix(1, 0)}, nil
	}
	env.RegisterActivityWithOptions(observe, activity.RegisterOptions{Name: dr.ActWatch})
	env.OnActivity(dr.ActWatch, mock.Anything, mock.Anything).After(10 * time.Minute).Return(observe)
	memory := func() dr.Memory {
		v, err := env.QueryWorkflow(dr.QueryMemory)
		require.NoError(t, err)
		var m dr.Memory
		require.NoError(t, v.Get(&m))
		return m
	}
	acknowledge := func(person string) {
		env.SignalWorkflow(string(dr.VerbAcknowledge), rawJSON(fmt.Sprintf(`{"original_run":"r0","person":%q,"reason":"told"}`, person)))
	}
	env.RegisterDelayedCallback(func() {
		told, err := json.Marshal(dr.Told{System: "orders", FollowUp: &dr.FollowUp{
			Workflow: "dr-orders", OriginalRun: "r0", Run: "r0", Gate: dr.GateDecide, Person: "ana", Reason: "alone", Policy: dr.DecisionPolicy{Quorum: 1, ExcludeRequester: true},
		}})
		require.NoError(t, err)
		env.SignalWorkflow(dr.SignalTold, rawJSON(string(told)))
	}, time.Minute)
	env.RegisterDelayedCallback(func() { acknowledge("ana") }, 30*time.Minute)
	env.RegisterDelayedCallback(func() {
		require.Len(t, memory().FollowUps, 1)
		require.Nil(t, memory().FollowUps[0].Acknowledged, "who broke it may not acknowledge it")
		require.Contains(t, dr.MemoryMarkdown(ptr(memory()), time.Now()), "Not acknowledged yet")
		acknowledge("ben")
	}, 50*time.Minute)
	env.RegisterDelayedCallback(func() {
		require.Equal(t, "ben", memory().FollowUps[0].Acknowledged.Person)
		require.Contains(t, dr.MemoryMarkdown(ptr(memory()), time.Now()), "Acknowledged by ben")
		env.CancelWorkflow()
	}, 70*time.Minute)
	env.SetStartWorkflowOptions(startOptions(dr.WatchID("orders")))
	env.ExecuteWorkflow(dr.WorkflowWatch, dr.WatchInput{System: "orders"})
	require.True(t, env.IsWorkflowCompleted())
	env.AssertExpectations(t)
}

func ptr[T any](v T) *T { return &v }
