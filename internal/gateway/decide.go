package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/people"
)

// What one account may send in a minute.
const (
	accountMost   = 20
	accountWithin = time.Minute
)

// Decide signs a decision and delivers it. Who it is and whether it counts is
// judged by the run, from the account; this side refuses only what must not
// reach a history. Decide never blocks longer than ctx.
func (g *Gateway) Decide(ctx context.Context, in Intent) Answer {
	if !g.knows(in.Ref.System) {
		return Answer{Text: fmt.Sprintf("there is no system %q here", dr.Clip(dr.CleanLine(in.Ref.System), 60))}
	}
	if !g.allow("account "+in.Account, accountMost, accountWithin) {
		return Answer{Text: fmt.Sprintf("nothing was sent: more than %d decisions in a minute came from you", accountMost)}
	}
	who, err := g.Who()
	if err != nil {
		return g.failed("nothing was sent", err)
	}
	d := g.decision(in, who)
	if in.Place != "" && !g.Config.mayCome(in.Ref.System, in.Channel, in.Place) {
		d.Refused = fmt.Sprintf("it came from %s, where people are not told about %s", dr.Clip(dr.CleanLine(in.Place), 80), in.Ref.System)
	}
	if err := g.complete(ctx, &d, in.Ref.System); err != nil {
		return g.failed("nothing was sent", err)
	}
	if err := g.sign(&d); err != nil {
		return g.failed("nothing was sent", err)
	}
	workflow := dr.WorkflowID(in.Ref.System)
	if in.Verb == dr.VerbAcknowledge {
		workflow = dr.WatchID(in.Ref.System)
	}
	text, err := g.send(ctx, workflow, d)
	if err != nil {
		return g.failed("", err)
	}
	return Answer{Text: g.clean(text), Counted: true}
}

// decision is what will be signed. The nonce comes from the click, so that the
// same click is the same decision through whichever gateway it comes.
func (g *Gateway) decision(in Intent, who inventory.Who) dr.Decision {
	r := in.Ref
	d := dr.Decision{
		Schema: dr.DecisionSchema, Workflow: dr.WorkflowID(r.System), OriginalRun: r.OriginalRun, Run: r.Run,
		Gate: r.Gate, Occurrence: r.Occurrence, Digest: r.Digest, Step: r.Step, Attempt: r.Attempt,
		Decision: in.Verb, Channel: in.Channel, Reason: dr.Clip(in.Reason, dr.MaxReason),
		Time: g.Now().UTC().Truncate(time.Millisecond), Nonce: nonce(in.Channel, in.ID),
		Gateway: g.Config.Name, Account: in.Account,
	}
	if p, ok := who.OfAccount(in.Account); ok {
		d.Person = p.ID
	}
	return d
}

func nonce(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:16])
}

// complete fills in the run where the click did not bring it (typed commands):
// a signature must be good for one run only.
func (g *Gateway) complete(ctx context.Context, d *dr.Decision, system string) error {
	if d.Run != "" && d.OriginalRun != "" {
		return nil
	}
	st, err := g.Status(ctx, system, "")
	if err != nil {
		return err
	}
	d.OriginalRun, d.Run = st.OriginalRun, st.Run
	return nil
}

func (g *Gateway) sign(d *dr.Decision) error {
	message, err := d.SignedBytes()
	if err != nil {
		return dr.Hold("internal", "the decision cannot be signed: %v", err)
	}
	d.Signature, err = people.Sign(g.Config.key, dr.NamespaceDecision, message)
	return err
}

// answerWait is how long an Update may take before the decision is left as a
// Signal instead.
const answerWait = 15 * time.Second

// send delivers a decision as an Update, whose ID is the nonce, so that one that
// is sent twice is one. When no worker answers it is left as a Signal: it will
// be judged when a worker is back.
func (g *Gateway) send(ctx context.Context, workflow string, d dr.Decision) (string, error) {
	if g.hasWorker(ctx, workflow) {
		text, err := g.update(ctx, workflow, d)
		if !dr.HasCode(err, "no_answer") {
			return text, err
		}
	}
	ask, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := g.Temporal.SignalWorkflow(ask, workflow, "", string(d.Decision), d); err != nil {
		return "", runError(workflow, err)
	}
	return fmt.Sprintf("the %s is recorded, but no worker answers now: it will be judged when one is back", d.Decision), nil
}

func (g *Gateway) update(ctx context.Context, workflow string, d dr.Decision) (string, error) {
	wait, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	h, err := g.Temporal.UpdateWorkflow(wait, client.UpdateWorkflowOptions{
		UpdateID: d.Nonce, WorkflowID: workflow, UpdateName: string(d.Decision), Args: []any{d},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var text string
	if err == nil {
		err = h.Get(wait, &text)
	}
	switch {
	case err == nil:
		return text, nil
	case wait.Err() != nil:
		return "", dr.Retry("no_answer", "no worker answered in time")
	}
	return "", runError(workflow, err)
}

// hasWorker says whether somebody serves the workflow's queue now.
func (g *Gateway) hasWorker(ctx context.Context, workflow string) bool {
	ask, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	queue := dr.TaskQueue
	if _, procedure := dr.SystemOfWorkflowID(workflow); !procedure {
		queue = dr.WatchTaskQueue
	}
	d, err := g.Temporal.DescribeTaskQueue(ask, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	return err != nil || len(d.GetPollers()) > 0
}

// failed turns an error into what the person is told.
func (g *Gateway) failed(what string, err error) Answer {
	text := dr.AsError(err, "gateway").Error()
	if what != "" {
		text = what + ": " + text
	}
	return Answer{Text: g.clean(text)}
}

func (g *Gateway) clean(text string) string { return dr.CleanText(g.Redact(text)) }

// runError says in one sentence what Temporal said of a run.
func runError(workflow string, err error) error {
	var missing *serviceerror.NotFound
	var down *serviceerror.Unavailable
	switch {
	case errors.As(err, &missing):
		return dr.Refuse("no_run", "nothing of %s runs now: it has ended", workflow)
	case errors.As(err, &down), errors.Is(err, context.DeadlineExceeded):
		return dr.Retry("temporal", "Temporal does not answer").WithNext("try again, or use starter")
	}
	return applicationError(err)
}
