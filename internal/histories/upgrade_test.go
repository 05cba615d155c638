package histories

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/worker"
)

func TestTheGateBeforeAnUpgradeReplaysTheRunsThatAreOpenOnTheServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), playLimit)
	defer cancel()
	d := e2e.StartDev(t, e2e.DevOptions{Memory: true})
	t.Setenv("TEMPORAL_ADDRESS", d.Address)
	t.Setenv("TEMPORAL_NAMESPACE", d.Namespace)
	stage := onStage(t, d)
	takeover := begin(t, stage, Scenario{Workflow: dr.WorkflowTakeover, Name: "open-before-an-upgrade"})
	takeover.mustAwait(t, ctx, at(dr.GateDecide))
	watch := begin(t, stage, Scenario{Workflow: dr.WorkflowWatch, Name: "open-before-an-upgrade"})
	watch.mustAwait(t, ctx, Moment{Samples: 1})

	// The server lists runs a moment after they begin.
	e2e.Await(t, 30*time.Second, "both open runs are listed", func() (bool, string) {
		var out bytes.Buffer
		runs, broken, err := worker.Replay(ctx, &out, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.Zero(t, broken, out.String())
		return runs == 2, fmt.Sprintf("%d runs\n%s", runs, out.String())
	})
}
