package openedge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// e2eLimit bounds what the lab does by itself.
const e2eLimit = time.Minute

// TestAPlannedTakeoverAndItsFailbackLoseNothing kills the worker in every phase
// of the takeover and cuts all SSH connections in every phase of the failback.
func TestAPlannedTakeoverAndItsFailbackLoseNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	run := s.Start(dr.ProcTakeover, planned)
	hit := s.Survives(run, s.KillWorker)
	require.NotEmpty(t, hit[dr.PhasePromote], "%v", hit)
	s.Clean()
	require.Equal(t, 1, s.sent("east", "dsrutil transition failover"), "%v", s.Ledger().Commands)
	s.Writes(20)

	run = s.Start(dr.ProcFailback, failback)
	hit = s.Survives(run, s.CutSSH)
	require.NotEmpty(t, hit[dr.PhaseHandBack], "%v", hit)
	s.Writes(20)
	l := s.Clean()
	require.Equal(t, 1, s.sent("west", "dsrutil transition failover"), "%v", l.Commands)
	t.Logf("outage %.0f ms, acknowledged %d, commands %v", l.OutageMS, l.Acknowledged, l.Commands)
}

// TestAControlledTakeoverStopsOnlyWithItsProof is the two-step form, whose
// worker is killed in every phase.
func TestAControlledTakeoverStopsOnlyWithItsProof(t *testing.T) {
	t.Parallel()
	s := newStage(t, "takeover=controlled")
	hit := s.Survives(s.Start(dr.ProcTakeover, planned), s.KillWorker)
	require.NotEmpty(t, hit[dr.PhaseIsolate], "%v", hit)
	s.Writes(20)
	s.Clean()
	for _, site := range []string{"east", "west"} {
		require.Equal(t, 1, s.sent(site, "dsrutil transition"), "%v", s.Ledger().Commands)
	}
}

// TestALostSourceIsTakenOverAndComesBackByACopy: the loss is within the
// estimate, the returned old source stays fenced, and the failback takes the
// form with a copy while its worker is killed in every phase.
func TestALostSourceIsTakenOverAndComesBackByACopy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Writes(20)
	s.killed()
	run := s.Start(dr.ProcTakeover, unplanned)
	st := s.Gate(dr.GateDecide)
	require.NotContains(t, st.Gate.Loss, "No acknowledged write is lost")
	t.Log(st.Gate.Loss)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	s.Fault("old-primary-returns", "east")
	s.Writes(20)
	s.oneSource()
	lost := *s.Ledger().Lost

	run = s.Start(dr.ProcFailback, failback)
	hit := s.Survives(run, s.KillWorker)
	for _, ph := range []dr.Phase{dr.PhaseBackup, dr.PhaseTransfer, dr.PhaseRestore, dr.PhaseHandBack} {
		require.NotEmpty(t, hit[ph], "%v", hit)
	}
	s.Writes(20)
	s.oneSource()
	require.Equal(t, lost, *s.Ledger().Lost, "the failback itself loses nothing")
	require.Equal(t, 1, s.sent("west", "probkup"), "%v", s.Ledger().Commands)
	require.Equal(t, 1, s.sent("east", "prorest"), "%v", s.Ledger().Commands)
}
