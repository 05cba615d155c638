package activities

import (
	"context"

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
	all, err := a.People()
	if err != nil {
		return dr.Verdict{}, a.failure(err)
	}
	v := people.Judge(all, call.Policy, call.Decision, call.Requester, a.Now())
	return dr.Verdict{Person: v.Person, Signed: v.Signed, Counts: v.Counts, Why: v.Why}, nil
}
