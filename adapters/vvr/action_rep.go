package vvr

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// startArgs start replication to a Secondary.
type startArgs struct {
	Primary   Place `json:"primary"`
	Secondary Place `json:"secondary"`
	// Checkpoint is where replication begins; "" means automatic
	// synchronisation over the network (-a).
	Checkpoint string `json:"checkpoint,omitempty"`
}

func (a startArgs) check() error {
	if a.Checkpoint != "" && !checkpointName.MatchString(a.Checkpoint) {
		return fmt.Errorf("the checkpoint %q is not allowed", dr.Clip(a.Checkpoint, 40))
	}
	return kit.Checks(a.Primary.Check(), a.Secondary.Check())
}

// startrep is never given -f: attached without a comparison, two different
// copies would look like replication.
var startrep = kit.Spec[startArgs]{
	Name: "vvr.startrep",
	Kind: dr.KindChange,
	Doc: "vradmin -c CHECKPOINT startrep: attaches the RLINKs and replays the SRL from the checkpoint, so that writes made during the synchronisation arrive too. " +
		"Without a checkpoint -a: automatic synchronisation of everything. Ends with success before anything is connected: vvr.wait_up_to_date is the proof. Never -f.",
	Check: startArgs.check,
	Commands: func(a startArgs) []dr.Command {
		opt := []string{"-a"}
		if a.Checkpoint != "" {
			opt = []string{"-c", a.Checkpoint}
		}
		return []dr.Command{a.Primary.tool("vradmin", append(opt, "startrep", a.Primary.RVG, a.Secondary.VVRHost)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a startArgs) kit.Effect {
		return attachedEffect(ctx, env, a.Primary, a.Secondary, true)
	},
	Guard: func(ctx context.Context, env kit.Env, a startArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, volumes, func(r []Reading) error {
			err := kit.Checks(a.Primary.isPrimary(r[0]), a.Secondary.isSecondary(r[1]), a.Primary.hasVradmin(r[0]), a.Secondary.hasVradmin(r[1]),
				a.Primary.detached(r[0], a.Secondary))
			if err != nil {
				return err
			}
			if err := a.Primary.sameSizes(r[0], a.Secondary); err != nil {
				return err
			}
			if a.Checkpoint == "" {
				return nil
			}
			if e := checkpointEffect(r[0], a.Primary, a.Checkpoint); e.State != kit.EffectDone {
				return dr.HoldReplan("checkpoint", "%s", e.Text).WithNext("replan: the synchronisation is made again with a new checkpoint")
			}
			return nil
		}, a.Primary, a.Secondary)
	},
	Interpret: func(a startArgs, j kit.Job) error {
		if j.Exit != 0 && saysCheckpoint.MatchString(said(j)) {
			return dr.HoldReplan("checkpoint", "startrep was refused: %s", lastSaid(j)).WithNext("replan: the synchronisation is made again with a new checkpoint")
		}
		return nil
	},
	ProofText: func(a startArgs) string { return linkProof(a.Primary, a.Secondary, flagAttached) },
	GuardText: func(a startArgs) string {
		t := fmt.Sprintf("%s is the Primary that takes I/O, %s a Secondary, their RLINK is detached, sizes of the volumes are equal", a.Primary.Site, a.Secondary.Site)
		if a.Checkpoint != "" {
			t += ", the checkpoint " + a.Checkpoint + " is completed and not overflowed"
		}
		return t
	},
}

func linkProof(on, to Place, flag string) string {
	return fmt.Sprintf("vxprint -g %s -Pl on %s shows the RLINK to %s as %s", on.DG, on.Host, to.VVRHost, flag)
}

// attachedEffect reads whether an RLINK takes part.
func attachedEffect(ctx context.Context, env kit.Env, on, to Place, want bool) kit.Effect {
	r, _, err := on.read(ctx, env, brief)
	if err != nil {
		return kit.NotRead(on.Site, err)
	}
	if r.RVG == nil || r.Text["rlink"] != "" {
		return kit.NotKnown("%s: %s", on.Site, kit.OrNotRead(r.Text["rvg"]+r.Text["rlink"]))
	}
	if !r.IsPrimary() {
		return kit.NotKnown("%s is no Primary: %s", on.Site, summary(r))
	}
	l, ok := r.LinkTo(to.VVRHost)
	if !ok && want {
		return kit.NotKnown("%s has no RLINK to %s (%s)", on.Site, to.Site, to.VVRHost)
	}
	text := "there is no RLINK from " + on.Site + " to " + to.Site
	if ok {
		text = fmt.Sprintf("the RLINK %s from %s to %s is %v", l.Name, on.Site, to.Site, l.Flags)
	}
	if (ok && l.Has(flagAttached)) == want {
		return kit.Done("%s", text)
	}
	return kit.NotDone("%s", text)
}

// pairArgs name a Primary and a Secondary.
type pairArgs struct {
	Primary   Place `json:"primary"`
	Secondary Place `json:"secondary"`
}

func (a pairArgs) check() error { return kit.Checks(a.Primary.Check(), a.Secondary.Check()) }

// stoprep takes a Secondary whose data nobody vouches for out of replication.
var stoprep = kit.Spec[pairArgs]{
	Name:  "vvr.stoprep",
	Kind:  dr.KindChange,
	Doc:   "vradmin -s stoprep: detaches the RLINKs. A Secondary that joined a new Primary by itself after a takeover must be synchronised, and syncrvg wants its RLINK detached.",
	Check: pairArgs.check,
	Commands: func(a pairArgs) []dr.Command {
		return []dr.Command{a.Primary.tool("vradmin", "-s", "stoprep", a.Primary.RVG, a.Secondary.VVRHost)}
	},
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		e := attachedEffect(ctx, env, a.Primary, a.Secondary, false)
		if e.State != kit.EffectDone {
			return e
		}
		// The Secondary's own end can be attached to a former Primary alone.
		r, _, err := a.Secondary.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.Secondary.Site, err)
		}
		if r.RVG == nil || r.Text["rlink"] != "" {
			return kit.NotKnown("%s: %s", a.Secondary.Site, kit.OrNotRead(r.Text["rvg"]+r.Text["rlink"]))
		}
		if l, ok := r.LinkTo(a.Primary.VVRHost); ok && l.Has(flagAttached) {
			return kit.NotDone("the RLINK %s of %s is attached", l.Name, a.Secondary.Site)
		}
		return e
	},
	Guard: func(ctx context.Context, env kit.Env, a pairArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, conf, func(r []Reading) error {
			return kit.Checks(a.Primary.isPrimary(r[0]), a.Primary.hasVradmin(r[0]))
		}, a.Primary)
	},
	ProofText: func(a pairArgs) string {
		return linkProof(a.Primary, a.Secondary, "detached, or none") + ", and so does " + a.Secondary.Host + " the one to " + a.Primary.VVRHost
	},
	GuardText: func(a pairArgs) string { return a.Primary.Site + " is the Primary that takes I/O" },
}

// checkpointArgs name a checkpoint.
type checkpointArgs struct {
	On         Place  `json:"on"`
	Checkpoint string `json:"checkpoint"`
}

func (a checkpointArgs) check() error {
	return kit.Checks(a.On.Check(), kit.Match(checkpointName, "checkpoint", a.Checkpoint))
}

// checkdelete removes a checkpoint: the 47th cannot be made.
var checkdelete = kit.Spec[checkpointArgs]{
	Name:  "vvr.checkdelete",
	Kind:  dr.KindChange,
	Doc:   "vxrvg -c CHECKPOINT checkdelete: an RVG holds at most 46 checkpoints, and a forgotten one fails the 47th in the middle of a disaster.",
	Check: checkpointArgs.check,
	Commands: func(a checkpointArgs) []dr.Command {
		return []dr.Command{a.On.tool("vxrvg", "-c", a.Checkpoint, "checkdelete", a.On.RVG)}
	},
	Probe: func(ctx context.Context, env kit.Env, a checkpointArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		_, found, read := r.Checkpoint(a.Checkpoint)
		switch {
		case !read:
			return kit.NotKnown("the checkpoints of %s were not read: %s", a.On.Site, kit.OrNotRead(r.Text["cp"]))
		case found:
			return kit.NotDone("%s still has the checkpoint %s", a.On.Site, a.Checkpoint)
		}
		return kit.Done("%s has no checkpoint %s", a.On.Site, a.Checkpoint)
	},
	Guard: func(ctx context.Context, env kit.Env, a checkpointArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, brief, func(r []Reading) error { return a.On.isPrimary(r[0]) }, a.On)
	},
	ProofText: func(a checkpointArgs) string {
		return fmt.Sprintf("vxrvg -g %s cplist %s on %s does not list %s", a.On.DG, a.On.RVG, a.On.Host, a.Checkpoint)
	},
	GuardText: func(a checkpointArgs) string { return a.On.Site + " is the Primary that takes I/O" },
}
