package vvr

import (
	"context"
	"fmt"
	"regexp"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// replayArgs replay a DCM to a Secondary.
type replayArgs struct {
	Primary   Place `json:"primary"`
	Secondary Place `json:"secondary"`
	// Cache is "cache=OBJECT" or "cachesize=SIZE": VVR then takes its own
	// space-optimized snapshots of the Secondary first.
	Cache string `json:"cache,omitempty"`
}

var cacheAttribute = regexp.MustCompile(`^(cache=[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}|cachesize=[1-9][0-9]{0,11}[kmgtKMGT]?)?$`)

func (a replayArgs) check() error {
	return kit.Checks(a.Primary.Check(), a.Secondary.Check(), kit.Match(cacheAttribute, "cache attribute", a.Cache))
}

func (a replayArgs) command(keyword string) []dr.Command {
	args := []string{keyword, a.Primary.RVG}
	if a.Cache != "" {
		args = append(args, a.Cache)
	}
	return []dr.Command{a.Primary.tool("vradmin", args...)}
}

// fbsync leads back after a takeover with fast failback.
var fbsync = kit.Spec[replayArgs]{
	Name: "vvr.fbsync",
	Kind: dr.KindIrreversible,
	Doc: "vradmin fbsync on the new Primary: makes the acting Secondary a Secondary and replays the failback log (DCM) to it " +
		"(guide, Failing back to the original Primary with fast failback). Its data is inconsistent until the replay ends: with cache= or cachesize= VVR takes snapshots first.",
	Check:    replayArgs.check,
	Commands: func(a replayArgs) []dr.Command { return a.command("fbsync") },
	Probe: func(ctx context.Context, env kit.Env, a replayArgs) kit.Effect {
		r, _, err := a.Secondary.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.Secondary.Site, err)
		case r.IsSecondary():
			return kit.Done("%s is Secondary again", a.Secondary.Site)
		case r.Acting():
			return kit.NotDone("%s is still an acting Secondary", a.Secondary.Site)
		}
		return kit.NotKnown("%s: %s", a.Secondary.Site, summary(r))
	},
	Guard: func(ctx context.Context, env kit.Env, a replayArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, conf, func(r []Reading) error {
			err := kit.Checks(a.Primary.isPrimary(r[0]), a.Secondary.usable(r[1]), a.Primary.hasVradmin(r[0]), a.Secondary.hasVradmin(r[1]), a.Secondary.isClosed(r[1]))
			if err != nil {
				return err
			}
			if !r[1].Acting() {
				return kit.No("%s is no acting Secondary: %s", a.Secondary.Site, summary(r[1]))
			}
			return nil
		}, a.Primary, a.Secondary)
	},
	ProofText: func(a replayArgs) string {
		return fmt.Sprintf("vxprint -l on %s shows the flag secondary and no acting_secondary", a.Secondary.Host)
	},
	GuardText: func(a replayArgs) string {
		return fmt.Sprintf("%s is the Primary that takes I/O, %s is an acting Secondary with closed volumes", a.Primary.Site, a.Secondary.Site)
	},
}

// resync leads out of an overflowed SRL.
var resync = kit.Spec[replayArgs]{
	Name: "vvr.resync",
	Kind: dr.KindIrreversible,
	Doc: "vradmin resync: replays the DCM after an overflow of the SRL (guide, Incrementally synchronizing after SRL overflow). " +
		"The Secondary leaves its old consistent state and is inconsistent until the replay ends.",
	Check:    replayArgs.check,
	Commands: func(a replayArgs) []dr.Command { return a.command("resync") },
	Probe: func(ctx context.Context, env kit.Env, a replayArgs) kit.Effect {
		r, _, err := a.Primary.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.Primary.Site, err)
		}
		l, ok := r.LinkTo(a.Secondary.VVRHost)
		if r.RVG == nil || r.Text["rlink"] != "" || !ok {
			return kit.NotKnown("the RLINK of %s to %s was not recognised", a.Primary.Site, a.Secondary.Site)
		}
		if l.Has("resync_started") || l.Has(flagAttached) && !l.Has(flagDCM) {
			return kit.Done("the replay of the DCM to %s has begun or is over: %v", a.Secondary.Site, l.Flags)
		}
		return kit.NotDone("the changes for %s are in the DCM: %v", a.Secondary.Site, l.Flags)
	},
	Guard: func(ctx context.Context, env kit.Env, a replayArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, conf, func(r []Reading) error {
			err := kit.Checks(a.Primary.isPrimary(r[0]), a.Secondary.isSecondary(r[1]), a.Primary.hasVradmin(r[0]))
			if err != nil {
				return err
			}
			l, ok := r[0].LinkTo(a.Secondary.VVRHost)
			if !ok || !l.Has("connected") || !l.Has(flagDCM) || l.Has(flagFailback) || l.Has("autosync") {
				return kit.No("the RLINK of %s to %s does not wait for a resync: %v", a.Primary.Site, a.Secondary.Site, l.Flags)
			}
			return nil
		}, a.Primary, a.Secondary)
	},
	ProofText: func(a replayArgs) string {
		return linkProof(a.Primary, a.Secondary, "resync_started, or without dcm_logging")
	},
	GuardText: func(a replayArgs) string {
		return fmt.Sprintf("%s is the Primary that takes I/O, %s a Secondary, their RLINK is connected and logs to the DCM after an overflow", a.Primary.Site, a.Secondary.Site)
	},
}

// snapshotArgs are the operator's own commands for a snapshot.
type snapshotArgs struct {
	On    Place    `json:"on"`
	Take  []string `json:"take"`
	Check []string `json:"check"`
	Run   string   `json:"run"`
}

func (a snapshotArgs) check() error {
	if !plainWords(a.Take) || !plainWords(a.Check) {
		return fmt.Errorf("the snapshot's commands are not allowed")
	}
	return kit.Checks(a.On.Check(), kit.Match(kit.RunID, "run", a.Run))
}

func (a snapshotArgs) command(argv []string) dr.Command {
	return dr.Command{Host: a.On.Host, Argv: append(append(a.On.pre(), argv...), a.Run)}
}

// snapshot keeps the target's volumes before something makes them inconsistent.
var snapshot = kit.Spec[snapshotArgs]{
	Name:     "vvr.snapshot",
	Kind:     dr.KindChange,
	Doc:      "Runs the operator's own command for a snapshot of the data volumes, and its check. Both get the run's ID, so that a snapshot of another run does not count.",
	Check:    snapshotArgs.check,
	Commands: func(a snapshotArgs) []dr.Command { return []dr.Command{a.command(a.Take)} },
	Probe: func(ctx context.Context, env kit.Env, a snapshotArgs) kit.Effect {
		out, err := env.Read(ctx, a.command(a.Check))
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case out.Exit == 0:
			return kit.Done("the snapshot of run %s is there at %s", a.Run, a.On.Site)
		case out.Exit == 1 && out.Stdout == "":
			return kit.NotDone("there is no snapshot of run %s at %s", a.Run, a.On.Site)
		}
		return kit.NotKnown("the check of the snapshot at %s ended with exit code %d: %s", a.On.Site, out.Exit, dr.Clip(dr.CleanLine(out.Stdout+" "+out.Stderr), 150))
	},
	Guard: func(ctx context.Context, env kit.Env, a snapshotArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, brief, func(r []Reading) error { return a.On.usable(r[0]) }, a.On)
	},
	ProofText: func(a snapshotArgs) string { return a.command(a.Check).Shown() + " ends with exit code 0" },
	GuardText: func(a snapshotArgs) string { return "the RVG of " + a.On.Site + " can be read" },
}
