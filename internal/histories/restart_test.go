package histories

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

func TestAFailbackGoesOnWhenTemporalIsKilledAtAGateAndInTheMiddleOfAStep(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), playLimit)
	defer cancel()
	d := e2e.StartDev(t, e2e.DevOptions{})
	stage := onStage(t, d)
	p := begin(t, stage, Scenario{
		Workflow: dr.WorkflowFailback, Name: "temporal-restarted", End: ends(dr.EndAborted),
		World: faults(Fault{At: "prepare.change", Blocks: true}),
	})
	open := p.mustAwait(t, ctx, at(dr.GateConvert))
	restart := func() {
		d.Kill(t)
		d.Restart(t)
	}
	restart()
	s := p.mustAwait(t, ctx, at(dr.GateConvert))
	require.Equal(t, open.Gate, s.Gate, "the same gate stands open")
	p.mustAct(t, ctx, approve("ana", at(dr.GateConvert)))
	p.mustAwait(t, ctx, Moment{Working: "prepare.change"})
	restart()
	p.mustAct(t, ctx, answer(dr.VerbAbort, Moment{Working: "prepare.change"}))
	require.NoError(t, p.checkEnd(ctx))
	require.Equal(t, []string{"prepare.undo"}, p.world.Ran())
}
