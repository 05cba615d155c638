package postgres

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// backupArgs are the arguments of a base backup.
type backupArgs struct {
	// On is the host that receives the copy.
	On       Place  `json:"on"`
	Source   Place  `json:"source"`
	Dir      string `json:"dir"`
	Conninfo string `json:"conninfo"`
	Slot     string `json:"slot"`
	Name     string `json:"name"`
}

func (a backupArgs) check() error {
	if !kit.PlainPath(a.Dir) {
		return fmt.Errorf("the directory %q is no plain absolute path", dr.Clip(a.Dir, 80))
	}
	return kit.Checks(a.On.Check(), a.Source.known(), kit.Match(conninfoText, "connection", a.Conninfo), kit.Match(slotName, "slot", a.Slot), kit.Match(appName, "name", a.Name))
}

// backupScript moves a partial copy of a killed attempt aside and takes the
// copy. $1 bin, $2 directory, $3 connection, $4 slot.
const backupScript = `set -e; umask 077; if [ -e "$2" ] && [ ! -e "$2/backup_manifest" ]; then mv "$2" "$2.partial-$(date +%s)"; fi
exec "$1/pg_basebackup" -D "$2" -d "$3" -X stream -c fast -S "$4" --manifest-checksums=SHA256 -P`

// baseBackup takes the copy on the host that needs it, over the replication
// protocol: no second transfer can damage it.
var baseBackup = kit.Spec[backupArgs]{
	Name:  "postgres.base_backup",
	Kind:  dr.KindChange,
	Doc:   "pg_basebackup of the primary into the backup directory of the host that will use it, with the log that it needs and a manifest of SHA-256 sums. The manifest is written last: its presence means that the copy is complete.",
	Check: backupArgs.check,
	Commands: func(a backupArgs) []dr.Command {
		return []dr.Command{a.On.script(backupScript, a.On.Bin, a.Dir, a.Conninfo, a.Slot)}
	},
	Probe: func(ctx context.Context, env kit.Env, a backupArgs) kit.Effect {
		e := a.On.hasMark(ctx, env, a.Dir+"/backup_manifest")
		if e.State == kit.EffectDone {
			return e
		}
		// The copy was already put in place by this run.
		if used := a.On.hasMark(ctx, env, a.Dir+".used"); used.State == kit.EffectDone {
			return kit.Done("the copy was taken and is in place already")
		}
		e.Progress = a.progress(ctx, env)
		return e
	},
	Guard: func(ctx context.Context, env kit.Env, a backupArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if err := a.Source.isPrimary(r[1]); err != nil {
				return err
			}
			if r[0].AcceptsWrites() != dr.No {
				return kit.No("%s may accept writes: %s", a.On.Site, summary(r[0]))
			}
			return nil
		}, a.On, a.Source)
	},
	Interpret: func(a backupArgs, j kit.Job) error {
		if j.Exit == 0 {
			return nil
		}
		return dr.Hold("base_backup", "the base backup of %s onto %s ended with exit code %d: %s", a.Source.Site, a.On.Host, j.Exit, dr.Clip(lastOf(j.Stderr), 250)).
			WithNext("remove the cause (rights, pg_hba.conf, disk, slot in use), then retry")
	},
	ProofText: func(a backupArgs) string { return a.Dir + "/backup_manifest exists" },
	GuardText: func(a backupArgs) string { return a.Source.Site + " is primary; " + a.On.Site + " accepts no writes" },
}

func (a backupArgs) progress(ctx context.Context, env kit.Env) *kit.Progress {
	out, err := a.Source.query(ctx, env, a.Source.psql("select coalesce(sum(backup_streamed), 0)::bigint, coalesce(sum(backup_total), 0)::bigint from pg_stat_progress_basebackup"))
	if err != nil {
		return nil
	}
	f, ok := fields(out, 2)
	if !ok {
		return nil
	}
	done, err1 := strconv.ParseInt(f[0], 10, 64)
	total, err2 := strconv.ParseInt(f[1], 10, 64)
	if err1 != nil || err2 != nil {
		return nil
	}
	return &kit.Progress{Text: fmt.Sprintf("copying %s: %s of about %s", a.Source.Site, dr.ByteText(done), dr.ByteText(total)), Done: done, Total: total, At: env.Now()}
}

// verifyArgs name a copy.
type verifyArgs struct {
	On  Place  `json:"on"`
	Dir string `json:"dir"`
}

// verifyComplaint is how the program names what is wrong with a copy.
var verifyComplaint = regexp.MustCompile(`(?m)^pg_verifybackup: error: (.+)$`)

// verifyBackup proves on the target host that every file arrived.
var verifyBackup = kit.Spec[verifyArgs]{
	Name: "postgres.verify_backup",
	Kind: dr.KindChange,
	Doc:  "pg_verifybackup on the host that will use the copy: every file of the manifest is there with its SHA-256 sum, and the log that it needs can be read. Before the first start, which changes files.",
	Check: func(a verifyArgs) error {
		if !kit.PlainPath(a.Dir) {
			return fmt.Errorf("the directory %q is no plain absolute path", dr.Clip(a.Dir, 80))
		}
		return a.On.Check()
	},
	Commands: func(a verifyArgs) []dr.Command {
		return []dr.Command{a.On.marked(a.Dir+".verified/ok", dr.Command{Argv: []string{a.On.Bin + "/pg_verifybackup", a.Dir}, Env: []string{"LC_ALL=C"}})}
	},
	Probe: func(ctx context.Context, env kit.Env, a verifyArgs) kit.Effect {
		return a.On.hasMark(ctx, env, a.Dir+".verified/ok")
	},
	Guard: func(ctx context.Context, env kit.Env, a verifyArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func([]Reading) error {
			if e := a.On.hasMark(ctx, env, a.Dir+"/backup_manifest"); e.State != kit.EffectDone {
				return kit.No("the copy has no manifest: %s", e.Text)
			}
			return nil
		}, a.On)
	},
	Interpret: func(a verifyArgs, j kit.Job) error {
		if j.Exit == 0 {
			return nil
		}
		said := j.Stderr + "\n" + j.Stdout
		complaint := verifyComplaint.FindStringSubmatch(said)
		if j.Exit != 1 || complaint == nil {
			return dr.Hold("not_verified", "the verification of the copy in %s on %s gave no verdict (exit code %d): %s", a.Dir, a.On.Host, j.Exit, dr.Clip(cmp.Or(lastOf(said), "no output"), 250)).
				WithNext("nothing is known of the copy yet: retry")
		}
		return dr.HoldReplan("damaged_copy", "the copy in %s on %s is damaged: %s", a.Dir, a.On.Host, dr.Clip(complaint[1], 250)).WithNext("move the copy away and replan from the backup")
	},
	ProofText: func(a verifyArgs) string { return "pg_verifybackup " + a.Dir + " says: backup successfully verified" },
	GuardText: func(a verifyArgs) string { return a.Dir + "/backup_manifest exists" },
}
