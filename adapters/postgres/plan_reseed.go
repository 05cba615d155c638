package postgres

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// reseed overwrites a site with a copy of the primary.
func (p *planner) reseed() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	prim := p.in.Situation.Primaries()
	if len(prim) == 0 {
		return kit.NoPrimary(p.in.Situation, p.s.name, "copy from")
	}
	if prim[0] == to {
		return dr.Refuse("is_primary", "%s is the primary: a reseed would overwrite the data that counts", to).WithNext("name the site that shall be overwritten")
	}
	if err := p.overwrite(prim[0], to); err != nil {
		return err
	}
	p.stepWaitCaughtUp(dr.PhaseVerify, to, prim[0])
	was := ""
	if r := p.rs[to]; r.Server != nil {
		if _, ok := p.rs[prim[0]].FindSlot(r.Server.Slot); ok && r.Server.Slot != p.slot(to) {
			was = r.Server.Slot
			p.stepDropSlot(dr.PhaseVerify, prim[0], was)
		}
	}
	for _, s := range p.leftSlots(prim[0], p.slot(to), was) {
		p.stepDropSlot(dr.PhaseVerify, prim[0], s)
	}
	return nil
}

// overwrite is the form with a copy: of a reseed, and of a failback whose
// difference is gone. The copy is taken by the host that needs it, so backup
// and transfer are one movement of data; the transfer's own step proves that
// all of it arrived.
func (p *planner) overwrite(source, to string) error {
	p.d.From, p.d.To = source, to
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its host back")
	}
	if r.AcceptsWrites() != dr.No {
		return dr.Refuse("unclear", "%s may accept writes: %s", to, summary(r)).WithNext("stop it by hand when you are sure that its data may be replaced")
	}
	if n := p.rs[source].Server.Tablespaces; n > 0 {
		return dr.Refuse("tablespaces", "%s has %d own tablespaces; their places on %s are not known", source, n, to).WithNext("make the copy by hand with pg_basebackup -T")
	}
	st, _ := p.s.site(to)
	on, src := p.place(to), p.place(source)
	on.System = src.System
	dir := st.BackupDir + "/" + p.s.name + "-" + p.in.RunID
	p.stepSlot(dr.PhaseBackup, source, to, true)
	if r.DataExists == dr.Yes && r.Rewind == "" && r.Major != "" {
		p.stepSave(dr.PhaseBackup, to)
	}
	p.add(dr.PhaseBackup, baseBackup.Step(kit.At{
		Phase: dr.PhaseBackup, Slug: "base-backup", Site: to, Title: "Copy " + source + " to " + dir + " on " + to, Timeout: 24 * time.Hour, Interruptible: true,
		Why: "taken by the host that needs it: no second transfer",
	},
		backupArgs{On: on, Source: src, Dir: dir, Conninfo: p.conninfo(to, source), Slot: p.slot(to), Name: st.AppName}))
	p.add(dr.PhaseTransfer, verifyBackup.Step(kit.At{
		Phase: dr.PhaseTransfer, Slug: "verify-backup", Site: to, Title: "Prove that the copy on " + to + " is complete", Timeout: 6 * time.Hour,
		Why: "the manifest's SHA-256 sums prove on the target host that every file arrived",
	}, verifyArgs{On: on, Dir: dir}))
	if r.Running == dr.Yes {
		p.add(dr.PhaseRestore, stopStandby.Step(kit.At{Phase: dr.PhaseRestore, Slug: "stop-standby", Site: to, Title: "Stop the standby " + to, Timeout: 2 * time.Minute}, standbyArgs{On: on, Primary: src}))
	}
	p.add(dr.PhaseRestore, replaceData.Step(kit.At{
		Phase: dr.PhaseRestore, Slug: "replace-data", Site: to, Title: "Put the copy in the place of " + on.Data, Timeout: 6 * time.Hour,
		Why: "the old directory is moved aside, not deleted",
	}, replaceArgs{On: on, Primary: src, Dir: dir, Run: p.in.RunID}))
	up := p.upstreamArgs(to, source)
	up.On = on
	p.add(dr.PhaseTransition, attachStandby.Step(kit.At{Phase: dr.PhaseTransition, Slug: "attach", Site: to, Title: "Point " + to + " to " + source, Timeout: time.Minute}, up))
	p.startAndWait(dr.PhaseStartReplication, to, source, true)
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: source + " keeps everything; only the copy on " + to + " is replaced"}
	p.d.BackTo = dr.PhaseBackup
	p.d.Consequence("The data directory of %s is replaced. The old one stays beside it as %s.replaced-%s until you delete it; there must be room for both.", to, on.Data, p.in.RunID)
	if end := compareEnds(r, p.rs[source]); r.Running == dr.No && r.DataExists == dr.Yes && end.Verdict != endsWithin {
		p.d.Consequence("%s may hold transactions that %s never got (%s); they stay readable only in the directory that is moved aside.", to, source, end.Text)
	}
	return nil
}

// stepWaitCaughtUp waits until the lag is small.
func (p *planner) stepWaitCaughtUp(ph dr.Phase, on, primary string) {
	p.stepWait(ph, on, primary, 16<<20)
}
