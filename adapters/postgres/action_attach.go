package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// attachScript writes the signal and the settings first and only then gives
// the control file back: no half-way state can start as a primary. $5 is
// start.conf.
const attachScript = followLines + `
f=$1/switchback-fence
if [ -d "$f" ]; then
	if [ -e "$f/global/pg_control" ]; then mv "$f/global/pg_control" "$1/global/pg_control"; fi
	if [ -n "$5" ] && [ -e "$f/start.conf" ]; then cp "$f/start.conf" "$5"; rm "$f/start.conf"; fi
	rm -f "$f/run"; rmdir "$f/global" "$f"
fi`

// attachStandby makes a stopped server the standby of a primary.
var attachStandby = kit.Spec[upstreamArgs]{
	Name:  "postgres.attach_standby",
	Kind:  dr.KindIrreversible,
	Doc:   "Writes standby.signal, primary_conninfo and primary_slot_name into a stopped server and then takes a fence of postgres.fence away, so that the next start is a standby's. From here only forward: what it needs (its slot) must not be undone any more.",
	Check: upstreamArgs.check,
	Commands: func(a upstreamArgs) []dr.Command {
		return []dr.Command{a.On.script(attachScript, a.On.Data, a.Run, a.Conninfo, a.Slot, a.On.StartConf)}
	},
	Probe: func(ctx context.Context, env kit.Env, a upstreamArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		if r.Fenced {
			return kit.NotDone("%s is fenced", a.On.Site)
		}
		return a.follows(ctx, env)
	},
	Guard: func(ctx context.Context, env kit.Env, a upstreamArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Rewind != "" {
				return kit.No("a rewind of %s did not end", a.On.Site)
			}
			return kit.Checks(a.On.isDown(r[0]), a.Primary.isPrimary(r[1]))
		}, a.On, a.Primary)
	},
	ProofText: func(a upstreamArgs) string {
		return a.On.Data + "/standby.signal exists, postgresql.auto.conf ends with the two settings, switchback-fence is gone"
	},
	GuardText: func(a upstreamArgs) string {
		return a.On.Site + " is stopped, no rewind is open, " + a.Primary.Site + " is the running primary"
	},
}
