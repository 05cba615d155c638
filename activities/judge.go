package activities

import (
	"context"
	"encoding/json"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// Judge says what a decision is worth: who made it, whether it is signed well
// and whether the policy lets it count. Keys and roles are read anew.
func (a *Activities) Judge(ctx context.Context, call dr.JudgeCall) (dr.Verdict, error) {
	if run := activity.GetInfo(ctx).WorkflowExecution.RunID; call.PlanRun != "" && call.PlanRun != run {
		return dr.Verdict{Person: call.Decision.Person, Why: "this run was reset and its plan belongs to another run: replan"}, nil
	}
	who, err := a.People()
	if err != nil {
		return dr.Verdict{}, a.failure(err)
	}
	c := people.Call{Policy: call.Policy, Decision: call.Decision, Requester: call.Requester}
	if c.Decision.Signature == "" && c.Policy.Unsigned == dr.UnsignedAttested {
		if c.Attested, err = a.attested(ctx, call.Decision); err != nil {
			return dr.Verdict{}, a.failure(err)
		}
	}
	return people.Judge(who, c, a.Now()), nil
}

// judgeAgain says why an approval does not stand any more: keys and roles are
// read once more before the first change. Each decision is judged as of the
// time at which it counted, since its age is not what may have changed.
func (a *Activities) judgeAgain(ap dr.Approval) (string, error) {
	who, err := a.People()
	if err != nil {
		return "", err
	}
	var votes []dr.Vote
	lost := ""
	for _, c := range ap.Votes {
		v := people.Judge(who, people.Call{Policy: ap.Policy, Decision: c.Decision, Requester: ap.Requester, Attested: c.Attested}, c.At)
		if !v.Counts {
			lost = "the " + string(c.Decision.Decision) + " of " + dr.Clip(c.Decision.Person+c.Decision.Account, 100) + " does not count any more: " + v.Why
			continue
		}
		votes = append(votes, dr.Vote{Verb: c.Decision.Decision, Person: v.Person, Meets: v.Meets})
	}
	if lacks := ap.Policy.Lacks(votes, ap.Requester != ""); lost != "" && lacks != "" {
		return lost + "; approvals now: " + lacks, nil
	}
	return "", nil
}

// attested gives the authenticated caller of an unsigned decision, as an
// account "temporal:<type>/<name>": the server stamps it on the event of the
// signal or update where its configuration frontend.enablePrincipalPropagation
// is on and its authoriser names callers. The event is found by the decision's
// nonce, so that a decision without one is never attested; "" means that the
// server says nothing.
func (a *Activities) attested(ctx context.Context, d dr.Decision) (string, error) {
	if d.Nonce == "" {
		return "", nil
	}
	ask, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	run := activity.GetInfo(ctx).WorkflowExecution
	events := a.Temporal.GetWorkflowHistory(ask, run.ID, run.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	found := ""
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return "", dr.Retry("temporal", "who sent the decision could not be read from the history: %v", err)
		}
		if !carries(e, d) {
			continue
		}
		who := principal(e)
		if found != "" && who != found {
			return "", nil // sent twice by different callers: nobody's
		}
		found = who
		if found == "" {
			return "", nil
		}
	}
	return found, nil
}

func principal(e *historypb.HistoryEvent) string {
	p := e.GetPrincipal()
	if p.GetType() == "" || p.GetName() == "" {
		return ""
	}
	return "temporal:" + p.GetType() + "/" + p.GetName()
}

// carries says whether the event brought this very decision.
func carries(e *historypb.HistoryEvent, d dr.Decision) bool {
	payloads := e.GetWorkflowExecutionSignaledEventAttributes().GetInput().GetPayloads()
	verb := e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName()
	if in := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput(); in != nil {
		payloads, verb = in.GetArgs().GetPayloads(), in.GetName()
	}
	if len(payloads) != 1 || verb != string(d.Decision) {
		return false
	}
	var got dr.Decision
	return json.Unmarshal(payloads[0].GetData(), &got) == nil && got.Nonce == d.Nonce && got.Person == d.Person
}
