package demo

import (
	"context"
	"crypto/rand"
	"net/url"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// The people of the lab's inventory: one starts, the other one decides.
const (
	requester = "ben"
	approver  = "ana"
)

// callLimit bounds one question to Temporal.
const callLimit = 15 * time.Second

// run is one procedure of the lab's system.
type run struct {
	stage *stage
	flow  client.WorkflowRun
}

// start starts a procedure, signed with the requester's own key.
func (s *stage) start(ctx context.Context, req dr.Request) (*run, error) {
	req.System = s.system
	key, err := s.key(requester)
	if err != nil {
		return nil, err
	}
	req.Signed = &dr.SignedStart{Person: requester, Key: ssh.FingerprintSHA256(key.PublicKey()), Time: stamp(), Nonce: rand.Text()}
	message, err := req.StartBytes(dr.WorkflowID(s.system))
	if err != nil {
		return nil, err
	}
	if req.Signed.Signature, err = people.Sign(key, dr.NamespaceStart, message); err != nil {
		return nil, err
	}
	flow, err := s.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: dr.WorkflowID(s.system), TaskQueue: dr.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, req.Procedure.WorkflowType(), input(req))
	if err != nil {
		return nil, dr.Hold("start", "the %s could not be started: %v", req.Procedure, err).Because(err)
	}
	return &run{stage: s, flow: flow}, nil
}

// input is the document that a person would type in the Temporal UI.
func input(r dr.Request) any {
	if r.Procedure == dr.ProcFailback {
		return dr.FailbackInput{System: r.System, To: r.To, Reason: r.Reason, Signed: r.Signed}
	}
	return dr.TakeoverInput{System: r.System, Mode: r.Mode, To: r.To, Reason: r.Reason, Signed: r.Signed}
}

func (s *stage) key(person string) (ssh.Signer, error) {
	return people.LoadSigner(s.lab.Describe().People[person], nil, nil)
}

// stamp is the time now in a form that survives JSON unchanged.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// link is the run's page in the Temporal UI.
func (r *run) link() string {
	return r.stage.temporal.UIURL() + "/namespaces/" + url.PathEscape(r.stage.temporal.Namespace()) +
		"/workflows/" + url.PathEscape(r.flow.GetID())
}

func (r *run) query(ctx context.Context, name string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	v, err := r.stage.client.QueryWorkflow(ctx, r.flow.GetID(), r.flow.GetRunID(), name)
	if err != nil {
		return dr.Retry("temporal", "the run did not answer: %v", err).Because(err)
	}
	return v.Get(into)
}

func (r *run) status(ctx context.Context) (st dr.Status, err error) {
	err = r.query(ctx, dr.QueryStatus, &st)
	return st, err
}

// planAtGate gives the plan of the open gate, proven to be what its digest
// covers.
func (r *run) planAtGate(ctx context.Context, g *dr.GateStatus) (dr.Plan, error) {
	var p dr.Plan
	if err := r.query(ctx, dr.QueryPlan, &p); err != nil {
		return p, err
	}
	digest, err := p.ComputeDigest()
	if err != nil || digest != g.Digest {
		return p, dr.Hold("digest", "the plan that the run shows does not have the digest %s", dr.ShortDigest(g.Digest))
	}
	return p, nil
}

func (r *run) report(ctx context.Context) (rep dr.Report, err error) {
	err = r.query(ctx, dr.QueryReport, &rep)
	return rep, err
}

// result gives how the run ended.
func (r *run) result(ctx context.Context) (res dr.Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := r.flow.Get(ctx, &res); err != nil {
		return res, dr.Hold("ended", "the run ended without a result: %v", err).Because(err)
	}
	return res, nil
}

// decide sends a decision, signed with the approver's own key, and gives the
// sentence by which the run judged it.
func (r *run) decide(ctx context.Context, verb dr.Verb, st dr.Status, reason string) (string, error) {
	key, err := r.stage.key(approver)
	if err != nil {
		return "", err
	}
	d := dr.Decision{
		Schema: dr.DecisionSchema, Workflow: st.Workflow, OriginalRun: st.OriginalRun, Run: st.Run,
		Decision: verb, Person: approver, Channel: "demo", Reason: reason, Time: stamp(), Nonce: rand.Text(),
	}
	switch {
	case verb.OnGate() && st.Gate != nil:
		d.Gate, d.Occurrence, d.Digest = st.Gate.Gate, st.Gate.Occurrence, st.Gate.Digest
	case verb.OnHold() && st.Hold != nil:
		d.Step, d.Attempt = st.Hold.Step, st.Hold.Attempt
	}
	message, err := d.SignedBytes()
	if err != nil {
		return "", err
	}
	if d.Signature, err = people.Sign(key, dr.NamespaceDecision, message); err != nil {
		return "", err
	}
	return r.send(ctx, d)
}

func (r *run) send(ctx context.Context, d dr.Decision) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	h, err := r.stage.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID: d.Nonce, WorkflowID: r.flow.GetID(), RunID: r.flow.GetRunID(), UpdateName: string(d.Decision),
		Args: []any{d}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var text string
	if err == nil {
		err = h.Get(ctx, &text)
	}
	if err != nil {
		return "", dr.Hold("decision", "the %s did not count: %v", d.Decision, err).Because(err)
	}
	return text, nil
}
