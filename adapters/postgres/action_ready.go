package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// upstreamArgs say where a server shall receive from when it is a standby.
type upstreamArgs struct {
	On       Place  `json:"on"`
	Primary  Place  `json:"primary"`
	Run      string `json:"run"`
	Conninfo string `json:"conninfo"`
	Slot     string `json:"slot"`
}

func (a upstreamArgs) check() error {
	return kit.Checks(a.On.Check(), a.Primary.known(), kit.Match(kit.RunID, "run", a.Run),
		kit.Match(conninfoText, "connection", a.Conninfo), kit.Match(slotName, "slot", a.Slot))
}

// followLines writes the two settings and the signal file. $1 data, $2 run, $3
// conninfo, $4 slot. The own postgresql.auto.conf is kept once per run. The
// signal file comes first, so that no half-way state starts as a primary.
const followLines = `set -e; umask 077; keep=$1.switchback/$2; mkdir -p "$keep"
if [ ! -e "$keep/auto.conf" ]; then cp "$1/postgresql.auto.conf" "$keep/auto.part"; mv "$keep/auto.part" "$keep/auto.conf"; fi
: >"$1/standby.signal"
{ grep -v '^primary_conninfo\|^primary_slot_name\|^recovery_target' "$1/postgresql.auto.conf" || :
  printf "primary_conninfo = '%s'\nprimary_slot_name = '%s'\n" "$3" "$4"; } >"$1/postgresql.auto.conf.part"
mv "$1/postgresql.auto.conf.part" "$1/postgresql.auto.conf"; sync "$1/postgresql.auto.conf" "$1"`

// followState looks for what followLines wrote.
const followState = `s=no; c=no; [ -e "$1/standby.signal" ] && s=yes
tail -n 2 "$1/postgresql.auto.conf" 2>/dev/null | tr -d '\n' | grep -qxF "primary_conninfo = '$2'primary_slot_name = '$3'" && c=yes; echo "$s $c"`

func (a upstreamArgs) follows(ctx context.Context, env kit.Env) kit.Effect {
	out, err := a.On.query(ctx, env, a.On.script(followState, a.On.Data, a.Conninfo, a.Slot))
	if err != nil {
		return kit.NotRead(a.On.Site, err)
	}
	switch out {
	case "yes yes":
		return kit.Done("a start of %s makes a standby of %s", a.On.Site, a.Primary.Site)
	case "yes no", "no yes", "no no":
		return kit.NotDone("standby.signal and own settings on %s: %s", a.On.Site, out)
	}
	return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out, 60))
}

// readyStandby makes a restart of the primary harmless before it is stopped.
var readyStandby = kit.Spec[upstreamArgs]{
	Name:  "postgres.ready_standby",
	Kind:  dr.KindChange,
	Doc:   "Writes standby.signal, primary_conninfo and primary_slot_name on the primary while it still runs, so that any later start of it, also by a reboot, comes back read-only. This is the fence of a planned takeover that survives a reboot.",
	Check: upstreamArgs.check,
	Commands: func(a upstreamArgs) []dr.Command {
		return []dr.Command{a.On.script(followLines, a.On.Data, a.Run, a.Conninfo, a.Slot)}
	},
	Probe: func(ctx context.Context, env kit.Env, a upstreamArgs) kit.Effect { return a.follows(ctx, env) },
	Guard: func(ctx context.Context, env kit.Env, a upstreamArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Running == dr.No && r[0].Control.State == stateShutDown {
				return kit.Checks(a.On.isDown(r[0]), a.Primary.isStandby(r[1]))
			}
			return kit.Checks(a.On.isPrimary(r[0]), a.Primary.isStandby(r[1]))
		}, a.On, a.Primary)
	},
	ProofText: func(a upstreamArgs) string {
		return a.On.Data + "/standby.signal exists and postgresql.auto.conf ends with the two settings"
	},
	GuardText: func(a upstreamArgs) string {
		return a.On.Site + " is the running primary, or cleanly shut down; " + a.Primary.Site + " is a standby and not promoted"
	},
}

// restoreArgs bring a stopped or prepared primary back as primary.
type restoreArgs struct {
	On      Place  `json:"on"`
	Standby Place  `json:"standby"`
	Run     string `json:"run"`
	// Log is where the server's output goes.
	Options string `json:"options,omitempty"`
}

// restoreScript takes the signal away and starts the server when it is down.
// $1 bin, $2 data, $3 run, $4 server options.
const restoreScript = `set -e; umask 077; keep=$2.switchback/$3
if [ -e "$keep/auto.conf" ]; then cp "$keep/auto.conf" "$2/postgresql.auto.conf.part"; mv "$2/postgresql.auto.conf.part" "$2/postgresql.auto.conf"; fi
rm -f "$2/standby.signal"
"$1/pg_ctl" -D "$2" status >/dev/null || "$1/pg_ctl" -D "$2" -l "$2.switchback/server.log" -o "$4" -W start </dev/null`

// restorePrimary is the undo of readyStandby and of stopPrimary: the old
// primary serves again, provided that the standby was not promoted.
var restorePrimary = kit.Spec[restoreArgs]{
	Name: "postgres.restore_primary",
	Kind: dr.KindChange,
	Doc:  "Undo of a planned takeover before its promotion: removes standby.signal, restores postgresql.auto.conf and starts the old primary when it is stopped. Only while the standby is proven not to be promoted.",
	Check: func(a restoreArgs) error {
		return kit.Checks(a.On.known(), a.Standby.known(), kit.Match(kit.RunID, "run", a.Run), optionsOK(a.Options))
	},
	Commands: func(a restoreArgs) []dr.Command {
		return []dr.Command{a.On.script(restoreScript, a.On.Bin, a.On.Data, a.Run, a.Options)}
	},
	Probe: func(ctx context.Context, env kit.Env, a restoreArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		switch {
		case r.InRecovery() == dr.No && !r.StandbySignal:
			return kit.Done("%s runs as primary", a.On.Site)
		case r.Running == dr.Yes && r.Server == nil:
			return kit.NotKnown("%s is starting: %s", a.On.Site, kit.OrNotRead(r.SQLError))
		case r.Running == dr.Unknown:
			return kit.NotKnown("whether %s runs is unknown", a.On.Site)
		}
		return kit.NotDone("%s: %s; standby.signal there: %v", a.On.Site, summary(r), r.StandbySignal)
	},
	Guard: func(ctx context.Context, env kit.Env, a restoreArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Control.System != a.On.System {
				return kit.No("%s is another system (%s)", a.On.Site, kit.OrNotRead(r[0].Control.System))
			}
			return a.Standby.isStandby(r[1])
		}, a.On, a.Standby)
	},
	ProofText: func(a restoreArgs) string { return "select pg_is_in_recovery() on " + a.On.Site + " gives f" },
	GuardText: func(a restoreArgs) string {
		return a.Standby.Site + " is still in recovery and no promotion of it was asked for"
	},
}
