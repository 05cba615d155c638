package oceanbase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// TestAPlannedTakeoverAndItsFailbackSurviveEverything plays the most dangerous
// rows on one pair: a worker killed in every phase, and a server that fails in
// every state between two roles.
func TestAPlannedTakeoverAndItsFailbackSurviveEverything(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Writes(20)
	for _, state := range []string{"ACCEPTED", "PREPARE SWITCHING TO STANDBY", "SWITCHING TO STANDBY"} {
		s.Fault("delay-at", "east", state, "300")
	}
	for _, state := range []string{"PREPARE SWITCHING TO PRIMARY", "FLASHBACK", "SWITCHING TO PRIMARY"} {
		s.Fault("delay-at", "west", state, "300")
	}
	hit := s.Survives(s.Start(dr.ProcTakeover, planned), s.KillWorker)
	require.Contains(t, hit, dr.PhaseIsolate)
	require.Contains(t, hit, dr.PhasePromote)
	s.Once("east", toStandby)
	s.Once("west", toPrimary)
	s.Clean()
	s.Writes(20)

	// The way back: connections dropped after the server accepted, and
	// time-outs that leave the tenant half-way.
	s.Fault("timeout-at", "west", "SWITCHING TO STANDBY")
	s.Fault("drop-at", "east", "PREPARE SWITCHING TO PRIMARY")
	s.Fault("timeout-at", "east", "FLASHBACK")
	s.Fault("error-at", "east", "SWITCHING TO PRIMARY", "4109")
	s.done(dr.ProcFailback, failback)
	s.Once("west", toStandby)
	s.Once("east", toPrimary)
	s.Clean()
	s.Writes(20)

	t.Run("what would lose or hang is refused before anything is changed", func(t *testing.T) {
		s := stage{s.On(t)}
		before := s.Ledger().Commands
		s.Fault("lock-tenant", "west")
		s.refused(dr.ProcTakeover, planned, "locked")
		s.Unfault("lock-tenant", "west")
		s.Fault("leaderless", "west", "1001")
		s.refused(dr.ProcTakeover, planned, "1001")
		s.Unfault("leaderless", "west", "1001")
		s.Fault("server-offline", "west", "2", "10s")
		s.refused(dr.ProcTakeover, planned, "temporarily offline")
		s.Unfault("server-offline", "west", "2")
		s.refused(dr.ProcTakeover, unplanned, "alive")
		require.Equal(t, before[`east`][toStandby], s.Ledger().Commands["east"][toStandby])
		s.Fault("source-empty", "west")
		s.refused(dr.ProcTakeover, planned, "without a catch-up check")
		s.Clean()
	})
}

// TestARefusalOfTheServerIsHeldWithItsReasonAndThenResumed has the server say no
// to the promotion, between the two switches.
func TestARefusalOfTheServerIsHeldWithItsReasonAndThenResumed(t *testing.T) {
	t.Parallel()
	s := newStage(t, "version=4.2.1.7") // its VERIFY checks nothing
	s.Writes(10)
	s.Fault("refuse", "west", "tenant status changed by concurrent operation")
	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	st := s.Held()
	require.Contains(t, st.Hold.Text, "tenant status changed by concurrent operation", "the server's own reason")
	require.Contains(t, st.Hold.Text+st.Hold.Next, "somebody else")
	s.Unfault("refuse", "west", "tenant status changed by concurrent operation")
	s.Drive(run)
	s.Ended(run, dr.EndDone)
	s.Once("west", toPrimary)
	s.Clean()
}
