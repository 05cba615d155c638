package vvr

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// onArgs name one place.
type onArgs struct {
	On Place `json:"on"`
}

func (a onArgs) check() error { return a.On.Check() }

// waitClosed waits until no program has a data volume open.
var waitClosed = kit.Spec[onArgs]{
	Name:  "vvr.wait_closed",
	Kind:  dr.KindRead,
	Doc:   "Waits until VxVM calls the RVG closed: makesec and migrate want all data volumes inactive (guide, chapter Transferring the Primary role). The kernel's flag decides; mounts and fuser only tell who.",
	Check: onArgs.check,
	Commands: func(a onArgs) []dr.Command {
		return []dr.Command{a.On.observation(holding)}
	},
	Probe: func(ctx context.Context, env kit.Env, a onArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, holding)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.RVG == nil:
			return kit.NotKnown("%s: %s", a.On.Site, kit.OrNotRead(r.Text["rvg"]))
		case r.RVG.Open:
			return kit.NotDone("data volumes are open at %s: %s; stop the application, unmount, and see that it does not start by itself", a.On.Site, holdersText(r))
		}
		return kit.Done("all data volumes of %s are closed at %s", a.On.RVG, a.On.Site)
	},
	ProofText: func(a onArgs) string {
		return fmt.Sprintf("the line flags: of vxprint -g %s -l %s on %s begins with closed", a.On.DG, a.On.RVG, a.On.Host)
	},
	Poll: 100 * time.Millisecond,
}

// linkArgs name a Primary and one of its Secondaries.
type linkArgs struct {
	Primary   Place `json:"primary"`
	Secondary Place `json:"secondary"`
	// MaxKB is how far the Secondary may be behind; 0 wants "is up to date".
	MaxKB int64 `json:"max_kb,omitempty"`
}

func (a linkArgs) check() error {
	if a.MaxKB < 0 {
		return fmt.Errorf("max_kb is negative")
	}
	return kit.Checks(a.Primary.Check(), a.Secondary.Check())
}

// waitUpToDate is the only proof that a Secondary is one: startrep and fbsync
// end with success long before.
var waitUpToDate = kit.Spec[linkArgs]{
	Name: "vvr.wait_up_to_date",
	Kind: dr.KindRead,
	Doc: "Waits until the Primary's RLINK is attached and connected, the Secondary consistent (past the end of the checkpoint), " +
		"nothing in the DCM, and vxrlink status says that it is up to date, or at most so far behind as allowed while applications write.",
	Check:    linkArgs.check,
	Commands: func(a linkArgs) []dr.Command { return []dr.Command{a.Primary.observation(brief)} },
	Probe: func(ctx context.Context, env kit.Env, a linkArgs) kit.Effect {
		r, _, err := a.Primary.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.Primary.Site, err)
		}
		if err := a.Primary.isPrimary(r); err != nil {
			return kit.NotKnown("%s", dr.AsError(err, "guard").Text)
		}
		if r.Text["rlink"] != "" {
			return kit.NotKnown("the RLINKs of %s were not recognised: %s", a.Primary.Site, r.Text["rlink"])
		}
		b := behindOf(r, a.Secondary)
		if b.UpToDate() || a.MaxKB > 0 && b.Why == "" && b.KB >= 0 && b.KB <= a.MaxKB {
			return kit.Done("%s", b.text(a.Secondary))
		}
		e := kit.NotDone("%s", b.text(a.Secondary))
		e.Progress = &kit.Progress{Text: "waiting for " + a.Secondary.Site + ": " + e.Text, At: env.Now()}
		if b.overflowed() {
			e.Never = dr.HoldReplan("srl_overflow", "the SRL of %s overflowed: changes for %s are in the DCM until a resync", a.Primary.Site, a.Secondary.Site).
				WithNext("replan: the new plan resynchronises %s", a.Secondary.Site)
		}
		return e
	},
	ProofText: func(a linkArgs) string {
		how := "says that it is up to date"
		if a.MaxKB > 0 {
			how = fmt.Sprintf("says that it is up to date or shows at most %d Kbytes", a.MaxKB)
		}
		return fmt.Sprintf("on %s, vxprint -g %s -Pl shows the RLINK to %s as attached, consistent and connected, and vxrlink status %s",
			a.Primary.Host, a.Primary.DG, a.Secondary.VVRHost, how)
	},
	Poll: 100 * time.Millisecond,
}

// waitDisconnected: a takeover is refused before the heartbeats of the Primary
// have been missed (15 s by default).
var waitDisconnected = kit.Spec[linkArgs]{
	Name:     "vvr.wait_disconnected",
	Kind:     dr.KindRead,
	Doc:      "Waits until the Secondary's own RLINK to the lost Primary is disconnected. Before that (heartbeats time out after 15 s by default) a takeover is refused.",
	Check:    linkArgs.check,
	Commands: func(a linkArgs) []dr.Command { return []dr.Command{a.Secondary.observation(brief)} },
	Probe: func(ctx context.Context, env kit.Env, a linkArgs) kit.Effect {
		r, _, err := a.Secondary.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.Secondary.Site, err)
		}
		if r.RVG == nil || r.Text["rlink"] != "" {
			return kit.NotKnown("%s: %s", a.Secondary.Site, kit.OrNotRead(r.Text["rvg"]+r.Text["rlink"]))
		}
		if r.IsPrimary() {
			return kit.Done("%s is the Primary already", a.Secondary.Site)
		}
		l, ok := r.LinkTo(a.Primary.VVRHost)
		switch {
		case !ok:
			return kit.NotKnown("%s has no RLINK to %s (%s)", a.Secondary.Site, a.Primary.Site, a.Primary.VVRHost)
		case l.Has("connected"):
			return kit.NotDone("the RLINK %s of %s is still connected to %s", l.Name, a.Secondary.Site, a.Primary.Site)
		case !l.Has("disconnected"):
			return kit.NotKnown("whether the RLINK %s of %s is connected is not known", l.Name, a.Secondary.Site)
		}
		return kit.Done("the RLINK %s of %s is disconnected from %s", l.Name, a.Secondary.Site, a.Primary.Site)
	},
	ProofText: func(a linkArgs) string {
		return fmt.Sprintf("vxprint -g %s -Pl on %s shows the RLINK to %s as disconnected", a.Secondary.DG, a.Secondary.Host, a.Primary.VVRHost)
	},
	Poll: 200 * time.Millisecond,
}

// checkPrimary reads the new Primary's role.
var checkPrimary = kit.Spec[onArgs]{
	Name:     "vvr.check_primary",
	Kind:     dr.KindRead,
	Doc:      "Reads that the RVG is a Primary which takes I/O (flags primary, kernel ENABLED), and no acting Secondary.",
	Check:    onArgs.check,
	Commands: func(a onArgs) []dr.Command { return []dr.Command{a.On.observation(brief)} },
	Probe: func(ctx context.Context, env kit.Env, a onArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.RVG == nil:
			return kit.NotKnown("%s: %s", a.On.Site, kit.OrNotRead(r.Text["rvg"]))
		case a.On.isPrimary(r) == nil:
			return kit.Done("%s is Primary and its volumes take I/O", a.On.Site)
		}
		return kit.NotDone("%s: %s", a.On.Site, summary(r))
	},
	ProofText: func(a onArgs) string {
		return fmt.Sprintf("vxprint -g %s -l %s on %s shows kernel=ENABLED and the flag primary, and no acting_secondary", a.On.DG, a.On.RVG, a.On.Host)
	},
	Poll: 100 * time.Millisecond,
}

// watchCheckpoint is looked at while people think: a checkpoint does not wait
// for them. It has no end of its own.
var watchCheckpoint = kit.Spec[checkpointArgs]{
	Name: "vvr.watch_checkpoint",
	Kind: dr.KindRead,
	Doc: "Watches a checkpoint that is completed and not started from, while a gate is open. When it overflows, or is gone, the gate is closed and planned anew: " +
		"an overflowed checkpoint cannot be started from (guide, Displaying checkpoints).",
	Check:    checkpointArgs.check,
	Commands: func(a checkpointArgs) []dr.Command { return []dr.Command{a.On.observation(brief)} },
	Probe: func(ctx context.Context, env kit.Env, a checkpointArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.On.Site, err)
		}
		e := checkpointEffect(r, a.On, a.Checkpoint)
		switch e.State {
		case kit.EffectDone:
			e.State = kit.EffectNotDone // nothing to wait for: it is only watched
			e.Progress = &kit.Progress{Text: "the gate is open: " + e.Text, At: env.Now()}
		case kit.EffectNotDone:
			e.Never = dr.HoldReplan("checkpoint", "%s", e.Text).WithNext("replan: %s is synchronised again", a.On.Site)
		case kit.EffectUnknown:
		}
		return e
	},
	ProofText: func(a checkpointArgs) string {
		return fmt.Sprintf("vxrvg -g %s cplist %s on %s shows %s as Completed and below 100 %%", a.On.DG, a.On.RVG, a.On.Host, a.Checkpoint)
	},
	Poll: 2 * time.Second,
}
