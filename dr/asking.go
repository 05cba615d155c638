package dr

import (
	"fmt"
	"slices"
	"strings"
)

// Discards says whether the plan throws data away: it converts or overwrites a
// copy. What a takeover may lose is its loss, which has a bound of its own.
func (p Plan) Discards() bool {
	for _, ph := range p.Phases {
		if ph.Phase != PhaseConvert && ph.Phase != PhaseRestore {
			continue
		}
		if slices.ContainsFunc(ph.Steps, func(s Step) bool { return s.Kind == KindIrreversible }) {
			return true
		}
	}
	return false
}

// Ask gives the policy for the gate of a plan: the gate's own, and beside it
// those for waivers and for discarded data where the plan has such. Of clocks,
// signatures and reasons the strictest counts; persons are counted for each.
func (p Policies) Ask(plan Plan) DecisionPolicy {
	out := p.Gates[plan.Envelope.Gate]
	waives := len(plan.Waivers) > 0
	if waives && slices.Contains(out.ReasonFor, ForWaiver) {
		out.ReasonFor = append(slices.Clone(out.ReasonFor), string(VerbApprove))
	}
	if waives && p.Waiver != nil {
		out = out.with(MeetsWaiver, *p.Waiver)
	}
	if p.Discard != nil && plan.Discards() {
		out = out.with(MeetsDiscard, *p.Discard)
	}
	return out
}

func (p DecisionPolicy) with(what string, o DecisionPolicy) DecisionPolicy {
	p.Also = append(slices.Clone(p.Also), Need{For: what, Roles: o.Roles, Quorum: max(o.Quorum, 1)})
	p.ExcludeRequester = p.ExcludeRequester || o.ExcludeRequester
	p.ReasonRequired = p.ReasonRequired || o.ReasonRequired
	p.OpenFor, p.UsableFor = min(p.OpenFor, o.OpenFor), min(p.UsableFor, o.UsableFor)
	p.Unsigned = stricter(p.Unsigned, o.Unsigned)
	if len(o.BreakGlass) == 0 {
		p.BreakGlass = nil
	} else {
		p.BreakGlass = slices.DeleteFunc(slices.Clone(p.BreakGlass), func(r string) bool { return !slices.Contains(o.BreakGlass, r) })
	}
	return p
}

func stricter(a, b Unsigned) Unsigned {
	order := []Unsigned{UnsignedCount, UnsignedAttested, UnsignedRefuse}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// Meets gives what a person with these roles counts towards; nothing means
// that the person may not approve.
func (p DecisionPolicy) Meets(roles []string) []string {
	var out []string
	if anyOf(roles, p.Roles) {
		out = append(out, MeetsGate)
	}
	for _, n := range p.Also {
		if anyOf(roles, n.Roles) {
			out = append(out, n.For)
		}
	}
	return out
}

func anyOf(have, wanted []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(have, func(r string) bool { return slices.Contains(wanted, r) })
}

// Lacks says in words which approvals are still missing; "" means that the
// votes are enough. A broken glass is enough alone.
func (p DecisionPolicy) Lacks(votes []Vote, requesterKnown bool) string {
	if slices.ContainsFunc(votes, func(v Vote) bool { return v.Verb == VerbBreakGlass }) {
		return ""
	}
	have := map[string]int{}
	for _, v := range votes {
		if v.Verb != VerbApprove {
			continue
		}
		if len(v.Meets) == 0 {
			have[MeetsGate]++
		}
		for _, m := range v.Meets {
			have[m]++
		}
	}
	var missing []string
	if n := p.Needed(requesterKnown); have[MeetsGate] < n {
		missing = append(missing, fmt.Sprintf("%d of %d", have[MeetsGate], n))
	}
	for _, n := range p.Also {
		if have[n.For] < n.Quorum {
			missing = append(missing, fmt.Sprintf("%s: %d of %d%s", n.For, have[n.For], n.Quorum, rolesPlain(n.Roles)))
		}
	}
	return strings.Join(missing, "; ")
}

func rolesPlain(roles []string) string {
	if len(roles) == 0 {
		return ""
	}
	return " (" + strings.Join(roles, ", ") + ")"
}

// NeedsReason says whether a decision of this verb needs a reason.
func (p DecisionPolicy) NeedsReason(v Verb) bool {
	return p.ReasonRequired || v == VerbBreakGlass || slices.Contains(p.ReasonFor, string(v))
}
