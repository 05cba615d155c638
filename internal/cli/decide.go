package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// answerTimeout is how long to wait for the answer to a decision: an activity
// judges it.
const answerTimeout = 30 * time.Second

func decisionCommand(v dr.Verb) command {
	return command{
		name: string(v), args: "SYSTEM", min: 1, max: 1,
		what: strings.SplitN(v.Describe(), " Body: ", 2)[0],
		run:  func(a *App, ctx context.Context, in *input) (int, error) { return a.decide(ctx, in, v) },
		flags: func(in *input) {
			in.personFlags()
			in.jsonFlag()
			in.set.StringVar(&in.reason, "reason", "", "why, in a `sentence`")
			switch {
			case v.OnGate():
				in.set.StringVar(&in.gate, "gate", "", "the `gate` that is meant (default: the open one)")
				in.set.StringVar(&in.digest, "digest", "", "at least 12 hex `digits` of the plan's digest")
			case v.OnHold():
				in.set.StringVar(&in.step, "step", "", "the `step` that is meant (default: the one on hold)")
				in.set.IntVar(&in.attempt, "attempt", 0, "the attempt on hold, as a `number`")
			}
		},
	}
}

// decided is the answer as `--json` writes it.
type decided struct {
	Counted bool   `json:"counted"`
	Text    string `json:"text"`
	// Signed says whether the decision carried a signature.
	Signed bool   `json:"signed"`
	Run    string `json:"run"`
}

func (a *App) decide(ctx context.Context, in *input, v dr.Verb) (int, error) {
	system := in.args[0]
	if err := systemName(system); err != nil {
		return 0, err
	}
	if err := in.checkDecision(v); err != nil {
		return 0, err
	}
	id, err := a.identify(in)
	if err != nil {
		return 0, err
	}
	if id.person == "" {
		return 0, badUsage("say who decides").WithNext("--person YOUR-ID, or set SWITCHBACK_PERSON")
	}
	s, err := a.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer s.c.Close()
	d, st, err := a.decisionFor(ctx, s, in, v)
	if err != nil {
		return 0, err
	}
	if err := a.signDecision(&d, st, id); err != nil {
		return 0, err
	}
	text, err := s.send(ctx, st, d)
	if in.json && err != nil && codeOf(err) == ExitRefused {
		return ExitRefused, a.printJSON(decided{Text: err.Error(), Signed: d.Signature != "", Run: st.Run}, nil)
	}
	if err != nil {
		return 0, err
	}
	if in.json {
		return ExitDone, a.printJSON(decided{Counted: true, Text: text, Signed: d.Signature != "", Run: st.Run}, nil)
	}
	a.printf("%s\n", dr.CleanLine(text))
	return ExitDone, nil
}

// checkDecision refuses what could never count, before anything is asked.
func (in *input) checkDecision(v dr.Verb) error {
	if n := len([]rune(in.reason)); n > dr.MaxReason {
		return badUsage("the reason has %d characters; at most %d are allowed", n, dr.MaxReason)
	}
	if in.digest != "" && !isDigest(in.digest) {
		return badUsage("%q is no digest: at least %d hex digits are needed", dr.Clip(in.digest, 80), dr.ShortDigestLen).
			WithNext("read it from the plan: starter status %s", in.args[0])
	}
	if in.set.Lookup("attempt") != nil && in.given("attempt") && in.attempt < 1 {
		return badUsage("the attempt %d is not a number from 1 up", in.attempt)
	}
	if v == dr.VerbBreakGlass && strings.TrimSpace(in.reason) == "" {
		return badUsage("break-glass needs a reason: it passes the gate alone, and stands in the report").WithNext("--reason \"...\"")
	}
	if v == dr.VerbAbandon && strings.TrimSpace(in.reason) == "" {
		return badUsage("abandon needs a reason: it ends the run as it is, without undo").WithNext("--reason \"...\"")
	}
	return nil
}

func isDigest(s string) bool {
	return len(s) >= dr.ShortDigestLen && len(s) <= 64 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

// decisionFor reads the run's status and makes the decision that was typed. A
// gate, digest, step or attempt that was typed goes out as typed: the run
// judges it and shows its refusal to everybody.
func (a *App) decisionFor(ctx context.Context, s *server, in *input, v dr.Verb) (dr.Decision, dr.Status, error) {
	d := dr.Decision{Decision: v, Reason: strings.TrimSpace(in.reason)}
	var st dr.Status
	system := in.args[0]
	info, _, err := s.describe(ctx, system, "")
	if err != nil {
		return d, st, err
	}
	if !isRunning(info) {
		return d, st, dr.Refuse("decision", "no procedure of %s runs now: the last run has ended", system).WithNext("starter status %s", system)
	}
	if err := s.needWorker(ctx); err != nil {
		return d, st, err
	}
	if err := s.query(ctx, system, "", dr.QueryStatus, &st); err != nil {
		return d, st, err
	}
	switch {
	case v.OnGate():
		err = a.forGate(ctx, s, in, st, &d)
	case v.OnHold():
		err = forHold(in, st, &d)
	}
	return d, st, err
}

// forGate fills in gate, occurrence and digest. An approval without a digest
// is asked for on the terminal, with the plan in sight, or refused.
func (a *App) forGate(ctx context.Context, s *server, in *input, st dr.Status, d *dr.Decision) error {
	d.Gate, d.Digest = dr.Gate(in.gate), strings.ToLower(in.digest)
	g := st.Gate
	if g == nil {
		if in.gate != "" && in.digest != "" {
			return nil // the run refuses it and records it
		}
		return dr.Refuse("decision", "no gate of %s is open now: %s", st.System, st.Sentence).WithNext("starter status %s", st.System)
	}
	if d.Gate == "" {
		d.Gate = g.Gate
	}
	d.Occurrence = g.Occurrence
	switch {
	case dr.DigestMatches(g.Digest, d.Digest):
		d.Digest = g.Digest
	case d.Digest == "" && d.Decision == dr.VerbReject:
		d.Digest = g.Digest
	case d.Digest == "":
		typed, err := a.approveBySight(ctx, s, st)
		if err != nil {
			return err
		}
		d.Digest = typed
	}
	return nil
}

// approveBySight shows the plan of the open gate and has the person type the
// beginning of its digest.
func (a *App) approveBySight(ctx context.Context, s *server, st dr.Status) (string, error) {
	if !a.AsksPeople {
		return "", badUsage("say which plan is approved: nothing is approved blindly").
			WithNext("read it with starter status %s, then --digest %s", st.System, dr.ShortDigest(st.Gate.Digest))
	}
	p, err := s.planAtGate(ctx, st)
	if err != nil {
		return "", err
	}
	a.printf("%s\n", render.PlanText(p, a.Now(), a.style()))
	return a.typeDigest(ctx, st.Gate)
}

func (a *App) typeDigest(ctx context.Context, g *dr.GateStatus) (string, error) {
	typed, err := a.ask(ctx, "To approve, type the first 12 digits of the digest (anything else approves nothing): ")
	if err != nil {
		return "", dr.Refuse("decision", "nothing was approved: no answer was typed")
	}
	if !dr.DigestMatches(g.Digest, typed) {
		return "", dr.Refuse("decision", "nothing was approved: what was typed is not the digest of this plan")
	}
	return g.Digest, nil
}

// planAtGate asks for the plan of the open gate and proves that what will be
// shown is what the digest covers.
func (s *server) planAtGate(ctx context.Context, st dr.Status) (dr.Plan, error) {
	var p dr.Plan
	if err := s.query(ctx, st.System, st.Run, dr.QueryPlan, &p); err != nil {
		return p, err
	}
	d, err := p.ComputeDigest()
	if err != nil || d != p.Digest {
		return p, dr.Hold("internal", "the plan that the run of %s shows does not have the digest it claims", st.System).
			WithNext("use the starter of the same release as the worker; approve nothing until this is explained")
	}
	if d != st.Gate.Digest {
		return p, dr.Refuse("decision", "the plan changed while it was read").WithNext("try again")
	}
	return p, nil
}

// forHold fills in step and attempt. A new plan may also be asked for at an
// open gate.
func forHold(in *input, st dr.Status, d *dr.Decision) error {
	d.Step, d.Attempt = in.step, in.attempt
	h := st.Hold
	switch {
	case h == nil && d.Decision == dr.VerbReplan && st.Gate != nil && d.Step == "":
		return nil
	case h == nil && (d.Step == "" || d.Attempt == 0):
		return dr.Refuse("decision", "nothing of %s is on hold now: %s", st.System, st.Sentence).WithNext("starter status %s", st.System)
	case h == nil:
		return nil
	}
	if d.Step == "" {
		d.Step = h.Step
	}
	if d.Attempt == 0 {
		d.Attempt = h.Attempt
	}
	if d.Step == h.Step && d.Attempt == h.Attempt && !slices.Contains(h.Options, d.Decision) {
		return dr.Refuse("decision", "the step %s may not be answered with %s", h.Step, d.Decision).
			WithNext("use one of: %s", verbs(h.Options))
	}
	return nil
}

func verbs(list []dr.Verb) string {
	words := make([]string, 0, len(list))
	for _, v := range list {
		words = append(words, string(v))
	}
	return strings.Join(words, ", ")
}

// send delivers a decision as an Update and waits for the judgement. The nonce
// is the update's ID, so that a repeated delivery is the same decision.
func (s *server) send(ctx context.Context, st dr.Status, d dr.Decision) (string, error) {
	wait, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	h, err := s.c.UpdateWorkflow(wait, client.UpdateWorkflowOptions{
		UpdateID: d.Nonce, WorkflowID: st.Workflow, RunID: st.Run, UpdateName: string(d.Decision),
		Args: []any{d}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var text string
	if err == nil {
		err = h.Get(wait, &text)
	}
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, context.DeadlineExceeded) || wait.Err() != nil:
		return "", dr.Retry("temporal", "no answer came within %s: whether the %s counted is not known", dr.Duration(answerTimeout), d.Decision).
			WithNext("starter status %s", st.System)
	}
	return "", runError(st.System, err)
}
