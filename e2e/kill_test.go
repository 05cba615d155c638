package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// The three procedures, each once, with the worker killed once in every phase
// that it was seen in. The end must be the undisturbed one, and no irreversible
// command may have run twice.

func TestATakeoverWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Slowdown()
	hit := s.Survives(s.Start(dr.ProcTakeover, planned), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	s.Clean()
	s.Once("west", "psql pg_promote")
	s.Once("east", "pg_ctl stop")
}

func TestAFailbackWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := diverged(t)
	lost := *s.Ledger().Lost
	s.Slowdown()
	hit := s.Survives(s.Start(dr.ProcFailback, failback), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 6, "the worker must have died in most phases: %v", hit)
	l := s.Ledger()
	require.Empty(t, l.TwoPrimaries)
	require.NotNil(t, l.Lost)
	require.Equal(t, lost, *l.Lost, "the failback itself loses nothing")
	s.Once("east", "pg_rewind", "psql pg_promote")
	s.Once("west", "psql pg_promote", "pg_ctl stop")
}

func TestAReseedWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := takenOver(t)
	s.Slowdown()
	hit := s.Survives(s.Start(dr.ProcReseed, reseed), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 4, "the worker must have died in most phases: %v", hit)
	require.Empty(t, s.Ledger().TwoPrimaries)
	s.Once("west", "psql pg_promote")
	require.LessOrEqual(t, s.Ledger().Commands["east"]["pg_basebackup"], 1)
}
