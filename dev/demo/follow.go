package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
)

// lookEvery is how often the run is asked for its status.
const lookEvery = 50 * time.Millisecond

// follower shows one run until it ends.
type follower struct {
	d   *demo
	run *run
	// told are the steps whose end was shown, by step and attempt.
	told map[string]bool
	// empty are the phases without steps that were shown.
	empty map[dr.Phase]bool
	// quiet is since when the run has not answered.
	quiet time.Time
	// decided is the digest that was decided here.
	decided string
}

// follow shows the run, asks at its gates, and gives how it ended.
func (d *demo) follow(ctx context.Context, r *run) (dr.Result, error) {
	f := &follower{d: d, run: r, told: map[string]bool{}, empty: map[dr.Phase]bool{}}
	for {
		st, err := f.look(ctx)
		if err != nil {
			return dr.Result{}, err
		}
		switch {
		case st.Ending != nil:
			f.news(st)
			d.screen.clear()
			return r.result(ctx)
		case st.Hold != nil:
			f.news(st)
			return dr.Result{}, f.held(st)
		case st.Gate != nil && st.Gate.Digest != f.decided:
			f.news(st)
			if err := f.gate(ctx, st); err != nil {
				return dr.Result{}, err
			}
			continue
		}
		f.news(st)
		if err := setup.Sleep(ctx, lookEvery); err != nil {
			return dr.Result{}, err
		}
	}
}

// look asks for the status. A run that does not answer for a while ends the
// demo: nothing else here can help it.
func (f *follower) look(ctx context.Context) (dr.Status, error) {
	for {
		st, err := f.run.status(ctx)
		if err == nil {
			f.quiet = time.Time{}
			return st, nil
		}
		if f.quiet.IsZero() {
			f.quiet = time.Now()
		}
		if ctx.Err() != nil || time.Since(f.quiet) > limit {
			return st, errors.Join(ctx.Err(), err)
		}
		if err := setup.Sleep(ctx, lookEvery); err != nil {
			return st, err
		}
	}
}

// news prints the steps that ended since the last look, and what goes on.
func (f *follower) news(st dr.Status) {
	s := f.d.screen
	now := ""
	for _, ph := range st.Phases {
		if len(ph.Steps) == 0 && ph.State == dr.StepDone && !f.empty[ph.Phase] {
			f.empty[ph.Phase] = true
			s.outcome(s.dim("·"), string(ph.Phase), "nothing to do: "+ph.Empty, "")
		}
		for _, step := range ph.Steps {
			if step.State == dr.StepRunning && step.Started != nil {
				now = fmt.Sprintf("%s: %s, %s", ph.Phase, step.Title, dr.SpanText(time.Since(*step.Started)))
			}
			f.step(ph.Phase, step)
		}
	}
	if now == "" && st.Ending == nil && st.Gate == nil {
		now = st.Sentence
	}
	if now != "" {
		s.live(now)
	}
}

// step prints a step that has ended, once.
func (f *follower) step(ph dr.Phase, step dr.StepStatus) {
	key := fmt.Sprint(step.ID, " ", step.Attempt, " ", step.State)
	if f.told[key] || step.Ended == nil {
		return
	}
	s := f.d.screen
	took := ""
	if step.Started != nil {
		took = dr.SpanText(step.Ended.Sub(*step.Started))
	}
	switch step.State {
	case dr.StepDone:
		s.outcome(s.green("✓"), string(ph), step.Title, took)
	case dr.StepAlready, dr.StepSkipped, dr.StepUndone:
		s.outcome(s.yellow("✓"), string(ph), step.Title+" ("+string(step.State)+")", took)
	default:
		return
	}
	f.told[key] = true
}
