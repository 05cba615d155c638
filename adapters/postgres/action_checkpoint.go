package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// checkpointArgs are the arguments of the checkpoint actions.
type checkpointArgs struct {
	On  Place  `json:"on"`
	Run string `json:"run"`
}

func (a checkpointArgs) check() error {
	return kit.Checks(a.On.known(), kit.Match(kit.RunID, "run", a.Run))
}

func (a checkpointArgs) mark() string { return a.On.aside() + "/" + a.Run + "/checkpoint" }

// checkpointAction makes the shutdown checkpoint small.
var checkpointAction = kit.Spec[checkpointArgs]{
	Name:  "postgres.checkpoint",
	Kind:  dr.KindChange,
	Doc:   "CHECKPOINT on the primary while clients still write, so that the shutdown checkpoint within the outage has little to do. Needs superuser or, from 15 on, pg_checkpoint.",
	Check: checkpointArgs.check,
	Commands: func(a checkpointArgs) []dr.Command {
		return []dr.Command{a.On.marked(a.mark(), a.On.change("checkpoint"))}
	},
	Probe: func(ctx context.Context, env kit.Env, a checkpointArgs) kit.Effect {
		return a.On.hasMark(ctx, env, a.mark())
	},
	Guard: func(ctx context.Context, env kit.Env, a checkpointArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isPrimary(r[0]) }, a.On)
	},
	ProofText: func(a checkpointArgs) string { return "the file " + a.mark() + " exists: the command has ended" },
	GuardText: func(a checkpointArgs) string {
		return a.On.Site + " is the running primary of system " + a.On.System
	},
	Settle: 2 * time.Second,
}

// checkpointTimeline is needed before pg_rewind: until the new primary has
// checkpointed, its control file still names the old timeline and pg_rewind
// says "no rewind required" falsely.
var checkpointTimeline = kit.Spec[checkpointArgs]{
	Name:  "postgres.checkpoint_timeline",
	Kind:  dr.KindChange,
	Doc:   "CHECKPOINT on the new primary, so that its control file names the new timeline. Without it pg_rewind is wrong: it says that no rewind is required, or ends in an unusable copy.",
	Check: checkpointArgs.check,
	Commands: func(a checkpointArgs) []dr.Command {
		return []dr.Command{a.On.change("checkpoint")}
	},
	Probe: func(ctx context.Context, env kit.Env, a checkpointArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		if r.Server == nil || r.Server.WALFile == nil {
			return kit.NotKnown("%s is not a running primary: %s", a.On.Site, summary(r))
		}
		now := timelineOf(*r.Server.WALFile)
		if r.Server.CheckpointTimeline == now {
			return kit.Done("the control file of %s names timeline %d", a.On.Site, now)
		}
		return kit.NotDone("the control file of %s still names timeline %d, the log is on %d", a.On.Site, r.Server.CheckpointTimeline, now)
	},
	Guard: func(ctx context.Context, env kit.Env, a checkpointArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return a.On.isPrimary(r[0]) }, a.On)
	},
	ProofText: func(a checkpointArgs) string {
		return fmt.Sprintf("on %s, (pg_control_checkpoint()).timeline_id equals the timeline of pg_walfile_name(pg_current_wal_lsn())", a.On.Site)
	},
	GuardText: func(a checkpointArgs) string {
		return a.On.Site + " is the running primary of system " + a.On.System
	},
}
