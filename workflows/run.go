package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// run is the state of one procedure. Only workflow coroutines touch it.
type run struct {
	// ctx is disconnected: Temporal's Cancel is an abort, decided like any
	// other, and never tears a step out of its walk.
	ctx workflow.Context
	req dr.Request
	// begun is what the run is pinned to.
	begun dr.Begun

	plan     dr.Plan
	plans    []dr.Plan
	baseline *dr.Baseline
	// occurrence counts the openings of each gate.
	occurrence map[dr.Gate]int
	finished   []dr.FinishedStep
	// from is the first phase of the present plan that has not begun.
	from dr.Phase
	// goBack is set when people asked for a new plan of a held step: it may
	// begin with a phase that is over (Plan.BackTo).
	goBack bool
	// again says why the next gate opens again.
	again string
	// watchesEnded counts the gates that a watch has closed.
	watchesEnded int

	gate *gate
	hold *hold
	// paused, aborting and abandoning are wishes of people, honoured between
	// steps.
	paused     *dr.Vote
	aborting   *dr.Vote
	abandoning *dr.Vote
	nonces     map[string]bool
	// wishes are the persons who decided the same about a hold or the run,
	// while the policy asks for more.
	wishes map[string][]string
	// judging has decisions judged one after the other, as they came.
	judging workflow.Mutex

	recheckDue bool
	// telling counts what is being told to the watch in the background.
	telling int
	// approval is what passed the last gate.
	approval *dr.Approval
	// changes counts attempts at changing steps; recheckedAt is its value at
	// the last recheck, which covers what follows until the next change.
	changes, recheckedAt int
	// clientsStopped is set by a step after which clients cannot write.
	clientsStopped bool
	undoing        bool
	baselineKept   bool
	// baselineTold is the recording of the baseline while it is under way.
	baselineTold workflow.Future
	noReturn     bool
	undos        []dr.Step
	// synced is set when a failback has reached cutover: a stop is safe.
	synced bool
	// safeStop are the steps that remove temporary objects then.
	safeStop []dr.Step

	status   dr.Status
	started  time.Time
	events   []dr.Event
	votes    []dr.Vote
	evidence []dr.Evidence
	measured *dr.LossFound
	final    *dr.Situation
}

// conduct is the frame of every procedure: read the input, take the lock,
// begin, run the page, end with a report.
func conduct(ctx workflow.Context, input converter.RawValue,
	decode func([]byte) (dr.Request, error), page func(*run) error,
) (dr.Result, error) {
	r := newRun(ctx)
	if err := r.listen(ctx); err != nil {
		return dr.Result{}, err
	}
	raw, err := jsonInput(input)
	if err == nil {
		r.req, err = decode(raw)
	}
	if err == nil {
		err = r.checkLock()
	}
	if err != nil {
		return dr.Result{}, refusal(dr.AsError(err, "input"))
	}
	if err := r.begin(); err != nil {
		return dr.Result{}, refusal(dr.AsError(err, "begin"))
	}
	err = page(r)
	var refused *dr.Error
	if errors.As(err, &refused) && refused.Class == dr.ClassRefuse {
		r.end(dr.EndRefused, refused.Error())
		return dr.Result{}, refusal(refused)
	}
	res := r.finish(err)
	return res, r.drain()
}

func newRun(ctx workflow.Context) *run {
	info := workflow.GetInfo(ctx)
	walkCtx, _ := workflow.NewDisconnectedContext(ctx)
	now := workflow.Now(ctx)
	return &run{
		ctx: walkCtx, started: now,
		occurrence: map[dr.Gate]int{}, nonces: map[string]bool{}, wishes: map[string][]string{}, judging: workflow.NewMutex(walkCtx),
		status: dr.Status{
			Schema: dr.StatusSchema, Workflow: info.WorkflowExecution.ID, OriginalRun: info.OriginalRunID,
			Run: info.WorkflowExecution.RunID, State: dr.StateStarting, Sentence: "starting", Since: now,
		},
	}
}

// jsonInput takes the JSON text out of a payload. The input is read raw so
// that nothing misspelt is dropped on the way.
func jsonInput(v converter.RawValue) ([]byte, error) {
	p := v.Payload()
	if p == nil || len(p.GetData()) == 0 {
		return nil, fmt.Errorf("the input is missing")
	}
	if enc := string(p.GetMetadata()[converter.MetadataEncoding]); enc != converter.MetadataEncodingJSON {
		return nil, fmt.Errorf("the encoding is %q, not %q", dr.Clip(enc, 40), converter.MetadataEncodingJSON)
	}
	return p.GetData(), nil
}

// checkLock: the workflow ID is the system's lock, so a procedure under
// another ID must not run.
func (r *run) checkLock() error {
	info := workflow.GetInfo(r.ctx)
	want := dr.WorkflowID(r.req.System)
	if info.WorkflowExecution.ID == want {
		return nil
	}
	return dr.Refuse("workflow_id", "the workflow ID is %q; a procedure of %q runs only as %q, because that ID is the system's lock",
		dr.Clip(info.WorkflowExecution.ID, 80), r.req.System, want).
		WithNext("start it there: /namespaces/%s/workflows/start-workflow?workflowId=%s&taskQueue=%s&workflowType=%s",
			info.Namespace, want, dr.TaskQueue, r.req.Procedure.WorkflowType())
}

// begin reads what the run is pinned to: policies, requester, sites.
func (r *run) begin() error {
	r.status.System, r.status.Procedure = r.req.System, r.req.Procedure
	r.status.Mode, r.status.To = r.req.Mode, r.req.To
	r.say(dr.StateAssessing, "reading the inventory")
	in := dr.BeginInput{Request: r.req, Workflow: r.status.Workflow}
	err := workflow.ExecuteActivity(shortCall(r.ctx, "read policies and people"), dr.ActBegin, in).Get(r.ctx, &r.begun)
	if err != nil {
		return asError(err)
	}
	r.status.Requester, r.status.Reason = r.begun.Requester, r.req.Reason
	if r.begun.Requester != "" {
		r.note("started by %s (signed): %s", r.begun.Requester, r.req.Reason)
	} else {
		r.note("started by an unknown requester (%s): %s", r.begun.RequesterWhy, r.req.Reason)
	}
	r.attributes()
	return nil
}

// attributes writes the search attributes, when they are registered.
func (r *run) attributes() {
	if !r.begun.Attributes {
		return
	}
	gate := ""
	if r.status.Gate != nil {
		gate = string(r.status.Gate.Gate)
	}
	phase := string(r.status.Phase)
	err := workflow.UpsertTypedSearchAttributes(r.ctx,
		keyword(dr.AttrSystem, r.req.System), keyword(dr.AttrProcedure, string(r.req.Procedure)),
		keyword(dr.AttrPhase, phase), keyword(dr.AttrGate, gate))
	if err != nil {
		workflow.GetLogger(r.ctx).Warn("search attributes were not written", "error", err)
	}
}

func keyword(name, value string) temporal.SearchAttributeUpdate {
	key := temporal.NewSearchAttributeKeyKeyword(name)
	if value == "" {
		return key.ValueUnset()
	}
	return key.ValueSet(value)
}

// drain waits for update handlers, so that nobody waits for an answer that
// never comes, and until the watch knows of a broken glass.
func (r *run) drain() error {
	return workflow.Await(r.ctx, func() bool { return workflow.AllHandlersFinished(r.ctx) && r.telling == 0 })
}
