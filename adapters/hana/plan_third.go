package hana

import (
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// thirdSites gives the other sites their source. After a takeover a site that
// was fed by the old primary (multi-target) is turned to the new one, and one
// that was fed by the new primary (multi-tier) stays. A failback restores what
// the record says.
func (p *planner) thirdSites(ph dr.Phase, old, now string) error {
	b := p.record(old)
	for _, n := range p.others(old, now) {
		if _, ok := p.rs[n]; !ok {
			p.d.Consequence("%s does not answer and still points to its former source. Next: reseed %s.", n, n)
			continue
		}
		source := p.recorded(b, n).Upstream
		if st, _ := p.s.site(n); source == "" {
			source = st.Source
		}
		back := p.in.Request.Procedure == dr.ProcFailback
		var err error
		switch {
		case !back && source == now, p.selfRegisters(now) || p.selfRegisters(old):
			p.stepSync(ph, n, now, dr.SkipDecision)
		case source == now || source == "" || !back && source == old:
			err = p.stepsFollow(ph, ph, n, now, now, false, dr.SkipDecision)
		default:
			err = p.tier(ph, n, source, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tier registers a third site at its secondary again.
func (p *planner) tier(ph dr.Phase, site, source, now string) error {
	p.add(ph, enableSource.Step(kit.At{
		Phase: ph, Slug: "enable-" + source, Site: source, Title: "Let " + source + " feed " + site, Timeout: shortStep, Skip: dr.SkipDecision,
		Why: "a secondary that feeds the next tier must be enabled as a source",
	}, enableArgs{On: p.place(source), Primary: p.place(now), Run: p.in.RunID}))
	return p.stepsFollow(ph, ph, site, source, now, false, dr.SkipDecision)
}

// selfRegisters says whether secondaries re-register by themselves.
func (p *planner) selfRegisters(site string) bool {
	return strings.EqualFold(p.rs[site].Ini["system_replication/register_secondaries_on_takeover"], "true")
}

// alreadyPrimary plans what is left when the site is primary: a takeover that
// was finished by hand, or a run that ended after its takeover.
func (p *planner) alreadyPrimary(to string) error {
	p.d.To = to
	others := p.others(to, "")
	p.d.From = others[0]
	if b := p.in.Baseline; b != nil && slices.Contains(others, b.Primary) {
		p.d.From = b.Primary
	} else if old, err := p.oldPrimary(to); err == nil {
		p.d.From = old
	}
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "HANA itself redirects nobody")
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is taken over"}
	old := p.d.From
	suspended := p.rs[old].State != nil && p.rs[old].State.Suspended == dr.Yes
	mine := p.in.Did(takeover.Name)
	if !mine && !suspended {
		return p.nothingLeft(to)
	}
	p.stepsVerify(dr.PhaseVerify, old, to)
	if suspended || p.in.Request.Mode == dr.ModePlanned {
		return p.protect(old, to, dr.PhaseProtect)
	}
	p.afterUnplanned(old, to)
	return nil
}

// nothingLeft ends a takeover to a site that is primary.
func (p *planner) nothingLeft(to string) error {
	for _, n := range p.others(to, "") {
		st, _ := p.s.site(n)
		if l := linkTo(p.rs[to], st.Place.Name, st.Place.SQL.Tenants); l.InSync != dr.Yes {
			p.d.Consequence("%s is not in sync with %s (%s). Next: failback or reseed.", n, to, l.Text)
		}
	}
	p.d.Nothing = to + " is the primary already"
	return nil
}
