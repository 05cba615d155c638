package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// fenceArgs fence a server so that it survives a reboot.
type fenceArgs struct {
	On      Place  `json:"on"`
	Standby Place  `json:"standby"`
	Run     string `json:"run"`
	Options string `json:"options,omitempty"`
	// Start says that the undo starts the server again, because it ran.
	Start bool `json:"start,omitempty"`
}

func (a fenceArgs) check() error {
	return kit.Checks(a.On.known(), a.Standby.known(), kit.Match(kit.RunID, "run", a.Run), optionsOK(a.Options))
}

// fenceScript: $1 bin, $2 data, $3 run, $4 start.conf. Only a process that
// stands in this data directory is stopped: first fast, so that what it wrote
// is complete, then immediate, which is allowed here and only here; backends
// that outlived a killed server could still commit, so they are killed.
const fenceScript = `set -e; umask 077; f=$2/switchback-fence; mkdir -p "$f/global"; echo "$3" >"$f/run"
if [ -n "$4" ] && [ ! -e "$f/start.conf" ]; then cp "$4" "$f/start.part"; mv "$f/start.part" "$f/start.conf"; echo disabled >"$4"; fi
pid=$(head -n 1 "$2/postmaster.pid" 2>/dev/null || :)
if [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$2" ]; then
	"$1/pg_ctl" -D "$2" -m fast -t 5 stop || "$1/pg_ctl" -D "$2" -m immediate -t 20 stop
fi
for c in /proc/[0-9]*/cwd; do if [ "$c" -ef "$2" ]; then p=${c#/proc/}; kill -9 "${p%/cwd}" || :; fi; done
if [ -e "$2/global/pg_control" ]; then mv "$2/global/pg_control" "$f/global/pg_control"; fi; sync "$2/global" "$f/global"`

// fence stops the old primary and takes its control file away: every start of
// it fails until it is put back.
var fence = kit.Spec[fenceArgs]{
	Name:  "postgres.fence",
	Kind:  dr.KindChange,
	Doc:   "Fences the old primary on its own host, so that it survives a reboot: Debian's start.conf is set to disabled, the server is stopped (fast, and immediate when that does not end in 5 s; immediate is used nowhere else), and global/pg_control is moved to PGDATA/switchback-fence, without which no start succeeds.",
	Check: fenceArgs.check,
	Commands: func(a fenceArgs) []dr.Command {
		return []dr.Command{a.On.script(fenceScript, a.On.Bin, a.On.Data, a.Run, a.On.StartConf)}
	},
	Probe: func(ctx context.Context, env kit.Env, a fenceArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.Running == dr.Unknown:
			return kit.NotKnown("whether %s runs is unknown", a.On.Site)
		case r.Running == dr.No && r.Fenced && !r.FenceBroken && r.Control.System == a.On.System:
			return kit.Done("%s is stopped and its control file is taken away", a.On.Site)
		}
		return kit.NotDone("%s: %s", a.On.Site, summary(r))
	},
	Guard: func(ctx context.Context, env kit.Env, a fenceArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Control.System != a.On.System {
				return kit.No("%s has the system identifier %s", a.On.Site, kit.OrNotRead(r[0].Control.System))
			}
			if r[0].InRecovery() == dr.Yes {
				return kit.No("%s is a standby now", a.On.Site)
			}
			return a.Standby.isMine(r[1])
		}, a.On, a.Standby)
	},
	ProofText: func(a fenceArgs) string {
		return "no server process stands in " + a.On.Data + ", global/pg_control is not there, switchback-fence/global/pg_control is"
	},
	GuardText: func(a fenceArgs) string {
		return a.On.Site + " is the old primary (system " + a.On.System + ") and not a standby; " + a.Standby.Site + " answers"
	},
}

// unfence: $1 bin, $2 data, $3 start.conf, $4 server options, $5 "start" or "".
const unfenceScript = `set -e; f=$2/switchback-fence
if [ -e "$f/global/pg_control" ]; then mv "$f/global/pg_control" "$2/global/pg_control"; fi
if [ -n "$3" ] && [ -e "$f/start.conf" ]; then cp "$f/start.conf" "$3"; rm "$f/start.conf"; fi
rm -f "$f/run"; rmdir "$f/global" "$f"
if [ "$5" = start ]; then "$1/pg_ctl" -D "$2" -l "$2.switchback/server.log" -o "$4" -W start </dev/null; fi`

// unfence is the undo of fence.
var unfence = kit.Spec[fenceArgs]{
	Name:  "postgres.unfence",
	Kind:  dr.KindChange,
	Doc:   "Undo of postgres.fence: puts the control file and start.conf back and starts the server when it ran before. Only while the standby is proven not to be promoted.",
	Check: fenceArgs.check,
	Commands: func(a fenceArgs) []dr.Command {
		start := ""
		if a.Start {
			start = "start"
		}
		return []dr.Command{a.On.script(`mkdir -p "$2.switchback"; `+unfenceScript, a.On.Bin, a.On.Data, a.On.StartConf, a.Options, start)}
	},
	Probe: func(ctx context.Context, env kit.Env, a fenceArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.Fenced:
			return kit.NotDone("%s is fenced", a.On.Site)
		case a.Start && r.Running == dr.No:
			return kit.NotDone("%s is not fenced, but it does not run", a.On.Site)
		case a.Start && r.InRecovery() == dr.Unknown:
			return kit.NotKnown("%s is starting: %s", a.On.Site, kit.OrNotRead(r.SQLError))
		}
		return kit.Done("%s is not fenced", a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a fenceArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.Standby.isStandby(r[1]) }, a.On, a.Standby)
	},
	ProofText: func(a fenceArgs) string { return a.On.Data + "/switchback-fence is gone" },
	GuardText: func(a fenceArgs) string { return a.Standby.Site + " is still in recovery: it was not promoted" },
}
