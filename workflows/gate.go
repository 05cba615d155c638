package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// gate is an open gate: the plan that is asked about and what people said.
type gate struct {
	policy dr.DecisionPolicy
	status *dr.GateStatus
	// cast are the decisions that speak for passing it, as they came: they are
	// judged again before the first change.
	cast     []dr.Cast
	approved bool
	rejected *dr.Vote
	replan   *dr.Vote
}

// ask opens the gate of the present plan and waits until it is decided or
// expires. nil means approved.
func (r *run) ask() error {
	g := r.newGate()
	r.gate, r.status.Gate = g, g.status
	r.noReturnWaits()
	r.say(dr.StateGate, g.sentence())
	r.attributes()
	r.reportLater()
	from := workflow.Now(r.ctx)
	watch := r.watchGate()
	defer watch.end()
	decided := func() bool {
		return g.approved || g.rejected != nil || g.replan != nil || r.aborting != nil || r.abandoning != nil || watch.over()
	}
	inTime, err := workflow.AwaitWithOptions(r.ctx, workflow.AwaitOptions{
		Timeout:      g.policy.OpenFor.D(),
		TimerOptions: workflow.TimerOptions{Summary: "the gate " + string(g.status.Gate) + " stays open"},
	}, decided)
	if err != nil {
		return fmt.Errorf("waiting at the gate: %w", err)
	}
	until := workflow.Now(r.ctx)
	r.events = append(r.events, dr.Event{
		At: from, Until: &until, Kind: dr.EventPeople,
		Text: fmt.Sprintf("gate %s, opening %d: waited for people", g.status.Gate, g.status.Occurrence),
	})
	r.gate, r.status.Gate = nil, nil
	r.closed(g, inTime)
	r.attributes()
	if why := watch.why(r.ctx); why != "" && !g.approved && g.rejected == nil && r.aborting == nil && r.abandoning == nil {
		r.watchesEnded++
		r.again = why
		return errReplan
	}
	return r.decided(g, inTime)
}

func (r *run) newGate() *gate {
	p := r.begun.Policies.Ask(r.plan)
	now := workflow.Now(r.ctx)
	g := &gate{policy: p, status: &dr.GateStatus{
		Gate: r.plan.Envelope.Gate, Occurrence: r.plan.Envelope.Occurrence, Digest: r.plan.Digest,
		Again: r.again, OpenedAt: now, ExpiresAt: now.Add(p.OpenFor.D()),
		Quorum: p.Needed(r.begun.Requester != ""), Roles: p.Roles, Loss: r.plan.Loss.Sentence(now),
		Also: p.Also, Lacks: p.Lacks(nil, r.begun.Requester != ""), NeedsReason: p.NeedsReason(dr.VerbApprove),
		BreakGlass: p.BreakGlass, RemindEvery: p.RemindEvery,
	}}
	if !p.EscalateTo.Empty() && p.EscalateAfter > 0 {
		at := now.Add(p.EscalateAfter.D())
		g.status.EscalateAt, g.status.EscalateTo = &at, p.EscalateTo
	}
	if r.again != "" {
		r.note("the gate %s opens again: %s", g.status.Gate, r.again)
	}
	r.again = ""
	return g
}

func (g *gate) sentence() string {
	have := dr.Approvals(g.status.Votes)
	s := fmt.Sprintf("waiting for approval of gate %q, plan %s: %d of %d", g.status.Gate, dr.ShortDigest(g.status.Digest), have, g.status.Quorum)
	if len(g.status.Roles) > 0 {
		s += " (roles " + strings.Join(g.status.Roles, ", ") + ")"
	}
	for _, n := range g.status.Also {
		s += fmt.Sprintf(", for the %s %d", n.For, n.Quorum)
		if len(n.Roles) > 0 {
			s += " (roles " + strings.Join(n.Roles, ", ") + ")"
		}
	}
	return s + ", open until " + g.status.ExpiresAt.UTC().Format(time.RFC3339)
}

// decided says what follows from how the gate was closed.
func (r *run) decided(g *gate, inTime bool) error {
	name := g.status.Gate
	switch {
	case r.abandoning != nil:
		return r.abandon()
	case r.aborting != nil:
		return r.stopAtGate(dr.EndAborted, fmt.Sprintf("aborted at the gate %s by %s", name, who(r.aborting)))
	case g.rejected != nil:
		return r.stopAtGate(dr.EndRejected, fmt.Sprintf("the gate %s was rejected by %s", name, who(g.rejected)))
	case g.replan != nil:
		r.again = "replan asked for by " + who(g.replan)
		return errReplan
	case !inTime:
		return r.stopAtGate(dr.EndExpired, fmt.Sprintf("nobody decided the gate %s within %s", name, g.policy.OpenFor))
	}
	usable := workflow.Now(r.ctx).Add(g.policy.UsableFor.D())
	r.recheckDue = true
	r.approval = &dr.Approval{Policy: g.policy, Requester: r.begun.Requester, Votes: g.cast}
	return r.useBy(usable)
}

// useBy waits out a pause and lets an approval lapse that was not used in time.
func (r *run) useBy(usable time.Time) error {
	if err := r.breathe(); err != nil {
		return err
	}
	if now := workflow.Now(r.ctx); now.After(usable) {
		r.again = fmt.Sprintf("the approval was usable until %s and was not used", usable.UTC().Format(time.RFC3339))
		return errReplan
	}
	return nil
}

// stopAtGate ends a run at a gate: safely before the first change and at
// cutover. Behind the point of no return there is only forward, so the run
// stays on hold until people replan or abandon it.
func (r *run) stopAtGate(kind dr.EndingKind, text string) error {
	r.aborting = nil
	if r.noReturn {
		de := dr.Hold("no_return", "%s, but the point of no return is behind this run: it can only go forward", text).
			WithNext("replan, or abandon and carry on by hand")
		if err := r.holdOn(holdOf("gate", "Go on", r.plan.Envelope.Occurrence, de, dr.SkipNever)); err != nil {
			return err
		}
		return errReplan
	}
	if r.synced {
		return &stop{dr.EndSafeStop, text + ": the system stays in sync and was not handed back"}
	}
	return &stop{kind, text}
}

// noReturnWaits: an abort or Cancel that came when it was not possible counts
// now, unless the run can still only go forward.
func (r *run) noReturnWaits() {
	if r.aborting != nil && r.noReturn {
		r.note("the abort asked for by %s is still not possible: the point of no return is behind this run", who(r.aborting))
		r.aborting = nil
	}
}

func who(v *dr.Vote) string {
	s := v.Person
	if s == "" {
		s = "somebody"
	}
	if v.Reason != "" {
		s += " (" + v.Reason + ")"
	}
	return s
}
