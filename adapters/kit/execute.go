package kit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// StepResult is what became of one attempt at a step.
type StepResult = dr.StepResult

// maxOutput bounds the output tail that a result carries, in bytes.
const maxOutput = 4096

// unknownPatience is how long an unknown probe is repeated before the step
// goes on hold.
const unknownPatience = 20 * time.Second

// Execute carries out one attempt at a step: probe, guard, act, probe. Its
// error is an *dr.Error; class retry means that nothing was sent and the same
// attempt may be made again.
//
//   - done at the first probe: nothing is sent;
//   - a claim that exists already: its job is followed, never started again;
//   - guard false or unknown: nothing is sent, the claim is voided so that no
//     late worker can send it either, hold;
//   - the probe after the act decides, not the exit code.
func Execute(ctx context.Context, env Env, a Action, st dr.Step) (StepResult, error) {
	x := execution{env: env, a: a, st: st, began: env.Now(), ahead: ahead{hosts: env.Hosts, host: a.Host(st.Args)}}
	if a.Kind() != dr.KindRead {
		if err := x.outwait(ctx); err != nil {
			return StepResult{}, err
		}
	}
	x.whole = ctx
	if d := st.Timeout.D(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var res StepResult
	var err error
	if a.Kind() == dr.KindRead {
		res, err = x.await(ctx)
	} else {
		res, err = x.change(ctx)
	}
	res.Took = dr.Duration(env.Now().Sub(x.began))
	return res, err
}

type execution struct {
	env   Env
	a     Action
	st    dr.Step
	began time.Time
	// waited is how long this attempt has waited for an earlier one.
	waited time.Duration
	// ahead carries the probe after the act behind the act.
	ahead ahead
	// whole is the attempt's context without the step's time-out.
	whole context.Context
}

func (x *execution) change(ctx context.Context) (StepResult, error) {
	if j, ok, err := x.lookBack(ctx); err != nil || ok {
		if err != nil {
			return StepResult{}, err
		}
		return x.afterClaim(ctx, j)
	}
	if x.env.Resumed {
		if j, ok, err := x.look(ctx); err != nil || ok {
			if err != nil {
				return StepResult{}, err
			}
			return x.afterClaim(ctx, j)
		}
	}
	guard := x.guardMeanwhile(ctx)
	defer func() { guard.stop() }()
	e, again := x.probeKnown(ctx)
	switch e.State {
	case EffectDone:
		if err := x.void(ctx, "the effect was there before this attempt: "+e.Text); err != nil {
			return StepResult{}, err
		}
		return x.result(dr.StepAlready, e, Job{}), nil
	case EffectUnknown:
		verr := x.void(ctx, "the state was unknown before this attempt")
		de := x.unknown(ctx, e, "nothing was sent")
		de.NotSent = verr == nil
		return StepResult{}, de
	case EffectNotDone:
	}
	if again {
		guard.stop()
		guard = x.guardMeanwhile(ctx)
	}
	at, err := guard.answer()
	if err != nil {
		de := dr.AsError(err, "guard")
		if de.Class == dr.ClassRetry && ctx.Err() == nil {
			return StepResult{}, de
		}
		if verr := x.void(ctx, "the guard said no: "+de.Text); verr != nil {
			return StepResult{}, verr
		}
		h := dr.Hold("guard", "%s: nothing was sent, because %s", x.st.Title, de.Text)
		h.Next, h.Replan, h.NotSent = de.Next, de.Replan, true
		return StepResult{}, h.Because(err)
	}
	if late := x.env.Now().Sub(x.began); x.a.Overlap() > 0 && late > actDelay+x.waited {
		return StepResult{}, dr.Retry("late", "%s: probe and guard took %s, too long to act on them; nothing was sent", x.st.Title, late.Round(time.Second))
	}
	j, err := x.a.Act(ctx, x.ahead.acting(x.env), x.st.Args, at)
	if err != nil {
		return x.afterLostAnswer(ctx, err)
	}
	return x.afterClaim(ctx, j)
}

// outwait waits until no earlier attempt can still be acting. It matters only
// for an act that neither a claim nor the server's own lock protects: the worker
// of that attempt may have been cut off and still be at work.
func (x *execution) outwait(ctx context.Context) error {
	overlap := x.a.Overlap()
	if d := x.st.Timeout.D(); d > 0 && d < overlap {
		overlap = d
	}
	if overlap == 0 || !x.env.Resumed && x.env.Job.Attempt <= 1 {
		return nil
	}
	x.env.Progress(Progress{
		Text: fmt.Sprintf("waiting %s, in which a worker that was cut off might still act", overlap), Left: dr.Duration(overlap), At: x.env.Now(),
	})
	if err := x.env.Sleep(ctx, overlap); err != nil {
		return dr.Retry("interrupted", "%s: the wait for an earlier attempt was interrupted; nothing was sent", x.st.Title).Because(err)
	}
	x.waited = overlap
	return nil
}

// afterLostAnswer: the call that sends the command gave an error. Whether the
// command was sent is not known, unless the host's script refused it.
func (x *execution) afterLostAnswer(ctx context.Context, err error) (StepResult, error) {
	if dr.HasCode(err, "stale_guard") {
		return StepResult{}, dr.Retry("stale_guard", "%s: the guard was too old when the command should have started; nothing was sent", x.st.Title)
	}
	de := dr.AsError(err, "act")
	if x.a.Host(x.st.Args) == "" {
		// SQL: the server's own state decides.
		e := x.settle(ctx)
		if e.State == EffectDone {
			return x.result(dr.StepDone, e, Job{State: JobFinished}), nil
		}
		if e.State == EffectNotDone && !de.Unknown {
			return StepResult{}, de
		}
		return StepResult{}, x.unknown(ctx, e, de.Text)
	}
	if de.Class == dr.ClassRefuse {
		return StepResult{}, de
	}
	j, ok, lerr := x.look(ctx)
	if lerr != nil {
		return StepResult{}, dr.Retry("unreachable", "%s: the answer was lost (%s) and the host does not answer; the next attempt looks for the claim", x.st.Title, de.Text).Because(lerr)
	}
	if !ok {
		return StepResult{}, dr.Retry("not_sent", "%s: %s; nothing was started", x.st.Title, de.Text)
	}
	return x.afterClaim(ctx, j)
}

// afterClaim follows a claimed job to its end and lets the probe decide.
func (x *execution) afterClaim(ctx context.Context, j Job) (StepResult, error) {
	h, err := x.host()
	if err != nil {
		return StepResult{}, err
	}
	for h != nil && (j.State == JobRunning || j.State == JobClaimed) {
		if j, err = h.Wait(ctx, x.env.Job, followWait); err != nil {
			return StepResult{}, x.following(ctx, err)
		}
		if j.State == JobRunning || j.State == JobClaimed {
			x.env.Progress(x.followed(ctx))
		}
	}
	if j.State == JobVoid {
		return x.afterVoid(ctx, j)
	}
	if j.State == JobLost {
		e := x.settle(ctx)
		if e.State == EffectDone {
			return x.result(dr.StepDone, e, j), nil
		}
		return StepResult{}, x.unknown(ctx, e, "the command was started but its end was not recorded ("+j.Text+")")
	}
	if j.Proof != "" {
		return x.result(dr.StepDone, Done("%s", j.Proof), j), nil
	}
	if in, ok := x.a.(Interpreter); ok {
		if err := in.Interpret(x.st.Args, j); err != nil {
			return x.outputOnly(j), err
		}
	}
	e := x.settle(ctx)
	switch e.State {
	case EffectDone:
		return x.result(dr.StepDone, e, j), nil
	case EffectNotDone:
		de := dr.Hold("no_effect", "%s: the command ended with exit code %d but its effect is not there: %s%s",
			x.st.Title, j.Exit, e.Text, lastLine(j)).WithNext("read the output, then retry or replan")
		if e.Never != nil {
			de.Replan = dr.AsError(e.Never, "never").Replan
		}
		return x.outputOnly(j), de
	default:
		return x.outputOnly(j), x.unknown(ctx, e, fmt.Sprintf("the command ended with exit code %d", j.Exit))
	}
}

// afterVoid: an earlier worker closed this attempt, because the effect was there
// or because it was not safe, and died before it could say so.
func (x *execution) afterVoid(ctx context.Context, j Job) (StepResult, error) {
	if e, _ := x.probeKnown(ctx); e.State == EffectDone {
		return x.result(dr.StepAlready, e, Job{}), nil
	}
	h := dr.Hold("void", "%s: this attempt was closed before anything was sent (%s)", x.st.Title, j.Text).WithNext("retry, or replan")
	h.NotSent = true
	return StepResult{}, h
}

func lastLine(j Job) string {
	for _, s := range []string{j.Stderr, j.Stdout} {
		lines := strings.Split(strings.TrimSpace(s), "\n")
		if l := strings.TrimSpace(lines[len(lines)-1]); l != "" {
			return " (last line: " + dr.Clip(l, 300) + ")"
		}
	}
	return ""
}

// followed tells how far a command is that an earlier attempt started.
func (x *execution) followed(ctx context.Context) Progress {
	e := x.a.Probe(ctx, x.env, x.st.Args)
	if e.Progress != nil {
		return *e.Progress
	}
	return Progress{Text: "following the command that was started before: " + e.Text, At: x.env.Now()}
}

// following turns an error met while following a job into one that lets the
// next activity attempt re-attach.
func (x *execution) following(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return dr.HoldUnknown("deadline", "%s: the command still ran at its deadline of %s", x.st.Title, x.st.Timeout).
			WithNext("look at the host; retry follows the same effect")
	}
	return dr.Retry("unreachable", "%s: the connection was lost while the command ran; it goes on, the next attempt re-attaches", x.st.Title).Because(err)
}

// await is a read step: a proof or a wait, probed until done or its deadline.
func (x *execution) await(ctx context.Context) (StepResult, error) {
	poll, _ := x.a.Timing()
	for {
		e := x.a.Probe(ctx, x.env, x.st.Args)
		switch {
		case e.State == EffectDone:
			return x.result(dr.StepDone, e, Job{}), nil
		case e.Never != nil:
			de := dr.AsError(e.Never, "never")
			h := dr.Hold(de.Code, "%s: %s", x.st.Title, de.Text)
			h.Next, h.Replan = de.Next, de.Replan
			return StepResult{}, h.Because(e.Never)
		}
		p := Progress{Text: e.Text, At: x.env.Now()}
		if e.Progress != nil {
			p = *e.Progress
		}
		x.env.Progress(p)
		if err := x.env.Sleep(ctx, poll); err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return StepResult{}, dr.Hold("deadline", "%s: not true within %s; last answer: %s", x.st.Title, x.st.Timeout, e.Text).
					WithNext("retry waits again; replan looks at everything anew")
			}
			return StepResult{}, dr.Retry("interrupted", "%s: the wait was interrupted", x.st.Title).Because(err)
		}
	}
}

func (x *execution) host() (Host, error) {
	name := x.a.Host(x.st.Args)
	if name == "" {
		return nil, nil
	}
	return x.env.Hosts.Host(name)
}

// lookBack finds a command of an earlier attempt that still runs, for example
// past its deadline. A person's retry then follows it: two commands of one step
// must never run side by side.
func (x *execution) lookBack(ctx context.Context) (Job, bool, error) {
	mine := x.env.Job
	for n := mine.Attempt - 1; n > 0; n-- {
		x.env.Job.Attempt = n
		j, ok, err := x.look(ctx)
		if err != nil || ok && (j.State == JobRunning || j.State == JobClaimed) {
			return j, err == nil, err
		}
	}
	x.env.Job = mine
	return Job{}, false, nil
}

// look finds an earlier claim of this very attempt.
func (x *execution) look(ctx context.Context) (Job, bool, error) {
	h, err := x.host()
	if err != nil || h == nil {
		return Job{}, false, err
	}
	j, err := h.Look(ctx, x.env.Job)
	if err != nil {
		return Job{}, false, err
	}
	return j, j.State != JobNone, nil
}

// void closes the claim, so that a worker that was cut off before it sent
// anything can never send it later.
func (x *execution) void(ctx context.Context, why string) error {
	h, err := x.host()
	if err != nil || h == nil {
		return err
	}
	j, err := h.Void(ctx, x.env.Job, why)
	if err != nil {
		return err
	}
	if j.State == JobRunning || j.State == JobClaimed {
		return dr.Retry("in_flight", "%s: another worker has just started this attempt; following it", x.st.Title)
	}
	return nil
}

func (x *execution) unknown(ctx context.Context, e Effect, also string) *dr.Error {
	text := fmt.Sprintf("%s: the outcome is unknown: %s", x.st.Title, e.Text)
	if also != "" {
		text += " (" + also + ")"
	}
	if ctx.Err() != nil {
		text += "; its time of " + x.st.Timeout.String() + " is over"
	}
	de := dr.HoldUnknown("unknown", "%s", text)
	de.Next = "look at the host with the step's proof; then retry, or replan"
	if e.Never != nil {
		n := dr.AsError(e.Never, "never")
		de.Next, de.Replan = n.Next, n.Replan
	}
	return de
}

func (x *execution) outputOnly(j Job) StepResult { return StepResult{Output: outputOf(j), Sent: true} }

func (x *execution) result(s dr.StepState, e Effect, j Job) StepResult {
	return StepResult{
		State: s, Text: e.Text, Output: outputOf(j), Evidence: e.Evidence, Loss: e.Loss,
		Sent: j.State == JobFinished || j.State == JobLost,
	}
}

func outputOf(j Job) string {
	out := strings.TrimRight(j.Stdout, "\n")
	if e := strings.TrimRight(j.Stderr, "\n"); e != "" {
		if out != "" {
			out += "\n"
		}
		out += e
	}
	if len(out) > maxOutput {
		out = "…" + strings.ToValidUTF8(out[len(out)-maxOutput:], "")
	}
	return out
}
