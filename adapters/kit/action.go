package kit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Action is the code behind a step. Its name is a public contract: it is
// recorded in histories, typed by people and never reused for another meaning.
type Action interface {
	Name() string
	Kind() dr.Kind
	// Doc is the action's page: what it does, its proof, its guard and the
	// manual's section.
	Doc() string
	// Check decodes the arguments strictly and says what is wrong with them.
	Check(args json.RawMessage) error
	// Render gives the commands of these arguments: what is shown and run.
	Render(args json.RawMessage) ([]dr.Command, error)
	// Probe asks whether the effect is there.
	Probe(ctx context.Context, env Env, args json.RawMessage) Effect
	// Guard asks whether it is still safe, immediately before acting. It
	// gives the host's clock reading that the start is bound to.
	Guard(ctx context.Context, env Env, args json.RawMessage) (HostTime, error)
	// Act does it. Only Execute calls it.
	Act(ctx context.Context, env Env, args json.RawMessage, guardAt HostTime) (Job, error)
	// Host is where Act's command runs; "" for an action that has no host
	// command (SQL), whose claim is the server's own lock or epoch.
	Host(args json.RawMessage) string
	// Overlap is how long after the beginning of an attempt its Act may still
	// reach the world without anything there to stop it: 0 for host commands,
	// which claims protect, and for SQL that the server's own lock protects.
	Overlap() time.Duration
	// Timing gives how often to probe and how long an effect may take to show
	// after the command has ended.
	Timing() (poll, settle time.Duration)
}

// EffectState is the answer of a probe.
type EffectState int

// The answers. The zero value is EffectUnknown.
const (
	EffectUnknown EffectState = iota
	EffectNotDone
	EffectDone
)

// Effect is what a probe found.
type Effect struct {
	State EffectState
	// Text is one sentence with what was read.
	Text string
	// Progress is set by waits.
	Progress *Progress
	// Evidence is recorded when the step ends.
	Evidence []dr.Evidence
	// Loss is set by a step that measured a loss.
	Loss *dr.LossFound
	// Never is set when the effect can never come: the step goes on hold at
	// once instead of waiting for its deadline.
	Never error
}

// Done makes the effect of a probe that saw the effect.
func Done(format string, a ...any) Effect {
	return Effect{State: EffectDone, Text: fmt.Sprintf(format, a...)}
}

// NotDone makes the effect of a probe that saw that the effect is not there.
func NotDone(format string, a ...any) Effect {
	return Effect{State: EffectNotDone, Text: fmt.Sprintf(format, a...)}
}

// NotKnown makes the effect of a probe that could not tell.
func NotKnown(format string, a ...any) Effect {
	return Effect{State: EffectUnknown, Text: fmt.Sprintf(format, a...)}
}

// Spec is an action with typed arguments. A must be a struct with JSON tags.
type Spec[A any] struct {
	Name string
	Kind dr.Kind
	Doc  string
	// Check says what is wrong with decoded arguments; may be nil.
	Check func(A) error
	// Commands renders the arguments. For a change with a nil Act it gives
	// exactly one command, which Execute runs as a claimed job. For a read
	// it gives what the probe runs.
	Commands func(A) []dr.Command
	Probe    func(ctx context.Context, env Env, a A) Effect
	// Guard is required for every change.
	Guard func(ctx context.Context, env Env, a A) (HostTime, error)
	// Act replaces the job, for SQL on a pinned connection. Its context ends
	// after ActWithin.
	Act func(ctx context.Context, env Env, a A) error
	// Call is an Act whose answer people should read: it gives what was
	// answered as Stdout and, where the answer itself is the proof, Proof.
	Call func(ctx context.Context, env Env, a A) (Job, error)
	// Lock says, for an Act, what on the server keeps a second one of another
	// worker from doing harm: its lock, its epoch, a name that carries the
	// run. Where there is nothing, it is empty: then a new attempt waits until
	// no earlier one can still be acting, before it probes.
	Lock string
	// ActWithin bounds one call of Act (default 30 s); what lasts longer goes
	// on in the server and is followed by the probe.
	ActWithin time.Duration
	// Interpret reads the output of a finished job and may turn a known
	// failure text into an error with better advice (a replan, a refusal).
	// nil error means "let the probe decide", whatever the exit code was.
	Interpret func(a A, j Job) error
	// ProofText and GuardText are for people who work by hand.
	ProofText func(A) string
	GuardText func(A) string
	// Poll is the interval of probes while waiting (default 200 ms).
	Poll time.Duration
	// Settle is how long the effect may take to show after the command ended
	// (default 30 s).
	Settle time.Duration
}

// At says where and how a step stands in a plan.
type At struct {
	// Phase and Slug make the step's ID: "<phase>.<slug>". The slug names
	// the action and, where it occurs more than once in the phase, the site.
	Phase   dr.Phase
	Slug    string
	Title   string
	Site    string
	Why     string
	Timeout time.Duration
	// Skip is SkipNever when empty.
	Skip          dr.Skip
	Undo          *dr.Step
	Interruptible bool
	StopsClients  bool
	NoVeto        bool
}

// Step makes a step of this action. It panics on arguments that its own Check
// refuses: plans are made of checked facts, so that is a programming error
// (the Plan activity turns it into a refusal).
func (s Spec[A]) Step(at At, a A) dr.Step {
	if s.Check != nil {
		if err := s.Check(a); err != nil {
			panic(fmt.Sprintf("step %s.%s: %v", at.Phase, at.Slug, err))
		}
	}
	raw, err := dr.Canonical(a)
	if err != nil {
		panic(fmt.Sprintf("step %s.%s: %v", at.Phase, at.Slug, err))
	}
	st := dr.Step{
		ID: string(at.Phase) + "." + at.Slug, Action: s.Name, Title: at.Title, Site: at.Site, Args: raw, Kind: s.Kind,
		Timeout: dr.Duration(at.Timeout), Undo: at.Undo, Skip: at.Skip,
		Interruptible: at.Interruptible, StopsClients: at.StopsClients, NoVeto: at.NoVeto, Why: at.Why,
	}
	if st.Skip == "" {
		st.Skip = dr.SkipNever
	}
	for _, c := range s.Commands(a) {
		if err := c.Check(); err != nil {
			panic(fmt.Sprintf("step %s: %v", st.ID, err))
		}
		st.Host = c.Host
		st.Commands = append(st.Commands, c.Shown())
	}
	if s.ProofText != nil {
		st.Proof = s.ProofText(a)
	}
	if s.GuardText != nil {
		st.Guard = s.GuardText(a)
	}
	return st
}

// Action gives the untyped form that the worker registers.
func (s Spec[A]) Action() Action { return typed[A]{s} }

type typed[A any] struct{ s Spec[A] }

func (t typed[A]) Name() string  { return t.s.Name }
func (t typed[A]) Kind() dr.Kind { return t.s.Kind }
func (t typed[A]) Doc() string   { return t.s.Doc }

func (t typed[A]) decode(args json.RawMessage) (A, error) {
	var a A
	if err := dr.DecodeStrict(args, &a); err != nil {
		return a, dr.Refuse("arguments", "the arguments of %s cannot be read: %v", t.s.Name, err)
	}
	if t.s.Check != nil {
		if err := t.s.Check(a); err != nil {
			return a, dr.Refuse("arguments", "the arguments of %s are not allowed: %v", t.s.Name, err)
		}
	}
	return a, nil
}

func (t typed[A]) Check(args json.RawMessage) error {
	_, err := t.decode(args)
	return err
}

func (t typed[A]) Render(args json.RawMessage) ([]dr.Command, error) {
	a, err := t.decode(args)
	if err != nil {
		return nil, err
	}
	cmds := t.s.Commands(a)
	for _, c := range cmds {
		if err := c.Check(); err != nil {
			return nil, dr.Refuse("arguments", "%s: %v", t.s.Name, err)
		}
	}
	return cmds, nil
}

func (t typed[A]) Probe(ctx context.Context, env Env, args json.RawMessage) Effect {
	a, err := t.decode(args)
	if err != nil {
		return Effect{State: EffectUnknown, Text: err.Error(), Never: err}
	}
	return t.s.Probe(ctx, env, a)
}

func (t typed[A]) Guard(ctx context.Context, env Env, args json.RawMessage) (HostTime, error) {
	a, err := t.decode(args)
	if err != nil {
		return 0, err
	}
	if t.s.Guard == nil {
		return 0, dr.Refuse("no_guard", "the action %s has no guard", t.s.Name)
	}
	return t.s.Guard(ctx, env, a)
}

func (t typed[A]) Host(args json.RawMessage) string {
	if t.s.Act != nil || t.s.Call != nil {
		return ""
	}
	a, err := t.decode(args)
	if err != nil {
		return ""
	}
	if cmds := t.s.Commands(a); len(cmds) == 1 {
		return cmds[0].Host
	}
	return ""
}

// actDelay is how long after its beginning an attempt may begin to act, when
// nothing but time protects a second one.
const actDelay = 60 * time.Second

func (t typed[A]) Overlap() time.Duration {
	if t.s.Act == nil && t.s.Call == nil || t.s.Lock != "" {
		return 0
	}
	return actDelay + t.actWithin()
}

func (t typed[A]) actWithin() time.Duration {
	if t.s.ActWithin == 0 {
		return 30 * time.Second
	}
	return t.s.ActWithin
}

func (t typed[A]) Timing() (poll, settle time.Duration) {
	poll, settle = t.s.Poll, t.s.Settle
	if poll == 0 {
		poll = 200 * time.Millisecond
	}
	if settle == 0 {
		settle = 30 * time.Second
	}
	return poll, settle
}

// startWait is how long a start waits for a short command in the same round
// trip before the executor begins to follow it.
const startWait = 2 * time.Second

// followWait is how often a long command reports progress.
const followWait = 3 * time.Second

func (t typed[A]) Act(ctx context.Context, env Env, args json.RawMessage, guardAt HostTime) (Job, error) {
	a, err := t.decode(args)
	if err != nil {
		return Job{}, err
	}
	if t.s.Act != nil || t.s.Call != nil {
		return t.direct(ctx, env, a)
	}
	cmds := t.s.Commands(a)
	if len(cmds) != 1 {
		return Job{}, dr.Refuse("commands", "the action %s renders %d commands; a change runs exactly one", t.s.Name, len(cmds))
	}
	h, err := env.Hosts.Host(cmds[0].Host)
	if err != nil {
		return Job{}, err
	}
	j, err := h.Start(ctx, env.Job, cmds[0], guardAt, startWait)
	for err == nil && (j.State == JobRunning || j.State == JobClaimed) {
		started := j.Started
		j, err = h.Wait(ctx, env.Job, followWait)
		j.Started = j.Started || started
		if err == nil && env.Progress != nil && (j.State == JobRunning || j.State == JobClaimed) {
			env.Progress(progressOf(ctx, env, t.s, a))
		}
	}
	return j, err
}

// direct acts without a host's job.
func (t typed[A]) direct(ctx context.Context, env Env, a A) (Job, error) {
	ctx, cancel := context.WithTimeout(ctx, t.actWithin())
	defer cancel()
	var j Job
	var err error
	if t.s.Call != nil {
		j, err = t.s.Call(ctx, env, a)
	} else {
		err = t.s.Act(ctx, env, a)
	}
	if err != nil {
		return Job{}, err
	}
	j.State, j.Started = JobFinished, true
	return j, nil
}

// progressOf asks the probe what can be told about a command that still runs.
func progressOf[A any](ctx context.Context, env Env, s Spec[A], a A) Progress {
	e := s.Probe(ctx, env, a)
	if e.Progress != nil {
		return *e.Progress
	}
	return Progress{Text: "the command is running: " + e.Text, At: env.Now()}
}

// Interpreter is an action that can read its command's output.
type Interpreter interface {
	Interpret(args json.RawMessage, j Job) error
}

func (t typed[A]) Interpret(args json.RawMessage, j Job) error {
	if t.s.Interpret == nil {
		return nil
	}
	a, err := t.decode(args)
	if err != nil {
		return err
	}
	return t.s.Interpret(a, j)
}
