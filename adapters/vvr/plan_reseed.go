package vvr

import (
	"github.com/switchback-dr/switchback/dr"
)

// reseed overwrites a Secondary with everything that the Primary has, or
// replays the DCM where only the SRL had overflowed.
func (p *planner) reseed() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	prim := p.primaries()
	switch {
	case len(prim) == 0:
		return p.noPrimary(dr.Refuse("no_primary", "no site of %s is a Primary: there is nothing to copy from", p.s.name))
	case len(prim) > 1:
		return dr.Refuse("primaries", "%v are all Primaries", prim).WithNext("start a failback: it makes the one that came back a Secondary first")
	case prim[0] == to:
		return dr.Refuse("is_primary", "%s is the Primary: a reseed would overwrite the data that counts", to).WithNext("name the site that shall be overwritten")
	}
	from := prim[0]
	p.d.From, p.d.To = from, to
	for _, n := range []string{from, to} {
		if _, err := p.readable(n); err != nil {
			return err
		}
	}
	if r := p.rs[to]; !r.IsSecondary() {
		return dr.Refuse("no_secondary", "%s is no Secondary: %s", to, summary(r)).WithNext("start a failback: it converts %s first", to)
	}
	b := p.behind(from, to)
	if b.Link.Name == "" {
		return dr.Refuse("no_rlink", "%s has no RLINK to %s (%s)", from, to, p.place(to).VVRHost).
			WithNext("add it to the RDS by hand (vradmin addsec), then start again")
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: from + " keeps everything; only the copy at " + to + " is replaced"}
	p.d.BackTo = dr.PhaseBackup
	p.d.Empty(dr.PhaseRestore, "VVR writes the copy in place")
	p.d.Empty(dr.PhaseTransition, "%s is a Secondary already", to)
	if b.overflowed() {
		p.reseedByResync(from, to)
	} else {
		p.reseedByCopy(from, to)
	}
	p.at(dr.PhaseVerify).wait(from, to, p.maxKB(), dr.SkipNever)
	return nil
}

// reseedByResync: the DCM knows what changed since the SRL overflowed.
func (p *planner) reseedByResync(from, to string) {
	p.at(dr.PhaseBackup).keep(to, "the replay of the DCM", true)
	p.d.Empty(dr.PhaseBackup, "nothing is copied before the replay of the DCM")
	p.d.Empty(dr.PhaseTransfer, "the DCM of %s knows what changed since the SRL overflowed: no full copy is needed", from)
	p.at(dr.PhaseStartReplication).resync(from, to)
	p.at(dr.PhaseStartReplication).wait(from, to, p.maxKB(), dr.SkipNever)
	p.d.Consequence("%s leaves its old consistent state and is inconsistent until the replay ends.", to)
}

func (p *planner) reseedByCopy(from, to string) {
	cp := p.checkpoint(p.siteMark(to))
	p.dropLeft(dr.PhaseBackup, from)
	p.at(dr.PhaseBackup).keep(to, "the copy", false)
	p.d.Empty(dr.PhaseBackup, "the inventory names no snapshot of %s", to)
	transfer, start := p.at(dr.PhaseTransfer), p.at(dr.PhaseStartReplication)
	if p.eitherAttached(from, to) {
		transfer.stop(from, to, "a copy wants its RLINK detached", dr.SkipNever)
	}
	if p.s.set.Reseed == reseedAutosync {
		p.d.Empty(dr.PhaseTransfer, "VVR sends the volumes itself when replication starts (autosync)")
		start.start(from, to, "")
		start.wait(from, to, p.maxKB(), dr.SkipNever)
	} else {
		transfer.sync(from, to, cp, true)
		p.catchUp(start, from, to, cp, p.maxKB())
	}
	p.d.Consequence("Every block of the volumes at %s is overwritten; until it has caught up its data is inconsistent.", to)
}
