package hana

import (
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// stepServices starts sapstartsrv where it is down: nothing can be stopped or
// proven without it.
func (p *planner) stepServices(ph dr.Phase, site string) {
	pl := p.place(site)
	for i, v := range p.rs[site].Processes {
		if v.NoService && i < len(pl.Hosts) {
			p.add(ph, startService.Step(kit.At{
				Phase: ph, Slug: "service-" + pl.Hosts[i].Host, Site: site, Title: "Start sapstartsrv on " + pl.Hosts[i].Host, Timeout: shortStep,
				Why: "without it HANA can neither be stopped nor be proven to be stopped; it starts no database",
			}, serviceArgs{On: pl, Host: pl.Hosts[i].Host}))
		}
	}
}

// stepStop stops a site on every host.
func (p *planner) stepStop(ph dr.Phase, site, other, why string) {
	a := systemArgs{On: p.place(site), Other: p.place(other), For: why}
	at := kit.At{Phase: ph, Slug: "stop-" + site, Site: site, Title: "Stop HANA on every host of " + site, Timeout: p.s.set.Timeouts.Stop}
	switch why {
	case forFence:
		at.Why, at.StopsClients = "it must not take writes when "+other+" becomes primary", true
	case forHandover:
		at.Why, at.StopsClients = "the clean stop ships the rest of the log to "+other, true
	default:
		at.Why = "only a stopped system can be registered"
	}
	if why != forRegister {
		u := startSystem.Step(kit.At{
			Phase: ph, Slug: "undo-stop-" + site, Site: site, Title: "Start " + site + " again as primary", Timeout: p.s.set.Timeouts.Start,
			Why: "only while " + other + " is proven not to have taken over",
		}, systemArgs{On: a.On, Other: a.Other, For: forUndo})
		at.Undo = &u
	}
	p.add(ph, stopSystem.Step(at, a))
}

// stepProveStopped only reads.
func (p *planner) stepProveStopped(ph dr.Phase, site, other, why string) {
	p.add(ph, proveStopped.Step(kit.At{Phase: ph, Slug: "prove-stopped-" + site, Site: site, Title: "Prove that " + site + " is stopped on every host", Timeout: 5 * time.Minute},
		systemArgs{On: p.place(site), Other: p.place(other), For: why}))
}

func (p *planner) stepStart(ph dr.Phase, site, other, why string) {
	title := "Start " + site + " as a secondary of " + other
	if why == forPromoted {
		title = "Start " + site
	}
	p.add(ph, startSystem.Step(kit.At{Phase: ph, Slug: "start-" + site, Site: site, Title: title, Timeout: p.s.set.Timeouts.Start},
		systemArgs{On: p.place(site), Other: p.place(other), For: why}))
}

// stepAutostart keeps an old primary from starting at boot; it gives the hosts
// whose profile is changed.
func (p *planner) stepAutostart(ph dr.Phase, site string) {
	hosts := p.autostarts(site)
	if len(hosts) == 0 {
		return
	}
	on := p.place(site)
	u := setAutostartAction.Step(kit.At{Phase: ph, Slug: "undo-autostart-" + site, Site: site, Title: "Let " + site + " start at boot again", Timeout: shortStep},
		autostartArgs{On: on, Value: "1", Hosts: hosts})
	p.add(ph, setAutostartAction.Step(kit.At{
		Phase: ph, Slug: "autostart-" + site, Site: site, Title: "Keep " + site + " from starting at boot", Timeout: shortStep, Undo: &u,
		Why: "after the takeover a boot of its hosts would bring up a second primary",
	}, autostartArgs{On: on, Value: "0", Hosts: hosts}))
}

// autostarts are the hosts of a site that start HANA at boot: by the record
// when there is one of this run, for the step itself changes what is read.
func (p *planner) autostarts(site string) []string {
	if b := p.record(""); len(p.in.Finished) > 0 && b != nil && p.recorded(b, site).Settings[setAutostart] == dr.Yes.String() {
		return []string{p.place(site).main().Name}
	}
	var hosts []string
	for _, h := range p.place(site).Hosts {
		if p.rs[site].Autostart[h.Name] == dr.Yes {
			hosts = append(hosts, h.Name)
		}
	}
	return hosts
}

// stepAutostartBack lets a site start at boot again, once it is a secondary.
func (p *planner) stepAutostartBack(ph dr.Phase, site string) {
	if p.recorded(p.record(""), site).Settings[setAutostart] != dr.Yes.String() {
		return
	}
	p.add(ph, setAutostartAction.Step(kit.At{
		Phase: ph, Slug: "autostart-back-" + site, Site: site, Title: "Let " + site + " start at boot again", Timeout: shortStep, Skip: dr.SkipDecision,
		Why: "it did before the takeover, and as a secondary it makes no second primary",
	}, autostartArgs{On: p.place(site), Value: "1", Hosts: []string{p.place(site).main().Name}}))
}

// stepMark tells the HA/DR provider that this run owns the system.
func (p *planner) stepMark(ph dr.Phase, site string) {
	if !p.s.set.Hook {
		return
	}
	a := markArgs{On: p.place(site), Run: p.in.RunID}
	u := removeMark.Step(kit.At{Phase: ph, Slug: "undo-mark-" + site, Site: site, Title: "Remove the mark from " + site, Timeout: shortStep}, a)
	p.add(ph, writeMark.Step(kit.At{
		Phase: ph, Slug: "mark-" + site, Site: site, Title: "Mark " + site + " as owned by this run", Timeout: shortStep, Undo: &u, Skip: dr.SkipDecision,
		Why: "the HA/DR provider refuses a takeover by hand while a procedure works, for at most 15 minutes",
	}, a))
}

func (p *planner) stepUnmark(ph dr.Phase, site string) {
	if !p.s.set.Hook {
		return
	}
	p.d.Add(ph, kit.PlaceProductAfter, removeMark.Step(kit.At{Phase: ph, Slug: "unmark-" + site, Site: site, Title: "Remove the mark from " + site, Timeout: shortStep, Skip: dr.SkipFree},
		markArgs{On: p.place(site), Run: p.in.RunID}))
}

func (p *planner) stepTakeover(ph dr.Phase, old, now, held string) {
	a := takeoverArgs{On: p.place(now), Old: p.place(old), Held: held, Takeovers: p.takeoversAt(old), Run: p.in.RunID}
	title := "Take over to " + now
	if held == heldByHandshake {
		a.Wait = int(p.s.set.MaxWriteWait / time.Second)
		title += " with handshake, which suspends " + old
	}
	p.add(ph, takeover.Step(kit.At{
		Phase: ph, Slug: "takeover", Site: now, Title: title, Timeout: p.s.set.Timeouts.Takeover,
		StopsClients: held == heldByHandshake, Why: "the point of no return: " + now + " becomes the primary",
	}, a))
}

// stepsVerify prove the new primary by role, logins and history.
func (p *planner) stepsVerify(ph dr.Phase, old, now string) {
	a := primaryArgs{On: p.place(now), Takeovers: p.takeoversAt(old)}
	p.add(ph, checkRole.Step(kit.At{Phase: ph, Slug: "check-role", Site: now, Title: "Read that " + now + " is primary and online", Timeout: 10 * time.Minute}, primaryArgs{On: a.On, Takeovers: -1}))
	p.add(ph, checkDatabases.Step(kit.At{
		Phase: ph, Slug: "check-databases", Site: now, Title: "Log in to SYSTEMDB and every tenant of " + now, Timeout: waitOpen, Skip: dr.SkipDecision,
		Why: "a takeover that reports success can leave tenants closed",
	}, primaryArgs{On: a.On, Takeovers: -1}))
	p.add(ph, checkTakeover.Step(kit.At{
		Phase: ph, Slug: "check-takeover", Site: now, Title: "Read the takeover's row of the history", Timeout: 10 * time.Minute, Skip: dr.SkipDecision,
		Why: "it is the evidence for how long the takeover took and what was lost",
	}, a))
}

// stepsFollow make a site a secondary of another one and wait until it is in
// sync. The modes come from the record.
func (p *planner) stepsFollow(ph, startPh dr.Phase, site, source, primary string, full bool, skip dr.Skip) error {
	if !p.stoppedNow(site) {
		p.stepStop(ph, site, primary, forRegister)
	} else {
		p.stepProveStopped(ph, site, primary, forRegister)
	}
	if r := p.rs[site]; r.SSFS != "" && p.rs[primary].SSFS != "" && r.SSFS != p.rs[primary].SSFS {
		p.add(ph, copySSFS.Step(kit.At{
			Phase: ph, Slug: "copy-ssfs-" + site, Site: site, Title: "Copy the secure store of " + primary + " to " + site, Timeout: 10 * time.Minute,
			Why: "the checksums differ, and a registration wants them equal; the site's own files stay beside them",
		}, ssfsArgs{On: p.place(site), From: p.place(primary), Run: p.in.RunID}))
	}
	mode, operation := p.s.secondaryAs(p.record(primary), site, source)
	if mode == "" || operation == "" {
		return dr.Refuse("no_mode", "nothing says with which replication and operation mode %s shall be a secondary of %s", site, source).
			WithNext("write replication_mode and operation_mode of %s into the inventory", site)
	}
	p.add(ph, register.Step(kit.At{
		Phase: ph, Slug: "register-" + site, Site: site, Title: "Register " + site + " at " + source + " (" + mode + ", " + operation + ")", Timeout: 30 * time.Minute, Skip: skip,
		Why: "what only " + site + " holds is given up with it",
	}, registerArgs{On: p.place(site), Source: p.place(source), Primary: p.place(primary), Mode: mode, Operation: operation, Full: full, Run: p.in.RunID}))
	p.stepStart(startPh, site, primary, forRegister)
	p.stepSync(startPh, site, primary, skip)
	return nil
}

// stoppedNow says whether a site needs no stop: this run's own stop does not
// count, so that a plan made in between gives the same steps.
func (p *planner) stoppedNow(site string) bool {
	return p.rs[site].Running() == dr.No && !p.in.Did(stopSystem.Name)
}

func (p *planner) stepSync(ph dr.Phase, site, primary string, skip dr.Skip) {
	p.add(ph, waitSync.Step(kit.At{
		Phase: ph, Slug: "wait-sync-" + site, Site: primary, Title: "Wait until every service of " + site + " is in sync with " + primary, Timeout: p.s.set.Timeouts.Sync, Skip: skip,
		Why: "whether HANA ships a full replica or a delta is measured, not assumed",
	}, syncArgs{Primary: p.place(primary), Secondary: p.place(site)}))
}

// stepsBackup back up SYSTEMDB and every tenant, each in a step of its own.
func (p *planner) stepsBackup(ph dr.Phase, on string, skip dr.Skip, why string) {
	st, _ := p.s.site(on)
	for _, db := range append([]string{systemDB}, names(st.Place.SQL.Tenants)...) {
		prefix := "switchback_" + p.in.RunID + "_" + strings.ReplaceAll(string(ph), "-", "_") + "_" + db
		if st.BackupDir != "" {
			prefix = st.BackupDir + "/" + prefix
		}
		p.add(ph, backupDatabase.Step(kit.At{
			Phase: ph, Slug: "backup-" + strings.ToLower(strings.ReplaceAll(db, "_", "-")), Site: on, Title: "Back up " + db + " on " + on, Timeout: p.s.set.Timeouts.Backup, Skip: skip, Why: why,
		}, backupArgs{On: st.Place, Database: db, Prefix: prefix}))
	}
}
