package cli

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
	"github.com/switchback-dr/switchback/internal/recall"
	"github.com/switchback-dr/switchback/internal/setup"
)

// askWatch is how long assess and plan wait for Temporal: they must work
// without it.
const askWatch = 2 * time.Second

// observe reads a system with this program's own connections.
func (a *App) observe(ctx context.Context, s *setup.Setup, sys *inventory.System) dr.Situation {
	env := s.Env()
	env.Now, env.Sleep = a.Now, a.Sleep
	o := planning.Observer{Env: env, Recall: a.recall(s), LastBaseline: s.Reports.LastBaseline}
	return o.Observe(ctx, sys, "")
}

// recall asks the watch through Temporal when that answers at once, else reads
// the file beside the reports, else says that nothing is known.
func (a *App) recall(s *setup.Setup) planning.Recall {
	return func(ctx context.Context, system string) (*dr.Memory, string) {
		m, err := a.askTheWatch(ctx, system)
		if err == nil {
			return m, dr.MemorySentence(m, a.Now())
		}
		why := "Temporal or the watch did not answer"
		m, ferr := s.Reports.Memory(system)
		switch {
		case ferr != nil:
			return nil, "unknown: " + why + ", and the file of its memory cannot be read: " + ferr.Error()
		case m == nil:
			return nil, "unknown: " + why + ", and there is no file of its memory"
		}
		return m, "from the file, " + dr.AgoText(m.At, a.Now()) + ", because " + why + ": " + dr.MemorySentence(m, a.Now())
	}
}

func (a *App) askTheWatch(ctx context.Context, system string) (*dr.Memory, error) {
	ctx, cancel := context.WithTimeout(ctx, askWatch)
	defer cancel()
	c, _, err := a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return recall.From(ctx, c, system)
}

// newestMemory is what is known of a system without looking at its hosts.
func (a *App) newestMemory(ctx context.Context, s *setup.Setup, system string) *dr.Memory {
	m, _ := a.recall(s)(ctx, system)
	return m
}
