package contrib

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Hooks runs the operator's own commands before or after a phase's steps.
type Hooks struct{ List []inventory.Hook }

var runHook = kit.Spec[argvArgs]{
	Name: "hook.run", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Runs a command of the operator's own. Its check proves the effect: exit code 0 means that it is there, 1 that it is not.",
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " ends with exit code 0" },
	Probe: func(ctx context.Context, env kit.Env, a argvArgs) kit.Effect {
		out, err := ask(ctx, env, a.Host, a.Proof)
		switch {
		case err != nil:
			return kit.NotKnown("the check of %s could not run: %s", a.Name, dr.AsError(err, "hook").Text)
		case out.Exit == 0:
			return kit.Done("the check of %s says that its effect is there", a.Name)
		case out.Exit == 1:
			return kit.NotDone("the check of %s says that its effect is not there", a.Name)
		}
		return kit.NotKnown("the check of %s ended with exit code %d, which is neither 0 nor 1", a.Name, out.Exit)
	},
}

// Plan adds the hooks of the phases behind this gate.
func (c Hooks) Plan(in kit.PlanInput, d *kit.Draft) error {
	for _, h := range c.List {
		for _, ph := range dr.PhasesAfter(in.Request.Procedure, in.Gate) {
			if ph != h.Phase {
				continue
			}
			place := kit.PlaceHookBefore
			if h.When == inventory.After {
				place = kit.PlaceHookAfter
			}
			d.Add(ph, place, runHook.Step(kit.At{Phase: ph, Slug: "hook-" + h.Name, Title: "Run the hook " + h.Name, Timeout: h.Timeout.D(), Skip: h.Skip},
				argvArgs{Name: h.Name, Host: h.Host, Run: h.Run, Proof: h.Check}))
		}
	}
	return nil
}
