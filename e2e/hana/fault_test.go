package hana_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/recall"
)

// broken is a fault under which a request must be refused in one sentence.
type broken struct {
	name  string
	fault []string
	input string
	says  string
}

// TestWhatTheToolsHideOrLieAboutIsRefusedAndNeverGuessed breaks tools of a
// healthy pair, one after the other. Nothing may be changed.
func TestWhatTheToolsHideOrLieAboutIsRefusedAndNeverGuessed(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	inSync(s)
	for _, c := range []broken{
		{"the state of the secondary is cut off", []string{"truncated-output", "west", "hdbnsutil", "120"}, planned, "unknown"},
		{"the state of the secondary has another exit code", []string{"lying-exit", "west", "hdbnsutil", "1"}, planned, "unknown"},
		{"the status is cut off", []string{"truncated-output", "east", "systemReplicationStatus.py", "200"}, planned, "in sync"},
		{"the status says not active", []string{"lying-exit", "east", "systemReplicationStatus.py", "11"}, planned, "in sync"},
		{"the process list of the secondary lies", []string{"lying-exit", "west", "sapcontrol", "4"}, planned, "run"},
		{"the state of the secondary hangs", []string{"command-hangs", "west", "hdbnsutil"}, planned, "124"},
		{"a cluster manages the primary", []string{"pacemaker", "east", "managed"}, planned, "Pacemaker manages SAP HANA"},
		{"a cluster manages the secondary", []string{"pacemaker", "west", "managed"}, unplanned, "Pacemaker manages SAP HANA"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(s.On(t), c) })
	}
	t.Run("the status lies while the link is cut", func(t *testing.T) {
		s := s.On(t)
		s.Fault("link-cut", "east")
		e2e.Await(t, limit, "the status shows it", func() (bool, string) {
			out := s.Shell("east", `sh -lc 'cd "$DIR_EXECUTABLE/python_support" && python systemReplicationStatus.py; echo $?'`)
			return out[len(out)-3:] != "15\n", out
		})
		refused(s, broken{"", []string{"lying-exit", "east", "systemReplicationStatus.py", "15"}, planned, "in sync"})
		s.Unfault("link-cut", "east")
	})
	t.Run("views and script lie while nothing is shipped", func(t *testing.T) {
		s := s.On(t)
		s.Fault("status-lies", "east")
		s.Fault("link-cut", "east")
		s.Writes(100)
		before, err := recall.From(t.Context(), s.Client, "erp")
		require.NoError(t, err)
		var after *dr.Memory
		e2e.Await(t, limit, "some more observations", func() (bool, string) {
			after, err = recall.From(t.Context(), s.Client, "erp")
			return err == nil && after.At.After(before.At.Add(3*time.Second)), "no newer memory"
		})
		require.Equal(t, before.Proof.At, after.Proof.At, "a lie is no proof")
		s.Unfault("status-lies", "east")
		s.Unfault("link-cut", "east")
	})
	t.Run("without a recommendation the gate says that it is not decidable", func(t *testing.T) {
		s := s.On(t)
		replicates(s)
		s.Fault("recommendation-missing", "east")
		run := s.Start(dr.ProcTakeover, planned)
		st := s.Gate(dr.GateDecide)
		sit := s.Report().Plans[0].Situation
		require.Contains(t, sit.Judgement.Recommendation, "not decidable: getTakeoverRecommendation.py on east gave no answer")
		s.Signal(dr.VerbReject, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, st.Gate.Gate, st.Gate.Digest))
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		var res dr.Result
		require.NoError(t, run.Get(ctx, &res))
		require.Equal(t, dr.EndRejected, res.Ending.Kind)
		s.Unfault("recommendation-missing", "east")
	})
	t.Run("a primary that works is not shot", func(t *testing.T) {
		s := s.On(t)
		replicates(s)
		refused(s, broken{"", []string{"recommendation-missing", "east"}, unplanned, "alive"})
	})
}

// replicates waits until the script of east says that all is in sync.
func replicates(s *e2e.Stage) {
	s.T.Helper()
	e2e.Await(s.T, limit, "replication is active again", func() (bool, string) {
		out := s.Shell("east", `sh -lc 'cd "$DIR_EXECUTABLE/python_support" && python systemReplicationStatus.py; echo $?'`)
		return strings.HasSuffix(out, "\n15\n"), out
	})
}

// refused starts a procedure under a fault and requires a refusal.
func refused(s *e2e.Stage, c broken) {
	s.T.Helper()
	before := s.Ledger().Commands
	s.Fault(c.fault[0], c.fault[1:]...)
	require.Contains(s.T, refusal(s, dr.ProcTakeover, c.input), c.says)
	require.Equal(s.T, before, s.Ledger().Commands)
	s.Unfault(c.fault[0], c.fault[1:]...)
}

// held drives a run over one hold, which must say a text; the fault is mended
// there, and people retry or plan anew.
func held(s *e2e.Stage, p dr.Procedure, input, step, says string, mend func()) {
	s.T.Helper()
	run := s.Start(p, input)
	mended := false
	s.DriveWith(run, func(st dr.Status) bool {
		if st.Hold != nil && !mended {
			mended = true
			s.T.Log(st.Hold.Text)
			require.Contains(s.T, st.Hold.Step, step)
			require.Contains(s.T, st.Hold.Text, says)
			mend()
		}
		return false
	})
	require.True(s.T, mended, "nothing was held")
	var res dr.Result
	require.NoError(s.T, run.Get(s.T.Context(), &res))
	require.Equal(s.T, dr.EndDone, res.Ending.Kind, res.Ending.Text)
}

// TestATakeoverWithoutEffectIsHeldAndThenMade: -sr_takeover ends with 0 and
// changes nothing; on the way back a cluster's preTakeover hook blocks it.
func TestATakeoverWithoutEffectIsHeldAndThenMade(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	s.Fault("takeover-without-effect", "west")
	held(s, dr.ProcTakeover, planned, "takeover", "still a secondary", func() { s.Unfault("takeover-without-effect", "west") })
	s.Clean()

	s.Fault("takeover-blocked", "east")
	held(s, dr.ProcFailback, failback, "takeover", "50277", func() { s.Unfault("takeover-blocked", "east") })
	s.Clean()
}

// TestTenantsAndBackupsThatFailAreHeld: a backup that fails is held, and a
// tenant that stays down after the way back is waited for: until it is open the
// service is not announced as restored.
func TestTenantsAndBackupsThatFailAreHeld(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	s.Fault("backup-fails", "west")
	held(s, dr.ProcTakeover, planned, "backup", "447", func() { s.Unfault("backup-fails", "west") })
	s.Clean()

	s.Fault("tenant-down", "east", "DRT")
	run := s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateCutover)
	s.Await("the wait for the tenant", func(dr.Status) bool {
		_, step := s.PendingStep()
		return strings.HasPrefix(step, "verify.check-databases")
	})
	st, err := s.Status()
	require.NoError(t, err)
	require.Nil(t, st.RestoredAt, "nobody can work yet")
	s.Unfault("tenant-down", "east", "DRT")
	s.Ended(run, dr.EndDone)
	s.Clean()
}
