package cli

import (
	"context"
	"encoding/json"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// patience is how long following goes on while Temporal or the worker does not
// answer. The run itself waits for them without end.
const patience = 10 * time.Minute

// follower shows one run on the terminal until it ends.
type follower struct {
	a      *App
	s      *server
	in     *input
	system string
	run    string
	screen *screen

	events int
	// seen is the last status, as JSON: the report is only read when it
	// changed.
	seen string
	// shown is the last waiting that was shown: a gate's digest or a hold.
	shown   string
	refused int
	answers answers
	// silent is since when nobody answers.
	silent time.Time
}

// ended is what following writes with --json.
type ended struct {
	Run    string     `json:"run"`
	Result *dr.Result `json:"result,omitempty"`
	// Status is set instead when the run waits for people and --no-wait was
	// given.
	Status *dr.Status `json:"status,omitempty"`
}

func (a *App) followRun(ctx context.Context, in *input) (int, error) {
	if err := systemName(in.args[0]); err != nil {
		return 0, err
	}
	id, err := a.identify(in)
	if err != nil {
		return 0, err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer s.c.Close()
	info, _, err := s.describe(ctx, in.args[0], "")
	if err != nil {
		return 0, err
	}
	return a.follow(ctx, in, s, id, info.GetExecution().GetRunId())
}

// follow shows a run of the system on the command line until it ends.
func (a *App) follow(ctx context.Context, in *input, s *server, id identity, run string) (int, error) {
	system := in.args[0]
	if err := in.checkEvery(); err != nil {
		return 0, err
	}
	f := &follower{a: a, s: s, in: in, system: system, run: run, screen: newScreen(a, in.json), answers: answers{id: id}}
	defer f.screen.clear()
	for {
		code, done, err := f.step(ctx)
		if err != nil || done {
			return code, err
		}
		if f.rest(ctx) != nil {
			f.screen.line("interrupted; the run goes on: starter follow " + system)
			return ExitInterrupted, nil
		}
	}
}

// step looks once. done means that there is nothing more to follow.
func (f *follower) step(ctx context.Context) (code int, done bool, err error) {
	info, pending, err := f.s.describe(ctx, f.system, f.run)
	if err != nil {
		return 0, false, f.bear(ctx, err)
	}
	if !isRunning(info) {
		code, err := f.end(ctx)
		return code, true, err
	}
	var st dr.Status
	if err := f.s.query(ctx, f.system, f.run, dr.QueryStatus, &st); err != nil {
		return 0, false, f.bear(ctx, err)
	}
	f.silent = time.Time{}
	f.news(ctx, st)
	if err := f.waiting(ctx, st); err != nil {
		return 0, false, f.bear(ctx, err)
	}
	if f.in.noWait && waitsForPeople(st) {
		if f.in.json {
			return ExitWaits, true, f.a.printJSON(ended{Run: f.run, Status: &st}, nil)
		}
		return ExitWaits, true, nil
	}
	if f.answers.open != nil {
		return 0, false, nil // nothing is written over what is being typed
	}
	f.screen.progress(progressLine(st, workingOn(pending), f.a.Now()))
	return 0, false, nil
}

// bear goes on through silence for a while; everything else ends the
// following, never the run.
func (f *follower) bear(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil // the loop tells that it was interrupted
	}
	if !dr.HasCode(err, "temporal") && !dr.HasCode(err, "no_worker") {
		return err
	}
	now := f.a.Now()
	if f.silent.IsZero() {
		f.silent = now
		f.screen.line(dr.CleanLine(err.Error()) + " (the run itself is safe; asking again)")
	}
	if now.Sub(f.silent) > patience {
		return err
	}
	return nil
}

// news prints what was added to the timeline since the last look.
func (f *follower) news(ctx context.Context, st dr.Status) {
	raw, err := json.Marshal(st)
	if err != nil || string(raw) == f.seen {
		return
	}
	var rep dr.Report
	if f.s.query(ctx, f.system, f.run, dr.QueryReport, &rep) != nil {
		return // read again at the next look
	}
	f.seen = string(raw)
	f.printEvents(rep.Events)
	for ; f.refused < len(st.Refused); f.refused++ {
		r := st.Refused[f.refused]
		f.screen.line(clock(r.At) + "  refused " + string(r.Verb) + " by " + orSomebody(r.Person) + ": " + r.Why)
	}
}

func (f *follower) printEvents(events []dr.Event) {
	for ; f.events < len(events); f.events++ {
		f.screen.line(eventLine(events[f.events]))
	}
}

// eventLine writes one line of the timeline.
func eventLine(e dr.Event) string {
	at, took := e.At, ""
	if e.Until != nil {
		at = *e.Until
		took = " (" + dr.SpanText(e.Until.Sub(e.At)) + ")"
	}
	line := clock(at) + "  "
	if e.Step != "" {
		line += e.Step
		if e.State != "" {
			line += " " + string(e.State)
		}
		line += ": "
	}
	return line + e.Text + took
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

func orSomebody(person string) string {
	if person == "" {
		return "somebody"
	}
	return person
}

// waiting shows a gate with its plan, or a hold, once.
func (f *follower) waiting(ctx context.Context, st dr.Status) error {
	key := ""
	switch {
	case st.Gate != nil:
		key = "gate " + st.Gate.Digest
	case st.Hold != nil:
		key = "hold " + st.Hold.Step + " " + st.Hold.Since.String()
	}
	if key == "" || key == f.shown || f.in.json {
		if key == "" {
			f.answers.open = nil
		}
		f.shown = key
		return nil
	}
	text := ""
	if st.Gate != nil {
		p, err := f.s.planAtGate(ctx, st)
		if err != nil {
			return err
		}
		text = render.PlanText(p, f.a.Now(), f.a.style()) + "\n"
	}
	f.shown = key
	f.screen.block("\n" + text + render.StatusText(st, f.a.Now(), f.a.style()) + "\n")
	f.offer(st)
	return nil
}

// end tells how the run ended.
func (f *follower) end(ctx context.Context) (int, error) {
	var rep dr.Report
	if f.s.query(ctx, f.system, f.run, dr.QueryReport, &rep) == nil {
		f.printEvents(rep.Events)
	}
	res, err := f.s.result(ctx, f.system, f.run)
	if err != nil {
		return 0, err
	}
	code := codeOfEnding(res.Ending.Kind)
	if f.in.json {
		return code, f.a.printJSON(ended{Run: f.run, Result: &res}, nil)
	}
	f.screen.block("\n" + render.ResultText(res, f.a.style()))
	return code, nil
}

// progressLine says what the run does and waits for now.
func progressLine(st dr.Status, now []working, at time.Time) string {
	for _, w := range now {
		if line := workingText(w, at); line != "" {
			return st.Sentence + ": " + line
		}
	}
	return st.Sentence
}
