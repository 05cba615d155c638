package hana_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// TestTheWorkerIsKilledInEveryPhase plays the three procedures one after the
// other, each with the worker killed once in every phase that it was seen in.
// Nothing irreversible may run twice.
func TestTheWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	s.Slowdown()
	hit := s.Survives(s.Start(dr.ProcTakeover, planned), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	s.Clean()
	s.Once("west", "hdbnsutil -sr_takeover")
	s.Once("east", "hdbnsutil -sr_register")

	hit = s.Survives(s.Start(dr.ProcFailback, failback), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	s.Clean()
	s.Once("east", "hdbnsutil -sr_takeover")
	s.Once("west", "hdbnsutil -sr_register")

	hit = s.Survives(s.Start(dr.ProcReseed, seedWest), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 2, "the worker must have died in most phases: %v", hit)
	s.Clean()
	require.Equal(t, 2, s.Ledger().Commands["west"]["hdbnsutil -sr_register"])
}
