package gateway

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/dr"
)

// callTimeout bounds one question to Temporal.
const callTimeout = 10 * time.Second

// Status asks a run for its status; run "" means the present or last one.
func (g *Gateway) Status(ctx context.Context, system, run string) (dr.Status, error) {
	var st dr.Status
	return st, g.query(ctx, dr.WorkflowID(system), run, dr.QueryStatus, &st)
}

// Plan asks a run for its present plan.
func (g *Gateway) Plan(ctx context.Context, system, run string) (dr.Plan, error) {
	var p dr.Plan
	return p, g.query(ctx, dr.WorkflowID(system), run, dr.QueryPlan, &p)
}

// Memory asks a system's watch what it remembers.
func (g *Gateway) Memory(ctx context.Context, system string) (dr.Memory, error) {
	var m dr.Memory
	return m, g.query(ctx, dr.WatchID(system), "", dr.QueryMemory, &m)
}

func (g *Gateway) query(ctx context.Context, workflow, run, name string, into any) error {
	ask, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	v, err := g.Temporal.QueryWorkflow(ask, workflow, run, name)
	if err != nil {
		return runError(workflow, err)
	}
	if err := v.Get(into); err != nil {
		return dr.Hold("internal", "the answer of %s cannot be read: %v", workflow, err).WithNext("use a gateway of the same release as the worker")
	}
	return nil
}

// runInfo is what Temporal knows of a run without asking a worker.
type runInfo struct {
	run     string
	open    bool
	status  enumspb.WorkflowExecutionStatus
	history int64
	closed  time.Time
}

func (g *Gateway) describe(ctx context.Context, workflow, run string) (runInfo, error) {
	ask, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	d, err := g.Temporal.DescribeWorkflowExecution(ask, workflow, run)
	if err != nil {
		return runInfo{}, runError(workflow, err)
	}
	i := d.GetWorkflowExecutionInfo()
	return runInfo{
		run: i.GetExecution().GetRunId(), open: i.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
		status: i.GetStatus(), history: i.GetHistoryLength(), closed: i.GetCloseTime().AsTime(),
	}, nil
}

// applicationError takes the dr.Error out of a failure of an update or run.
func applicationError(err error) error {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var de dr.Error
		if app.HasDetails() && app.Details(&de) == nil && de.Class != "" {
			return &de
		}
		return dr.Refuse("decision", "%s", app.Message())
	}
	return dr.Retry("temporal", "Temporal refused: %s", dr.Clip(dr.CleanLine(err.Error()), 200))
}

// failure gives an error to a workflow: its class decides whether Temporal
// repeats the activity.
func failure(err error) error {
	if err == nil {
		return nil
	}
	de := dr.AsError(err, "gateway")
	o := temporal.ApplicationErrorOptions{NonRetryable: de.Class != dr.ClassRetry, Details: []any{*de}}
	var wait retryError
	if errors.As(err, &wait) && wait.after > 0 {
		o.NextRetryDelay = wait.after
	}
	types := map[dr.Class]string{dr.ClassRetry: "Retry", dr.ClassHold: "Hold", dr.ClassRefuse: "Refuse"}
	return temporal.NewApplicationErrorWithOptions(de.Error(), types[de.Class], o)
}
