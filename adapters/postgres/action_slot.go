package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// slotArgs name a physical replication slot.
type slotArgs struct {
	On   Place  `json:"on"`
	Slot string `json:"slot"`
}

func (a slotArgs) check() error { return kit.Checks(a.On.known(), kit.Match(slotName, "slot", a.Slot)) }

func (a slotArgs) find(ctx context.Context, env kit.Env) (Slot, bool, error) {
	r, _, err := a.On.read(ctx, env, brief)
	if err != nil {
		return Slot{}, false, err
	}
	if r.Server == nil {
		return Slot{}, false, dr.Retry("down", "%s does not answer SQL: %s", a.On.Site, summary(r))
	}
	s, ok := r.FindSlot(a.Slot)
	return s, ok, nil
}

func (a slotArgs) guard(ctx context.Context, env kit.Env, inactive bool) (kit.HostTime, error) {
	return guardOn(ctx, env, func(r []Reading) error {
		if err := a.On.isMine(r[0]); err != nil {
			return err
		}
		if r[0].Server == nil {
			return kit.No("%s does not answer SQL: %s", a.On.Site, summary(r[0]))
		}
		s, ok := r[0].FindSlot(a.Slot)
		if inactive && ok && (s.Active || s.Type != "physical") {
			return kit.No("the slot %s on %s is in use, or not a physical one", a.Slot, a.On.Site)
		}
		return nil
	}, a.On)
}

// createSlot works on a standby too: slots are never replicated.
var createSlot = kit.Spec[slotArgs]{
	Name:  "postgres.create_slot",
	Kind:  dr.KindChange,
	Doc:   "Creates a physical replication slot that keeps log from now on. Its name carries the run, so that a leftover of another run is not taken for it.",
	Check: slotArgs.check,
	Commands: func(a slotArgs) []dr.Command {
		return []dr.Command{a.On.change("select pg_create_physical_replication_slot(" + kit.SQLText(a.Slot) + ", true)")}
	},
	Probe: func(ctx context.Context, env kit.Env, a slotArgs) kit.Effect {
		s, ok, err := a.find(ctx, env)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case !ok:
			return kit.NotDone("%s has no slot %s", a.On.Site, a.Slot)
		case s.Status != nil && *s.Status == "lost":
			return kit.Effect{
				State: kit.EffectUnknown, Text: "the slot " + a.Slot + " has lost its log",
				Never: dr.HoldReplan("slot_lost", "the slot %s on %s has lost its log", a.Slot, a.On.Site).WithNext("drop the slot, then replan"),
			}
		}
		return kit.Done("%s has the slot %s", a.On.Site, a.Slot)
	},
	Guard: func(ctx context.Context, env kit.Env, a slotArgs) (kit.HostTime, error) {
		return a.guard(ctx, env, false)
	},
	ProofText: func(a slotArgs) string { return "pg_replication_slots on " + a.On.Site + " lists " + a.Slot },
	GuardText: func(a slotArgs) string { return "the connection leads to " + a.On.Site + ", system " + a.On.System },
}

// dropSlot removes a slot that nobody uses.
var dropSlot = kit.Spec[slotArgs]{
	Name:  "postgres.drop_slot",
	Kind:  dr.KindChange,
	Doc:   "Drops a physical replication slot that is not in use: a forgotten slot keeps log until the disk is full.",
	Check: slotArgs.check,
	Commands: func(a slotArgs) []dr.Command {
		return []dr.Command{a.On.change("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = " + kit.SQLText(a.Slot) + " and slot_type = 'physical' and not active")}
	},
	Probe: func(ctx context.Context, env kit.Env, a slotArgs) kit.Effect {
		s, ok, err := a.find(ctx, env)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case ok:
			return kit.NotDone("%s still has the slot %s (active: %v)", a.On.Site, a.Slot, s.Active)
		}
		return kit.Done("%s has no slot %s", a.On.Site, a.Slot)
	},
	Guard: func(ctx context.Context, env kit.Env, a slotArgs) (kit.HostTime, error) {
		return a.guard(ctx, env, true)
	},
	ProofText: func(a slotArgs) string {
		return "pg_replication_slots on " + a.On.Site + " does not list " + a.Slot
	},
	GuardText: func(a slotArgs) string { return "the slot " + a.Slot + " is physical and not active" },
}
