package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// judge is the one function that every decision passes through, whether it
// came as a signal or as an update, from the Temporal UI, a chat or a command
// line. The sentence says what it did; the error says why it did not count.
func (r *run) judge(ctx workflow.Context, verb dr.Verb, raw []byte) (string, error) {
	d, err := dr.DecodeDecision(verb, raw)
	if err != nil {
		return "", r.refuse(verb, dr.Decision{}, err.Error())
	}
	// Until the run has read its policies nobody can say who may decide.
	if err := workflow.Await(ctx, func() bool { return r.begun.Policies.Gates != nil }); err != nil {
		return "", r.refuse(verb, d, "the run ended before it could be judged")
	}
	// One after the other: a pause that was sent before a retry counts before it.
	if err := r.judging.Lock(ctx); err != nil {
		return "", r.refuse(verb, d, "the run ended before it could be judged")
	}
	defer r.judging.Unlock()
	// What a gateway has refused already is shown with the gateway's reason.
	if why := r.fits(d); why != "" && (d.Refused == "" || r.status.Ending != nil) {
		return "", r.refuse(verb, d, why)
	}
	if d.Nonce != "" {
		if r.nonces[d.Nonce] {
			return "", r.refuse(verb, d, "this very decision was sent before")
		}
		r.nonces[d.Nonce] = true
	}
	call := dr.JudgeCall{System: r.req.System, Decision: d, Requester: r.begun.Requester, Policy: r.policyFor(verb)}
	if verb.Passes() {
		call.PlanRun = r.plan.Envelope.Run
	}
	var v dr.Verdict
	err = workflow.ExecuteActivity(shortCall(ctx, fmt.Sprintf("judge %s by %s", verb, d.Person)), dr.ActJudge, call).Get(ctx, &v)
	if err != nil {
		return "", r.refuse(verb, d, "it could not be judged: "+asError(err).Error())
	}
	// Whoever it is now is known better than what the message claims.
	d.Person, d.Account = v.Person, v.Account
	if !v.Counts {
		return "", r.refuse(verb, d, v.Why)
	}
	// The world went on while the activity ran: look again.
	if why := r.fits(d); why != "" {
		return "", r.refuse(verb, d, why)
	}
	vote := dr.Vote{
		Verb: verb, Person: v.Person, Channel: d.Channel, Reason: d.Reason, At: workflow.Now(ctx), Signed: v.Signed,
		Gateway: v.Gateway, Account: v.Account, Attested: v.Attested, Meets: v.Meets,
	}
	sent := call.Decision
	text, why := r.count(d, &vote)
	if why != "" {
		return "", r.refuse(verb, d, why)
	}
	vote.Text = text
	if g := r.gate; g != nil && verb.Passes() {
		g.cast = append(g.cast, dr.Cast{Decision: sent, At: vote.At, Attested: v.Attested})
	}
	r.votes = append(r.votes, vote)
	r.note("%s", text)
	return text, nil
}

// policyFor gives the policy that a decision is judged by: at an open gate the
// one that was pinned when it opened.
func (r *run) policyFor(verb dr.Verb) dr.DecisionPolicy {
	if verb.OnGate() && r.gate != nil {
		return r.gate.policy
	}
	return r.begun.Policies.For(verb, r.gateName())
}

func (r *run) gateName() dr.Gate {
	if r.gate != nil {
		return r.gate.status.Gate
	}
	return r.plan.Envelope.Gate
}

// fits says why a decision is about something that is not so: another run, a
// gate that is not open, a stale digest, a hold that is over. "" means it fits.
func (r *run) fits(d dr.Decision) string {
	switch {
	case r.status.Ending != nil:
		return "the run has ended"
	case d.Workflow != "" && d.Workflow != r.status.Workflow:
		return fmt.Sprintf("it is for the workflow %q, not %q", dr.Clip(d.Workflow, 60), r.status.Workflow)
	case d.OriginalRun != "" && d.OriginalRun != r.status.OriginalRun:
		return "it is for another run of this workflow"
	case d.Run != "" && d.Run != workflow.GetInfo(r.ctx).WorkflowExecution.RunID:
		return "it is for another run of this workflow (this run was reset)"
	case d.Decision.OnGate():
		return r.fitsGate(d)
	case d.Decision.OnHold():
		return r.fitsHold(d)
	}
	return ""
}

func (r *run) fitsGate(d dr.Decision) string {
	switch {
	case r.gate == nil:
		return "no gate is open now"
	case d.Gate == "":
		return fmt.Sprintf("it names no gate; the open gate is %q", r.gate.status.Gate)
	case d.Gate != r.gate.status.Gate:
		return fmt.Sprintf("the gate %q is not open; the open gate is %q", dr.Clip(string(d.Gate), 40), r.gate.status.Gate)
	case d.Occurrence != 0 && d.Occurrence != r.gate.status.Occurrence:
		return fmt.Sprintf("it is for opening %d of the gate; this is opening %d", d.Occurrence, r.gate.status.Occurrence)
	case len(d.Digest) < dr.ShortDigestLen:
		return fmt.Sprintf("it quotes no digest of at least %d hex digits", dr.ShortDigestLen)
	case !dr.DigestMatches(r.gate.status.Digest, d.Digest):
		return fmt.Sprintf("it is for plan %s; the open plan is %s", dr.Clip(dr.ShortDigest(d.Digest), 20), dr.ShortDigest(r.gate.status.Digest))
	}
	return ""
}

func (r *run) fitsHold(d dr.Decision) string {
	if d.Decision == dr.VerbReplan && r.gate != nil && d.Step == "" {
		return ""
	}
	switch {
	case r.hold == nil || r.hold.answer != nil:
		return "nothing is on hold now"
	case d.Step != r.hold.status.Step || d.Attempt != r.hold.status.Attempt:
		return fmt.Sprintf("it is for step %q, attempt %d; on hold is %q, attempt %d",
			dr.Clip(d.Step, 80), d.Attempt, r.hold.status.Step, r.hold.status.Attempt)
	case d.Decision == dr.VerbSkip && r.hold.skip == dr.SkipNever:
		return fmt.Sprintf("the step %q may not be skipped", r.hold.status.Step)
	}
	return ""
}

// gather collects the persons that a policy asks for before a decision on a
// hold or on the run applies; a gate counts its own votes. It gives a sentence
// while more persons are needed, and why a vote does not count.
func (r *run) gather(d dr.Decision, v *dr.Vote) (text, why string) {
	needed := r.begun.Policies.For(d.Decision, r.gateName()).Needed(r.begun.Requester != "")
	if d.Decision.OnGate() || needed <= 1 || d.Decision == dr.VerbSkip && r.hold != nil && r.hold.skip == dr.SkipFree {
		return "", ""
	}
	key := fmt.Sprintf("%s %s %d", d.Decision, d.Step, d.Attempt)
	if slices.Contains(r.wishes[key], v.Person) {
		return "", fmt.Sprintf("%s has decided %s already; %d different persons are needed", v.Person, d.Decision, needed)
	}
	r.wishes[key] = append(r.wishes[key], v.Person)
	if have := len(r.wishes[key]); have < needed {
		return fmt.Sprintf("%s decided %s: %d of %d", who(v), d.Decision, have, needed), ""
	}
	delete(r.wishes, key)
	return "", ""
}

// count applies a decision that fits and counts. It gives the sentence of what
// follows, or why it does not count after all.
func (r *run) count(d dr.Decision, v *dr.Vote) (text, why string) {
	if text, why := r.gather(d, v); text != "" || why != "" {
		return text, why
	}
	switch d.Decision {
	case dr.VerbApprove:
		return r.countApproval(v)
	case dr.VerbBreakGlass:
		return r.breakGlass(v), ""
	case dr.VerbReject:
		r.gate.rejected = v
		r.gate.status.Votes = append(r.gate.status.Votes, *v)
		return fmt.Sprintf("%s rejected the gate %s", who(v), r.gate.status.Gate), ""
	case dr.VerbRetry, dr.VerbSkip, dr.VerbReplan:
		if r.hold == nil {
			r.gate.replan = v
			return who(v) + " asked for a new plan", ""
		}
		r.hold.answer = v
		return fmt.Sprintf("%s decided %s for %s", who(v), d.Decision, r.hold.status.Step), ""
	case dr.VerbPause:
		if r.paused != nil {
			return "", "the run is paused already"
		}
		r.paused = v
		return who(v) + " paused the run: no further step starts", ""
	case dr.VerbResume:
		if r.paused == nil {
			return "", "the run is not paused"
		}
		r.paused = nil
		return who(v) + " resumed the run", ""
	case dr.VerbAbort:
		if why := r.wishAbort(v); why != "" {
			return "", why
		}
		return who(v) + " asked to abort", ""
	case dr.VerbAbandon:
		r.abandoning = v
		return who(v) + " abandoned the run", ""
	case dr.VerbAcknowledge: // the watch's
	}
	return "", "this message is not known"
}

func (r *run) countApproval(v *dr.Vote) (text, why string) {
	g := r.gate
	n := 1
	for _, o := range g.status.Votes {
		if o.Verb != dr.VerbApprove {
			continue
		}
		if o.Person == v.Person {
			return "", v.Person + " has approved this plan already"
		}
		n++
	}
	g.status.Votes = append(g.status.Votes, *v)
	said := fmt.Sprintf("%s approved plan %s at the gate %s: %d of %d", v.Person, dr.ShortDigest(g.status.Digest), g.status.Gate, n, g.status.Quorum)
	g.status.Lacks = g.policy.Lacks(g.status.Votes, r.begun.Requester != "")
	if g.status.Lacks == "" {
		r.passGate(v)
		return said + ", the gate is passed", ""
	}
	if len(g.policy.Also) > 0 {
		said += "; still missing: " + g.status.Lacks
	}
	r.say(dr.StateGate, g.sentence())
	return said, ""
}

func (r *run) passGate(v *dr.Vote) {
	g := r.gate
	usable := v.At.Add(g.policy.UsableFor.D())
	g.status.UsableUntil = &usable
	g.approved = true
}

// refuse records a decision that did not count.
func (r *run) refuse(verb dr.Verb, d dr.Decision, why string) error {
	now := workflow.Now(r.ctx)
	if len(r.status.Refused) < dr.MaxRefusals {
		r.status.Refused = append(r.status.Refused, dr.Refusal{
			Verb: verb, Person: dr.Clip(d.Person, 63), Account: dr.Clip(dr.CleanLine(d.Account), 100), At: now, Why: dr.Clip(why, 500),
		})
	} else {
		r.status.RefusedMore++
	}
	workflow.GetLogger(r.ctx).Info("decision refused", "verb", verb, "person", dr.Clip(d.Person, 63), "why", dr.Clip(why, 200))
	r.showDetails()
	return dr.Refuse("decision", "%s refused: %s", verb, why)
}

// wishAbort notes an abort. Behind the point of no return it is recorded as
// not possible now and counts at the next gate.
func (r *run) wishAbort(v *dr.Vote) string {
	switch {
	case r.undoing:
		return "the run is being undone already"
	case r.status.Ending != nil:
		return "the run has ended"
	}
	r.aborting = v
	if r.noReturn && r.gate == nil {
		return "not possible now: the point of no return is behind this run; it counts at the next gate"
	}
	return ""
}
