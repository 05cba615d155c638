package histories

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// begin starts a scenario that a test leads by hand.
func begin(t *testing.T, s *Stage, sc Scenario) *play {
	t.Helper()
	p := &play{Stage: s, Scenario: sc, world: s.prepare(sc)}
	require.NoError(t, p.start(t.Context()))
	return p
}

func (p *play) mustAct(t *testing.T, ctx context.Context, acts ...Act) {
	t.Helper()
	for _, a := range acts {
		require.NoError(t, p.act(ctx, a))
	}
}

func (p *play) mustAwait(t *testing.T, ctx context.Context, m Moment) dr.Status {
	t.Helper()
	s, err := p.await(ctx, m)
	require.NoError(t, err)
	return s
}

// reset resets the run to the workflow task that came last before the activity
// was scheduled for the nth time; "" means the last task of all.
func (p *play) reset(t *testing.T, ctx context.Context, activity string, nth int) {
	t.Helper()
	h, err := p.history(ctx)
	require.NoError(t, err)
	var task int64
	for _, e := range h.GetEvents() {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			task = e.GetEventId()
		}
		if activity != "" && e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == activity {
			if nth--; nth == 0 {
				break
			}
		}
	}
	out, err := p.client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: p.WorkflowID(), RunId: p.run},
		Reason: "test", RequestId: t.Name(), WorkflowTaskFinishEventId: task,
	})
	require.NoError(t, err)
	require.NotEqual(t, p.run, out.GetRunId())
	p.run = out.GetRunId()
}

func TestAfterAResetAtTheGateTheOldPlanIsNeverCarriedOutAndAReplanLeadsOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), playLimit)
	defer cancel()
	stage := onStage(t, e2e.StartDev(t, e2e.DevOptions{Memory: true}))
	p := begin(t, stage, Scenario{Workflow: dr.WorkflowTakeover, Name: "reset-at-the-gate", End: ends(dr.EndDone)})
	old := p.mustAwait(t, ctx, at(dr.GateDecide))

	p.reset(t, ctx, "", 0)
	p.mustAct(t, ctx, approve("ana", at(dr.GateDecide)))
	s := p.mustAwait(t, ctx, Moment{Gate: dr.GateDecide, Refused: 1})
	require.Equal(t, old.Gate.Digest, s.Gate.Digest, "a reset keeps the history and its digest")
	require.Equal(t, old.OriginalRun, s.OriginalRun)
	require.NotEqual(t, old.Run, s.Run)
	require.Contains(t, s.Refused[0].Why, "this run was reset")
	require.Empty(t, p.world.Ran())

	p.mustAct(t, ctx, answer(dr.VerbReplan, at(dr.GateDecide)))
	s = p.mustAwait(t, ctx, again(dr.GateDecide, 2))
	require.NotEqual(t, old.Gate.Digest, s.Gate.Digest)
	p.mustAct(t, ctx, approve("ana", again(dr.GateDecide, 2)))
	require.NoError(t, p.checkEnd(ctx))
	require.Equal(t, takeoverSteps, p.world.Ran())
}

func TestAfterAResetBeforeThePromotionItIsNotSentAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), playLimit)
	defer cancel()
	stage := onStage(t, e2e.StartDev(t, e2e.DevOptions{Memory: true}))
	p := begin(t, stage, Scenario{
		Workflow: dr.WorkflowTakeover, Name: "reset-before-promotion", World: faults(fails("redirect.change")), End: ends(dr.EndDone),
	})
	p.mustAct(t, ctx, approve("ana", at(dr.GateDecide)))
	p.mustAwait(t, ctx, held("redirect.change"))
	require.Equal(t, takeoverSteps[:3], p.world.Ran())

	p.reset(t, ctx, action(dr.KindIrreversible), 1)
	s := p.mustAwait(t, ctx, held("promote.act"))
	require.Contains(t, s.Hold.Text, "this run was reset")
	require.Equal(t, dr.VerbReplan, s.Hold.Options[0])
	p.mustAct(t, ctx, answer(dr.VerbRetry, held("promote.act")))
	p.mustAwait(t, ctx, Moment{Hold: "promote.act", Attempt: 2})
	require.Equal(t, takeoverSteps[:3], p.world.Ran(), "a retry sends nothing either")

	p.mustAct(t, ctx, answer(dr.VerbReplan, Moment{Hold: "promote.act", Attempt: 2}), approve("ana", again(dr.GateDecide, 2)))
	require.NoError(t, p.checkEnd(ctx))
}
