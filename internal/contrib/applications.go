package contrib

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Applications stops programs that use the system where it stops being
// primary, and starts them where it becomes primary.
type Applications struct{ List []inventory.Application }

// running tells what an application's proof said: exit code 0 means running, 3
// means stopped, as systemctl and init scripts have it.
func running(ctx context.Context, env kit.Env, a argvArgs) (dr.Tri, string) {
	out, err := ask(ctx, env, a.Host, a.Proof)
	if err != nil {
		return dr.Unknown, dr.AsError(err, "application").Text
	}
	switch out.Exit {
	case 0:
		return dr.Yes, a.Name + " is running on " + a.Host
	case 3:
		return dr.No, a.Name + " is stopped on " + a.Host
	}
	return dr.Unknown, a.Name + " on " + a.Host + ": its proof ended with an exit code that is neither 0 (running) nor 3 (stopped)"
}

var stopApplication = kit.Spec[argvArgs]{
	Name: "app.stop", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Stops an application and proves that it is stopped (its proof ends with exit code 3).",
	Probe:     proven(running, dr.No),
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " ends with exit code 3" },
}

var startApplication = kit.Spec[argvArgs]{
	Name: "app.start", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Starts an application and proves that it is running (its proof ends with exit code 0).",
	Probe:     proven(running, dr.Yes),
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " ends with exit code 0" },
}

func (a argvArgs) proofLine() string {
	words := make([]string, len(a.Proof))
	for i, w := range a.Proof {
		words[i] = dr.Quote(w)
	}
	return a.Host + "$ " + strings.Join(words, " ")
}

func appArgs(a inventory.Application, host string, start bool) argvArgs {
	args := argvArgs{Name: a.Name, Host: host, Run: a.Stop, Proof: a.Running}
	verb := "stop"
	if start {
		args.Run, verb = a.Start, "start"
	}
	switch {
	case a.Unit != "":
		args.Run = []string{"sudo", "systemctl", verb, a.Unit}
		args.Proof = []string{"systemctl", "is-active", a.Unit}
	case a.Group != "":
		args.Run, args.Proof = groupCommands(a.Group, start)
	}
	return args
}

// Plan puts the stops and starts where the procedure needs them.
func (c Applications) Plan(in kit.PlanInput, d *kit.Draft) error {
	for _, a := range c.List {
		switch in.Gate {
		case dr.GateDecide:
			c.stop(in, d, a, dr.PhaseIsolate, d.From, true)
			c.start(d, a, dr.PhaseRedirect, d.To)
		case dr.GateCutover:
			c.stop(in, d, a, dr.PhaseQuiesce, d.From, true)
			c.start(d, a, dr.PhaseRedirect, d.To)
		case dr.GateConvert:
			// An application that starts by itself on the returning site
			// keeps volumes and files open.
			c.stop(in, d, a, dr.PhasePrepare, d.To, false)
		case dr.GateOverwrite:
			c.stop(in, d, a, dr.PhaseRestore, d.To, false)
		case dr.GateUndo:
			// The undo of a stop stands in the plan that stopped it.
		}
	}
	return nil
}

func (c Applications) stop(in kit.PlanInput, d *kit.Draft, a inventory.Application, ph dr.Phase, site string, undo bool) {
	host, ok := a.Hosts[site]
	if !ok {
		return
	}
	if s, _ := in.Situation.Site(site); s.Reachable == dr.No {
		d.Consequence("The application %s at %s cannot be stopped: the site does not answer. See that it does not start by itself when the site returns.", a.Name, site)
		return
	}
	at := kit.At{
		Phase: ph, Slug: "app-stop-" + a.Name, Title: "Stop " + a.Name + " at " + site, Site: site,
		Timeout: a.Timeout.D(), Skip: dr.SkipDecision, Why: "it must not write while the primary role moves", StopsClients: undo,
	}
	if undo {
		back := startApplication.Step(kit.At{
			Phase: ph, Slug: "app-stop-" + a.Name + ".undo", Title: "Start " + a.Name + " at " + site + " again",
			Site: site, Timeout: a.Timeout.D(), Skip: dr.SkipDecision,
		}, appArgs(a, host, true))
		at.Undo = &back
	}
	d.Add(ph, kit.PlaceAppStop, stopApplication.Step(at, appArgs(a, host, false)))
}

func (c Applications) start(d *kit.Draft, a inventory.Application, ph dr.Phase, site string) {
	host, ok := a.Hosts[site]
	if !ok {
		return
	}
	d.Add(ph, kit.PlaceAppStart, startApplication.Step(kit.At{
		Phase: ph, Slug: "app-start-" + a.Name, Title: "Start " + a.Name + " at " + site,
		Site: site, Timeout: a.Timeout.D(), Skip: dr.SkipDecision, Why: "it serves users at the new primary",
	}, appArgs(a, host, true)))
}
