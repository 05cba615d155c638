package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// breakGlass passes the open gate by one person's word. The watch is told, so
// that somebody else must acknowledge it even when this run has long ended.
func (r *run) breakGlass(v *dr.Vote) string {
	g := r.gate
	g.status.Votes = append(g.status.Votes, *v)
	g.status.Lacks = ""
	r.passGate(v)
	f := dr.FollowUp{
		Workflow: r.status.Workflow, OriginalRun: r.status.OriginalRun, Run: r.status.Run, Gate: g.status.Gate, Digest: g.status.Digest,
		Person: v.Person, Reason: v.Reason, At: v.At, Policy: acknowledging(g.policy),
	}
	r.status.Glass = append(r.status.Glass, f)
	r.telling++
	workflow.GoNamed(r.ctx, "break-glass", func(ctx workflow.Context) {
		defer func() { r.telling-- }()
		r.tellGlass(ctx, f)
	})
	return fmt.Sprintf("BREAK-GLASS: %s passed the gate %s with plan %s alone: %s. Somebody else must acknowledge it: starter acknowledge %s",
		v.Person, g.status.Gate, dr.ShortDigest(g.status.Digest), v.Reason, r.req.System)
}

// acknowledging is the policy for acknowledging: one person who may decide at
// the gate, and not the one who broke the glass.
func acknowledging(p dr.DecisionPolicy) dr.DecisionPolicy {
	return dr.DecisionPolicy{Roles: p.Roles, Quorum: 1, ExcludeRequester: true, Unsigned: p.Unsigned, OpenFor: p.OpenFor}
}

func (r *run) tellGlass(ctx workflow.Context, f dr.FollowUp) {
	options := workflow.GetActivityOptions(shortCall(ctx, "tell the watch of the broken glass"))
	options.ScheduleToCloseTimeout = time.Hour
	call := dr.Told{System: r.req.System, FollowUp: &f}
	if err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), dr.ActTellWatch, call).Get(ctx, nil); err != nil {
		r.note("the watch could not be told of the broken glass: %s", asError(err).Error())
	}
}

// closed keeps how a gate ended in the status.
func (r *run) closed(g *gate, inTime bool) {
	now := workflow.Now(r.ctx)
	s := *g.status
	s.ClosedAt = &now
	switch {
	case r.abandoning != nil:
		s.Outcome = "abandoned by " + who(r.abandoning)
	case r.aborting != nil:
		s.Outcome = "aborted by " + who(r.aborting)
	case g.rejected != nil:
		s.Outcome = "rejected by " + who(g.rejected)
	case g.replan != nil:
		s.Outcome = "a new plan was asked for by " + who(g.replan)
	case g.approved:
		s.Outcome = "approved"
		for _, v := range s.Votes {
			if v.Verb == dr.VerbBreakGlass {
				s.Outcome = "BREAK-GLASS by " + who(&v)
			}
		}
	case !inTime:
		s.Outcome = "expired: nobody decided in time"
	default:
		s.Outcome = "closed by its watch"
	}
	r.status.Closed = append(r.status.Closed, s)
	if n := len(r.status.Closed); n > dr.MaxClosedGates {
		r.status.Closed = r.status.Closed[n-dr.MaxClosedGates:]
	}
}
