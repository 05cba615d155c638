package worker

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/workflows"
)

// openRuns selects the runs that an upgrade must not break.
const openRuns = `ExecutionStatus = "Running" AND WorkflowType IN ("` + dr.WorkflowTakeover + `","` + dr.WorkflowFailback + `","` +
	dr.WorkflowReseed + `","` + dr.WorkflowWatch + `")`

// Replay fetches every open run and replays it against this program: the gate
// before an upgrade. It gives the number of runs and of those that cannot be
// continued by this program.
func Replay(ctx context.Context, out io.Writer, log *slog.Logger) (runs, broken int, err error) {
	c, namespace, err := setup.DialTemporal(ctx, log)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	replayer := sdk.NewWorkflowReplayer()
	workflows.Register(replayer)
	workflows.RegisterWatch(replayer)
	var page []byte
	for {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, Query: openRuns, NextPageToken: page})
		if err != nil {
			return runs, broken, dr.Retry("temporal", "the open runs cannot be listed: %v", err)
		}
		for _, e := range list.GetExecutions() {
			runs++
			h, err := history(ctx, c, e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId())
			if err != nil {
				return runs, broken, err
			}
			name := e.GetExecution().GetWorkflowId()
			// Under its own ID: a procedure under another one refuses to run.
			execution := sdk.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: name, RunID: e.GetExecution().GetRunId()}}
			if err := replayer.ReplayWorkflowHistoryWithOptions(sdklog.NewStructuredLogger(log), h, execution); err != nil {
				broken++
				fmt.Fprintf(out, "BROKEN  %s (%s): %v\n", name, e.GetType().GetName(), err)
				continue
			}
			fmt.Fprintf(out, "ok      %s (%s), %d events\n", name, e.GetType().GetName(), len(h.GetEvents()))
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	fmt.Fprintf(out, "%d open runs, %d that this program cannot continue\n", runs, broken)
	return runs, broken, nil
}

func history(ctx context.Context, c client.Client, id, run string) (*historypb.History, error) {
	var h historypb.History
	it := c.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, dr.Retry("temporal", "the history of %s cannot be read: %v", id, err)
		}
		h.Events = append(h.Events, e)
	}
	return &h, nil
}
