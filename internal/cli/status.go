package cli

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

func statusFlags(in *input) {
	in.jsonFlag()
	in.set.BoolVar(&in.watch, "watch", false, "show it again and again until the run ends")
	in.set.BoolVar(&in.exitCode, "exit-code", false, "tell the state by the exit code: starter help exit-codes")
	in.set.StringVar(&in.run, "run", "", "`ID` of an earlier run (default: the present or last one)")
	in.set.DurationVar(&in.every, "every", 2*time.Second, "how often --watch looks, as a `duration`")
}

// look is everything that can be known of a run now, as `status --json`
// writes it.
type look struct {
	Status dr.Status `json:"status"`
	// Working are the activities that run now, with their progress.
	Working []working `json:"working"`
	// Plan is the plan of the open gate.
	Plan *dr.Plan `json:"plan,omitempty"`
	// Note says why something could not be read.
	Note string `json:"note,omitempty"`

	running bool
}

func (a *App) status(ctx context.Context, in *input) (int, error) {
	system := in.args[0]
	if err := systemName(system); err != nil {
		return 0, err
	}
	if err := in.checkEvery(); err != nil {
		return 0, err
	}
	s, err := a.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer s.c.Close()
	for {
		l, err := s.look(ctx, system, in.run)
		if err != nil {
			return 0, err
		}
		if err := a.showLook(l, in); err != nil {
			return 0, err
		}
		if !in.watch || !l.running {
			return in.statusCode(l), nil
		}
		if err := a.Sleep(ctx, in.every); err != nil {
			return ExitInterrupted, nil
		}
	}
}

func (in *input) checkEvery() error {
	if in.every < 100*time.Millisecond || in.every > time.Hour {
		return badUsage("--every %s is not between 100ms and 1h", in.every)
	}
	return nil
}

func (in *input) statusCode(l look) int {
	if !in.exitCode {
		return ExitDone
	}
	return codeOfStatus(l.Status)
}

// look reads a run. A closed run is shown from its result when no worker
// answers.
func (s *server) look(ctx context.Context, system, run string) (look, error) {
	l := look{Working: []working{}}
	info, pending, err := s.describe(ctx, system, run)
	if err != nil {
		return l, err
	}
	l.running = isRunning(info)
	run = info.GetExecution().GetRunId()
	if !l.running {
		return s.lookClosed(ctx, system, run)
	}
	l.Working = workingOn(pending)
	if err := s.query(ctx, system, run, dr.QueryStatus, &l.Status); err != nil {
		return l, err
	}
	if l.Status.Gate != nil {
		p, err := s.planAtGate(ctx, l.Status)
		if err != nil {
			l.Note = err.Error()
			return l, nil
		}
		l.Plan = &p
	}
	return l, nil
}

func (s *server) lookClosed(ctx context.Context, system, run string) (look, error) {
	l := look{Working: []working{}}
	qerr := s.query(ctx, system, run, dr.QueryStatus, &l.Status)
	if qerr == nil && l.Status.Ending != nil {
		return l, nil
	}
	res, err := s.result(ctx, system, run)
	switch {
	case dr.HasCode(err, "terminated"), dr.HasCode(err, "temporal"):
		return l, err
	case err != nil:
		res.Ending = dr.Ending{Kind: dr.EndRefused, Text: err.Error()}
	}
	l.Status.Schema, l.Status.System, l.Status.Workflow, l.Status.Run = dr.StatusSchema, system, dr.WorkflowID(system), run
	l.Status.State, l.Status.Sentence, l.Status.Since = dr.StateEnded, res.Ending.Text, res.Ending.At
	l.Status.Ending = &res.Ending
	return l, nil
}

func (a *App) showLook(l look, in *input) error {
	if in.json {
		return a.printJSON(l, nil)
	}
	if in.watch && a.ShowsPeople {
		a.printf("\x1b[H\x1b[2J")
	}
	now, st := a.Now(), a.style()
	a.printf("%s", render.StatusText(l.Status, now, st))
	for _, w := range l.Working {
		if line := workingText(w, now); line != "" {
			a.printf("  now: %s\n", line)
		}
	}
	if l.Note != "" {
		a.printf("  note: %s\n", dr.CleanLine(l.Note))
	}
	if l.Plan != nil && !in.watch {
		a.printf("\n%s", render.PlanText(*l.Plan, now, st))
	}
	return nil
}

// workingText says in one line what an activity does and waits for; "" when
// it has nothing to say.
func workingText(w working, now time.Time) string {
	line := ""
	if w.Progress.Text != "" && w.Progress.Text != "started" {
		p := w.Progress
		line = dr.CleanLine(w.Activity) + ": " + render.ProgressText(render.Progress{
			Text: p.Text, Done: p.Done, Total: p.Total, Unit: p.Unit, Left: p.Left.D(), At: p.At,
		}, now)
	}
	if w.Failure != "" {
		if line == "" {
			line = dr.CleanLine(w.Activity) + ": is tried again"
		}
		line += "; the last attempt ended with: " + dr.Clip(w.Failure, 200)
	}
	return line
}
