package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// startCommand starts a procedure, signed for the person. Nothing is changed
// before people approve the plan at the gate.
func (g *Gateway) startCommand(ctx context.Context, by Asker, person string, words []string, reason string) Answer {
	system, why := g.systemOf(words)
	if why != "" {
		return Answer{Text: why}
	}
	req := dr.Request{Procedure: dr.Procedure(words[0]), System: system, Reason: strings.TrimSpace(reason)}
	rest := words[2:]
	if req.Procedure == dr.ProcTakeover {
		req.Mode = dr.ModePlanned
		if i := slices.Index(rest, string(dr.ModeUnplanned)); i >= 0 {
			req.Mode = dr.ModeUnplanned
			rest = slices.Delete(slices.Clone(rest), i, i+1)
		}
	}
	switch {
	case len(rest) == 2 && rest[0] == "to":
		req.To = rest[1]
	case len(rest) > 0:
		return Answer{Text: fmt.Sprintf("nothing was started: %q was not understood; the commands are:\n%s", dr.Clip(dr.CleanLine(strings.Join(rest, " ")), 80), Usage)}
	}
	if req.Reason == "" {
		return Answer{Text: "nothing was started: say why, it stands in the report: ... because REASON"}
	}
	if by.Place != "" && !g.Config.mayCome(system, by.Channel, by.Place) {
		return Answer{Text: fmt.Sprintf("nothing was started: people are not told about %s here", system)}
	}
	if !g.allow("start "+by.Account, 5, time.Minute) {
		return Answer{Text: "nothing was started: more than 5 starts in a minute came from you"}
	}
	if err := g.signStart(&req, by, person); err != nil {
		return g.failed("nothing was started", err)
	}
	return g.start(ctx, req)
}

func (g *Gateway) signStart(req *dr.Request, by Asker, person string) error {
	req.Signed = &dr.SignedStart{
		Person: person, Key: ssh.FingerprintSHA256(g.Config.key.PublicKey()), Time: g.Now().UTC().Truncate(time.Millisecond),
		Nonce: nonce(by.Channel, by.ID), Gateway: g.Config.Name, Account: by.Account,
	}
	message, err := req.StartBytes(dr.WorkflowID(req.System))
	if err != nil {
		return dr.Hold("internal", "the start cannot be signed: %v", err)
	}
	req.Signed.Signature, err = people.Sign(g.Config.key, dr.NamespaceStart, message)
	return err
}

func (g *Gateway) start(ctx context.Context, req dr.Request) Answer {
	raw, err := req.Input()
	if err != nil {
		return g.failed("nothing was started", err)
	}
	title := dr.RunTitle(req.Procedure, req.Mode, req.System, "", req.To)
	run, err := g.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: dr.WorkflowID(req.System), TaskQueue: dr.TaskQueue, WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary: dr.Clip(title+": "+dr.CleanLine(g.Redact(req.Reason)), 180),
	}, req.Procedure.WorkflowType(), json.RawMessage(raw))
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &already):
		return Answer{Text: fmt.Sprintf("nothing was started: a procedure of %s runs already: %s", req.System, g.oneLine(ctx, req.System))}
	case err != nil:
		return g.failed("the start", runError(dr.WorkflowID(req.System), err))
	}
	return Answer{Counted: true, Text: g.clean(fmt.Sprintf("started: %s (run %s); nothing is changed before people approve the plan", title, run.GetRunID()))}
}
