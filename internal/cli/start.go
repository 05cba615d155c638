package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
)

func startCommand(p dr.Procedure) command {
	what := map[dr.Procedure]string{
		dr.ProcTakeover: "Start a takeover and follow it: another site becomes primary.",
		dr.ProcFailback: "Start a failback and follow it: the original site becomes primary again.",
		dr.ProcReseed:   "Start a reseed and follow it: one site is overwritten with a copy of the primary.",
	}[p]
	return command{
		name: string(p), args: "SYSTEM", min: 1, max: 1,
		what: what + "\nNothing is changed before people approve the plan at the gate.",
		run:  func(a *App, ctx context.Context, in *input) (int, error) { return a.start(ctx, in, p) },
		flags: func(in *input) {
			in.inventoryFlag()
			in.requestFlags()
			in.personFlags()
			in.followFlags()
			in.jsonFlag()
			in.set.BoolVar(&in.detach, "detach", false, "start only; do not follow")
		},
	}
}

// started is what `--detach --json` writes.
type started struct {
	Workflow string          `json:"workflow"`
	Run      string          `json:"run"`
	Input    json.RawMessage `json:"input"`
	Link     string          `json:"link"`
}

func (a *App) start(ctx context.Context, in *input, p dr.Procedure) (int, error) {
	if strings.TrimSpace(in.reason) == "" {
		return 0, badUsage("say why: the reason stands in the report").WithNext("--reason \"...\"")
	}
	s, sys, err := a.loadSystem(in, in.args[0])
	if err != nil {
		return 0, err
	}
	defer s.Close()
	id, err := a.identify(in)
	if err != nil {
		return 0, err
	}
	if err := knownPerson(id, s.Inventory); err != nil {
		return 0, err
	}
	srv, err := a.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer srv.c.Close()
	if err := srv.needWorker(ctx); err != nil {
		return 0, err
	}
	if err := srv.mayStart(ctx, sys.Name, in.to == "" && p == dr.ProcTakeover); err != nil {
		return 0, err
	}
	req, err := request(in, p, sys, func() (dr.Situation, error) { return a.situationForTarget(ctx, s, sys), ctx.Err() })
	if err != nil {
		return 0, redacted(err, s.Redact)
	}
	if err := a.signStart(&req, id); err != nil {
		return 0, err
	}
	return a.launch(ctx, in, srv, s, req, id)
}

// knownPerson refuses a person whom the run could not find either.
func knownPerson(id identity, inv *inventory.Inventory) error {
	if id.person == "" {
		return nil
	}
	if _, ok := inv.People[id.person]; !ok {
		return dr.Refuse("unknown_person", "there is no person %q in %s", id.person, inv.Path).WithNext("use your ID under people")
	}
	return nil
}

// mayStart refuses early what Temporal would refuse: a second procedure of one
// system. After a run that was terminated in the middle the target is never
// chosen for anybody: the roles may have changed half-way.
func (s *server) mayStart(ctx context.Context, system string, choosing bool) error {
	info, _, err := s.describe(ctx, system, "")
	switch {
	case dr.HasCode(err, "no_run"):
		return nil
	case err != nil:
		return err
	case isRunning(info):
		return s.alreadyRuns(ctx, system)
	case choosing && endedByForce(info):
		return badUsage("the last run of %s was ended by force and may be half done: say which site shall become primary", system).
			WithNext("starter assess %s, then --to SITE", system)
	}
	return nil
}

func (s *server) alreadyRuns(ctx context.Context, system string) error {
	what := ""
	var st dr.Status
	if s.query(ctx, system, "", dr.QueryStatus, &st) == nil && st.Sentence != "" {
		what = ": " + string(st.Procedure) + ", " + st.Sentence
	}
	return dr.Refuse("already_running", "a procedure of %s runs already as %s%s", system, dr.WorkflowID(system), what).
		WithNext("starter follow %s", system)
}

// workflowInput is the one argument of the procedure's workflow, checked as
// the workflow will check it.
func workflowInput(r dr.Request) (json.RawMessage, error) { return r.Input() }

func (a *App) launch(ctx context.Context, in *input, srv *server, s *setup.Setup, req dr.Request, id identity) (int, error) {
	raw, err := workflowInput(req)
	if err != nil {
		return 0, err
	}
	title := dr.RunTitle(req.Procedure, req.Mode, req.System, "", req.To)
	run, err := srv.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: dr.WorkflowID(req.System), TaskQueue: dr.TaskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            dr.Clip(title+": "+dr.CleanLine(s.Redact(req.Reason)), 180),
	}, req.Procedure.WorkflowType(), raw)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &already):
		return 0, srv.alreadyRuns(ctx, req.System)
	case err != nil:
		return 0, notAnswered("the start of "+req.System, err)
	}
	link := runLink(a.uiBase(in), srv.namespace, run.GetID(), run.GetRunID())
	if in.detach && in.json {
		return ExitDone, a.printJSON(started{run.GetID(), run.GetRunID(), raw, link}, nil)
	}
	if !in.json {
		a.printf("Started: %s\n  %s run %s\n  %s\n", title, run.GetID(), run.GetRunID(), link)
	}
	if in.detach {
		a.printf("  starter follow %s\n", req.System)
		return ExitDone, nil
	}
	return a.follow(ctx, in, srv, id, run.GetRunID())
}
