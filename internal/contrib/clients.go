package contrib

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Clients re-points the addresses by which clients find the primary and proves
// that they arrived.
type Clients struct{ List []inventory.Client }

// pointed asks where clients are sent now; want is a site's name.
func pointed(ctx context.Context, env kit.Env, a argvArgs) kit.Effect {
	out, err := ask(ctx, env, a.Host, a.Proof)
	if err != nil {
		return kit.NotKnown("where %s points is unknown: %s", a.Name, dr.AsError(err, "client").Text)
	}
	said := strings.TrimSpace(out.Stdout)
	switch {
	case out.Exit != 0 || out.Truncated:
		return kit.NotKnown("where %s points is unknown: its proof ended with exit code %d", a.Name, out.Exit)
	case said == a.Want:
		return kit.Done("%s points to %s", a.Name, a.Want)
	case dr.CheckName("site", said) == nil:
		return kit.NotDone("%s points to %s, not to %s", a.Name, said, a.Want)
	}
	return kit.NotKnown("where %s points is unknown: its proof said %q", a.Name, dr.Clip(said, 60))
}

var pointClients = kit.Spec[argvArgs]{
	Name: "clients.point", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Points a client address to a site and proves it by asking the address where it points.",
	Probe:     pointed,
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " prints " + a.Want },
}

var proveClients = kit.Spec[argvArgs]{
	Name: "clients.prove", Kind: dr.KindRead, Check: argvArgs.check,
	Commands: func(a argvArgs) []dr.Command { return []dr.Command{{Host: a.Host, Argv: a.Proof}} },
	Doc:      "Proves that a client address points to the new primary.",
	Probe:    pointed,
}

// Plan points clients in redirect and proves it in verify.
func (c Clients) Plan(in kit.PlanInput, d *kit.Draft) error {
	if in.Gate != dr.GateDecide && in.Gate != dr.GateCutover {
		return nil
	}
	for _, a := range c.List {
		if len(a.Show) == 0 { // a client of another kind
			continue
		}
		run, ok := a.Point[d.To]
		if !ok {
			d.Consequence("The client address %s has no command for %s: its clients will not follow.", a.Name, d.To)
			continue
		}
		args := argvArgs{Name: a.Name, Host: a.Host, Run: run, Proof: a.Show, Want: d.To}
		d.Add(dr.PhaseRedirect, kit.PlaceClientsIn, pointClients.Step(kit.At{
			Phase: dr.PhaseRedirect, Slug: "point-" + a.Name, Title: "Point " + a.Name + " to " + d.To, Site: d.To,
			Timeout: a.Timeout.D(), Skip: dr.SkipDecision, Why: "clients reach the system by this address",
		}, args))
		d.Add(dr.PhaseVerify, kit.PlaceProof, proveClients.Step(kit.At{
			Phase: dr.PhaseVerify, Slug: "prove-" + a.Name, Title: "Prove that " + a.Name + " points to " + d.To, Site: d.To,
			Timeout: a.Timeout.D(), Skip: dr.SkipDecision,
		}, args))
	}
	return nil
}
