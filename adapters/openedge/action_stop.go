package openedge

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// stopArgs stop a source so that its target has everything.
type stopArgs struct {
	Source  Place `json:"source"`
	Target  Place `json:"target"`
	Minutes int   `json:"minutes"`
}

// stopSource ends the writes of the controlled form.
var stopSource = kit.Spec[stopArgs]{
	Name: "openedge.stop_source",
	Kind: dr.KindChange,
	Doc: "proshut -shutdownTimeout Nm -replSync: throws users out, rolls open transactions back and stops when every connected target has everything. On a time-out it asks " +
		"on standard input, which is closed. Manual: \"Enforce source and target database synchronization during shutdown\".",
	Check: func(a stopArgs) error {
		if a.Minutes < 1 || a.Minutes > 600 {
			return fmt.Errorf("minutes must be 1 to 600")
		}
		return kit.Checks(a.Source.Check(), a.Target.Check())
	},
	Commands: func(a stopArgs) []dr.Command {
		return []dr.Command{a.Source.run(a.Source.DLC+"/bin/proshut", "-shutdownTimeout", strconv.Itoa(a.Minutes)+"m", a.Source.Database, "-replSync")}
	},
	Probe: func(ctx context.Context, env kit.Env, a stopArgs) kit.Effect {
		return closedEffect(ctx, env, a.Source)
	},
	Guard: func(ctx context.Context, env kit.Env, a stopArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return isInStep(a.Source, a.Target, r[0], r[1]) }, pair(a.Source, a.Target)...)
	},
	ProofText: func(a stopArgs) string {
		return "proutil " + a.Source.Database + " -C holder ends with 0 on " + a.Source.Site + " and no broker process is there"
	},
	GuardText: func(a stopArgs) string { return inStepText(a.Source, a.Target) },
	Poll:      100 * time.Millisecond,
	Settle:    60 * time.Second,
}

func inStepText(source, target Place) string {
	return "server 6021 on " + source.Site + ", control agent " + target.Agent + " 3049 there, agent 3049 on " + target.Site
}

// closedEffect asks whether a database is closed.
func closedEffect(ctx context.Context, env kit.Env, p Place) kit.Effect {
	return probeOn(ctx, env, look{On: p}, func(r Reading) kit.Effect {
		switch r.InUse() {
		case dr.No:
			return kit.Done("%s is closed", p.Site)
		case dr.Yes:
			return kit.NotDone("%s is open", p.Site)
		default:
			return kit.NotKnown("%s: %s", p.Site, summary(r))
		}
	})
}

// proveShutdown is the proof of no loss of the controlled form.
var proveShutdown = kit.Spec[stopArgs]{
	Name: "openedge.prove_shutdown",
	Kind: dr.KindRead,
	Doc: "Proves from the source's log that its last session ended after all after-image blocks were sent (20258), source and target were synchronised (10436) and all connected targets " +
		"were synchronised (20257), in this order, and that nobody has it open.",
	Check:    func(a stopArgs) error { return kit.Checks(a.Source.Check(), a.Target.Check()) },
	Commands: func(a stopArgs) []dr.Command { return []dr.Command{look{On: a.Source}.command()} },
	Probe: func(ctx context.Context, env kit.Env, a stopArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.Source}, func(r Reading) kit.Effect { return a.judgeShutdown(r, env.Now()) })
	},
	ProofText: func(a stopArgs) string {
		return "the log of " + a.Source.Site + " has (20258), (10436), (20257) and then (334) after its last (333)"
	},
	Poll: 200 * time.Millisecond,
}

func (a stopArgs) judgeShutdown(r Reading, at time.Time) kit.Effect {
	if r.InUse() != dr.No {
		return kit.NotKnown("%s is not proven to be closed: %s", a.Source.Site, summary(r))
	}
	s := r.session()
	sent, sync, step, end := s.last(msgAllSent), s.last(msgSynchronised), s.last(msgTargetsInStep), s.last(msgSessionEnd)
	if sent < 0 || step < sent || sync < 0 || end < step {
		err := dr.HoldReplan("no_proof", "%s was closed, but its log does not say that %s had everything: 20258, 10436, 20257 and 334 are not there in this order", a.Source.Site, a.Target.Site).
			WithNext("abort: the undo starts %s again", a.Source.Site)
		return kit.Effect{State: kit.EffectNotDone, Text: err.Text, Never: err}
	}
	e := kit.Done("%s was closed at %s after all connected targets were synchronised (20257)", a.Source.Site, s[end].At.Format(time.RFC3339))
	e.Evidence = []dr.Evidence{{At: at, Name: "shutdown proof", Text: e.Text}}
	e.Loss = &dr.LossFound{Amount: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1}, Text: "no loss: " + e.Text}
	return e
}

// stopTarget closes a target.
var stopTarget = kit.Spec[targetArgs]{
	Name:  "openedge.stop_target",
	Kind:  dr.KindChange,
	Doc:   "proshut -by of a target. Never -byF: an emergency shutdown can break resynchronisation (knowledge base P89671).",
	Check: targetArgs.check,
	Commands: func(a targetArgs) []dr.Command {
		return []dr.Command{a.On.run(a.On.DLC+"/bin/proshut", a.On.Database, "-by")}
	},
	Probe: func(ctx context.Context, env kit.Env, a targetArgs) kit.Effect { return closedEffect(ctx, env, a.On) },
	Guard: func(ctx context.Context, env kit.Env, a targetArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Role() != roleTarget {
				return kit.No("%s is not a target: %s", a.On.Site, summary(r[0]))
			}
			return nil
		}, look{On: a.On})
	},
	ProofText: func(a targetArgs) string {
		return "proutil " + a.On.Database + " -C holder ends with 0 on " + a.On.Site
	},
	GuardText: func(a targetArgs) string { return a.On.Site + " is a target" },
	Settle:    60 * time.Second,
}

// targetArgs name one database.
type targetArgs struct {
	On Place `json:"on"`
}

func (a targetArgs) check() error { return a.On.Check() }
