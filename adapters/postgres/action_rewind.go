package postgres

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// rewindArgs are the arguments of the rewind.
type rewindArgs struct {
	On      Place  `json:"on"`
	Primary Place  `json:"primary"`
	Run     string `json:"run"`
	// Source is the connection that pg_rewind reads from.
	Source   string `json:"source"`
	Conninfo string `json:"conninfo"`
	Slot     string `json:"slot"`
	// Timeline is the old primary's, before.
	Timeline uint32 `json:"timeline"`
}

// rewindScript: $1 bin, $2 data, $3 run, $4 source, $5 conninfo, $6 slot, $7
// config directory, $8 start.conf, $9 socket lock. PGDATA is renamed for the time of the
// rewind: that is fence and marker in one, since a rewind killed half-way
// leaves nothing in the files that shows it. Its exit code proves nothing ("no
// rewind required" is 0 too, and this step is planned only where one is
// required): the backup label that it writes last does. The name is given back only when
// the server's own configuration and standby.signal are in place.
const rewindScript = unlockFunc + `set -e; umask 077; w=$2.rewind-$3; keep=$2.switchback/$3; f=$w/switchback-fence
[ -d "$keep/conf" ]; [ ! -e "$w" ]; unlock "$2" "$9"
mv "$2" "$w"; sync "$(dirname "$2")"
if [ -d "$f" ]; then
	if [ -e "$f/global/pg_control" ]; then mv "$f/global/pg_control" "$w/global/pg_control"; fi
	if [ -e "$f/start.conf" ]; then mv "$f/start.conf" "$keep/start.conf"; fi
	rm -f "$f/run"; rmdir "$f/global" "$f"
fi
rm -f "$w/standby.signal"
if [ -n "$7" ]; then printf "include '%s/postgresql.conf'\ndata_directory = '%s'\n" "$7" "$w" >"$keep/rewind.conf"; fi
"$1/pg_rewind" -D "$w" --source-server="$4" ${7:+--config-file="$keep/rewind.conf"} -P
if ! grep -q '^BACKUP METHOD: pg_rewind' "$w/backup_label"; then echo "pg_rewind: error: it ended with exit code 0 but left no backup label: nothing was rewound" >&2; exit 1; fi
if [ -n "$7" ]; then cp -p "$keep/conf/postgresql.auto.conf" "$w/"; else cp -p "$keep"/conf/* "$w/"; fi
: >"$w/standby.signal"
{ grep -v '^primary_conninfo\|^primary_slot_name\|^recovery_target' "$w/postgresql.auto.conf" || :
  printf "primary_conninfo = '%s'\nprimary_slot_name = '%s'\n" "$5" "$6"; } >"$w/postgresql.auto.conf.part"
mv "$w/postgresql.auto.conf.part" "$w/postgresql.auto.conf"
: >"$keep/rewound"; mv "$w" "$2"; sync "$(dirname "$2")"
if [ -n "$8" ] && [ -e "$keep/start.conf" ]; then cp "$keep/start.conf" "$8"; fi`

// rewind makes an old primary that went further a copy of the new one again.
var rewind = kit.Spec[rewindArgs]{
	Name: "postgres.rewind",
	Kind: dr.KindIrreversible,
	Doc:  "pg_rewind of the old primary from the new one, under another directory name, so that a rewind killed half-way can neither be started nor taken for whole; then its own configuration, standby.signal and the connection are put in place and the directory gets its name back.",
	Check: func(a rewindArgs) error {
		return kit.Checks(a.On.known(), a.Primary.known(), kit.Match(kit.RunID, "run", a.Run), kit.Match(conninfoText, "source", a.Source), kit.Match(conninfoText, "connection", a.Conninfo), kit.Match(slotName, "slot", a.Slot))
	},
	Commands: func(a rewindArgs) []dr.Command {
		return []dr.Command{a.On.script(rewindScript, a.On.Bin, a.On.Data, a.Run, a.Source, a.Conninfo, a.Slot, a.On.ConfigDir, a.On.StartConf, a.On.socketLock())}
	},
	Probe:     probeRewind,
	Guard:     guardRewind,
	Interpret: interpretRewind,
	ProofText: func(a rewindArgs) string {
		return "no " + a.On.Data + ".rewind-* is there, " + a.On.aside() + "/" + a.Run + "/rewound is, and " + a.On.Data + " has standby.signal"
	},
	GuardText: func(a rewindArgs) string {
		return a.On.Site + " is stopped, same system identifier, checksums or wal_log_hints on, its timeline before " + a.Primary.Site + "'s; the control file of " + a.Primary.Site + " names its new timeline; the lost log is kept"
	},
}

func probeRewind(ctx context.Context, env kit.Env, a rewindArgs) kit.Effect {
	r, _, err := a.On.read(ctx, env, brief)
	if err != nil {
		return kit.NotRead(a.On.Site, err)
	}
	if r.Rewind != "" {
		e := kit.NotKnown("a rewind is open: %s", r.Rewind)
		e.Never = rewindOpen(a.On.Site, r.Rewind)
		return e
	}
	mark := a.On.hasMark(ctx, env, a.On.aside()+"/"+a.Run+"/rewound")
	if mark.State != kit.EffectDone {
		return mark
	}
	if r.DataExists == dr.Yes && (r.StandbySignal || r.InRecovery() == dr.Yes) {
		return kit.Done("%s was rewound and starts as a standby of %s", a.On.Site, a.Primary.Site)
	}
	return kit.NotKnown("the rewind's mark is there, but %s has no standby.signal", a.On.Site)
}

func rewindOpen(site, dir string) error {
	return dr.HoldReplan("rewind_open", "a rewind of %s did not end: %s looks whole and is not", site, dir).
		WithNext("replan: the plan with a full copy takes its place")
}

func guardRewind(ctx context.Context, env kit.Env, a rewindArgs) (kit.HostTime, error) {
	rs, ts, err := readAll(ctx, env, full, a.On, a.Primary)
	if err != nil {
		return 0, err
	}
	old, now := rs[0], rs[1]
	if err := kit.Checks(a.On.isDown(old), a.Primary.isPrimary(now)); err != nil {
		return 0, err
	}
	if why := rewindable(old, now); why != "" {
		return 0, dr.HoldReplan("rewind_impossible", "%s cannot be rewound: %s", a.On.Site, why)
	}
	if old.Timeline() != a.Timeline {
		return 0, kit.No("%s is on timeline %d, the plan was made for %d", a.On.Site, old.Timeline(), a.Timeline)
	}
	if now.Server.CheckpointTimeline != now.Timeline() {
		return 0, kit.No("%s has not checkpointed on timeline %d yet", a.Primary.Site, now.Timeline())
	}
	return ts[0], nil
}

// rewindable says why a rewind is impossible, "" when nothing speaks against.
func rewindable(old, primary Reading) string {
	switch {
	case old.Rewind != "":
		return "an earlier rewind did not end (" + old.Rewind + ")"
	case old.DataExists == dr.No:
		return "it has no data directory"
	case old.Control.System == "" || old.Control.System != primary.Control.System:
		return "it belongs to another system (" + kit.OrNotRead(old.Control.System) + ")"
	case !old.Control.Checksums && !old.Control.Hints:
		return "it has neither data checksums nor wal_log_hints"
	case compareEnds(old, primary).Verdict == endsApart:
		return compareEnds(old, primary).Text
	case old.Control.State == stateShutDownInRecovery && compareEnds(old, primary).Verdict != endsWithin:
		return "it was started as a standby after it had gone further, and its control file no longer names the true end"
	}
	return ""
}

func interpretRewind(a rewindArgs, j kit.Job) error {
	if j.Exit == 0 {
		return nil
	}
	last := "no output"
	for _, l := range strings.Split(j.Stderr, "\n") {
		if strings.Contains(l, "pg_rewind: error:") || strings.Contains(l, "pg_rewind: fatal:") {
			last = strings.TrimSpace(l)
		}
	}
	return dr.HoldReplan("rewind_failed", "the rewind of %s ended with exit code %d: %s", a.On.Site, j.Exit, dr.Clip(last, 200)).
		WithNext("replan: the directory keeps its marker and only the plan with a full copy uses it")
}
