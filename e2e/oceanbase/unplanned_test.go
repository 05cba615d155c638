package oceanbase_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/writer"
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
	s.lossWithin()
	s.Unfault("lag", "west")

	// The old primary comes back and accepts writes: told, and refused.
	s.Fault("host-up", "east")
	s.refused(dr.ProcFailback, failback, "two primaries")
	s.statement("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	s.done(dr.ProcFailback, failback)
	s.Writes(20)
	s.Once("east", "server: rename tenant", toPrimary)
}

// gone says whether nobody answers at a site.
func (s *stage) gone(site string) bool {
	return s.ping(site) != nil
}

// lossWithin requires that every lost write was acknowledged after the proof on
// which the estimate at the gate rested.
func (s *stage) lossWithin() {
	s.T.Helper()
	rep, l := s.Report(), s.Ledger()
	require.NotNil(s.T, rep.Estimated)
	require.NotNil(s.T, l.Lost)
	s.T.Logf("lost %d of %d; estimate %+v", *l.Lost, l.Acknowledged, *rep.Estimated)
	require.Positive(s.T, *l.Lost, "the standby was behind")
	if rep.Estimated.Kind == dr.LossUnknown {
		return
	}
	require.NotEqual(s.T, dr.LossNone, rep.Estimated.Kind)
	at := map[int64]writer.Entry{}
	all, err := writer.ReadRecord(filepath.Join(s.Lab.Dir, "writes.log"))
	require.NoError(s.T, err)
	for _, e := range all {
		at[e.Number] = e
	}
	for _, n := range l.LostNumbers {
		require.True(s.T, at[n].At.After(rep.Estimated.Proof.At), "the write %d was lost and is older than the proof", n)
	}
}
