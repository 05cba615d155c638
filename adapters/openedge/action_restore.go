package openedge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// fitScript: $1 DLC, $2 database, $3 backup. prorest -list reads the backup and
// restores nothing.
const fitScript = `echo ok; timeout 600 "$1/bin/prorest" "$2" "$3" -list </dev/null 2>&1 | head -n 400 | sed 's/^/l /'
[ ! -e "$2.st" ] || head -n 400 "$2.st" | sed 's/^/s /'
df -Pk "${2%/*}" | awk 'NR == 2 { print "free", $4 }'
du -ck "$2".db "$2".db.switchback-fence "$2".[abdt][0-9]* 2>/dev/null | awk 'END { print "here", $1 + 0 }'; echo end`

func (a verifyArgs) fitCommand() dr.Command {
	return a.On.script(fitScript, a.On.DLC, a.On.Database, a.File)
}

// proveFit proves before the restore that the backup will fit: prorest itself
// does not make sure.
var proveFit = kit.Spec[verifyArgs]{
	Name: "openedge.prove_fit",
	Kind: dr.KindRead,
	Doc: "Compares the areas of the backup (prorest -list) with the structure file of the database that it will replace and with the free space: a fixed extent that is too small ends a restore " +
		"half-way. Without a structure file prorest makes a variable extent for each area. Manual: \"PROREST utility\"; knowledge base 000011518.",
	Check:    verifyArgs.check,
	Commands: func(a verifyArgs) []dr.Command { return []dr.Command{a.fitCommand()} },
	Probe: func(ctx context.Context, env kit.Env, a verifyArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.fitCommand())
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		return a.judgeFit(out)
	},
	ProofText: func(a verifyArgs) string {
		return "each area of prorest " + a.On.Database + " " + a.File + " -list has extents in " + a.On.Database + ".st on " + a.On.Site + " that hold Size / Records per Block * " + fmt.Sprint(a.BlockKB) + " kB"
	},
}

func (a verifyArgs) judgeFit(out []string) kit.Effect {
	var list, st []string
	free, here := int64(-1), int64(-1)
	for _, l := range out {
		kind, rest, _ := strings.Cut(l, " ")
		switch kind {
		case "l":
			list = append(list, rest)
		case "s":
			st = append(st, rest)
		case "free":
			free = leadingNumber(rest)
		case "here":
			here = leadingNumber(rest)
		}
	}
	never := func(code, format string, v ...any) kit.Effect {
		e := dr.HoldReplan(code, format, v...).WithNext("mend %s.st on %s (paths, areas, extents) or make room, then retry", a.On.Database, a.On.Site)
		return kit.Effect{State: kit.EffectNotDone, Text: e.Text, Never: e}
	}
	areas, err := parseAreas(list)
	if err != nil || free < 0 || here < 0 {
		return kit.NotKnown("%s: the areas of %s were not recognised: %s", a.On.Site, a.File, lastOf(list...))
	}
	text := "there is no structure file: prorest makes a variable extent for each area"
	if len(st) > 0 {
		files, err := parseStructure(st)
		if err != nil {
			return never("structure", "%s.st on %s cannot be used: %s", a.On.Database, a.On.Site, err.Error())
		}
		if why := misfit(areas, files, a.BlockKB); why != "" {
			return never("structure", "the backup does not fit on %s: %s", a.On.Site, why)
		}
		text = dr.Count(int64(len(areas)), "area") + " fit the structure file"
	}
	if need := totalKB(areas, a.BlockKB); free+here < need {
		return never("no_room", "the backup does not fit on %s: it needs %s, the file system has %s and the old database takes %s", a.On.Site,
			dr.ByteText(need*1024), dr.ByteText(free*1024), dr.ByteText(here*1024))
	}
	return kit.Done("%s, and there is room for %s", text, dr.ByteText(totalKB(areas, a.BlockKB)*1024))
}

// restoreArgs overwrite a database with a seed.
type restoreArgs struct {
	Source Place `json:"source"`
	Target Place `json:"target"`
	// Seed is the backup on the source's host, File on the target's.
	Seed string `json:"seed"`
	File string `json:"file"`
	// Route is "transition" or "enable".
	Route string `json:"route"`
	// Overwrite answers the tool's question; only when the plan says so.
	Overwrite bool   `json:"overwrite,omitempty"`
	Run       string `json:"run"`
}

func (a restoreArgs) check() error {
	if a.Route != reseedTransition && a.Route != reseedEnable {
		return fmt.Errorf("the route is %q", dr.Clip(a.Route, 20))
	}
	return kit.Checks(a.Source.Check(), a.Target.Check(), pathOK(a.Seed), pathOK(a.File), kit.Match(kit.RunID, "run", a.Run))
}

// restoreScript: $1 DLC, $2 database, $3 backup, $4 run, $5 yes or no, $6
// route, $7 sum of the backup. The mark "begun" stands before anything is written: until it says
// "done" the database is a wreck that nobody may open. "done" is written only
// when the tool and the log both say so. Recovery information that was made
// since the step before took it away, because somebody opened the database
// meanwhile, is of the old copy, and its agent would not work with the new one.
const restoreScript = `umask 077; dlc=$1; db=$2; f=$3; run=$4; yes=$5; route=$6; sum=$(cut -d ' ' -f 2 "$7"); mark=$db.switchback-restore
set -e; echo "$run begun" >"$mark.part"; mv "$mark.part" "$mark"; sync "${db%/*}"; cd "${db%/*}"
if [ -e "$db.repl.recovery" ]; then mv "$db.repl.recovery" "$f.recovery"; fi
if [ -e "$db.db.switchback-fence" ] && [ ! -e "$db.db" ]; then mv "$db.db.switchback-fence" "$db.db"; fi; rm -f "$db.switchback-fence"
pos=1; if [ -e "$db.lg" ]; then pos=$(($(wc -c <"$db.lg") + 1)); fi
opt=-REPLTransition
if [ "$route" = enable ]; then
	opt=
	if [ -e "$db.db" ]; then
		role=$(timeout 60 "$dlc/bin/proutil" "$db" -C describe </dev/null 2>&1 | sed -n 's/.*Replication  *Yes  *\(Source\|Target\) database.*/\1/p' | tr ST st)
		if [ -n "$role" ]; then timeout 600 "$dlc/bin/proutil" "$db" -C disableSiteReplication "$role" </dev/null 2>&1; fi
	fi
fi
set +e; set -- "$dlc/bin/prorest" "$db" "$f" -verbose; [ -z "$opt" ] || set -- "$@" "$opt"
if [ "$yes" = yes ]; then echo y | "$@" >"$f.restore" 2>&1; else "$@" >"$f.restore" 2>&1 </dev/null; fi; rc=$?
tail -n 40 "$f.restore"
if [ $rc = 0 ] && grep -Eq '^Read [0-9]+ blocks' "$f.restore" && ! grep -Eq '\((1618|6743|6473|8564)\)' "$f.restore" && tail -c "+$pos" "$db.lg" | grep -q '(1369)'; then
	sync "${db%/*}"; echo "$run done $sum" >"$mark.part" && mv "$mark.part" "$mark"; exit 0
fi
exit 1`

// restore replaces a database by the seed.
var restore = kit.Spec[restoreArgs]{
	Name: "openedge.restore",
	Kind: dr.KindIrreversible,
	Doc: "prorest of the seed over the database, with -REPLTransition, or plain after replication was disabled. The tool's question is answered only when the plan says overwrite. Success is exit 0, \"Read N blocks\", (1369) " +
		"in the log and no failure number; a restore that broke off leaves the mark DATABASE.switchback-restore, and is only redone from its beginning. Manual: OpenEdge Replication, " +
		"\"Step 7: Initiate primary database transition\"; Database Management, \"PROREST utility\".",
	Check: restoreArgs.check,
	Commands: func(a restoreArgs) []dr.Command {
		yes := "no"
		if a.Overwrite {
			yes = "yes"
		}
		return []dr.Command{a.Target.script(restoreScript, a.Target.DLC, a.Target.Database, a.File, a.Run, yes, a.Route, a.Target.sum(a.File))}
	},
	Probe: func(ctx context.Context, env kit.Env, a restoreArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.Target, Files: []string{a.Target.sum(a.File)}}, func(r Reading) kit.Effect {
			e := a.judge(r)
			if e.State == kit.EffectNotDone && r.process("prorest") {
				e.Progress = a.Target.progress(ctx, env, "restoring "+a.Target.Site, a.Target.Database, a.File, a.Target.Database+".switchback-restore")
			}
			return e
		})
	},
	Guard:     guardRestore,
	Interpret: func(a restoreArgs, j kit.Job) error { return a.interpret(j) },
	ProofText: func(a restoreArgs) string {
		return a.Target.Database + ".switchback-restore says \"" + a.Run + " done\" and the SHA-256 of the backup: prorest ended with 0, read all blocks, and the log has (1369)"
	},
	GuardText: func(a restoreArgs) string {
		return a.Target.Site + " is closed, no process holds it; the backup is verified there; " + a.Source.Site + " is an open source and no other backup was taken after the seed"
	},
	Settle: 5 * time.Second,
}

func (a restoreArgs) judge(r Reading) kit.Effect {
	sum := ""
	if f := r.Files[a.Target.sum(a.File)]; len(f.Lines) > 0 {
		_, sum, _ = strings.Cut(f.Lines[0], " ")
	}
	switch {
	case r.restoredBy(a.Run) && sum != "" && r.Restore == a.Run+" done "+sum:
		return kit.Done("the restore of %s on %s is complete", a.File, a.Target.Site)
	case r.Restore == a.Run+" begun" && r.process("prorest"):
		return kit.NotDone("the restore on %s is running", a.Target.Site)
	case r.Restore == a.Run+" begun":
		return kit.NotDone("the restore on %s broke off: the database is a wreck until it is restored again", a.Target.Site)
	}
	return kit.NotDone("%s is not this run's restore: %s", a.Target.Site, summary(r))
}

func (a restoreArgs) interpret(j kit.Job) error {
	if j.Exit == 0 {
		return nil
	}
	lines := strings.Split(j.Stdout, "\n")
	f := restoreFailure(lines)
	if f == "" {
		f = lastOf(j.Stdout, j.Stderr)
	}
	return dr.Hold("restore_failed", "the restore on %s did not succeed: %s; the database there is a wreck until it is restored again", a.Target.Site, f).
		WithNext("remove the cause (room, structure file, who holds the database), then retry: the restore begins anew")
}

func guardRestore(ctx context.Context, env kit.Env, a restoreArgs) (kit.HostTime, error) {
	src := look{On: a.Source, Files: []string{a.Seed + ".date"}}
	return guardOn(ctx, env, func(r []Reading) error {
		t := r[0]
		v := t.Files[a.File+".verify"]
		switch {
		case t.process("prorest"):
			return kit.No("a prorest is running on %s", a.Target.Site)
		case !v.Exists || restoreFailure(v.Lines) != "" || (!hasNumber(v.Lines, 6758) && !hasNumber(v.Lines, 3758)):
			return kit.No("the backup is not verified on %s", a.Target.Site)
		case (t.Exists == dr.Yes || t.Fenced == dr.Yes) && !a.Overwrite && t.HalfRestored() == "":
			return kit.No("there is a database on %s now, and the plan does not overwrite one", a.Target.Site)
		}
		return kit.Checks(a.Target.isClosed(t), a.Source.isSource(r[1]), sameBackupDate(r[1], a.Seed, a.Source.Site))
	}, look{On: a.Target, Files: []string{a.File + ".verify"}}, src)
}

// enableTarget makes a restored database a target, on the second route.
var enableTarget = kit.Spec[restoreArgs]{
	Name:  "openedge.enable_target",
	Kind:  dr.KindChange,
	Doc:   "proutil -C enableSiteReplication target of the restored database, which must be closed. Manual: OpenEdge Replication, \"Step 3: Enable the database\".",
	Check: restoreArgs.check,
	Commands: func(a restoreArgs) []dr.Command {
		return []dr.Command{a.Target.run(a.Target.DLC+"/bin/proutil", a.Target.Database, "-C", "enableSiteReplication", "target")}
	},
	Probe: func(ctx context.Context, env kit.Env, a restoreArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.Target}, func(r Reading) kit.Effect {
			switch {
			case r.Role() == roleTarget && r.restoredBy(a.Run):
				return kit.Done("%s is a replication target", a.Target.Site)
			case r.Role() == "":
				return kit.NotKnown("%s: %s", a.Target.Site, summary(r))
			}
			return kit.NotDone("%s is %s", a.Target.Site, roleWords(r))
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a restoreArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if !r[0].restoredBy(a.Run) {
				return kit.No("the restore on %s is not complete", a.Target.Site)
			}
			return kit.Checks(a.Target.usable(r[0]), a.Target.isClosed(r[0]), a.Source.isSource(r[1]))
		}, look{On: a.Target}, look{On: a.Source})
	},
	ProofText: func(a restoreArgs) string {
		return "proutil " + a.Target.Database + " -C describe on " + a.Target.Site + " says Target database"
	},
	GuardText: func(a restoreArgs) string {
		return "the restore on " + a.Target.Site + " is complete and the database closed; " + a.Source.Site + " is an open source"
	},
}

// checkTarget reads the role of a restored database before it is started.
var checkTarget = kit.Spec[restoreArgs]{
	Name:     "openedge.check_target",
	Kind:     dr.KindRead,
	Doc:      "Reads that the restored database is a replication target: one of another role must not be started beside its source.",
	Check:    restoreArgs.check,
	Commands: func(a restoreArgs) []dr.Command { return []dr.Command{look{On: a.Target}.command()} },
	Probe: func(ctx context.Context, env kit.Env, a restoreArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.Target}, func(r Reading) kit.Effect {
			switch {
			case r.Role() == "":
				return kit.NotKnown("%s: %s", a.Target.Site, summary(r))
			case r.Role() == roleTarget && r.restoredBy(a.Run):
				return kit.Done("%s is a replication target", a.Target.Site)
			}
			e := dr.HoldReplan("no_target", "%s is %s after the restore, not a target", a.Target.Site, roleWords(r)).WithNext("do not start it; replan from the restore, or set reseed: enable in the inventory")
			return kit.Effect{State: kit.EffectNotDone, Text: e.Text, Never: e}
		})
	},
	ProofText: func(a restoreArgs) string {
		return "proutil " + a.Target.Database + " -C describe on " + a.Target.Site + " says Target database"
	},
}

// recoveryArgs take the replication recovery information out of the way.
type recoveryArgs struct {
	On Place `json:"on"`
	// Agents are the control agents of a source, of which none but Lost may
	// be in normal processing; empty for a target.
	Agents []string `json:"agents,omitempty"`
	Lost   string   `json:"lost,omitempty"`
	Run    string   `json:"run"`
}

func (a recoveryArgs) saved() string {
	return a.On.Spool + "/" + a.On.base() + "-" + a.Run + "-" + a.On.Site + ".recovery"
}

// recoveryScript: $1 DSRHOME, $2 database, $3 where the file goes, $4 "source"
// when a replication server must be ended first.
const recoveryScript = `umask 077; db=$2; code() { timeout 12 "$1/bin/dsrutil" "$2" -C status -detail </dev/null 2>/dev/null | sed -n 's/^ *\([0-9][0-9][0-9][0-9]\).*/\1/p'; }
if [ "$4" = source ]; then
	case $(code "$1" "$db") in 60[0-5]*) timeout 60 "$1/bin/dsrutil" "$db" -C terminate server </dev/null ;; esac
	n=0; while case $(code "$1" "$db") in 60[0-5]*) : ;; *) false ;; esac; do n=$((n + 1)); if [ $n -gt 120 ]; then echo "the replication server does not end" >&2; exit 4; fi; sleep 0.5; done
fi
if [ -e "$db.repl.recovery" ]; then mv "$db.repl.recovery" "$3.part"; else : >"$3.part"; fi && mv "$3.part" "$3"`

// clearRecovery takes DATABASE.repl.recovery away before a new baseline.
var clearRecovery = kit.Spec[recoveryArgs]{
	Name: "openedge.clear_recovery",
	Kind: dr.KindChange,
	Doc: "Ends the replication server of a source that has lost its target (dsrutil -C terminate server; the database works on) and moves DATABASE.repl.recovery into the spool: what it says of " +
		"the old copy must not meet the new one. On the target's side the file is moved from the closed database. Knowledge base 000057059.",
	Check: func(a recoveryArgs) error {
		for _, n := range append([]string{}, a.Agents...) {
			if err := kit.Match(agentName, "agent", n); err != nil {
				return err
			}
		}
		return kit.Checks(a.On.Check(), kit.Match(kit.RunID, "run", a.Run))
	},
	Commands: func(a recoveryArgs) []dr.Command {
		kind := "target"
		if len(a.Agents) > 0 {
			kind = roleSource
		}
		return []dr.Command{a.On.script(recoveryScript, a.On.DSRHome, a.On.Database, a.saved(), kind)}
	},
	Probe: func(ctx context.Context, env kit.Env, a recoveryArgs) kit.Effect {
		return a.On.hasMark(ctx, env, a.saved())
	},
	Guard: func(ctx context.Context, env kit.Env, a recoveryArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if len(a.Agents) == 0 {
				return a.On.isClosed(r[0])
			}
			for _, n := range a.Agents {
				if n != a.Lost && r[0].Agents[n] == codeAgentNormal {
					return kit.No("the target %s of %s is in normal processing: its recovery information must stay", n, a.On.Site)
				}
			}
			if slices.Contains(a.Agents, a.Lost) && r[0].Agents[a.Lost] == codeAgentNormal {
				return kit.No("%s is in normal processing with %s: it needs no new copy", a.On.Site, a.Lost)
			}
			return a.On.isSource(r[0])
		}, look{On: a.On, Agents: a.Agents})
	},
	ProofText: func(a recoveryArgs) string { return a.saved() + " is there (empty when there was no file)" },
	GuardText: func(a recoveryArgs) string {
		if len(a.Agents) == 0 {
			return a.On.Site + " is closed"
		}
		return a.On.Site + " is an open source, and none of its targets is in normal processing"
	},
}

const returnScript = `set -e; if [ -s "$3" ] && [ ! -e "$2.repl.recovery" ]; then cp -p "$3" "$2.repl.recovery.part"; mv "$2.repl.recovery.part" "$2.repl.recovery"; fi
rm -f "$3"; "$1/bin/dsrutil" "$2" -C restart server </dev/null`

// returnRecovery is the undo of clearRecovery on a source.
var returnRecovery = kit.Spec[recoveryArgs]{
	Name:  "openedge.return_recovery",
	Kind:  dr.KindChange,
	Doc:   "Undo of openedge.clear_recovery: puts DATABASE.repl.recovery back and starts the replication server again.",
	Check: clearRecovery.Check,
	Commands: func(a recoveryArgs) []dr.Command {
		return []dr.Command{a.On.script(returnScript, a.On.DSRHome, a.On.Database, a.saved())}
	},
	Probe: func(ctx context.Context, env kit.Env, a recoveryArgs) kit.Effect {
		e := a.On.hasMark(ctx, env, a.saved())
		switch e.State {
		case kit.EffectDone:
			return kit.NotDone("%s is still in the spool", a.saved())
		case kit.EffectNotDone:
			return kit.Done("%s is not in the spool any more", a.saved())
		default:
			return e
		}
	},
	Guard: func(ctx context.Context, env kit.Env, a recoveryArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isSource(r[0]) }, look{On: a.On, Agents: a.Agents})
	},
	ProofText: func(a recoveryArgs) string { return a.saved() + " is gone" },
	GuardText: func(a recoveryArgs) string { return a.On.Site + " is an open source" },
}
