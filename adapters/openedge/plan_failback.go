package openedge

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// failback plans one gate: convert (or overwrite in its place), and later
// cutover, when the facts that it needs are there.
func (p *planner) failback() error {
	to, err := p.s.sites.Home(p.s.name, p.in)
	if err != nil {
		return err
	}
	prim := p.in.Situation.Primaries()
	if len(prim) == 0 {
		return p.noPrimary(dr.Refuse("no_primary", "no site of %s takes updates: there is nothing to fail back from", p.s.name).WithNext("take over first"))
	}
	p.d.From, p.d.To = prim[0], to
	if prim[0] == to {
		if p.in.Gate == dr.GateCutover {
			return p.handedBack(to)
		}
		if err := p.onlySource(to); err != nil {
			return err
		}
		p.d.Nothing = to + " is the source already"
		return nil
	}
	switch p.in.Gate {
	case dr.GateCutover:
		if _, err := p.readable(to); err != nil {
			return err
		}
		return p.planned(sides{Old: prim[0], New: to, Siblings: p.siblings(prim[0], to)}, kit.CutoverPhases)
	case dr.GateOverwrite:
		return p.overwrite(prim[0], to)
	default:
		return p.convert(prim[0], to)
	}
}

// noPrimary tells of a site that could not be read before it says that nobody is
// the source: that site may be it.
func (p *planner) noPrimary(e *dr.Error) error {
	if err := p.unread(); err != nil {
		return err
	}
	return e
}

// unread is the refusal for the first site of which it is not known whether it
// takes updates.
func (p *planner) unread() error {
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if !ok {
			_, err := p.readable(st.Name)
			return err
		}
		if r.AcceptsWrites() == dr.Unknown {
			return dr.Refuse("unclear", "%s may take updates: %s", st.Name, summary(r)).WithNext("find out by hand whether its data counts, and open or close it")
		}
	}
	return nil
}

// onlySource refuses to call a site the source while a site that could not be
// read may be the one that took over, unless a target is in step with it.
func (p *planner) onlySource(to string) error {
	for _, o := range p.s.others(to) {
		if inStep(p.rs[to], p.rs[o.Name], o.Place.Agent) {
			return nil
		}
	}
	return p.unread()
}

// handedBack plans what is left when the roles are exchanged already.
func (p *planner) handedBack(to string) error {
	for _, ph := range []dr.Phase{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack} {
		p.d.Empty(ph, "%s is the source already", to)
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the source already: nothing is transitioned"}
	if !p.protectLeft(to) && p.in.From == "" {
		p.d.Nothing = to + " is the source already, and every target that can be is in step"
		return nil
	}
	p.stepCheck(dr.PhaseVerify, to, roleSource)
	return nil
}

// convert lets the old source follow again without a copy, where it is a
// target already: the agent catches up from the extents that stayed locked.
func (p *planner) convert(primary, to string) error {
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its host back; failback begins when it answers")
	}
	if why := p.needsCopy(p.rs[primary], r, to); why != "" {
		p.d.Instead, p.d.InsteadWhy = dr.GateOverwrite, to+" cannot follow "+primary+" without a copy: "+why
		return nil
	}
	if err := p.ready(primary, to); err != nil {
		return err
	}
	p.stepsVerify(dr.PhasePrepare, false, primary, to)
	p.d.Empty(dr.PhaseConvert, "%s is a target of %s already", to, primary)
	if !inStep(p.rs[primary], r, p.place(to).Agent) {
		if r.InUse() == dr.No {
			p.stepStart(dr.PhaseResynchronise, to, roleTarget, "its agent must be there before the server connects")
		}
		p.stepRestartServer(dr.PhaseResynchronise, primary, to)
	}
	p.stepInStep(dr.PhaseResynchronise, "wait-synchronised", primary, to, "only both ends together say that the target follows", p.syncTime(), "")
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: -1}, Why: primary + " keeps everything; " + to + " only follows"}
	p.d.BackTo = dr.PhasePrepare
	p.d.Consequence("%s stays a target of %s until the cutover gate is approved.", to, primary)
	return nil
}

// needsCopy says why only a copy helps; "" when the agent can catch up.
func (p *planner) needsCopy(source, r Reading, to string) string {
	agent := p.place(to).Agent
	switch {
	case r.HalfRestored() != "":
		return "a restore did not end (" + r.HalfRestored() + ")"
	case r.Fenced == dr.Yes:
		return "it is the fenced old source (run " + orNone(r.FenceRun) + "), whose own changes are not in the new one"
	case r.Exists == dr.No:
		return "there is no database"
	case r.Role() != roleTarget:
		return "it is " + roleWords(r)
	case r.Status.Code == codeRecoveryFailed, r.Status.Code == codeInvalidTarget, source.Agents[agent] == codeRecoveryFailed, source.Agents[agent] == codeInvalidTarget:
		return "replication does not take it any more (control agent " + source.Agents[agent].String() + ", agent " + r.Status.Code.String() + ")"
	case r.EmergencyStopped():
		return "it was stopped by an emergency shutdown (5316), which can break resynchronisation"
	}
	return ""
}
