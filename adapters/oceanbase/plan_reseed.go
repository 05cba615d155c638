package oceanbase

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// reseed replaces a site's tenant with a copy of the primary.
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
	p.stepWait(dr.PhaseVerify, to, prim[0], true)
	return nil
}

// oldID is the tenant that a rebuild replaces. Once this run has replaced it,
// the tenant that is there now is the new one.
func (p *planner) oldID(to string) int64 {
	if t := p.rs[to].Tenant; t != nil && !p.rebuilt() {
		return t.ID
	}
	return 0
}

// rebuilt says whether this run has made the new tenant already.
func (p *planner) rebuilt() bool {
	return p.in.Did("oceanbase.restore_tenant") || p.in.Did("oceanbase.create_standby")
}

// overwrite is the form with a copy: of a reseed, and of a failback after a
// failover.
func (p *planner) overwrite(source, to string) error {
	p.d.From, p.d.To = source, to
	r, ok := p.rs[to]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read", to).WithNext("bring an observer of it back")
	}
	if err := p.replaceable(source, to, r); err != nil {
		return err
	}
	create, err := p.byLog(source)
	if err != nil {
		return err
	}
	a, err := p.rebuild(source, to, create)
	if err != nil {
		return err
	}
	if create {
		p.d.Empty(dr.PhaseBackup, "%s still has all its log since the tenant was created: no backup is needed", source)
	} else if err := p.stepsBackup(source); err != nil {
		return err
	}
	p.d.Empty(dr.PhaseTransfer, "backup and archive lie where both clusters reach them; the log goes over the network")
	p.stepsReplace(to, source, a, create)
	p.stepsFollow(dr.PhaseTransition, dr.PhaseStartReplication, to, source, true)
	p.d.Empty(dr.PhaseSafeStop, "no temporary object is left: %s simply stays a standby", to)
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: source + " keeps everything; only the tenant at " + to + " is replaced"}
	p.d.BackTo = dr.PhaseBackup
	p.fate(source, to, a)
	return nil
}

// replaceable refuses what must not be replaced, or cannot be.
func (p *planner) replaceable(source, to string, r Reading) error {
	st, _ := p.s.site(to)
	switch {
	case p.s.set.Login == loginTenant:
		return dr.Refuse("needs_sys", "a tenant can be made only by root of sys, and %s logs in as the tenant itself", p.s.name).WithNext("set login: sys")
	case !r.Missing && r.Tenant == nil:
		return dr.Refuse("unclear", "%s: %s", to, r.summary()).WithNext("look at the tenant by hand, then start again")
	case r.accepts() == dr.Yes:
		return dr.Refuse("accepts_writes", "%s accepts writes: %s", to, r.summary()).WithNext("switch it to standby by hand when you are sure that its data may be replaced: ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = %s", st.Place.Tenant)
	case r.Tenant != nil && r.Tenant.Status == statusNormal && r.Tenant.Switchover != switchNormal && !r.Tenant.Recycled:
		return dr.Refuse("half_way", "%s is within a change of roles: SWITCHOVER_STATUS is %s", to, kit.OrNotRead(r.Tenant.Switchover)).WithNext("let the statement that was started there finish; then start anew")
	case r.Tenant != nil && r.Tenant.Status != statusNormal && !p.rebuilt():
		return dr.Refuse("not_normal", "the tenant at %s has the status %s, as a broken restore leaves it", to, r.Tenant.Status).
			WithNext("ALTER SYSTEM CANCEL RESTORE, or DROP TENANT it, at %s; then start again", to)
	case st.Pool == "":
		return dr.Refuse("no_pool", "the site %s names no resource_pool for a rebuilt tenant", to).WithNext("make a resource pool there and name it as resource_pool of %s", to)
	case !p.rs[source].Tenant.is(rolePrimary):
		return dr.Refuse("half_way", "%s is no primary at rest: %s", source, p.rs[source].summary()).WithNext("wait until its change of roles has ended")
	case p.rs[source].Version != r.Version:
		if !r.Version.least(p.rs[source].Version) {
			return dr.Refuse("older_version", "%s runs %s and %s runs %s: a copy cannot go to an older version", source, p.rs[source].Version, to, r.Version).WithNext("upgrade the cluster of %s", to)
		}
	}
	return nil
}

// byLog says whether the copy is made from the log alone.
func (p *planner) byLog(source string) (bool, error) {
	r := p.rs[source]
	all := r.complete()
	switch {
	case p.s.set.Rebuild == rebuildBackup, p.s.set.Rebuild == rebuildAuto && (all != dr.Yes || p.s.set.Source == sourceArchive || !r.Version.least(network)):
		return false, nil
	case p.s.set.Source == sourceArchive || !r.Version.least(network):
		return false, dr.Refuse("no_create", "CREATE STANDBY TENANT needs a network source and version 4.2").WithNext("set rebuild: restore")
	case all != dr.Yes:
		return false, dr.Refuse("log_gone", "%s has not all its log since the tenant was created (or it could not be read), so that CREATE STANDBY TENANT cannot work", source).WithNext("set rebuild: restore, or auto")
	}
	return true, nil
}

// rebuild gives the arguments of the replacement.
func (p *planner) rebuild(source, to string, create bool) (rebuildArgs, error) {
	st, _ := p.s.site(to)
	src, _ := p.s.site(source)
	a := rebuildArgs{On: p.place(to), Primary: p.place(source), Run: p.in.RunID, Pool: st.Pool, Zone: st.PrimaryZone, Locality: st.Locality, Old: p.oldID(to)}
	a.On.TenantID = 0
	if a.Old != 0 {
		a.Aside = aside(st.Place.Tenant, p.in.RunID)
	}
	if create {
		from := p.s.source(src)
		a.Source = &from
		return a, nil
	}
	if src.BackupDest == "" || src.ArchiveDest == "" {
		return a, dr.Refuse("no_destination", "the site %s names no backup_dest and archive_dest for a backup of its tenant", source).
			WithNext("name two paths on storage that both clusters reach")
	}
	a.Data, a.Archive, a.Key = src.BackupDest, src.ArchiveDest, p.s.set.StorageKey
	return a, nil
}

// aside is the name of a tenant that is kept; it carries the run.
func aside(tenant, run string) string {
	end := "_old_" + run
	return kit.AtMost(tenant, 63-len(end)) + end
}

// stepsBackup archives and backs the primary up.
func (p *planner) stepsBackup(source string) error {
	st, _ := p.s.site(source)
	r := p.rs[source]
	if r.Unread["backups"] != "" || r.Archive == nil {
		return dr.Refuse("backups_unread", "backups and log archive of %s could not be read: %s", source, kit.OrNotRead(r.Unread["backups"])).WithNext("let the login read CDB_OB_BACKUP_JOBS and CDB_OB_ARCHIVELOG")
	}
	a := backupArgs{On: p.place(source), ArchiveDest: st.ArchiveDest, Dest: st.BackupDest, Key: p.s.set.StorageKey, After: r.LastBackup}
	ph := dr.PhaseBackup
	if s := r.Archive.Status; s != "DOING" && s != "BEGINNING" || p.in.Did("oceanbase.start_archive") {
		p.add(ph, startArchive.Step(kit.At{
			Phase: ph, Slug: "start-archive", Site: source, Title: "Archive the log of " + source + " to " + st.ArchiveDest, Timeout: 5 * time.Minute,
			Why: "a restored standby needs the log since the backup; the archive stays on afterwards",
		}, a))
	}
	p.add(ph, waitArchive.Step(kit.At{Phase: ph, Slug: "wait-archive", Site: source, Title: "Wait until the log of " + source + " is archived", Timeout: 30 * time.Minute}, a))
	p.add(ph, backup.Step(kit.At{
		Phase: ph, Slug: "backup", Site: source, Title: "Back " + source + " up to " + st.BackupDest, Timeout: 10 * time.Minute,
		Why: "the new standby is made of it",
	}, a))
	p.add(ph, waitBackup.Step(kit.At{
		Phase: ph, Slug: "wait-backup", Site: source, Title: "Wait until the backup of " + source + " is complete", Timeout: 24 * time.Hour,
		Why: "that the job has vanished from the progress view is no success: the history says it",
	}, a))
	return nil
}

// stepsReplace takes the old tenant away and makes the new one.
func (p *planner) stepsReplace(to, source string, a rebuildArgs, create bool) {
	ph := dr.PhaseRestore
	if a.Old != 0 {
		u := unretire.Step(kit.At{Phase: ph, Slug: "undo-retire", Site: to, Title: "Give the old tenant at " + to + " its name back", Timeout: 3 * time.Minute}, a)
		p.add(ph, retire.Step(kit.At{
			Phase: ph, Slug: "retire", Site: to, Title: "Rename the old tenant at " + to + " to " + a.Aside, Timeout: 3 * time.Minute, Undo: &u,
			Why: "its name is needed, and a tenant of this name can be told apart from every other",
		}, a))
		if p.s.set.OldTenant == oldDrop {
			p.add(ph, dropTenant.Step(kit.At{
				Phase: ph, Slug: "drop", Site: to, Title: "Drop the old tenant at " + to, Timeout: 30 * time.Minute,
				Why: "the new tenant gets its resource pool",
			}, a))
		}
	}
	if create {
		p.add(ph, createStandby.Step(kit.At{
			Phase: ph, Slug: "create-standby", Site: to, Title: "Create the standby at " + to + " from the log of " + source, Timeout: 6 * time.Hour,
			Why: source + " still has all its log since the tenant was created",
		}, a))
		return
	}
	p.add(ph, restoreTenant.Step(kit.At{
		Phase: ph, Slug: "restore", Site: to, Title: "Restore the backup of " + source + " at " + to, Timeout: 10 * time.Minute,
		Why: "its result is always a standby tenant",
	}, a))
	p.add(ph, waitRestored.Step(kit.At{Phase: ph, Slug: "wait-restored", Site: to, Title: "Wait until the tenant at " + to + " is restored", Timeout: 24 * time.Hour}, a))
}

// fate says what happens to the old tenant and what only it holds.
func (p *planner) fate(source, to string, a rebuildArgs) {
	r, n := p.rs[to], p.rs[source]
	if a.Old == 0 {
		p.d.Consequence("There is no tenant %s at %s: nothing is overwritten.", a.On.Tenant, to)
		return
	}
	if p.s.set.OldTenant == oldDrop {
		p.d.Consequence("The old %s is dropped by force: its data are gone. Export what you need of it before you approve (a hook of the inventory in phase restore does it, and must prove it, before this step).", p.tenantAt(to))
	} else {
		p.d.Consequence("The old %s is kept as %s with all its data and its resource pool, until you drop it by hand; the new one gets the pool %s.", p.tenantAt(to), a.Aside, a.Pool)
	}
	only := "what only it holds is not known"
	if e := n.LastChange; e != nil && e.Event == "FAILOVER TO PRIMARY" && e.SCN != 0 {
		end, ok := r.endSCN()
		if ok && end > e.SCN {
			only = fmt.Sprintf("its log goes on for %s after the point %s at which %s was activated: what was committed there in that time exists only there", dr.SpanText(ahead(end, e.SCN)), e.SCN, source)
		} else if ok {
			only = "its log ends before the point at which " + source + " was activated: it holds nothing that " + source + " lacks"
		}
	}
	p.d.Consequence("The old %s: %s.", p.tenantAt(to), strings.TrimSuffix(only, "."))
	p.d.Consequence("Until %s follows, %s has no standby from it.", to, source)
}
