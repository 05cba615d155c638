package openedge

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// seedArgs take the backup that a target is made of.
type seedArgs struct {
	Source  Place    `json:"source"`
	Target  Place    `json:"target"`
	File    string   `json:"file"`
	Options []string `json:"options,omitempty"`
	Run     string   `json:"run"`
}

var seedOption = regexp.MustCompile(`^(-REPLTargetCreation|-verbose|-com|-thread|-threadnum|[0-9]{1,2})$`)

func (a seedArgs) check() error {
	for _, o := range a.Options {
		if err := kit.Match(seedOption, "option", o); err != nil {
			return err
		}
	}
	return kit.Checks(a.Source.Check(), a.Target.Check(), pathOK(a.File), kit.Match(kit.RunID, "run", a.Run))
}

// seedScript removes what a broken attempt left, takes the backup and keeps
// three proofs beside it: what the tool printed, what the log says since, and
// the date that the database's description has afterwards. $1 DLC, $2 database,
// $3 file, then options.
const seedScript = `umask 077; dlc=$1; db=$2; f=$3; shift 3; rm -f "$f" "$f.out" "$f.log" "$f.date" "$f".sum-* "$f.verify"
pos=$(($(wc -c <"$db.lg") + 1)); : >"$f.begun"
"$dlc/bin/probkup" online "$db" "$f" "$@" >"$f.out.part" 2>&1 </dev/null; rc=$?; tail -n 40 "$f.out.part"
tail -c +$pos "$db.lg" | grep -E '\((1361|1362|1363|1364|10440|11696|10504)\)' | cut -c 1-300 >"$f.log"
timeout 60 "$dlc/bin/proutil" "$db" -C describe </dev/null 2>/dev/null | grep -E 'Last (Full|Incremental) Backup' >"$f.date"
echo "size $(stat -c %s "$f" 2>/dev/null || echo 0)" >>"$f.date"; mv "$f.out.part" "$f.out"; exit $rc`

func (a seedArgs) look() look {
	l := pair(a.Source, a.Target)[0]
	l.Files = []string{a.File, a.File + ".out", a.File + ".log", a.File + ".date"}
	return l
}

// seed backs the source up online, as a seed for its target.
var seed = kit.Spec[seedArgs]{
	Name: "openedge.seed_backup",
	Kind: dr.KindChange,
	Doc: "probkup online, with -REPLTargetCreation where the inventory says so. From here no other backup may run until the target is in step, and AI extents stay locked. Success is (3740) in the output, " +
		"and (1362) with (1364) of the same process in the log. Manual: OpenEdge Replication, \"Perform an online backup\"; Database Management, \"PROBKUP utility\".",
	Check: seedArgs.check,
	Commands: func(a seedArgs) []dr.Command {
		return []dr.Command{a.Source.script(seedScript, append([]string{a.Source.DLC, a.Source.Database, a.File}, a.Options...)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a seedArgs) kit.Effect {
		return probeOn(ctx, env, a.look(), func(r Reading) kit.Effect {
			e := a.judge(r)
			if e.State == kit.EffectNotDone {
				e.Progress = a.Source.progress(ctx, env, "backing up "+a.Source.Site, a.File, a.Source.Database, a.File+".begun")
			}
			return e
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a seedArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].process("probkup") {
				return kit.No("another backup of %s is running", a.Source.Site)
			}
			if r[1].AcceptsWrites() != dr.No {
				return kit.No("%s may take updates: %s", a.Target.Site, summary(r[1]))
			}
			return a.Source.isSource(r[0])
		}, look{On: a.Source}, look{On: a.Target})
	},
	Interpret: func(a seedArgs, j kit.Job) error { return a.interpret(j) },
	ProofText: func(a seedArgs) string {
		return a.File + ".out has (3740), and the log of " + a.Source.Site + " has (1362) and then (1364) of the same process"
	},
	GuardText: func(a seedArgs) string {
		return a.Source.Site + " is an open source and no probkup runs there; " + a.Target.Site + " takes no updates"
	},
	Settle: 2 * time.Second,
}

func (a seedArgs) judge(r Reading) kit.Effect {
	out, log := r.Files[a.File+".out"], r.Files[a.File+".log"]
	switch {
	case r.Exists != dr.Yes:
		return kit.NotKnown("%s: %s", a.Source.Site, summary(r))
	case !out.Exists:
		return kit.NotDone("the backup %s is not complete", a.File)
	case !hasNumber(out.Lines, 3740):
		return kit.NotDone("the backup %s ended without (3740): %s", a.File, lastOf(out.Lines...))
	case !logLines(parseLog(log.Lines)).whole(msgFullStart, msgFullDone):
		return kit.NotDone("the log of %s does not say that the backup was completed (1362, 1364)", a.Source.Site)
	}
	if err := sameBackupDate(r, a.File, a.Source.Site); err != nil {
		return kit.NotDone("the backup %s is worth nothing any more: %s", a.File, err.Error())
	}
	if size := "size " + strconv.FormatInt(r.Files[a.File].Bytes, 10); !slices.Contains(r.Files[a.File+".date"].Lines, size) {
		return kit.NotDone("the backup %s has not the size any more that it had when it ended (now %s)", a.File, size)
	}
	return kit.Done("the backup %s is complete: (3740), and (1364) in the log", a.File)
}

func (a seedArgs) interpret(j kit.Job) error {
	lines := strings.Split(j.Stdout, "\n")
	switch {
	case hasNumber(lines, 3740):
		return nil
	case hasNumber(lines, 10440) || hasNumber(lines, 11696) || hasNumber(lines, 10504):
		return dr.Hold("seed_refused", "%s refuses the backup, because an earlier seed was not used up: %s", a.Source.Site, lastOf(j.Stdout)).
			WithNext("terminate the replication server of %s, take its repl.recovery away, then retry", a.Source.Site)
	}
	return dr.Hold("backup_failed", "the backup of %s is not complete (exit code %d): %s", a.Source.Site, j.Exit, lastOf(j.Stdout)).
		WithNext("remove the cause (room in %s, user slots, a running backup), then retry", a.Source.Spool)
}

// hasNumber says whether a line ends with a message number.
func hasNumber(lines []string, number int) bool {
	tail := "(" + strconv.Itoa(number) + ")"
	for _, l := range lines {
		if strings.HasSuffix(strings.TrimSpace(l), tail) {
			return true
		}
	}
	return false
}

// sameBackupDate says what is wrong when another backup, full or incremental,
// was taken after the seed: the database's description then has another date.
func sameBackupDate(r Reading, file string, site string) error {
	f := r.Files[file+".date"]
	if !f.Exists || len(f.Lines) == 0 {
		return kit.No("the date of the seed is not kept beside %s", file)
	}
	full := false
	for _, l := range f.Lines {
		label, value, _ := strings.Cut(l, ":")
		value = dr.Clip(strings.TrimSpace(value), 80)
		switch strings.TrimSpace(label) {
		case "Last Full Backup Date":
			full = true
			if value != r.Describe.LastFull {
				return anotherBackupError(site)
			}
		case "Last Incremental Backup":
			if value != r.Describe.LastIncremental {
				return anotherBackupError(site)
			}
		}
	}
	if !full {
		return kit.No("the date of the seed was not recognised")
	}
	return nil
}

// progressScript: $1 what grows, $2 what it grows to: a file or a database
// without .db, $3 what was made at the beginning.
const progressScript = `echo ok; size() { if [ -e "$1" ]; then stat -c %s "$1"; else du -cb "$1".db "$1".[abdt][0-9]* 2>/dev/null | awk 'END { print $1 + 0 }'; fi; }
size "$1"; size "$2"; now=$(date +%s); echo $((now - $(stat -c %Y "$3" 2>/dev/null || echo "$now"))); echo end`

// readProgressScript: $1 a file, $2 where the number of the process that reads
// it stands. Linux tells how far a process has read; a wrapper's children count.
const readProgressScript = `echo ok; pid=$(cat "$2" 2>/dev/null); at=0
case $pid in ''|*[!0-9]*) ;; *)
	for p in $pid $(ps -o pid= --ppid "$pid" 2>/dev/null); do for fd in /proc/"$p"/fd/*; do
		[ "$fd" -ef "$1" ] || continue
		n=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$p/fdinfo/${fd##*/}" 2>/dev/null); if [ "${n:-0}" -gt "$at" ]; then at=$n; fi
	done; done ;;
esac
echo "$at"; stat -c %s "$1"; now=$(date +%s); echo $((now - $(stat -c %Y "$2" 2>/dev/null || echo "$now"))); echo end`

// readProgress tells how far a command has read a file.
func (p Place) readProgress(ctx context.Context, env kit.Env, what, file, pid string) *kit.Progress {
	return p.told(ctx, env, what, p.script(readProgressScript, file, pid))
}

// progress tells how far a command is that writes a file.
func (p Place) progress(ctx context.Context, env kit.Env, what, grows, to, since string) *kit.Progress {
	return p.told(ctx, env, what, p.script(progressScript, grows, to, since))
}

// told tells how far a long command is, in per cent and with the time left at
// the speed so far; nil when it cannot be read. The command answers with what is
// done, with all there is, and with the seconds since it began.
func (p Place) told(ctx context.Context, env kit.Env, what string, c dr.Command) *kit.Progress {
	out, err := p.query(ctx, env, c)
	if err != nil || len(out) != 3 {
		return nil
	}
	done, err1 := strconv.ParseInt(out[0], 10, 64)
	total, err2 := strconv.ParseInt(out[1], 10, 64)
	took, err3 := strconv.ParseInt(out[2], 10, 64)
	if kit.Checks(err1, err2, err3) != nil || done < 0 || total <= 0 {
		return nil
	}
	done = min(done, total)
	g := &kit.Progress{Done: done, Total: total, At: env.Now()}
	g.Text = fmt.Sprintf("%s: %s of about %s, %d %%", what, dr.ByteText(done), dr.ByteText(total), done*100/total)
	if done > 0 && took > 0 {
		left := time.Duration(float64(took) * float64(total-done) / float64(done) * float64(time.Second)).Round(time.Second)
		g.Left = dr.Duration(left)
		g.Text += ", about " + left.String() + " left"
	}
	return g
}
