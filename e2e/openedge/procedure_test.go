package openedge_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/lab/writer"
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

// TestTheLossIsAWindowWhereTheWatchSawAfterImageFilesAcknowledged: everything
// that was written before the proof's time is on the target, and the writes that
// are lost are later ones.
func TestTheLossIsAWindowWhereTheWatchSawAfterImageFilesAcknowledged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 2 {
		s.Writes(10)
		s.sh("east", "rfutil $DB -C aimage new")
	}
	s.proven("west")
	s.Fault("lag", "east", "60000") // what comes now stays in the source's queue
	s.Writes(10)
	s.killed()
	run := s.Start(dr.ProcTakeover, unplanned)
	st := s.Gate(dr.GateDecide)
	t.Log(st.Gate.Loss)
	m := regexp.MustCompile(`^At most the writes acknowledged since (\S+) \(`).FindStringSubmatch(st.Gate.Loss)
	require.NotNil(t, m, st.Gate.Loss)
	since, err := time.Parse(time.RFC3339, m[1])
	require.NoError(t, err)
	s.survivesIn(run, func() {
		s.CutSSH()
		s.KillWorker()
	}, "promote.transition")
	require.Equal(t, 1, s.sent("west", "dsrutil transition"), "%v", s.Ledger().Commands)
	s.Writes(5)
	l := s.Ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.GreaterOrEqual(t, *l.Lost, 10)
	record, err := writer.ReadRecord(filepath.Join(s.Lab.Dir, "writes.log"))
	require.NoError(t, err)
	for _, e := range record {
		if slices.Contains(l.LostNumbers, e.Number) {
			require.True(t, e.At.After(since), "write %d, acknowledged at %s, is lost in spite of the proof of %s", e.Number, e.At, since)
		}
	}
	s.oneSource()
}

// proven waits until the watch has a proof of a target.
func (s *stage) proven(target string) {
	s.T.Helper()
	var m dr.Memory
	e2e.Await(s.T, e2eLimit, "the watch has a proof", func() (bool, string) {
		v, err := s.Client.QueryWorkflow(s.T.Context(), dr.WatchID(s.Lab.System), "", dr.QueryMemory)
		if err == nil {
			err = v.Get(&m)
		}
		if err != nil {
			return false, err.Error()
		}
		return m.Proof != nil && m.Proof.Site == target, fmt.Sprintf("%+v", m)
	})
}

// TestAReseedByTheOtherRouteIsFollowedInEveryPhase takes the route without
// -REPLTransition over a device that both hosts see.
func TestAReseedByTheOtherRouteIsFollowedInEveryPhase(t *testing.T) {
	t.Parallel()
	s := newStage(t, "reseed=enable", "transfer=shared")
	s.Fault("emergency-stop", "west")
	s.Writes(20)
	s.Slowdown()
	hit := s.Survives(s.Start(dr.ProcReseed, `{"system":"depot","to":"west","reason":"test"}`), func() {
		s.CutSSH()
		s.KillWorker()
	})
	for _, ph := range []dr.Phase{dr.PhaseBackup, dr.PhaseTransfer, dr.PhaseRestore, dr.PhaseTransition, dr.PhaseStartReplication} {
		require.NotEmpty(t, hit[ph], "%v", hit)
	}
	require.Equal(t, 1, s.sent("east", "probkup"), "%v", s.Ledger().Commands)
	require.Equal(t, 1, s.sent("west", "prorest"), "%v", s.Ledger().Commands)
	require.Equal(t, 1, s.sent("west", "proutil enableSiteReplication"), "%v", s.Ledger().Commands)
	s.Writes(20)
	s.Clean()
	s.inStep("east", "west")
}

// TestALostSourceIsTakenOverAndComesBackByACopy: the loss is within the
// estimate, the returned old source stays fenced, and the failback takes the
// form with a copy while all SSH connections are cut and the worker is killed in
// the middle of the backup, the transfer, the verification, the restore and the
// transition: everything is re-attached, and nothing runs twice.
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
	s.survivesIn(run, func() {
		s.CutSSH()
		s.KillWorker()
	}, "backup.seed", "transfer.copy", "transfer.verify", "restore.restore", "hand-back.failover")
	s.Writes(20)
	s.oneSource()
	require.Equal(t, lost, *s.Ledger().Lost, "the failback itself loses nothing")
	require.Equal(t, 1, s.sent("west", "probkup"), "%v", s.Ledger().Commands)
	require.Equal(t, 1, s.sent("east", "prorest"), "%v", s.Ledger().Commands)
}
