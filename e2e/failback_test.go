package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const (
	unplanned = `{"system":"orders","mode":"unplanned","to":"west","reason":"east is dead"}`
	failback  = `{"system":"orders","reason":"east is back"}`
	reseed    = `{"system":"orders","to":"east","reason":"east is lost"}`
)

// takenOver kills the primary and takes over.
func takenOver(t *testing.T) *stage {
	s := newStage(t)
	s.Fault("postmaster-kill", "east")
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	return s
}

func TestAFailbackByDifferenceBringsTheOriginalSiteBack(t *testing.T) {
	t.Parallel()
	s := takenOver(t)
	run := s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateConvert)
	s.Approve(dr.GateCutover)
	res := s.Ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.Ledger()
	t.Logf("outage %.0f ms, lost %v, commands %v", l.OutageMS, *l.Lost, l.Commands)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, 1, l.Commands["east"]["psql pg_promote"], "%v", l.Commands)
}

func TestAReseedMakesTheLostSiteASecondaryAgain(t *testing.T) {
	t.Parallel()
	s := takenOver(t)
	run := s.Start(dr.ProcReseed, reseed)
	s.Approve(dr.GateOverwrite)
	res := s.Ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.Ledger()
	t.Logf("lost %v, commands %v", *l.Lost, l.Commands)
	require.Empty(t, l.TwoPrimaries)
}

// diverged takes over from a primary that had acknowledged writes which never
// left it: its replication link was cut before it died.
func diverged(t *testing.T) *stage {
	s := newStage(t)
	s.Writes(20)
	s.Fault("link-cut", "east")
	s.Writes(30)
	s.Fault("postmaster-kill", "east")
	s.noServer("east")
	run := s.Start(dr.ProcTakeover, unplanned)
	st := s.Gate(dr.GateDecide)
	require.Contains(t, st.Gate.Loss, "at least", "the certain loss is read from the old primary's own log")
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	s.Unfault("link-cut", "east")
	return s
}

// noServer waits until the processes of a killed server have ended too: while
// one is there, nobody knows whether the server runs, and its log is not read.
func (s *stage) noServer(host string) {
	s.T.Helper()
	e2e.Await(s.T, time.Minute, "the end of the server's processes", func() (bool, string) {
		left := s.Shell(host, `for c in /proc/[0-9]*/cwd; do [ "$c" -ef "$LAB_ROOT/var/lib/pgdata" ] && echo "$c"; done; true`)
		return left == "", left
	})
}

// TestAFailbackAfterALossListsWhatWasLostBeforeItRewinds compares the loss that
// the procedure measured with the one that the lab's ledger counts by itself.
func TestAFailbackAfterALossListsWhatWasLostBeforeItRewinds(t *testing.T) {
	t.Parallel()
	s := diverged(t)
	lost := *s.Ledger().Lost
	require.Positive(t, lost, "the fault must have cost something")
	run := s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateConvert)
	s.Gate(dr.GateCutover)
	require.Equal(t, 1, s.Ledger().Commands["east"]["pg_rewind"])
	rep := s.Report()
	require.NotNil(t, rep.Measured, "the loss was not measured")
	t.Logf("measured: %s, %s; ledger: %d", rep.Measured.Amount, rep.Measured.Text, lost)
	require.GreaterOrEqual(t, rep.Measured.Amount.Transactions, int64(lost))
	require.NotEmpty(t, rep.Measured.Kept)
	s.Approve(dr.GateCutover)
	s.Ended(run, dr.EndDone)
	l := s.Ledger()
	require.Equal(t, lost, *l.Lost, "the failback itself loses nothing")
	require.Empty(t, l.TwoPrimaries)
}
