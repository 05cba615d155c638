package oceanbase

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// failback plans one gate: convert, or overwrite in its place, and later
// cutover, when the facts that it needs are there.
func (p *planner) failback() error {
	to, err := p.s.sites.Home(p.s.name, p.in)
	if err != nil {
		return err
	}
	if p.rs[to].Tenant.is(rolePrimary) && !p.rs[to].Tenant.Locked {
		p.d.From, p.d.To = p.other(to), to
		if p.in.Gate == dr.GateCutover {
			return p.handedBack(to)
		}
		if err := kit.OnlyPrimary(p.in.Situation, to); err != nil {
			return err
		}
		p.d.Nothing = to + " is the primary already"
		return nil
	}
	primary, err := p.presentPrimary(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = primary, to
	switch p.in.Gate {
	case dr.GateCutover:
		v := sides{Old: primary, New: to}
		for _, st := range p.s.sites {
			if st.Name != primary && st.Name != to {
				v.Others = append(v.Others, st.Name)
			}
		}
		return p.planned(v, kit.CutoverPhases)
	case dr.GateOverwrite:
		return p.overwrite(primary, to)
	default:
		return p.convert(primary, to)
	}
}

// other names a site besides the given one: the first that is, or was, primary.
func (p *planner) other(than string) string {
	name := ""
	for _, st := range p.s.sites {
		if st.Name != than && (name == "" || p.rs[st.Name].role() == dr.RolePrimary) {
			name = st.Name
		}
	}
	return name
}

// presentPrimary finds the site that is failed back from. Within a cutover that
// was broken off between the two switches no site accepts writes: then it is the
// one that the target takes its log from.
func (p *planner) presentPrimary(to string) (string, error) {
	if prim := p.in.Situation.Primaries(); len(prim) == 1 {
		return prim[0], nil
	}
	if p.in.Gate == dr.GateCutover {
		if up := p.s.upstream(to, p.rs[to], p.rs); up != "" {
			return up, nil
		}
	}
	return "", kit.NoPrimary(p.in.Situation, p.s.name, "fail back from")
}

// handedBack plans what is left when the roles are exchanged already.
func (p *planner) handedBack(to string) error {
	for _, ph := range []dr.Phase{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "OceanBase itself redirects nobody: clients, proxies and services are told by their own steps")
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is promoted"}
	return p.rest(to)
}

// convert makes the former primary a standby again. After a mere switchover its
// log is a part of the primary's and it only needs the source; after a failover
// its log went another way, and only a new copy helps.
func (p *planner) convert(primary, to string) error {
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring an observer of it back; failback begins when it answers")
	}
	if r.Tenant == nil && !r.Missing {
		return dr.Refuse("unclear", "%s: %s", to, r.summary()).WithNext("look at the tenant by hand, then start again")
	}
	why := p.cannotFollow(to, primary)
	if why == "" && !r.Tenant.is(roleStandby) {
		return dr.Refuse("half_way", "%s is within another change of roles: %s", to, r.summary()).WithNext("let the statement that was started there finish; then start anew")
	}
	if why != "" {
		p.d.Instead, p.d.InsteadWhy = dr.GateOverwrite, to+" cannot become a standby as it is: "+why
		return nil
	}
	p.d.Empty(dr.PhasePrepare, "nothing has to be prepared at %s", primary)
	p.d.Empty(dr.PhaseConvert, "%s is a standby tenant already", to)
	p.stepsFollow(dr.PhaseResynchronise, dr.PhaseResynchronise, to, primary, false)
	p.d.Empty(dr.PhaseSafeStop, "no temporary object is left: %s simply stays a standby", to)
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: -1}, Why: "everything in the log of " + to + " is at " + primary + " too"}
	p.d.BackTo = dr.PhasePrepare
	p.d.Consequence("%s stays a standby of %s until the cutover gate is approved.", to, primary)
	return nil
}
