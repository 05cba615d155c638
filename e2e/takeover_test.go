package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestAPlannedTakeoverLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	run := s.Start(dr.ProcTakeover, `{"system":"orders","mode":"planned","to":"west","reason":"maintenance"}`)
	s.Approve(dr.GateDecide)
	res := s.Ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.Clean()
	t.Logf("outage %.0f ms, acknowledged %d, commands %v", l.OutageMS, l.Acknowledged, l.Commands)
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
}

// TestAnUnplannedTakeoverFencesTheDeadPrimary kills the postmaster; its host
// still answers, so the fence is made and proven there.
func TestAnUnplannedTakeoverFencesTheDeadPrimary(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("postmaster-kill", "east")
	run := s.Start(dr.ProcTakeover, `{"system":"orders","mode":"unplanned","to":"west","reason":"east is dead"}`)
	st := s.Gate(dr.GateDecide)
	t.Log(st.Gate.Loss)
	s.Approve(dr.GateDecide)
	res := s.Ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.Ledger()
	t.Logf("outage %.0f ms, acknowledged %d, lost %v, commands %v", l.OutageMS, l.Acknowledged, l.Lost, l.Commands)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
}
