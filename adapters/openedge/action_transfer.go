package openedge

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// sumArgs name a file whose SHA-256 is taken on one host.
type sumArgs struct {
	On   Place  `json:"on"`
	File string `json:"file"`
}

// sum is where the size and SHA-256 of a backup are kept, by site: on a shared
// device both files stand side by side.
func (p Place) sum(file string) string { return file + ".sum-" + p.Site }

var sumLine = regexp.MustCompile(`^[1-9][0-9]{0,17} [0-9a-f]{64}$`)

// sumScript: $1 file, $2 where the sum goes. The number of the process that
// reads stands beside it, so that its progress can be told.
const sumScript = `set -e; umask 077; sha256sum <"$1" >"$2.out" & echo $! >"$2.pid"; wait $!; s=$(cat "$2.out")
printf '%s %s\n' "$(stat -c %s "$1")" "${s%% *}" >"$2.part"; rm -f "$2.out" "$2.pid"; mv "$2.part" "$2"`

// readSumScript: $1 file, $2 its sum. A sum of a file of another size counts
// for nothing.
const readSumScript = `echo ok; if [ -e "$1" ]; then stat -c %s "$1"; else echo none; fi; if [ -e "$2" ]; then head -n 1 "$2"; else echo none; fi; echo end`

// readSum gives the kept sum, "" when there is none that fits the file.
func (p Place) readSum(ctx context.Context, env kit.Env, file string) (string, error) {
	out, err := p.query(ctx, env, p.sumCommand(file))
	switch {
	case err != nil:
		return "", err
	case len(out) != 2:
		return "", dr.Retry("unrecognised", "%s: the answer was not recognised", p.Site)
	case sumLine.MatchString(out[1]) && strings.HasPrefix(out[1], out[0]+" "):
		return out[1], nil
	}
	return "", nil
}

func (p Place) sumCommand(file string) dr.Command {
	return p.script(readSumScript, file, p.sum(file))
}

// hashBackup takes the SHA-256 of a whole backup where it lies.
var hashBackup = kit.Spec[sumArgs]{
	Name:     "openedge.hash_backup",
	Kind:     dr.KindChange,
	Doc:      "Takes the SHA-256 of the backup on the host, after the backup has ended, and keeps it beside the file. On a shared device this is done on both hosts.",
	Check:    func(a sumArgs) error { return kit.Checks(a.On.Check(), pathOK(a.File)) },
	Commands: func(a sumArgs) []dr.Command { return []dr.Command{a.On.script(sumScript, a.File, a.On.sum(a.File))} },
	Probe: func(ctx context.Context, env kit.Env, a sumArgs) kit.Effect {
		s, err := a.On.readSum(ctx, env, a.File)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case s == "":
			e := kit.NotDone("%s has no SHA-256 of %s", a.On.Site, a.File)
			e.Progress = a.On.readProgress(ctx, env, "reading the seed on "+a.On.Site, a.File, a.On.sum(a.File)+".pid")
			return e
		}
		return kit.Done("%s: size and SHA-256 %s", a.File, s)
	},
	Guard: func(ctx context.Context, env kit.Env, a sumArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if !r[0].Files[a.File].Exists {
				return kit.No("%s is not there on %s", a.File, a.On.Site)
			}
			return nil
		}, look{On: a.On, Files: []string{a.File}})
	},
	ProofText: func(a sumArgs) string { return a.On.sum(a.File) + " has the size and SHA-256 of " + a.File },
	GuardText: func(a sumArgs) string { return a.File + " is there on " + a.On.Site },
	Settle:    2 * time.Second,
}

// copyArgs copy a backup to the host that needs it.
type copyArgs struct {
	Source Place `json:"source"`
	Target Place `json:"target"`
	// SSH is how the target's host reaches the source's, Config ssh's file.
	SSH    string `json:"ssh"`
	Config string `json:"config,omitempty"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// copyScript resumes a broken copy where it ended: $1 destination of ssh, $2
// its file or "", $3 source file, $4 its sum, $5 target file, $6 its sum. What
// arrived is believed only by its SHA-256.
const copyScript = `umask 077; d=$1; c=$2; src=$3; ssum=$4; f=$5; sum=$6; p=$f.part
r() { if [ -n "$c" ]; then ssh -F "$c" -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 "$d" "$@"; else ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 "$d" "$@"; fi </dev/null; }
rm -f "$f" "$sum" "$f.verify"; [ -e "$f.begun" ] || : >"$f.begun"; n=0
while :; do
	want=$(r cat "$ssum"); size=${want%% *}; have=$(stat -c %s "$p" 2>/dev/null || echo 0)
	case $size in ''|*[!0-9]*) ;; *)
		printf '%s\n' "$want" >"$f.want"; truncate -s "$size" "$f.size" || exit 6
		if [ "$have" -gt "$size" ]; then rm -f "$p"; have=0; fi
		free=$(df -Pk "${f%/*}" | awk 'NR == 2 { print $4 }'); need=$(((size - have + 1023) / 1024))
		if [ "${free:-$need}" -lt "$need" ]; then echo "$need kB are to come and $free kB are free" >&2; exit 7; fi
		[ "$have" = "$size" ] || r tail -c "+$((have + 1))" "$src" >>"$p" || :
		have=$(stat -c %s "$p" 2>/dev/null || echo 0); [ "$have" != "$size" ] || break ;;
	esac
	n=$((n + 1)); if [ $n -ge 30 ]; then echo "the copy is at $have of ${size:-an unknown number of} bytes after $n attempts" >&2; exit 6; fi; sleep 2
done
s=$(sha256sum "$p"); if [ "$size ${s%% *}" != "$want" ]; then rm -f "$p"; echo "the SHA-256 of the copy is not that of the source" >&2; exit 5; fi
printf '%s\n' "$want" >"$sum.part" && mv "$sum.part" "$sum" && mv "$p" "$f" && rm -f "$f.size" "$f.want"`

// copyBackup brings the backup to the target's host.
var copyBackup = kit.Spec[copyArgs]{
	Name: "openedge.copy_backup",
	Kind: dr.KindChange,
	Doc:  "The target's host fetches the backup by ssh into FILE.part, resumes there when the connection breaks, takes the SHA-256 of what arrived and renames it only when it is the source's.",
	Check: func(a copyArgs) error {
		if a.Config != "" {
			if err := pathOK(a.Config); err != nil {
				return err
			}
		}
		return kit.Checks(a.Source.Check(), a.Target.Check(), pathOK(a.From), pathOK(a.To), kit.Match(destination, "destination", a.SSH))
	},
	Commands: func(a copyArgs) []dr.Command {
		return []dr.Command{a.Target.script(copyScript, a.SSH, a.Config, a.From, a.Source.sum(a.From), a.To, a.Target.sum(a.To))}
	},
	Probe: func(ctx context.Context, env kit.Env, a copyArgs) kit.Effect {
		want, err := a.Source.readSum(ctx, env, a.From)
		if err != nil {
			return kit.NotRead(a.Source.Site, err)
		}
		s, err := a.Target.readSum(ctx, env, a.To)
		switch {
		case err != nil:
			return kit.NotRead(a.Target.Site, err)
		case s == "" || s != want:
			e := kit.NotDone("%s has not arrived on %s", a.To, a.Target.Site)
			e.Progress = a.Target.progress(ctx, env, "copying to "+a.Target.Site, a.To+".part", a.To+".size", a.To+".begun")
			return e
		}
		return kit.Done("%s has arrived on %s: size and SHA-256 %s", a.To, a.Target.Site, s)
	},
	Guard: func(ctx context.Context, env kit.Env, a copyArgs) (kit.HostTime, error) {
		at, err := guardOn(ctx, env, func([]Reading) error { return nil }, look{On: a.Target}, look{On: a.Source})
		if err != nil {
			return 0, err
		}
		s, err := a.Source.readSum(ctx, env, a.From)
		if err != nil {
			return 0, err
		}
		if s == "" {
			return 0, kit.No("%s has no SHA-256 of %s", a.Source.Site, a.From)
		}
		return at, nil
	},
	Interpret: func(a copyArgs, j kit.Job) error {
		switch j.Exit {
		case 0:
			return nil
		case 5:
			return dr.Hold("copy_damaged", "the copy on %s differs from the backup on %s and was removed", a.Target.Site, a.Source.Site).WithNext("retry copies it again")
		case 7:
			return dr.Hold("no_room", "the seed does not fit into %s on %s: %s", a.Target.Spool, a.Target.Site, lastOf(j.Stdout, j.Stderr)).WithNext("make room there, then retry: it goes on where it ended")
		}
		return dr.Hold("copy_failed", "the copy to %s did not end: %s", a.Target.Site, lastOf(j.Stdout, j.Stderr)).
			WithNext("remove the cause (room in %s, ssh from %s to %s), then retry: it goes on where it ended", a.Target.Spool, a.Target.Site, a.SSH)
	},
	ProofText: func(a copyArgs) string {
		return a.Target.sum(a.To) + " on " + a.Target.Site + " is equal to " + a.Source.sum(a.From) + " on " + a.Source.Site
	},
	GuardText: func(a copyArgs) string { return "the SHA-256 of " + a.From + " is there on " + a.Source.Site },
	Settle:    2 * time.Second,
}

// compareArgs are one backup on two hosts.
type compareArgs struct {
	Source Place  `json:"source"`
	Target Place  `json:"target"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// compareBackup proves that what arrived is what was taken.
var compareBackup = kit.Spec[compareArgs]{
	Name: "openedge.compare_backup",
	Kind: dr.KindRead,
	Doc:  "Compares size and SHA-256 of the backup on both hosts.",
	Check: func(a compareArgs) error {
		return kit.Checks(a.Source.Check(), a.Target.Check(), pathOK(a.From), pathOK(a.To))
	},
	Commands: func(a compareArgs) []dr.Command {
		return []dr.Command{a.Source.sumCommand(a.From), a.Target.sumCommand(a.To)}
	},
	Probe: func(ctx context.Context, env kit.Env, a compareArgs) kit.Effect {
		s, err := a.Source.readSum(ctx, env, a.From)
		if err != nil {
			return kit.NotRead(a.Source.Site, err)
		}
		t, err := a.Target.readSum(ctx, env, a.To)
		switch {
		case err != nil:
			return kit.NotRead(a.Target.Site, err)
		case s == "" || t == "" || s != t:
			e := dr.HoldReplan("damaged_copy", "the backup on %s (%s) is not the one on %s (%s)", a.Target.Site, orNone(t), a.Source.Site, orNone(s)).WithNext("replan from the transfer")
			return kit.Effect{State: kit.EffectNotDone, Text: e.Text, Never: e}
		}
		e := kit.Done("size and SHA-256 are equal on %s and %s: %s", a.Source.Site, a.Target.Site, s)
		e.Evidence = []dr.Evidence{{At: env.Now(), Name: "backup", Text: e.Text}}
		return e
	},
	ProofText: func(a compareArgs) string {
		return a.Source.sum(a.From) + " on " + a.Source.Site + " and " + a.Target.sum(a.To) + " on " + a.Target.Site + " are equal"
	},
}

// verifyArgs name a backup and the database that it will replace.
type verifyArgs struct {
	On   Place  `json:"on"`
	File string `json:"file"`
	// BlockKB is the database block size of the source.
	BlockKB int64 `json:"block_kb"`
}

func (a verifyArgs) check() error {
	if a.BlockKB < 1 || a.BlockKB > 64 {
		return fmt.Errorf("the block size is not 1 to 64 kB")
	}
	return kit.Checks(a.On.Check(), pathOK(a.File))
}

// verifyBackup reads the whole backup with the tool that will restore it.
var verifyBackup = kit.Spec[verifyArgs]{
	Name:  "openedge.verify_backup",
	Kind:  dr.KindChange,
	Doc:   "prorest DATABASE FILE -vp: reads all blocks of the backup and checks their sums; nothing is restored. Success is (6758) or (3758). Manual: \"PROREST utility\".",
	Check: verifyArgs.check,
	Commands: func(a verifyArgs) []dr.Command {
		return []dr.Command{a.On.kept(a.File+".verify", a.On.DLC+"/bin/prorest", a.On.Database, a.File, "-vp")}
	},
	Probe: func(ctx context.Context, env kit.Env, a verifyArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On, Files: []string{a.File + ".verify"}}, func(r Reading) kit.Effect {
			f := r.Files[a.File+".verify"]
			switch {
			case !f.Exists:
				e := kit.NotDone("%s is not verified", a.File)
				e.Progress = a.On.readProgress(ctx, env, "verifying the seed on "+a.On.Site, a.File, a.File+".verify.pid")
				return e
			case restoreFailure(f.Lines) != "" || (!hasNumber(f.Lines, 6758) && !hasNumber(f.Lines, 3758)):
				return kit.NotDone("the verification of %s did not succeed: %s", a.File, lastOf(f.Lines[:max(len(f.Lines)-1, 0)]...))
			}
			return kit.Done("%s is verified: %s", a.File, lastOf(f.Lines[:len(f.Lines)-1]...))
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a verifyArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if !r[0].Files[a.File].Exists {
				return kit.No("%s is not there on %s", a.File, a.On.Site)
			}
			return nil
		}, look{On: a.On, Files: []string{a.File}})
	},
	Interpret: func(a verifyArgs, j kit.Job) error {
		lines := strings.Split(j.Stdout, "\n")
		if restoreFailure(lines) == "" && (hasNumber(lines, 6758) || hasNumber(lines, 3758)) {
			return nil
		}
		return dr.HoldReplan("damaged_backup", "prorest does not call the backup %s whole: %s", a.File, lastOf(j.Stdout)).
			WithNext("replan makes anew what is damaged, the copy or the backup; retry when only the tool was ended")
	},
	ProofText: func(a verifyArgs) string { return a.File + ".verify has (6758) or (3758)" },
	GuardText: func(a verifyArgs) string { return a.File + " is there on " + a.On.Site },
	Settle:    2 * time.Second,
}

// restoreFailure gives the line of a failure, "" when there is none. The
// knowledge base gives one number as 6743 and as 6473.
func restoreFailure(lines []string) string {
	for _, l := range lines {
		for _, n := range []string{"(1618)", "(6743)", "(6473)", "(8564)"} {
			if strings.Contains(l, n) {
				return dr.Clip(strings.TrimSpace(l), 200)
			}
		}
	}
	return ""
}
