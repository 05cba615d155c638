package gateway

import (
	"context"
	"slices"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// Page is what a page about one system shows. Everything in it is redacted and
// free of control characters.
type Page struct {
	System string
	// Line says in one sentence what runs.
	Line string
	// Title names the run; "" when there is none.
	Title string
	// Running says that a run is open.
	Running bool
	// Cards are the run's, the newest first; an open question has buttons.
	Cards []Card
	// Phases are the plan's with the state of each step.
	Phases []dr.PhaseStatus
	// Events are the timeline, the oldest first.
	Events []dr.Event
	// Working are the steps that run now, as their heartbeats tell.
	Working []string
}

// Line says in one sentence what runs for a system.
func (g *Gateway) Line(ctx context.Context, system string) string {
	return dr.CleanLine(g.clean(g.oneLine(ctx, system)))
}

// Page gives a system's page. Without a run it has only a line; a run that no
// worker answers for is an error of class retry.
func (g *Gateway) Page(ctx context.Context, system string) (Page, error) {
	p := Page{System: system}
	if !g.knows(system) {
		return p, dr.Refuse("unknown_system", "there is no system %q here", dr.Clip(dr.CleanLine(system), 60))
	}
	workflow := dr.WorkflowID(system)
	info, err := g.describe(ctx, workflow, "")
	if dr.HasCode(err, "no_run") {
		p.Line = "nothing runs"
		return p, nil
	}
	if err != nil {
		return p, err
	}
	all, err := g.runCards(ctx, system, info)
	if err != nil {
		return p, err
	}
	for _, s := range slices.Backward(all) {
		p.Cards = append(p.Cards, s.card)
	}
	var rep dr.Report
	if err := g.query(ctx, workflow, info.run, dr.QueryReport, &rep); err != nil {
		return p, err
	}
	p.Running, p.Phases, p.Events = info.open, rep.Status.Phases, rep.Events
	p.Title, p.Line = title(rep.Status), g.Line(ctx, system)
	p.Working = g.working(ctx, workflow, info.run)
	p.wash(g.clean)
	return p, nil
}

// working reads the heartbeats of what runs now: workflow code cannot see them.
func (g *Gateway) working(ctx context.Context, workflow, run string) []string {
	ask, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	d, err := g.Temporal.DescribeWorkflowExecution(ask, workflow, run)
	if err != nil {
		return nil // the page is complete without
	}
	var out []string
	for _, a := range d.GetPendingActivities() {
		out = append(out, workingLine(a, g.Now()))
	}
	return out
}

func workingLine(a *workflowpb.PendingActivityInfo, now time.Time) string {
	line := a.GetActivityType().GetName()
	var p kit.Progress
	if h := a.GetHeartbeatDetails(); h != nil && converter.GetDefaultDataConverter().FromPayloads(h, &p) == nil {
		line += ": " + render.ProgressText(render.Progress{Text: p.Text, Done: p.Done, Total: p.Total, Unit: p.Unit, Left: time.Duration(p.Left), At: p.At}, now)
	}
	if f := a.GetLastFailure().GetMessage(); f != "" {
		line += " (last attempt: " + f + ")"
	}
	return line
}

func (p *Page) wash(clean func(string) string) {
	line := func(s string) string { return dr.CleanLine(clean(s)) }
	p.Title = line(p.Title)
	for i := range p.Events {
		p.Events[i].Text = line(p.Events[i].Text)
	}
	for i := range p.Working {
		p.Working[i] = line(p.Working[i])
	}
	for i := range p.Phases {
		p.Phases[i].Empty = line(p.Phases[i].Empty)
		for j := range p.Phases[i].Steps {
			s := &p.Phases[i].Steps[j]
			s.Title, s.Text = line(s.Title), line(s.Text)
		}
	}
}

// KnownVerb says whether a channel may pass a verb on.
func KnownVerb(v dr.Verb) bool { return v == dr.VerbAcknowledge || slices.Contains(dr.Verbs(), v) }
