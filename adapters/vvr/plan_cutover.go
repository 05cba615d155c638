package vvr

import (
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// beforeApps stands in front of the stop of the applications in quiesce.
const beforeApps = kit.PlaceHookBefore + 1

// cutover hands the Primary role back: the end of Example 3, and Example 4.
func (p *planner) cutover(from, to string) error {
	if r := p.rs[to]; !r.IsSecondary() {
		return dr.Refuse("no_secondary", "%s is no Secondary: %s", to, summary(r)).WithNext("start the failback again: it converts %s first", to)
	}
	start, drop := p.readyForCutover(from, to)
	p.change(from, to, cutoverPhases, start, drop)
	after := p.at(dr.PhaseProtect)
	if p.s.set.Order == orderManual {
		after = p.at(dr.PhaseHandBack)
	}
	p.dropLeft(dr.PhaseProtect, to)
	for _, sib := range p.others(from, to) {
		p.example4(after, from, to, sib)
	}
	return nil
}

// readyForCutover puts what is missing of being in sync in front of the stop of
// the applications. It gives the checkpoint to start from behind it, and the
// one to delete then.
func (p *planner) readyForCutover(from, to string) (start, drop string) {
	cp := p.checkpoint("f")
	c, found, _ := p.rs[from].Checkpoint(cp)
	b := p.behind(from, to)
	first := adder{p: p, phase: dr.PhaseQuiesce, place: beforeApps, tag: "before"}
	switch {
	case !b.Link.Has(flagAttached) && p.s.set.Order == orderManual:
		if !found || c.State != cpCompleted {
			// The checkpoint did not wait for people.
			p.d.Consequence("The checkpoint %s cannot be started from any more: %s is synchronised again before the applications stop.", cp, to)
			first.sync(from, to, cp, false)
		}
		return cp, cp
	case !b.Link.Has(flagAttached):
		first.sync(from, to, cp, false)
		p.catchUp(first, from, to, cp, p.maxKB())
		return "", ""
	case b.overflowed():
		first.keep(to, "the replay of the DCM", true)
		first.resync(from, to)
		first.wait(from, to, p.maxKB(), dr.SkipNever)
	}
	if found {
		drop = cp
	}
	return "", drop
}

// example4 synchronises a further Secondary from a new checkpoint on the final
// Primary: one that was made on another Primary is worthless.
func (p *planner) example4(a adder, from, to, sib string) {
	r, read := p.rs[sib]
	switch {
	case p.behind(from, sib).Why == "" && p.hasLink(to, sib):
		p.at(dr.PhaseProtect).wait(to, sib, p.maxKB(), dr.SkipDecision)
		return
	case !read || !r.IsSecondary():
		p.unprotected(sib, "it could not be read as a Secondary: "+p.summaryOf(sib))
		return
	case !p.hasLink(to, sib):
		p.unprotected(sib, to+" has no RLINK to it: delete and add it by hand (vradmin delsec, addsec)")
		return
	}
	cp := p.checkpoint(p.siteMark(sib))
	if p.eitherAttached(to, sib) || p.eitherAttached(from, sib) {
		a.stop(to, sib, "syncrvg wants its RLINK detached", dr.SkipNever)
	}
	a.sync(to, sib, cp, false)
	a.start(to, sib, cp)
	a.wait(to, sib, p.maxKB(), dr.SkipDecision)
	a.drop(to, cp)
	p.d.Consequence("%s is unprotected until it was synchronised with %s: its old data is overwritten by difference.", sib, to)
	if p.s.set.Order == orderManual {
		p.d.Outage = "longer than the hand-back alone: in the manual's order the applications start only after " + sib + " was synchronised"
		p.d.Consequence("In the manual's order the applications stay down until %s was synchronised.", sib)
	}
}

func (p *planner) summaryOf(site string) string {
	v, _ := p.in.Situation.Site(site)
	return dr.Clip(v.Summary, 200)
}

func (p *planner) unprotected(sib, why string) {
	p.d.Consequence("%s stays without the present data: %s. Next: reseed %s.", sib, why, sib)
	if p.d.Leaves == nil {
		p.d.Leaves = &dr.Unprotected{Next: "reseed", Why: sib + " holds old data: " + why}
	}
}

// handedBack plans what is left when the roles are exchanged already.
func (p *planner) handedBack(to string) error {
	for _, ph := range []dr.Phase{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack} {
		p.d.Empty(ph, "%s is Primary already", to)
	}
	from := ""
	for _, n := range p.others(to, "") {
		if p.behind(to, n).Why == "" {
			from = n
		}
	}
	p.d.From = from
	if from == "" {
		p.d.From = p.others(to, "")[0]
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the Primary already: no role changes"}
	p.d.Empty(dr.PhaseRedirect, "VVR itself redirects nobody")
	p.at(dr.PhaseVerify).checkPrimary(to)
	p.dropLeft(dr.PhaseProtect, to)
	for _, sib := range p.others(to, "") {
		if b := p.behind(to, sib); slices.Contains([]string{from}, sib) || b.Why == "" {
			p.at(dr.PhaseProtect).wait(to, sib, p.maxKB(), dr.SkipDecision)
			continue
		}
		p.example4(p.at(dr.PhaseProtect), to, to, sib)
	}
	return nil
}
