package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/workflows"
)

// world is a system of two sites as the workflows see it through activities.
// Tests change its fields to make steps fail, plans go stale and people
// unknown; it records every step that was really carried out.
type world struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment

	mu sync.Mutex
	// ran are the IDs of steps, in the order in which they were carried out.
	ran []string
	// fail says what an attempt at a step ends with; nil means done.
	fail func(call dr.StepCall) error
	// losses are what steps find to be lost, by step ID.
	losses map[string]*dr.LossFound
	// stale says why a recheck does not stand; "" means that it stands.
	stale func(n int) string
	// policy is the one of every gate.
	policy dr.DecisionPolicy
	// waiver and discard are the policies beside it.
	waiver, discard *dr.DecisionPolicy
	// meets is what a person's approval counts towards.
	meets map[string][]string
	// approvals are what the rechecks were given.
	approvals []dr.Approval
	// holdQuorum is the quorum of decisions on holds and on the run.
	holdQuorum int
	requester  string
	// people are the persons who may decide.
	people   map[string]bool
	plans    []dr.PlanCall
	rechecks int
	judged   []dr.JudgeCall
	told     []dr.Told
	reports  []dr.Report
	// change lets a test edit the plan before it is digested.
	change func(*dr.Plan)
	// noPlan lets the n-th plan fail.
	noPlan func(n int) error
}

func newWorld(t *testing.T) *world {
	var suite testsuite.WorkflowTestSuite
	w := &world{
		t: t, env: suite.NewTestWorkflowEnvironment(), people: map[string]bool{"ana": true, "ben": true, "eve": false},
		policy: dr.DecisionPolicy{Quorum: 1, Unsigned: dr.UnsignedCount, OpenFor: dr.Duration(time.Hour), UsableFor: dr.Duration(10 * time.Minute)},
	}
	w.env.SetTestTimeout(20 * time.Second)
	workflows.Register(w.env)
	act := func(name string, f any) { w.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	act(dr.ActBegin, w.begin)
	act(dr.ActPlan, w.plan)
	act(dr.ActRecheck, w.recheck)
	act(dr.ActJudge, w.judge)
	act(dr.ActObserve, w.observe)
	act(dr.ActReport, w.report)
	act(dr.ActTellWatch, w.tell)
	for _, name := range []string{"lab.read", "lab.change", "lab.irreversible"} {
		act(name, w.step)
	}
	return w
}

func (w *world) begin(_ context.Context, in dr.BeginInput) (dr.Begun, error) {
	if in.Request.System != "orders" {
		return dr.Begun{}, fails(dr.Refuse("unknown_system", "there is no system %q", in.Request.System))
	}
	gates := map[dr.Gate]dr.DecisionPolicy{dr.GateDecide: w.policy, dr.GateConvert: w.policy, dr.GateOverwrite: w.policy, dr.GateCutover: w.policy}
	one := w.policy
	one.Quorum = max(w.holdQuorum, 1)
	return dr.Begun{
		Product: "lab", Sites: []string{"east", "west"}, Requester: w.requester, RequesterWhy: "the start is not signed",
		Policies: dr.Policies{Gates: gates, Hold: one, Run: one, Abandon: one, Waiver: w.waiver, Discard: w.discard},
	}, nil
}

// plan fills every phase with a change and a read; promote, convert and
// restore get an irreversible step.
func (w *world) plan(ctx context.Context, call dr.PlanCall) (dr.Planned, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = append(w.plans, call)
	if w.noPlan != nil {
		if err := w.noPlan(len(w.plans)); err != nil {
			return dr.Planned{}, fails(err)
		}
	}
	info := activity.GetInfo(ctx)
	p := dr.Plan{
		Schema: dr.PlanSchema, Procedure: call.Request.Procedure, System: call.Request.System, Product: "lab", Mode: call.Request.Mode,
		From: "east", To: "west", Loss: dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: "the lab says so"},
		Envelope: dr.Envelope{
			Workflow: info.WorkflowExecution.ID, OriginalRun: call.OriginalRun, Run: info.WorkflowExecution.RunID,
			Gate: call.Gate, Occurrence: call.Occurrence, Request: fmt.Sprintf("request-%d", len(w.plans)),
		},
		MadeAt: time.Unix(0, 0).UTC(),
	}
	for _, ph := range dr.PhasesAfter(call.Request.Procedure, call.Gate) {
		p.Phases = append(p.Phases, dr.PhasePlan{Phase: ph, Steps: stepsOf(ph)})
	}
	if w.change != nil {
		w.change(&p)
	}
	var err error
	p.Digest, err = p.ComputeDigest()
	return dr.Planned{Plan: p, Baseline: &dr.Baseline{Primary: "east", Run: call.OriginalRun}}, err
}

func stepsOf(ph dr.Phase) []dr.Step {
	step := func(slug string, kind dr.Kind) dr.Step {
		return dr.Step{
			ID: string(ph) + "." + slug, Action: "lab." + string(kind), Title: slug + " in " + string(ph), Args: json.RawMessage(`{}`),
			Commands: []string{"west$ " + slug}, Kind: kind, Timeout: dr.Duration(time.Minute), Skip: dr.SkipNever,
		}
	}
	change := step("change", dr.KindChange)
	undo := step("change.undo", dr.KindChange)
	change.Undo = &undo
	switch ph {
	case dr.PhasePromote, dr.PhaseConvert, dr.PhaseRestore, dr.PhaseHandBack:
		return []dr.Step{step("act", dr.KindIrreversible)}
	case dr.PhaseVerify:
		return []dr.Step{step("proof", dr.KindRead)}
	case dr.PhaseSafeStop:
		return []dr.Step{step("clean", dr.KindChange)}
	case dr.PhaseIsolate, dr.PhaseQuiesce:
		change.StopsClients = true
	case dr.PhaseRedirect:
		change.Skip = dr.SkipDecision
	}
	return []dr.Step{change}
}

func (w *world) recheck(_ context.Context, call dr.RecheckCall) (dr.Rechecked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if call.Approval != nil {
		w.approvals = append(w.approvals, *call.Approval)
	}
	w.rechecks++
	why := ""
	if w.stale != nil {
		why = w.stale(w.rechecks)
	}
	return dr.Rechecked{Stands: why == "", Why: why}, nil
}

func (w *world) judge(_ context.Context, call dr.JudgeCall) (dr.Verdict, error) {
	w.mu.Lock()
	w.judged = append(w.judged, call)
	w.mu.Unlock()
	v := dr.Verdict{Person: call.Decision.Person, Counts: w.people[call.Decision.Person], Meets: w.meets[call.Decision.Person]}
	if call.Decision.Refused != "" {
		return dr.Verdict{Why: "refused: by the gateway: " + call.Decision.Refused}, nil
	}
	if !v.Counts {
		v.Why = "this person may not decide"
	}
	if call.Policy.ExcludeRequester && call.Decision.Person == call.Requester && call.Decision.Decision == dr.VerbApprove {
		v.Counts, v.Why = false, "the requester does not count"
	}
	return v, nil
}

func (w *world) step(_ context.Context, call dr.StepCall) (dr.StepResult, error) {
	if w.fail != nil {
		if err := w.fail(call); err != nil {
			return dr.StepResult{}, fails(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran = append(w.ran, call.Step.ID)
	return dr.StepResult{State: dr.StepDone, Text: "done", Sent: true, Loss: w.losses[call.Step.ID]}, nil
}

func (w *world) observe(context.Context, dr.ObserveCall) (dr.Situation, error) {
	return dr.Situation{System: "orders", Sites: []dr.SiteSituation{
		{Site: "east", Role: dr.RoleUnknown}, {Site: "west", Role: dr.RolePrimary},
	}}, nil
}

func (w *world) report(_ context.Context, call dr.ReportCall) (dr.Written, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, call.Report)
	return dr.Written{Path: "/reports/orders", SHA256: "ab"}, nil
}

func (w *world) tell(_ context.Context, t dr.Told) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, t)
	return nil
}

// fails is how the activities give an error of the product to a workflow.
func fails(err error) error {
	de := dr.AsError(err, "test")
	types := map[dr.Class]string{dr.ClassRetry: "Retry", dr.ClassHold: "Hold", dr.ClassRefuse: "Refuse"}
	return temporal.NewApplicationErrorWithOptions(de.Error(), types[de.Class],
		temporal.ApplicationErrorOptions{NonRetryable: de.Class != dr.ClassRetry, Details: []any{*de}})
}

// run starts a procedure under its own lock and waits for its end.
func (w *world) run(procedure, input string) {
	w.env.SetStartWorkflowOptions(startOptions("dr-orders"))
	w.env.ExecuteWorkflow(procedure, rawJSON(input))
	require.True(w.t, w.env.IsWorkflowCompleted(), "the procedure did not end")
}

// result gives how the run ended.
func (w *world) result() dr.Result {
	w.t.Helper()
	require.NoError(w.t, w.env.GetWorkflowError())
	var res dr.Result
	require.NoError(w.t, w.env.GetWorkflowResult(&res))
	return res
}

func rawJSON(s string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: []byte(s),
	})
}

func (w *world) status() dr.Status {
	v, err := w.env.QueryWorkflow(dr.QueryStatus)
	require.NoError(w.t, err)
	var s dr.Status
	require.NoError(w.t, v.Get(&s))
	return s
}

// at does something when so much (virtual) time has gone by.
func (w *world) at(d time.Duration, f func()) { w.env.RegisterDelayedCallback(f, d) }

func (w *world) signal(verb dr.Verb, body string) { w.env.SignalWorkflow(string(verb), rawJSON(body)) }

// approve approves whatever gate is open, as a person would: with its name and
// the first digits of its digest.
func (w *world) approve(person string) {
	s := w.status()
	require.NotNil(w.t, s.Gate, "no gate is open: %s", s.Sentence)
	w.signal(dr.VerbApprove, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":%q}`, s.Gate.Gate, dr.ShortDigest(s.Gate.Digest), person))
}

// answer answers the hold.
func (w *world) answer(verb dr.Verb, person string) {
	s := w.status()
	require.NotNil(w.t, s.Hold, "nothing is on hold: %s", s.Sentence)
	w.signal(verb, fmt.Sprintf(`{"step":%q,"attempt":%d,"person":%q,"reason":"test"}`, s.Hold.Step, s.Hold.Attempt, person))
}
