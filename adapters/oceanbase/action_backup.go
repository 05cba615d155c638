package oceanbase

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// backupArgs are the arguments of archive and backup.
type backupArgs struct {
	On Place `json:"on"`
	// ArchiveDest and Dest are URIs without keys; Key is the credential of
	// an object store's keys.
	ArchiveDest string `json:"archive_dest"`
	Dest        string `json:"dest"`
	Key         string `json:"key,omitempty"`
	// After is the highest backup job before this run.
	After int64 `json:"after"`
}

func (a backupArgs) check() error {
	err := kit.Checks(a.On.known(), kit.Match(destination, "archive destination", a.ArchiveDest), kit.Match(destination, "backup destination", a.Dest))
	if a.Key != "" {
		err = kit.Checks(err, dr.CheckName("credential", a.Key))
	}
	if a.After < 0 {
		err = kit.Checks(err, fmt.Errorf("the job %d is no number of a job", a.After))
	}
	return err
}

func (a backupArgs) archiving() []statement {
	return []statement{
		statement("ALTER SYSTEM SET LOG_ARCHIVE_DEST = " + quoteText("LOCATION="+withKey(a.ArchiveDest, a.Key)) + a.On.of()),
		statement("ALTER SYSTEM ARCHIVELOG" + a.On.of()),
	}
}

func (a backupArgs) backing() []statement {
	return []statement{
		statement("ALTER SYSTEM SET DATA_BACKUP_DEST = " + quoteText(withKey(a.Dest, a.Key)) + a.On.of()),
		statement("ALTER SYSTEM BACKUP" + a.On.of()),
	}
}

func (p Place) commands(qs []statement) []dr.Command {
	var out []dr.Command
	for _, q := range qs {
		out = append(out, p.command(q)...)
	}
	return out
}

// guard: only the primary at rest is archived and backed up.
func (a backupArgs) guard(ctx context.Context, env kit.Env) (kit.HostTime, error) {
	r, err := a.On.look(ctx, env, partTenant)
	if err == nil && !r.Tenant.is(rolePrimary) {
		err = kit.No("%s is not the primary at rest: %s", a.On.Site, r.summary())
	}
	return 0, err
}

func (a backupArgs) runAll(ctx context.Context, env kit.Env, what string, qs []statement) error {
	for _, q := range qs {
		if err := a.On.run(ctx, env, what, q, a.On.isMine); err != nil {
			return err
		}
	}
	return nil
}

func (a backupArgs) guardText() string { return a.On.Site + " is PRIMARY, NORMAL, NORMAL" }

var startArchive = kit.Spec[backupArgs]{
	Name: "oceanbase.start_archive", Kind: dr.KindChange,
	Doc:      "ALTER SYSTEM SET LOG_ARCHIVE_DEST and ARCHIVELOG: the log from now on is kept in the archive, which a restored standby needs. It stays on afterwards. Manual: backup and restore, log archiving.",
	Check:    backupArgs.check,
	Commands: func(a backupArgs) []dr.Command { return a.On.commands(a.archiving()) },
	Probe: func(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partArchive)
		switch {
		case err != nil:
			return notRead(err)
		case r.Archive == nil:
			return kit.NotKnown("the log archive of %s was not read: %s", a.On.Site, kit.OrNotRead(r.Unread["archive"]))
		case r.Archive.Status == "BEGINNING" || r.Archive.Status == "DOING":
			return kit.Done("the log archive of %s is %s", a.On.Site, r.Archive.Status)
		}
		return kit.NotDone("the log archive of %s is %s", a.On.Site, r.Archive.Status)
	},
	Guard: func(ctx context.Context, env kit.Env, a backupArgs) (kit.HostTime, error) { return a.guard(ctx, env) },
	Act: func(ctx context.Context, env kit.Env, a backupArgs) error {
		return a.runAll(ctx, env, "ARCHIVELOG", a.archiving())
	},
	Lock: settingLock, ActWithin: sqlWithin, Settle: 5 * time.Second,
	ProofText: func(a backupArgs) string {
		return a.On.view("STATUS", "CDB_OB_ARCHIVELOG") + " at " + a.On.Site + " gives BEGINNING or DOING"
	},
	GuardText: backupArgs.guardText,
}

var waitArchive = kit.Spec[backupArgs]{
	Name: "oceanbase.wait_archive", Kind: dr.KindRead,
	Doc:      "Waits until the log archive is DOING. INTERRUPTED needs a person.",
	Check:    backupArgs.check,
	Commands: func(a backupArgs) []dr.Command { return a.On.reading("STATUS, PATH", "CDB_OB_ARCHIVELOG") },
	Probe: func(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partArchive)
		if err != nil {
			return notRead(err)
		}
		if r.Archive == nil {
			return kit.NotKnown("the log archive of %s was not read: %s", a.On.Site, kit.OrNotRead(r.Unread["archive"]))
		}
		e := progress(env, "the log archive of %s is %s", a.On.Site, r.Archive.Status)
		switch r.Archive.Status {
		case "DOING":
			if r.Archive.Path != "" && !strings.Contains(r.Archive.Path, withoutKeys(a.ArchiveDest)) {
				e.Never = dr.HoldReplan("archive_path", "%s archives to %s, the inventory says %s", a.On.Site, r.Archive.Path, a.ArchiveDest).
					WithNext("correct archive_dest of %s in the inventory; then replan", a.On.Site)
				return e
			}
			return kit.Done("the log archive of %s is DOING", a.On.Site)
		case "INTERRUPTED", "SUSPEND":
			e.Never = dr.Hold("archive", "the log archive of %s is %s", a.On.Site, r.Archive.Status).WithNext("see to the archive's storage and start it again; then retry")
		}
		return e
	},
	ProofText: func(a backupArgs) string { return a.On.view("STATUS", "CDB_OB_ARCHIVELOG") + " gives DOING" },
	Poll:      time.Second,
}

// job is the state of the newest backup job after a number.
func (a backupArgs) job(ctx context.Context, env kit.Env) (kit.Effect, string) {
	s, err := a.On.open(ctx, env, readPatience)
	if err != nil {
		return notRead(err), ""
	}
	defer s.close()
	r, err := s.read(ctx, partTenant)
	if err == nil {
		err = a.On.isMine(r)
	}
	if err != nil {
		return notRead(err), ""
	}
	for _, view := range []string{"CDB_OB_BACKUP_JOB_HISTORY", "CDB_OB_BACKUP_JOBS"} {
		cols := "JOB_ID, STATUS"
		if view == "CDB_OB_BACKUP_JOB_HISTORY" {
			cols += ", RESULT"
		}
		rows, err := s.query(ctx, a.On.view(cols, view))
		if err != nil {
			return notRead(err), ""
		}
		for _, v := range rows {
			c := &columns{r: v}
			id, status := c.number("JOB_ID"), c.word("STATUS")
			if c.err != nil {
				return kit.NotKnown("the backup jobs of %s are not recognised: %v", a.On.Site, c.err), ""
			}
			if id > a.After {
				e := kit.Done("backup job %d of %s: %s", id, a.On.Site, status)
				if status == "COMPLETED" && v["RESULT"] != "0" {
					status = "COMPLETED with result " + kit.OrNotRead(clip(v["RESULT"], 20))
				}
				return e, status
			}
		}
	}
	return kit.NotDone("no backup job of %s after number %d", a.On.Site, a.After), ""
}

var backup = kit.Spec[backupArgs]{
	Name: "oceanbase.backup", Kind: dr.KindChange,
	Doc:      "ALTER SYSTEM SET DATA_BACKUP_DEST and BACKUP TENANT: starts a full backup of the primary. Its job has a number above those that were there when the plan was made. Manual: backup and restore, data backup.",
	Check:    backupArgs.check,
	Commands: func(a backupArgs) []dr.Command { return a.On.commands(a.backing()) },
	Probe: func(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
		e, _ := a.job(ctx, env)
		return e
	},
	Guard: func(ctx context.Context, env kit.Env, a backupArgs) (kit.HostTime, error) { return a.guard(ctx, env) },
	Act: func(ctx context.Context, env kit.Env, a backupArgs) error {
		return a.runAll(ctx, env, "BACKUP", a.backing())
	},
	ActWithin: 20 * time.Second,
	Settle:    5 * time.Second,
	ProofText: func(a backupArgs) string {
		return a.On.view("JOB_ID, STATUS", "CDB_OB_BACKUP_JOBS") + fmt.Sprintf(" or CDB_OB_BACKUP_JOB_HISTORY has a job above %d", a.After)
	},
	GuardText: backupArgs.guardText,
}

var waitBackup = kit.Spec[backupArgs]{
	Name: "oceanbase.wait_backup", Kind: dr.KindRead,
	Doc:   "Waits until the backup job stands in the history as COMPLETED with RESULT 0. That its progress row has vanished is no success.",
	Check: backupArgs.check,
	Commands: func(a backupArgs) []dr.Command {
		return a.On.reading("JOB_ID, STATUS, RESULT", "CDB_OB_BACKUP_JOB_HISTORY")
	},
	Probe: func(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
		e, status := a.job(ctx, env)
		switch {
		case e.State == kit.EffectUnknown || status == "COMPLETED":
			return e
		case strings.HasPrefix(status, "FAIL"), strings.HasPrefix(status, "CANCEL"), strings.HasPrefix(status, "COMPLETED"):
			f := progress(env, "%s", e.Text)
			f.Never = dr.HoldReplan("backup_failed", "the backup of %s ended as %s", a.On.Site, status).WithNext("read COMMENT in CDB_OB_BACKUP_JOB_HISTORY; then replan")
			return f
		}
		return progress(env, "%s", e.Text)
	},
	ProofText: func(a backupArgs) string {
		return fmt.Sprintf("CDB_OB_BACKUP_JOB_HISTORY has a job above %d with STATUS COMPLETED and RESULT 0", a.After)
	},
	Poll: time.Second,
}
