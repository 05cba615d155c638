package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/render"
	"github.com/switchback-dr/switchback/internal/setup"
)

// assessment is one system as `assess --json` writes it.
type assessment struct {
	Healthy bool `json:"healthy"`
	// Why lists what keeps the system from being proven healthy.
	Why       []string     `json:"why"`
	Situation dr.Situation `json:"situation"`
}

func (a *App) assess(ctx context.Context, in *input) (int, error) {
	s, err := a.load(in)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	systems := s.Inventory.Systems
	if len(in.args) == 1 {
		sys, err := s.Inventory.System(in.args[0])
		if err != nil {
			return 0, err
		}
		systems = []*inventory.System{sys}
	}
	code := ExitDone
	all := make([]assessment, 0, len(systems))
	for _, sys := range systems {
		as := a.assessOne(ctx, s, sys)
		if ctx.Err() != nil {
			return 0, dr.Retry("interrupted", "the observation of %s was interrupted", sys.Name)
		}
		if !as.Healthy {
			code = ExitUnhealthy
		}
		all = append(all, as)
		if !in.json {
			a.printf("%s", s.Redact(assessmentText(as, a)))
		}
	}
	if !in.json {
		return code, nil
	}
	if len(in.args) == 1 {
		return code, a.printJSON(all[0], s.Redact)
	}
	return code, a.printJSON(all, s.Redact)
}

func (a *App) assessOne(ctx context.Context, s *setup.Setup, sys *inventory.System) assessment {
	sit := a.observe(ctx, s, sys)
	why := unhealthy(sit)
	return assessment{Healthy: len(why) == 0, Why: why, Situation: sit}
}

func assessmentText(as assessment, a *App) string {
	name := dr.CleanLine(as.Situation.System) + " (" + dr.CleanLine(as.Situation.Product) + ")"
	var b strings.Builder
	b.WriteString(name + "\n" + render.SituationText(as.Situation, a.Now(), a.style()))
	if as.Healthy {
		b.WriteString("HEALTHY  one primary, every site answers, in sync\n\n")
		return b.String()
	}
	b.WriteString("NOT PROVEN HEALTHY\n")
	for _, w := range as.Why {
		b.WriteString("  * " + dr.CleanLine(w) + "\n")
	}
	return b.String() + "\n"
}

// unhealthy lists what keeps a system from being proven healthy. Unknown is
// never healthy.
func unhealthy(s dr.Situation) []string {
	why := []string{}
	add := func(format string, v ...any) { why = append(why, fmt.Sprintf(format, v...)) }
	switch p := s.Primaries(); {
	case len(p) == 0:
		add("no site is known to accept writes")
	case len(p) > 1:
		add("two primaries: %s all accept writes", strings.Join(p, ", "))
	}
	for _, site := range s.Sites {
		switch {
		case site.Reachable == dr.No:
			add("%s does not answer", site.Site)
		case site.Reachable != dr.Yes:
			add("it is not known whether %s answers", site.Site)
		case site.Role == dr.RoleUnknown:
			add("the role of %s is unknown", site.Site)
		case site.AcceptsWrites == dr.Unknown:
			add("it is not known whether %s accepts writes", site.Site)
		}
		for _, j := range site.Jobs {
			add("on %s a command of a run is %s: %s", j.Host, j.State, j.Text)
		}
	}
	switch s.Judgement.InSync {
	case dr.No:
		add("the copies are not in sync")
	case dr.Unknown:
		add("it is not known whether the copies are in sync")
	case dr.Yes:
	}
	return append(why, s.Judgement.Alarms...)
}
