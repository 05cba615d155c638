package hana_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// TestAThirdSiteFollowsEachNewPrimary goes there and back with a third site that
// is fed by the primary itself (multi-target).
func TestAThirdSiteFollowsEachNewPrimary(t *testing.T) {
	t.Parallel()
	const third = "north"
	s := e2e.NewStage(t, "hana", "--sites", "3")
	s.Writes(10)
	run := s.Start(dr.ProcTakeover, planned)
	s.Drive(run)
	s.Ended(run, dr.EndDone)
	s.Once("west", "hdbnsutil -sr_takeover")
	s.Once("east", "hdbnsutil -sr_register")
	s.Once(third, "hdbnsutil -sr_register")
	s.Clean()
	run = s.Start(dr.ProcFailback, failback)
	s.Drive(run)
	s.Ended(run, dr.EndDone)
	s.Clean()
	rep := s.Report()
	require.Equal(t, dr.RolePrimary, site(rep.Final, "east").Role)
	for _, name := range []string{"west", third} {
		require.Equal(t, dr.RoleSecondary, site(rep.Final, name).Role)
		found := false
		for _, f := range rep.Final.Judgement.Facts {
			if f.Name == "hana.in_sync_"+name {
				require.Equal(t, dr.Yes, f.Truth, f.Text)
				found = true
			}
		}
		require.True(t, found, "nothing tells whether %s is in sync with the primary", name)
	}
}

// TestWithTheFullSyncOptionALostSiteCostsNoWrite: only then no loss may be
// promised, because the primary cannot acknowledge alone.
func TestWithTheFullSyncOptionALostSiteCostsNoWrite(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana", e2e.Settings("fullsync=true", "autostart=false")...)
	require.True(t, inSync(s).Proof.Complete)
	s.Writes(10)
	s.Fault("host-down", "east")
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	require.Equal(t, dr.LossNone, s.Report().Estimated.Kind, s.Report().Estimated.Why)
	s.Clean()
}
