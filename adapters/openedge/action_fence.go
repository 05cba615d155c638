package openedge

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// fenceArgs fence a database so that it survives a reboot.
type fenceArgs struct {
	On Place `json:"on"`
	// Peer is the site that shall become source; its role decides whether
	// the fence may be taken away again.
	Peer Place  `json:"peer"`
	Run  string `json:"run"`
	// Start says that the undo starts the database again, because it ran.
	Start bool `json:"start,omitempty"`
}

func (a fenceArgs) check() error {
	return kit.Checks(a.On.Check(), a.Peer.Check(), kit.Match(kit.RunID, "run", a.Run))
}

// fenceScript: $1 database, $2 DLC, $3 run. The emergency shutdown is allowed
// here and only here: it is forbidden for targets. The control area is taken
// away only from a database that nobody holds.
const fenceScript = `set -e; db=$1; if [ ! -e "$db.db" ]; then echo "there is no $db.db" >&2; exit 3; fi
held() { rc=0; timeout 12 "$2/bin/proutil" "$1" -C holder </dev/null >/dev/null 2>&1 || rc=$?; [ $rc != 0 ]; }
if held "$db" "$2"; then
	timeout 120 "$2/bin/proshut" "$db" -by </dev/null || :
	n=0; while held "$db" "$2" && [ $n -lt 20 ]; do sleep 0.5; n=$((n + 1)); done
	if held "$db" "$2"; then timeout 60 "$2/bin/proshut" "$db" -byF </dev/null || :; fi
	n=0; while held "$db" "$2" && [ $n -lt 20 ]; do sleep 0.5; n=$((n + 1)); done
	if held "$db" "$2"; then echo "$db is still held" >&2; exit 4; fi
fi
echo "$3" >"$db.switchback-fence.part"; mv "$db.switchback-fence.part" "$db.switchback-fence"
mv "$db.db" "$db.db.switchback-fence"; sync "${db%/*}"`

// fence closes the old source and takes its control area away: no start of it
// succeeds until it is put back.
var fence = kit.Spec[fenceArgs]{
	Name: "openedge.fence",
	Kind: dr.KindChange,
	Doc: "Fences the old source on its own host, so that it survives a reboot and the host's start scripts: it is shut down (proshut -by, then -byF, which is allowed here only), and the control area " +
		"DATABASE.db is renamed to DATABASE.db.switchback-fence, without which nothing opens the database.",
	Check: fenceArgs.check,
	Commands: func(a fenceArgs) []dr.Command {
		return []dr.Command{a.On.script(fenceScript, a.On.Database, a.On.DLC, a.Run)}
	},
	Probe: func(ctx context.Context, env kit.Env, a fenceArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On}, func(r Reading) kit.Effect {
			switch {
			case r.Fenced == dr.Yes && r.Exists == dr.No && r.InUse() == dr.No:
				return kit.Done("%s is closed and its control area is taken away", a.On.Site)
			case r.Exists == dr.Unknown || (r.Exists == dr.No && r.Fenced == dr.No):
				return kit.NotKnown("%s: %s", a.On.Site, summary(r))
			}
			return kit.NotDone("%s: %s", a.On.Site, summary(r))
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a fenceArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Exists != dr.Yes {
				return kit.No("there is no %s.db on %s", a.On.Database, a.On.Site)
			}
			if r[0].Role() == roleTarget {
				return kit.No("%s is a target now", a.On.Site)
			}
			return a.Peer.isTarget(r[1])
		}, look{On: a.On}, look{On: a.Peer})
	},
	Interpret: func(a fenceArgs, j kit.Job) error {
		if j.Exit != 4 {
			return nil
		}
		return dr.Hold("still_held", "%s could not be closed on %s: a process still holds it", a.On.Database, a.On.Site).
			WithNext("end the processes of the database on %s by hand, then retry", a.On.Site)
	},
	ProofText: func(a fenceArgs) string {
		return "no broker of " + a.On.Database + " runs on " + a.On.Site + "; " + a.On.Database + ".db is not there, " + a.On.Database + ".db.switchback-fence is"
	},
	GuardText: func(a fenceArgs) string { return a.On.Site + " is no target; " + a.Peer.Site + " is one" },
}

// unfenceScript: $1 database, $2 DLC, $3 port, $4 "start" or "", then more
// start arguments.
const unfenceScript = `set -e; db=$1; dlc=$2; port=$3; start=$4; shift 4
if [ -e "$db.db.switchback-fence" ] && [ ! -e "$db.db" ]; then mv "$db.db.switchback-fence" "$db.db"; fi; rm -f "$db.switchback-fence"
[ "$start" != start ] || exec "$dlc/bin/proserve" "$db" -S "$port" -DBService replserv "$@" </dev/null >"$db.switchback-start" 2>&1`

// unfence is the undo of fence.
var unfence = kit.Spec[fenceArgs]{
	Name:  "openedge.unfence",
	Kind:  dr.KindChange,
	Doc:   "Undo of openedge.fence: puts the control area back and starts the source when it ran before. Only while the other site is proven to be a target.",
	Check: fenceArgs.check,
	Commands: func(a fenceArgs) []dr.Command {
		start := ""
		if a.Start {
			start = "start"
		}
		return []dr.Command{a.On.script(unfenceScript, append([]string{a.On.Database, a.On.DLC, fmt.Sprint(a.On.Port), start}, a.On.Arguments...)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a fenceArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On}, func(r Reading) kit.Effect {
			switch {
			case r.Fenced == dr.Yes:
				return kit.NotDone("%s is fenced", a.On.Site)
			case r.Exists != dr.Yes:
				return kit.NotKnown("%s: %s", a.On.Site, summary(r))
			case a.Start && r.InUse() == dr.No:
				return kit.NotDone("%s is not fenced, but it is closed", a.On.Site)
			case a.Start && r.InUse() == dr.Unknown:
				return kit.NotKnown("%s is starting: %s", a.On.Site, summary(r))
			}
			return kit.Done("%s is not fenced", a.On.Site)
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a fenceArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].HalfRestored() != "" {
				return kit.No("%s is half restored", a.On.Site)
			}
			return a.Peer.isTarget(r[1])
		}, look{On: a.On}, look{On: a.Peer})
	},
	ProofText: func(a fenceArgs) string { return a.On.Database + ".db is there again" },
	GuardText: func(a fenceArgs) string { return a.Peer.Site + " is still a target: it was not transitioned" },
	Settle:    60 * time.Second,
}
