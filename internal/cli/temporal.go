package cli

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// callTimeout bounds one question to Temporal. Questions that need a worker
// are answered within milliseconds when there is one.
const callTimeout = 10 * time.Second

// server is a connection to Temporal.
type server struct {
	c         client.Client
	namespace string
}

// connect dials Temporal; the caller closes c.
func (a *App) connect(ctx context.Context) (*server, error) {
	c, ns, err := a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &server{c: c, namespace: ns}, nil
}

// needWorker says in one sentence that no worker is there to answer.
func (s *server) needWorker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	d, err := s.c.DescribeTaskQueue(ctx, dr.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return notAnswered("the task queue "+dr.TaskQueue, err)
	}
	if len(d.GetPollers()) == 0 {
		return dr.Retry("no_worker", "no worker polls the task queue %q in the namespace %q", dr.TaskQueue, s.namespace).
			WithNext("start one with: go run ./worker")
	}
	return nil
}

// describe gives what Temporal knows of a run without asking a worker; run ""
// means the present one, else the last.
func (s *server) describe(ctx context.Context, system, run string) (info *workflow.WorkflowExecutionInfo, pending []*workflow.PendingActivityInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	d, err := s.c.DescribeWorkflowExecution(ctx, dr.WorkflowID(system), run)
	if err != nil {
		return nil, nil, runError(system, err)
	}
	return d.GetWorkflowExecutionInfo(), d.GetPendingActivities(), nil
}

// query asks a run; a closed run answers too while its history is kept.
func (s *server) query(ctx context.Context, system, run, name string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	v, err := s.c.QueryWorkflow(ctx, dr.WorkflowID(system), run, name)
	if err != nil {
		return s.queryError(system, err)
	}
	if err := v.Get(into); err != nil {
		return dr.Hold("internal", "the answer of the run of %s cannot be read: %v", system, err).
			WithNext("use the starter of the same release as the worker")
	}
	return nil
}

// queryError tells a silent worker from a run that is not there.
func (s *server) queryError(system string, err error) error {
	e := runError(system, err)
	if !dr.HasCode(e, "temporal") {
		return e
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if none := s.needWorker(ctx); dr.HasCode(none, "no_worker") {
		return none
	}
	return e
}

// result waits for the end of a run and gives how it ended.
func (s *server) result(ctx context.Context, system, run string) (dr.Result, error) {
	var r dr.Result
	err := s.c.GetWorkflow(ctx, dr.WorkflowID(system), run).Get(ctx, &r)
	if err == nil {
		return r, nil
	}
	if ctx.Err() != nil {
		return r, dr.Retry("interrupted", "interrupted; the run of %s goes on", system)
	}
	return r, runError(system, err)
}

// runError turns what Temporal says about a run into one sentence.
func runError(system string, err error) error {
	var missing *serviceerror.NotFound
	var app *temporal.ApplicationError
	var ended *temporal.TerminatedError
	var canceled *temporal.CanceledError
	var expired *temporal.TimeoutError
	switch {
	case errors.As(err, &missing):
		return dr.Refuse("no_run", "Temporal knows no run of %s", dr.WorkflowID(system)).
			WithNext("starter systems lists the systems; starter takeover %s --reason ... starts one", system)
	case errors.As(err, &ended):
		return dr.Hold("terminated", "the run of %s was terminated in Temporal: nothing was undone", system).
			WithNext("starter assess %s, then start the procedure again to complete it", system)
	case errors.As(err, &canceled), errors.As(err, &expired):
		return dr.Hold("terminated", "the run of %s was ended by Temporal: %v", system, err).WithNext("starter assess %s", system)
	case errors.As(err, &app):
		var de dr.Error
		if app.HasDetails() && app.Details(&de) == nil && de.Class != "" {
			return &de
		}
		return dr.Refuse("refused", "%s", app.Message())
	}
	return notAnswered("the run of "+system, err)
}

func notAnswered(what string, err error) error {
	why := dr.Clip(dr.CleanLine(err.Error()), 200)
	if errors.Is(err, context.DeadlineExceeded) {
		why = "no answer in time"
	}
	return dr.Retry("temporal", "Temporal could not be asked about %s: %s", what, why).
		WithNext("see that Temporal and a worker run").Because(err)
}

// working is one activity that runs now.
type working struct {
	Activity string       `json:"activity"`
	Attempt  int32        `json:"attempt"`
	Progress kit.Progress `json:"progress"`
	// Failure is why the last attempt ended, while it is being repeated.
	Failure string `json:"failure,omitempty"`
}

// workingOn reads the heartbeats of pending activities: workflow code cannot
// see them.
func workingOn(pending []*workflow.PendingActivityInfo) []working {
	out := []working{}
	for _, p := range pending {
		w := working{Activity: p.GetActivityType().GetName(), Attempt: p.GetAttempt(), Failure: dr.CleanLine(p.GetLastFailure().GetMessage())}
		if d := p.GetHeartbeatDetails(); d != nil {
			// Details of another shape are no progress; the activity is shown
			// without.
			var progress kit.Progress
			if converter.GetDefaultDataConverter().FromPayloads(d, &progress) == nil {
				w.Progress = progress
			}
		}
		out = append(out, w)
	}
	return out
}

func isRunning(info *workflow.WorkflowExecutionInfo) bool {
	return info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}
