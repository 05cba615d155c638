package postgres

import (
	"fmt"
	"time"

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
	v := sides{Old: prim[0], New: to, Siblings: p.siblings(prim[0], to)}
	switch p.in.Gate {
	case dr.GateCutover:
		return p.cutover(v)
	case dr.GateOverwrite:
		return p.overwrite(prim[0], to)
	default:
		return p.convert(prim[0], to)
	}
}

// cutover is a planned takeover back.
func (p *planner) cutover(v sides) error {
	if err := p.promotable(v); err != nil {
		return err
	}
	return p.planned(v, kit.CutoverPhases)
}

// handedBack plans what is left when the roles are exchanged already.
func (p *planner) handedBack(to string) error {
	for _, ph := range []dr.Phase{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is promoted"}
	if !p.protectLeft(to) && p.in.From == "" {
		p.d.Nothing = to + " is the primary already and every standby that can be attached streams from it"
		return nil
	}
	p.verify(dr.PhaseVerify, to, 0)
	return nil
}

// convert makes the old primary a standby again, with as little copying as its
// own log allows.
func (p *planner) convert(primary, to string) error {
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its host back; failback begins when it answers")
	}
	now := p.rs[primary]
	if row, found := now.FindRepl(p.app(to)); found && row.State == "streaming" {
		p.d.Empty(dr.PhasePrepare, "%s streams from %s already", to, primary)
		p.d.Empty(dr.PhaseConvert, "%s streams from %s already", to, primary)
		p.stepWait(dr.PhaseResynchronise, to, primary, 16<<20)
		p.d.Loss = noFurtherLoss(to)
		return nil
	}
	if r.Running == dr.Unknown || (r.Running == dr.Yes && r.Server == nil) {
		return dr.Refuse("unclear", "%s: %s", to, summary(r)).WithNext("wait until it is started or stopped, then start again")
	}
	if why := p.needsCopy(r, now); why != "" {
		p.d.Instead, p.d.InsteadWhy = dr.GateOverwrite, to+" cannot be converted by difference: "+why
		return nil
	}
	p.stepSlot(dr.PhasePrepare, primary, to, r.Running != dr.Yes)
	p.stepTimeline(dr.PhasePrepare, primary)
	if r.Running == dr.Yes {
		p.convertRunning(primary, to)
		return nil
	}
	p.stepSave(dr.PhasePrepare, to)
	end := compareEnds(r, now)
	// After this run's own rewind the server's log says nothing of its own.
	fresh := end.Verdict != endsWithin || p.in.Did("postgres.rewind")
	if end.Verdict != endsWithin {
		p.convertByRewind(primary, to, end)
	} else {
		p.d.Loss = noFurtherLoss(to)
		p.d.Loss.Why += ": " + end.Text
		p.add(dr.PhaseConvert, attachStandby.Step(kit.At{
			Phase: dr.PhaseConvert, Slug: "attach", Site: to, Title: "Make " + to + " a standby of " + primary + " without a rewind", Timeout: time.Minute,
			Why: end.Text,
		}, p.upstreamArgs(to, primary)))
	}
	p.startAndWait(dr.PhaseResynchronise, to, primary, fresh)
	p.d.BackTo = dr.PhasePrepare
	p.d.Consequence("%s stays a standby of %s until the cutover gate is approved.", to, primary)
	return nil
}

// needsCopy says why only a full copy helps; "" when not.
func (p *planner) needsCopy(r, now Reading) string {
	if r.Running == dr.Yes {
		held, ok := r.Held()
		sw, left := now.Switch(r.Timeline())
		if r.Timeline() != now.Timeline() && (!ok || !left || held > sw) {
			return fmt.Sprintf("it runs as a standby that holds %s on timeline %d, past the switch", held, r.Timeline())
		}
		return ""
	}
	if r.Rewind == "" && r.DataExists == dr.Yes && r.Control.System == now.Control.System && compareEnds(r, now).Verdict == endsWithin {
		return ""
	}
	return rewindable(r, now)
}

func (p *planner) convertRunning(primary, to string) {
	p.d.Empty(dr.PhaseConvert, "%s runs as a standby and only needs another source", to)
	p.repointOne(dr.PhaseResynchronise, to, primary)
	p.stepWait(dr.PhaseResynchronise, to, primary, 16<<20)
	p.d.Loss = noFurtherLoss(to)
}

// convertByRewind keeps what was lost, then rewinds.
func (p *planner) convertByRewind(primary, to string, end ends) {
	st, _ := p.s.site(to)
	r := p.rs[to]
	size := uint64(r.Control.SegmentSize)
	if size == 0 {
		size = 16 << 20
	}
	seg := uint64(end.Switch) / size
	per := uint64(1<<32) / size
	a := lostArgs{
		On: p.place(to), Primary: p.place(primary), To: st.BackupDir + "/lost-" + p.s.name + "-" + p.in.RunID, Timeline: end.Timeline, Switch: end.Switch,
		First: fmt.Sprintf("%08X%08X%08X", end.Timeline, seg/per, seg%per), End: end.End,
	}
	p.add(dr.PhaseConvert, keepLost.Step(kit.At{
		Phase: dr.PhaseConvert, Slug: "keep-lost", Site: to, Title: "List and keep what " + primary + " never got", Timeout: 30 * time.Minute,
		Why: "the rewind destroys it",
	}, a))
	up := p.upstreamArgs(to, primary)
	src, _ := p.s.site(primary)
	source := fmt.Sprintf("host=%s port=%d user=%s dbname=%s", src.Listen, src.Place.Port, p.s.set.ReplicationUser, p.s.set.Database)
	if p.s.set.Passfile != "" {
		source += " passfile=" + p.s.set.Passfile
	}
	p.add(dr.PhaseConvert, rewind.Step(kit.At{
		Phase: dr.PhaseConvert, Slug: "rewind", Site: to, Title: "Rewind " + to + " to " + primary, Timeout: 6 * time.Hour,
		Why: end.Text,
	}, rewindArgs{On: up.On, Primary: up.Primary, Run: up.Run, Source: source, Conninfo: up.Conninfo, Slot: up.Slot, Timeline: end.Timeline}))
	p.d.Loss = dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount(), Why: "what " + to + " wrote after the switch was lost with the takeover (" + end.Text + "); it is listed and kept in " + a.To + " before the rewind"}
	if end.End > end.Switch {
		p.d.Loss.Certain = dr.Bytes(int64(end.End - end.Switch))
	}
	p.d.Consequence("The rewind changes the data directory of %s in place. If it is broken off, only a full copy helps.", to)
}

func noFurtherLoss(to string) dr.Loss {
	return dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: -1}, Why: "everything on " + to + " is on the primary too"}
}
