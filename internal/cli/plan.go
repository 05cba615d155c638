package cli

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
	"github.com/switchback-dr/switchback/internal/render"
	"github.com/switchback-dr/switchback/internal/setup"
)

func planFlags(in *input) {
	in.inventoryFlag()
	in.requestFlags()
	in.jsonFlag()
	in.set.StringVar(&in.format, "format", "text", "text, markdown (a run-book) or json")
	in.set.StringVar(&in.gate, "gate", "", "plan from this `gate` on (failback: convert, overwrite or cutover)")
}

// firstGate is the gate at which a procedure's first plan is made.
var firstGate = map[dr.Procedure]dr.Gate{
	dr.ProcTakeover: dr.GateDecide, dr.ProcFailback: dr.GateConvert, dr.ProcReseed: dr.GateOverwrite,
}

func (a *App) plan(ctx context.Context, in *input) (int, error) {
	p, err := procedureName(in.args[0])
	if err != nil {
		return 0, err
	}
	format, err := in.planFormat()
	if err != nil {
		return 0, err
	}
	gate, err := in.planGate(p)
	if err != nil {
		return 0, err
	}
	s, sys, err := a.loadSystem(in, in.args[1])
	if err != nil {
		return 0, err
	}
	defer s.Close()
	plan, err := a.preview(ctx, in, s, sys, p, gate)
	if err != nil {
		return 0, redacted(err, s.Redact)
	}
	return ExitDone, a.showPlan(plan, format, s.Redact)
}

func (in *input) planFormat() (string, error) {
	if in.json {
		if in.given("format") && in.format != "json" {
			return "", badUsage("--json and --format %s exclude one another", dr.Clip(in.format, 20))
		}
		return "json", nil
	}
	switch in.format {
	case "text", "markdown", "md", "json":
		return in.format, nil
	}
	return "", badUsage("there is no format %q", dr.Clip(in.format, 20)).WithNext("use text, markdown or json")
}

func (in *input) planGate(p dr.Procedure) (dr.Gate, error) {
	if in.gate == "" {
		return firstGate[p], nil
	}
	g := dr.Gate(in.gate)
	if len(dr.PhasesAfter(p, g)) == 0 {
		return "", badUsage("the procedure %s has no gate %q", p, dr.Clip(in.gate, 40))
	}
	return g, nil
}

// preview observes once and plans for what was seen.
func (a *App) preview(ctx context.Context, in *input, s *setup.Setup, sys *inventory.System, p dr.Procedure, gate dr.Gate) (dr.Plan, error) {
	var seen *dr.Situation
	look := func() (dr.Situation, error) {
		if seen == nil {
			sit := a.observe(ctx, s, sys)
			seen = &sit
		}
		if ctx.Err() != nil {
			return *seen, dr.Retry("interrupted", "the observation of %s was interrupted", sys.Name)
		}
		return *seen, nil
	}
	if strings.TrimSpace(in.reason) == "" {
		in.reason = "preview"
	}
	req, err := request(in, p, sys, look)
	if err != nil {
		return dr.Plan{}, err
	}
	sit, err := look()
	if err != nil {
		return dr.Plan{}, err
	}
	// The run is an invented one: names of slots and backups carry it, so
	// that two run-books never mean the same leftovers.
	run := a.Random()
	return planning.Compose(planning.Call{
		System: sys, Request: req, Situation: sit, Pin: s.Pin, Now: a.Now(),
		Envelope: dr.Envelope{Workflow: dr.WorkflowID(sys.Name), OriginalRun: run, Run: run, Gate: gate, Occurrence: 1, Request: a.Random()},
	})
}

func (a *App) showPlan(p dr.Plan, format string, clean func(string) string) error {
	switch format {
	case "json":
		return a.printJSON(p, clean)
	case "markdown", "md":
		a.printf("%s", clean(render.PlanMarkdown(p, a.Now())))
		return nil
	}
	nothing := p.Nothing != ""
	p.Digest = "" // a preview cannot be approved, so it shows nothing to approve with
	a.printf("%s", clean(render.PlanText(p, a.Now(), a.style())))
	if !nothing {
		a.printf("\nThis is a preview: nothing was changed. A run makes its own plan and asks for its approval:\n  starter %s %s%s --reason ...\n",
			p.Procedure, p.System, startArgs(p))
	}
	return nil
}

// startArgs are the flags that start what a preview showed.
func startArgs(p dr.Plan) string {
	out := ""
	if p.Mode != "" && p.Mode != dr.ModePlanned {
		out += " --mode " + string(p.Mode)
	}
	if p.To != "" {
		out += " --to " + dr.Quote(p.To)
	}
	return out
}

// redacted takes secrets out of an error's sentence.
func redacted(err error, clean func(string) string) error {
	e := *dr.AsError(err, "internal")
	e.Text, e.Next = clean(e.Text), clean(e.Next)
	return &e
}
