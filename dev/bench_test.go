package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// steps runs n activities one after the other and gives the time of each.
func steps(ctx workflow.Context, n int, eager bool) (time.Duration, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second, DisableEagerExecution: !eager,
	})
	begin := workflow.Now(ctx)
	for i := range n {
		if err := workflow.ExecuteActivity(ctx, shout, fmt.Sprint(i)).Get(ctx, nil); err != nil {
			return 0, err
		}
	}
	return workflow.Now(ctx).Sub(begin) / time.Duration(n), nil
}

// BenchmarkStep measures one durable step on the file database. An eager one
// goes straight back to the worker that asked for it; a plain one goes through
// the task queue.
func BenchmarkStep(b *testing.B) {
	for _, eager := range []bool{true, false} {
		b.Run(map[bool]string{true: "eager", false: "plain"}[eager], func(b *testing.B) {
			p := start(b, "--db", filepath.Join(b.TempDir(), "temporal.db"), "--port", "0", "--headless")
			c := p.client(b)
			startWorker(b, c)
			var total time.Duration
			for b.Loop() {
				run, err := c.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{TaskQueue: queue}, steps, 50, eager)
				require.NoError(b, err)
				var each time.Duration
				require.NoError(b, run.Get(b.Context(), &each))
				total += each
			}
			b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/step")
			b.ReportMetric(float64(p.boot.Milliseconds()), "ms/boot")
			b.ReportMetric(p.peakMiB(b), "MiB/peak")
		})
	}
}
