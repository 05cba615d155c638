package hana

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// backupArgs are the arguments of one database's backup.
type backupArgs struct {
	On       Place  `json:"on"`
	Database string `json:"database"`
	// Prefix carries the run, so that a backup of last week does not count; it
	// is a path, or a name in HANA's own backup directory.
	Prefix string `json:"prefix"`
}

func (a backupArgs) statement() string {
	of := ""
	if a.Database != systemDB {
		of = "FOR " + a.Database + " "
	}
	return "BACKUP DATA " + of + "USING FILE (" + kit.SQLText(a.Prefix) + ")"
}

// schema is where SYSTEMDB shows the catalogue of the database.
func (a backupArgs) catalogue() (ours, running string) {
	in, where := "", ""
	if a.Database != systemDB {
		in, where = "SYS_DATABASES.", " AND DATABASE_NAME = "+kit.SQLText(a.Database)
	}
	ours = "SELECT BACKUP_ID FROM " + in + "M_BACKUP_CATALOG_FILES WHERE DESTINATION_PATH LIKE " + kit.SQLText("%"+a.Prefix+"%") + where
	running = "SELECT BACKUP_ID, STATE_NAME, ENTRY_TYPE_NAME, UTC_START_TIME, UTC_END_TIME, MESSAGE FROM " + in + "M_BACKUP_CATALOG WHERE ENTRY_TYPE_NAME = 'complete data backup'" + where
	return ours, running
}

// backupDatabase takes a full data backup of one database.
var backupDatabase = kit.Spec[backupArgs]{
	Name: "hana.backup",
	Kind: dr.KindChange,
	Doc:  "BACKUP DATA ... USING FILE through SYSTEMDB, under a prefix of this run. Ending the connection does not end the statement: a running backup is followed in M_BACKUP_PROGRESS and M_BACKUP_CATALOG, and never started a second time. SR Guide: a full backup before a registration and after a takeover.",
	Check: func(a backupArgs) error {
		if !sqlName.MatchString(a.Database) {
			return fmt.Errorf("the database %q is not allowed", dr.Clip(a.Database, 40))
		}
		if !plainPath.MatchString("/" + strings.TrimPrefix(a.Prefix, "/")) {
			return fmt.Errorf("the prefix %q is not allowed", dr.Clip(a.Prefix, 80))
		}
		return a.On.Check()
	},
	Commands: func(a backupArgs) []dr.Command {
		return []dr.Command{{Host: a.On.Site + "/" + systemDB, SQL: a.statement()}}
	},
	Probe: probeBackup,
	Guard: func(ctx context.Context, env kit.Env, a backupArgs) (kit.HostTime, error) {
		r, at, err := a.On.brief(ctx, env, partState, partConfig)
		if err != nil {
			return 0, err
		}
		if err := a.On.isOpen(ctx, env, r); err != nil {
			return 0, err
		}
		if n, err := a.runningNow(ctx, env); err != nil || n > 0 {
			if err == nil {
				err = kit.No("%d data backups of %s are running on %s", n, a.Database, a.On.Site).WithNext("wait for their end, then retry")
			}
			return 0, err
		}
		return at, nil
	},
	// No Lock: HANA itself keeps nobody from a second backup, so that a new
	// attempt outwaits the one before.
	Act: actBackup,
	ProofText: func(a backupArgs) string {
		return "M_BACKUP_CATALOG has a successful complete data backup of " + a.Database + " whose files begin with " + a.Prefix
	},
	GuardText: func(a backupArgs) string {
		return a.On.Site + " is the primary and open, and no data backup of " + a.Database + " is running"
	},
	Poll: time.Second,
}

// view runs a query of the catalogue where it is visible: in SYSTEMDB's
// collection, or else in the tenant itself.
func (a backupArgs) view(ctx context.Context, env kit.Env, query string) (answer, error) {
	rows, err := a.On.ask(ctx, env, systemDB, query)
	if err == nil || a.Database == systemDB || dr.AsError(err, "sql").Code != "sql" {
		return rows, err
	}
	own := strings.ReplaceAll(strings.ReplaceAll(query, "SYS_DATABASES.", ""), " AND DATABASE_NAME = "+kit.SQLText(a.Database), "")
	return a.On.ask(ctx, env, a.Database, own)
}

func (a backupArgs) runningNow(ctx context.Context, env kit.Env) (int, error) {
	_, query := a.catalogue()
	rows, err := a.view(ctx, env, query)
	n := 0
	for _, r := range rows {
		if r["STATE_NAME"] == "running" {
			n++
		}
	}
	return n, err
}

// probeBackup follows this run's backup to its end while it runs.
func probeBackup(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
	for {
		e, running := a.look(ctx, env)
		if !running {
			return e
		}
		if e.Progress != nil && env.Progress != nil {
			env.Progress(*e.Progress)
		}
		if env.Sleep(ctx, time.Second) != nil {
			return e
		}
	}
}

func (a backupArgs) look(ctx context.Context, env kit.Env) (e kit.Effect, running bool) {
	r, _, err := a.On.brief(ctx, env, partState)
	if err != nil {
		return notRead(a.On, err), false
	}
	if r.State.Mode != "primary" {
		return kit.NotDone("%s is no primary: %s", a.On.Site, summary(r)), false
	}
	ours, all := a.catalogue()
	files, err := a.view(ctx, env, ours)
	if err != nil {
		return notRead(a.On, err), false
	}
	rows, err := a.view(ctx, env, all)
	if err != nil {
		return notRead(a.On, err), false
	}
	mine := map[string]bool{}
	for _, f := range files {
		mine[f["BACKUP_ID"]] = true
	}
	failed := ""
	for _, v := range rows {
		switch {
		case v["STATE_NAME"] == "running":
			e := kit.NotKnown("a data backup of %s is running on %s since %s", a.Database, a.On.Site, v["UTC_START_TIME"])
			e.Progress = &kit.Progress{Text: e.Text + a.shipped(ctx, env), At: env.Now()}
			return e, true
		case mine[v["BACKUP_ID"]] && v["STATE_NAME"] == "successful":
			e := kit.Done("the backup %s of %s is successful (%s to %s, UTC)", v["BACKUP_ID"], a.Database, v["UTC_START_TIME"], v["UTC_END_TIME"])
			e.Evidence = []dr.Evidence{{Name: "backup of " + a.Database, Text: "backup ID " + v["BACKUP_ID"] + ", prefix " + a.Prefix, At: env.Now()}}
			return e, false
		case mine[v["BACKUP_ID"]]:
			failed = "; the last attempt is " + v["STATE_NAME"] + ": " + dr.Clip(v["MESSAGE"], 200)
		}
	}
	return kit.NotDone("there is no successful backup of %s with the prefix %s%s", a.Database, a.Prefix, failed), false
}

// shipped tells how much of a running backup is written.
func (a backupArgs) shipped(ctx context.Context, env kit.Env) string {
	rows, err := a.On.ask(ctx, env, systemDB, "SELECT SERVICE_NAME, STATE_NAME, BACKUP_SIZE, TRANSFERRED_SIZE FROM M_BACKUP_PROGRESS")
	if err != nil || len(rows) == 0 {
		return ""
	}
	var done, total int64
	for _, r := range rows {
		var b, t int64
		_, _ = fmt.Sscan(r["BACKUP_SIZE"], &b)
		_, _ = fmt.Sscan(r["TRANSFERRED_SIZE"], &t)
		total, done = total+b, done+t
	}
	return fmt.Sprintf(": %s of %s written", dr.ByteText(done), dr.ByteText(total))
}

// backupPatience is longer than any statement of a step may take: the step's
// own time-out ends the wait.
const backupPatience = 14 * 24 * time.Hour

func actBackup(ctx context.Context, env kit.Env, a backupArgs) error {
	conn, done, err := a.On.connect(ctx, env, systemDB, backupPatience)
	if err != nil {
		return err
	}
	defer done()
	if _, err := shielded(func() (sql.Result, error) { return conn.ExecContext(ctx, a.statement()) }); err != nil {
		return sqlError(a.On, systemDB, err)
	}
	return nil
}
