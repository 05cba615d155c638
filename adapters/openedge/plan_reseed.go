package openedge

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// reseed overwrites a site with a copy of the source.
func (p *planner) reseed() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	prim := p.in.Situation.Primaries()
	if len(prim) == 0 {
		return p.noPrimary(dr.Refuse("no_primary", "no site of %s takes updates: there is nothing to copy from", p.s.name))
	}
	if prim[0] == to {
		return dr.Refuse("is_primary", "%s is the source: a reseed would overwrite the data that counts", to).WithNext("name the site that shall be overwritten")
	}
	if err := p.overwrite(prim[0], to); err != nil {
		return err
	}
	p.stepCheck(dr.PhaseVerify, prim[0], roleSource)
	p.stepInStep(dr.PhaseVerify, "check-synchronised", prim[0], to, "", 30*time.Minute, "")
	return nil
}

// overwrite is the manual's secondary replication: of a reseed, and of a
// failback that needs a copy.
func (p *planner) overwrite(source, to string) error {
	p.d.From, p.d.To = source, to
	if err := p.seedable(source, to); err != nil {
		return err
	}
	src, st := p.place(source), p.place(to)
	name := src.base() + "-" + p.in.RunID + ".bck"
	from, dest := src.Spool+"/"+name, st.Spool+"/"+name
	p.backupPhase(source, to, from)
	p.transferPhase(source, to, from, dest)
	p.restorePhase(source, to, from, dest)
	p.stepStart(dr.PhaseStartReplication, to, roleTarget, "its agent must be there before the server connects")
	p.stepRestartServer(dr.PhaseStartReplication, source, to)
	p.stepInStep(dr.PhaseStartReplication, "wait-synchronised", source, to, "only then the AI extents are unlocked and other backups may run again", p.syncTime(), from)
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: source + " keeps everything; only the copy on " + to + " is replaced"}
	p.d.BackTo = dr.PhaseBackup
	p.overwriteConsequences(source, to, name)
	return nil
}

// seedable refuses what must not be overwritten or cannot be copied.
func (p *planner) seedable(source, to string) error {
	s, r := p.rs[source], p.rs[to]
	if _, ok := p.rs[to]; !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring its host back")
	}
	switch n := s.EmptyExtents(); {
	case s.Role() != roleSource:
		return dr.Refuse("no_source", "%s is %s: a seed is taken from a source", source, roleWords(s)).
			WithNext("close it, proutil %s -C enableSiteReplication source, and start it with -DBService replserv", p.place(source).Database)
	case r.AcceptsWrites() != dr.No:
		return dr.Refuse("unclear", "%s may take updates: %s", to, summary(r)).WithNext("close it by hand when you are sure that its data may be replaced")
	case r.InUse() == dr.Yes && r.Role() != roleTarget:
		return dr.Refuse("open", "%s is open: %s", to, summary(r)).WithNext("close it by hand when you are sure that its data may be replaced")
	case inStep(s, r, p.place(to).Agent):
		return dr.Refuse("in_step", "%s is in step with %s: it needs no copy", to, source)
	case s.process("probkup"):
		return dr.Refuse("backup_running", "a backup of %s is running", source).WithNext("wait for its end, then start again")
	case n == 0 && !p.in.Did("openedge.seed_backup"):
		return dr.Refuse("no_empty_extents", "no AI extent of %s is empty: the seed would stall it", source).WithNext("add AI extents (prostrct add) or archive full ones, then start again")
	case s.Describe.BlockSize > 0 && r.Describe.BlockSize > 0 && s.Describe.BlockSize != r.Describe.BlockSize:
		return dr.Refuse("block_size", "%s has a block size of %d and %s of %d bytes", source, s.Describe.BlockSize, to, r.Describe.BlockSize).
			WithNext("create the database on %s anew with the block size of %s", to, source)
	case s.Describe.BlockSize < 1024:
		return dr.Refuse("block_size", "the block size of %s could not be read", source).WithNext("look at proutil %s -C describe", p.place(source).Database)
	}
	return p.ready(source, to)
}

func (p *planner) backupPhase(source, to, file string) {
	src, st := p.place(source), p.place(to)
	a := recoveryArgs{On: src, Agents: p.s.agents(source), Lost: st.Agent, Run: p.in.RunID}
	u := returnRecovery.Step(kit.At{Phase: dr.PhaseBackup, Slug: "undo-recovery", Site: source, Title: "Put the recovery information of " + source + " back", Timeout: 5 * time.Minute}, a)
	if len(p.siblingsInStep(source, to)) == 0 {
		p.add(dr.PhaseBackup, clearRecovery.Step(kit.At{
			Phase: dr.PhaseBackup, Slug: "clear-recovery-" + source, Site: source, Title: "Take the old recovery information of " + source + " away", Timeout: 10 * time.Minute, Undo: &u, Skip: dr.SkipDecision,
			Why: "it tells of the old copy; the new one begins with a new baseline",
		}, a))
	}
	options := []string{"-verbose"}
	if *p.s.set.TargetCreation {
		options = append([]string{"-REPLTargetCreation"}, options...)
	}
	if p.s.set.Compress {
		options = append(options, "-com")
	}
	if n := p.s.set.Threads; n > 0 {
		options = append(options, "-thread", "1", "-threadnum", strconv.Itoa(n))
	}
	p.add(dr.PhaseBackup, seed.Step(kit.At{
		Phase: dr.PhaseBackup, Slug: "seed", Site: source, Title: "Back " + source + " up as the seed of " + to, Timeout: 48 * time.Hour, Interruptible: true,
		Why: "from here no other backup may run until " + to + " is in step",
	}, seedArgs{Source: src, Target: st, File: file, Options: options, Run: p.in.RunID}))
	p.add(dr.PhaseBackup, hashBackup.Step(kit.At{
		Phase: dr.PhaseBackup, Slug: "hash-" + source, Site: source, Title: "Take the SHA-256 of the seed", Timeout: 12 * time.Hour, Interruptible: true,
	}, sumArgs{On: src, File: file}))
}

// siblingsInStep are other targets that must not lose their server's memory.
func (p *planner) siblingsInStep(source, to string) []string {
	var out []string
	for _, o := range p.s.others(source) {
		if o.Name != to && inStep(p.rs[source], p.rs[o.Name], o.Place.Agent) {
			out = append(out, o.Name)
		}
	}
	return out
}

func (p *planner) transferPhase(source, to, from, dest string) {
	src, st := p.place(source), p.place(to)
	ss, _ := p.s.site(source)
	ts, _ := p.s.site(to)
	if p.s.set.Transfer == transferShared {
		p.add(dr.PhaseTransfer, hashBackup.Step(kit.At{
			Phase: dr.PhaseTransfer, Slug: "hash-" + to, Site: to, Title: "Take the SHA-256 of the seed as " + to + " sees it", Timeout: 12 * time.Hour, Interruptible: true,
			Why: "both hosts see one device; that they see the same bytes is proven",
		}, sumArgs{On: st, File: dest}))
	} else {
		p.add(dr.PhaseTransfer, copyBackup.Step(kit.At{
			Phase: dr.PhaseTransfer, Slug: "copy", Site: to, Title: "Copy the seed to " + to, Timeout: 72 * time.Hour, Interruptible: true, Why: "a broken copy goes on where it ended",
		}, copyArgs{Source: src, Target: st, SSH: ss.SSH, Config: ts.SSHConfig, From: from, To: dest}))
	}
	p.add(dr.PhaseTransfer, compareBackup.Step(kit.At{
		Phase: dr.PhaseTransfer, Slug: "compare", Site: to, Title: "Prove that the seed on " + to + " is the one of " + source, Timeout: 5 * time.Minute,
	}, compareArgs{Source: src, Target: st, From: from, To: dest}))
	v := verifyArgs{On: st, File: dest, BlockKB: p.rs[source].Describe.BlockSize / 1024}
	p.add(dr.PhaseTransfer, proveFit.Step(kit.At{
		Phase: dr.PhaseTransfer, Slug: "prove-fit", Site: to, Title: "Prove that the seed fits the structure and disks of " + to, Timeout: 15 * time.Minute,
		Why: "prorest does not look: an extent that is too small ends the restore half-way",
	}, v))
	p.add(dr.PhaseTransfer, verifyBackup.Step(kit.At{
		Phase: dr.PhaseTransfer, Slug: "verify", Site: to, Title: "Let prorest verify the seed on " + to, Timeout: 24 * time.Hour, Interruptible: true,
		Why: "before anything on " + to + " is overwritten",
	}, v))
}

func (p *planner) restorePhase(source, to, from, dest string) {
	src, st, r := p.place(source), p.place(to), p.rs[to]
	if r.InUse() == dr.Yes {
		p.add(dr.PhaseRestore, stopTarget.Step(kit.At{Phase: dr.PhaseRestore, Slug: "stop-target", Site: to, Title: "Stop the target " + to, Timeout: 10 * time.Minute}, targetArgs{On: st}))
	}
	p.add(dr.PhaseRestore, clearRecovery.Step(kit.At{
		Phase: dr.PhaseRestore, Slug: "clear-recovery-" + to, Site: to, Title: "Take the old recovery information of " + to + " away", Timeout: 5 * time.Minute, Skip: dr.SkipDecision,
	}, recoveryArgs{On: st, Run: p.in.RunID}))
	a := restoreArgs{
		Source: src, Target: st, Seed: from, File: dest, Route: p.s.set.Reseed, Run: p.in.RunID,
		Overwrite: r.Exists == dr.Yes || r.Fenced == dr.Yes,
	}
	p.add(dr.PhaseRestore, restore.Step(kit.At{
		Phase: dr.PhaseRestore, Slug: "restore", Site: to, Title: "Restore the seed over " + st.Database + " on " + to, Timeout: 48 * time.Hour,
		Why: "the point of no return: the old database is gone; a restore that breaks off is done again from its beginning",
	}, a))
	if p.s.set.Reseed == reseedEnable {
		p.add(dr.PhaseTransition, enableTarget.Step(kit.At{Phase: dr.PhaseTransition, Slug: "enable-target", Site: to, Title: "Make " + to + " a target", Timeout: 30 * time.Minute}, a))
	}
	p.add(dr.PhaseTransition, checkTarget.Step(kit.At{
		Phase: dr.PhaseTransition, Slug: "check-target", Site: to, Title: "Read that " + to + " is a target", Timeout: 5 * time.Minute,
		Why: "a database of another role must not be opened beside its source",
	}, a))
}

func (p *planner) overwriteConsequences(source, to, name string) {
	s, r, st := p.rs[source], p.rs[to], p.place(to)
	if r.Exists == dr.Yes || r.Fenced == dr.Yes {
		last := "the last change is not known"
		if t := r.LastWrite(); !t.IsZero() {
			last = "its log ends at " + t.UTC().Format(time.RFC3339)
		}
		if len(r.AgentInfo) > 0 {
			last += "; last block: " + r.AgentInfo[0].String()
		}
		p.d.Consequence("The database %s on the host %s is overwritten; nothing keeps the old one. %s.", st.Database, st.Host, upper(last))
	} else {
		p.d.Consequence("There is no database %s on the host %s: it is created.", st.Database, st.Host)
	}
	if r.Fenced == dr.Yes || r.Role() == roleSource {
		p.d.Consequence("%s was a source: transactions that %s never got are in it and nowhere else.", to, source)
	}
	hours := p.s.set.SeedHours
	p.d.Consequence("It is expected to take about %s by the inventory's seed_hours, for a database of about %s now; until then no other backup of %s may run, also no scheduled one.", dr.Count(int64(hours), "hour"), sizeText(s.DataKB), source)
	if n := s.EmptyExtents(); n >= 0 && n*p.s.set.ExtentMinutes < hours*60 {
		p.d.Consequence("WARNING: %d empty AI extents of %s last about %s, less than the seed is expected to take: add extents or shorten the load, or the database stalls.", n, source, p.s.extentTime(n))
	}
	if d := s.Properties.Deferral(); d > 0 && d < int64(hours)*60 {
		p.d.Consequence("The server of %s waits %d minutes for its agents (defer-agent-startup), less than the seed is expected to take; it is started again when %s is open.", source, d, to)
	}
	for _, sib := range p.siblingsInStep(source, to) {
		p.d.Consequence("%s goes on following %s; the recovery information of %s stays as it is.", sib, source, source)
	}
	p.d.Consequence("From the backup on, AI extents of %s stay locked until %s is in step: a run that is ended in between must be followed by another reseed.", source, to)
	p.d.Consequence("%s and its proofs stay in the spools until you delete them.", name)
}

// sizeText writes a size to two digits: a plan must not change by a few kB.
func sizeText(kb int64) string {
	n := kb * 1024
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return dr.ByteText(n / unit * unit)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Files offers each site's properties with every section that both roles need.
func (s *system) Files() []kit.File {
	var out []kit.File
	for _, st := range s.sites {
		var b strings.Builder
		b.WriteString("# " + path.Base(st.Place.Database) + ".repl.properties of " + st.Name + ": every section, so that it serves both roles\n[server]\n")
		b.WriteString("control-agents=" + strings.Join(s.agents(st.Name), ",") + "\ndatabase=" + st.Place.base() + "\ntransition=manual\nagent-shutdown-action=recovery\n")
		b.WriteString("defer-agent-startup=" + strconv.Itoa(s.set.SeedHours*60*2) + "\n")
		for _, o := range s.others(st.Name) {
			b.WriteString("[control-agent." + o.Place.Agent + "]\nname=" + o.Place.Agent + "\ndatabase=" + o.Place.base() + "\nhost=" + o.Place.Address + "\nport=" + strconv.Itoa(o.Place.Port) +
				"\nconnect-timeout=120\nreplication-method=async\ncritical=0\n")
		}
		b.WriteString("[agent]\nname=" + st.Place.Agent + "\ndatabase=" + st.Place.base() + "\nlistener-minport=4387\nlistener-maxport=4500\n")
		p := "-S " + strconv.Itoa(st.Place.Port)
		if len(st.Place.Arguments) > 0 {
			p += " " + strings.Join(st.Place.Arguments, " ")
		}
		b.WriteString("[transition]\ndatabase-role=reverse\ntransition-to-agents=" + strings.Join(s.agents(st.Name), ",") + "\nrestart-after-transition=1\nauto-begin-ai=1\nbackup-method=mark\n")
		b.WriteString("recovery-backup-arguments=" + st.Place.Spool + "/" + st.Place.base() + ".recovery.bck\n")
		b.WriteString("source-startup-arguments=" + p + " -DBService replserv\ntarget-startup-arguments=" + p + " -DBService replagent\nnormal-startup-arguments=" + p + "\n")
		out = append(out, kit.File{Name: st.Name + ".repl.properties", Where: st.Place.Database + ".repl.properties on " + st.Place.Host, Body: b.String()})
	}
	return out
}
