package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// failback plans one gate: convert, and later cutover.
func (p *planner) failback() error {
	to, err := p.s.sites.Home(p.s.name, p.in)
	if err != nil {
		return err
	}
	prim := p.in.Situation.Primaries()
	if len(prim) == 0 {
		return kit.NoPrimary(p.in.Situation, p.s.name, "fail back from")
	}
	p.d.From, p.d.To = prim[0], to
	if prim[0] == to {
		if p.in.Gate == dr.GateCutover {
			return p.handedBack(to)
		}
		if err := kit.OnlyPrimary(p.in.Situation, to); err != nil {
			return err
		}
		p.d.Nothing = to + " is the primary already"
		return nil
	}
	if p.in.Gate == dr.GateCutover {
		if err := p.promotable(to); err != nil {
			return err
		}
		return p.planned(prim[0], to, kit.CutoverPhases)
	}
	return p.convert(prim[0], to)
}

// logRoom warns of a log volume that may not hold the log of a synchronisation.
func (p *planner) logRoom(primary string) {
	if n := p.rs[primary].LogUsed; n != nil && *n >= logAlmostFull {
		p.d.Consequence("The log volume of %s is nearly full, and it keeps log while a secondary is stopped: make room first.", primary)
	}
}

// convert registers the original site at the present primary.
func (p *planner) convert(primary, to string) error {
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its hosts back; failback begins when they answer")
	}
	st, _ := p.s.site(to)
	if l := linkTo(p.rs[primary], st.Place.Name, st.Place.SQL.Tenants); l.InSync == dr.Yes && replModes[r.Mode()] && len(p.in.Finished) == 0 {
		p.d.Empty(dr.PhasePrepare, "%s is in sync with %s already", to, primary)
		p.d.Empty(dr.PhaseConvert, "%s is a secondary of %s already", to, primary)
		p.stepSync(dr.PhaseResynchronise, to, primary, dr.SkipNever)
		p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: 0}, Why: "everything on " + to + " is on the primary too"}
		return nil
	}
	if r.AcceptsWrites() == dr.Unknown && r.Running() == dr.Unknown {
		p.stepServices(dr.PhasePrepare, to)
	}
	p.stepsBackup(dr.PhasePrepare, primary, dr.SkipDecision, "a secondary needs an initial backup of every database, and it is the way back if the failback goes wrong")
	if err := p.stepsFollow(dr.PhaseConvert, dr.PhaseResynchronise, to, primary, primary, false, dr.SkipNever); err != nil {
		return err
	}
	p.d.Loss = p.convertLoss(primary, to)
	p.d.BackTo = dr.PhasePrepare
	p.d.Consequence("What %s wrote after %s took over and %s does not hold is discarded by the registration.", to, primary, primary)
	if r.Running() == dr.Yes && (r.State == nil || r.State.Suspended != dr.Yes) && r.Mode() == "primary" {
		p.d.Consequence("%s was started again as a primary after the takeover: if clients wrote there, these writes are lost.", to)
	}
	p.logRoom(primary)
	if strings.EqualFold(p.rs[primary].Ini["system_replication/enable_log_retention"], "off") {
		p.d.Consequence("%s keeps no log for secondaries (enable_log_retention = off): expect a full replica.", primary)
	}
	p.d.Consequence("HANA decides itself between a delta and a full replica; a full one can take hours, and the system is protected only after it.")
	p.d.Consequence("%s stays a secondary of %s until the cutover gate is approved.", to, primary)
	return nil
}

// convertLoss tells what the takeover's history implies: the registration makes
// that loss final.
func (p *planner) convertLoss(primary, to string) dr.Loss {
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount(), Why: "what " + to + " wrote and " + primary + " never got is given up; how much that is, no tool tells"}
	all := p.rs[primary].SQL.Takeovers
	if n := len(all); n > 0 && all[n-1].Site == p.place(primary).Name {
		if d := span(all[n-1].LogTime, all[n-1].ShippedTime); d >= 0 {
			l.Why += fmt.Sprintf("; by the takeover history %s lie between the last log of the source and the last that was shipped", d)
		}
	}
	return l
}

// handedBack plans what is left when the roles are exchanged already.
func (p *planner) handedBack(to string) error {
	for _, ph := range []dr.Phase{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "HANA itself redirects nobody")
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is taken over"}
	old := p.partner(to)
	p.d.From = old
	suspended := p.rs[old].State != nil && p.rs[old].State.Suspended == dr.Yes
	if !suspended && !p.in.Did(takeover.Name) {
		p.d.Nothing = to + " is the primary already"
		return nil
	}
	p.stepsVerify(dr.PhaseVerify, old, to)
	return p.protect(old, to, dr.PhaseProtect)
}

// partner is the site that was primary before the cutover.
func (p *planner) partner(to string) string {
	for _, n := range p.others(to, "") {
		if p.rs[n].Mode() == "primary" {
			return n
		}
	}
	for _, v := range p.in.Baseline.Sites {
		if v.Site != to && v.Upstream == to {
			return v.Site
		}
	}
	return p.others(to, "")[0]
}
