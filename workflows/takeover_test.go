package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

func startOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: dr.TaskQueue}
}

const takeover = `{"system":"orders","mode":"planned","to":"west","reason":"test"}`

func TestAnApprovedTakeoverWalksItsPhasesInOrder(t *testing.T) {
	w := newWorld(t)
	w.at(time.Minute, func() {
		require.Empty(t, w.ran, "nothing may run before the gate is approved")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Equal(t, []string{"prepare.change", "isolate.change", "promote.act", "redirect.change", "verify.proof", "protect.change"}, w.ran)
	require.Equal(t, 1, w.rechecks, "one recheck before the first change; behind the stop of clients none")
	require.NotEmpty(t, w.told)
	require.Equal(t, "east", w.told[0].Baseline.Primary, "the baseline is kept before the first change")
}
