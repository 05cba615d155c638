package oceanbase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// TestALostSiteIsTakenOverAndRebuiltAndHandedBack is the whole story of a
// disaster: loss within the estimate, two primaries seen, the old tenant kept
// under another name, a new standby, and the way back.
func TestALostSiteIsTakenOverAndRebuiltAndHandedBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Writes(50)
	s.Fault("lag", "west", "400")
	s.Writes(50)
	s.Fault("host-down", "east")
	s.Fault("server-offline", "west", "3", "10s")
	s.Fault("crash-at", "west", "FLASHBACK")
	run := s.Start(dr.ProcTakeover, unplanned)
	require.Contains(t, s.Gate(dr.GateDecide).Gate.Loss, "the log is cut at SYNC_SCN")
	waited, returned := false, false
	s.DriveWith(run, func(st dr.Status) bool {
		if st.Phase == dr.PhasePromote && !waited {
			waited = true
			s.Unfault("server-offline", "west", "3")
		}
		// The observer is killed half-way; init starts it again, and the
		// same statement goes on.
		if waited && !returned && s.gone("west") {
			returned = true
			s.Fault("old-primary-returns", "west")
		}
		return false
	})
	require.True(t, returned, "the observer was killed within the change of roles")
	s.Ended(run, dr.EndDone)
	s.Once("west", activate)
	lost := *s.LossWithin().Lost
	s.Unfault("lag", "west")

	// The old primary comes back and accepts writes: told, and refused.
	s.Fault("host-up", "east")
	s.refused(dr.ProcFailback, failback, "two primaries")
	s.statement("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	s.done(dr.ProcFailback, failback)
	s.Writes(20)
	s.Once("east", "server: rename tenant", toPrimary)
	l := s.Ledger()
	require.NotNil(t, l.Lost, "the ledger could not compare: %s", l.Complaint)
	require.Equal(t, lost, *l.Lost, "the failback itself loses nothing")
}

// gone says whether nobody answers at a site.
func (s *stage) gone(site string) bool {
	return s.ping(site) != nil
}
