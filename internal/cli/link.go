package cli

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/switchback-dr/switchback/dr"
)

// defaultUI is where the development server's UI is.
const defaultUI = "http://localhost:8233"

func linkFlags(in *input) {
	in.inventoryFlag()
	in.requestFlags()
	in.jsonFlag()
	in.set.StringVar(&in.ui, "ui", "", "base `URL` of the Temporal UI (default $SWITCHBACK_UI or "+defaultUI+")")
}

// links is what `link --json` writes.
type links struct {
	Start string          `json:"start"`
	Input json.RawMessage `json:"input"`
	// Running is where the procedure is, once it runs.
	Running string `json:"running"`
}

func (a *App) link(ctx context.Context, in *input) (int, error) {
	p, err := procedureName(in.args[0])
	if err != nil {
		return 0, err
	}
	base := a.uiBase(in)
	if err := checkBase(base); err != nil {
		return 0, err
	}
	s, sys, err := a.loadSystem(in, in.args[1])
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if strings.TrimSpace(in.reason) == "" {
		in.reason = dr.YourReason
	}
	req, err := request(in, p, sys, func() (dr.Situation, error) { return a.situationForTarget(ctx, s, sys), ctx.Err() })
	if err != nil {
		return 0, redacted(err, s.Redact)
	}
	raw, err := workflowInput(req)
	if err != nil {
		return 0, err
	}
	id := dr.WorkflowID(sys.Name)
	l := links{Start: startLink(base, a.Namespace(), id, p), Input: raw, Running: runLink(base, a.Namespace(), id, "")}
	if in.json {
		return ExitDone, a.printJSON(l, nil)
	}
	a.printf("Start it here:   %s\nInput to paste:  %s\nOnce it runs:    %s\n", l.Start, l.Input, l.Running)
	return ExitDone, nil
}

func (a *App) uiBase(in *input) string {
	base := in.ui
	if base == "" {
		base = a.Getenv("SWITCHBACK_UI")
	}
	if base == "" {
		base = defaultUI
	}
	return strings.TrimRight(base, "/")
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return badUsage("%q is no base URL of a Temporal UI", dr.Clip(base, 80)).WithNext("use one such as %s", defaultUI)
	}
	return nil
}

// startLink is the UI's start page, filled in.
func startLink(base, namespace, id string, p dr.Procedure) string {
	q := url.Values{"workflowId": {id}, "taskQueue": {dr.TaskQueue}, "workflowType": {p.WorkflowType()}}
	return base + "/namespaces/" + url.PathEscape(namespace) + "/workflows/start-workflow?" + q.Encode()
}

// runLink is the UI's page of a run, or of all runs of a workflow ID.
func runLink(base, namespace, id, run string) string {
	l := base + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(id)
	if run != "" {
		l += "/" + url.PathEscape(run) + "/history"
	}
	return l
}

// endedByForce says whether a run ended without its own end: terminated,
// cancelled by the server or timed out.
func endedByForce(info *workflow.WorkflowExecutionInfo) bool {
	switch info.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return true
	default:
		return false
	}
}
