package hana

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// reseed ships a site's data anew. HANA copies its data itself when the site is
// started, so that backup, transfer and restore have no steps.
func (p *planner) reseed() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	prim := p.in.Situation.Primaries()
	if len(prim) == 0 {
		return kit.NoPrimary(p.in.Situation, p.s.name, "copy from")
	}
	from := prim[0]
	if from == to {
		return dr.Refuse("is_primary", "%s is the primary: a reseed would overwrite the data that count", to).WithNext("name the site that shall be overwritten")
	}
	p.d.From, p.d.To = from, to
	if _, ok := p.rs[to]; !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its hosts back")
	}
	p.d.Empty(dr.PhaseBackup, "HANA reads the data from %s itself when %s starts; no backup is needed for it", from, to)
	p.d.Empty(dr.PhaseTransfer, "HANA ships the full replica itself over the replication network")
	p.d.Empty(dr.PhaseRestore, "HANA writes the full replica itself when %s starts", to)
	p.stepServices(dr.PhaseTransition, to)
	if err := p.stepsFollow(dr.PhaseTransition, dr.PhaseStartReplication, to, p.sourceOf(to, from), from, true, dr.SkipNever); err != nil {
		return err
	}
	if p.sourceOf(to, from) == from {
		p.stepsCheckSync(to, from)
	} else {
		p.d.Empty(dr.PhaseVerify, "no tool on %s proves when the last site of a chain is in sync", from)
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: from + " keeps everything; only the data of " + to + " are replaced"}
	p.d.BackTo = dr.PhaseTransition
	p.d.Consequence("All data of %s are overwritten with a full replica of %s, without a copy of what was there.", to, from)
	p.d.Consequence("Until the full replica is shipped %s cannot be taken over to.", to)
	return nil
}

// sourceOf is the site that fed the reseeded one, when that is another
// secondary that answers; else the primary.
func (p *planner) sourceOf(to, primary string) string {
	up := p.recorded(p.in.Baseline, to).Upstream
	if st, _ := p.s.site(to); up == "" {
		up = st.Source
	}
	if r, ok := p.rs[up]; ok && up != to && replModes[r.Mode()] && r.Running() == dr.Yes {
		return up
	}
	return primary
}

// stepsCheckSync proves the end of a reseed.
func (p *planner) stepsCheckSync(to, from string) { p.stepSync(dr.PhaseVerify, to, from, dr.SkipNever) }
