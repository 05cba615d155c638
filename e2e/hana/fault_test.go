package hana_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// refusal is a fault under which a request must be refused in one sentence.
type refusal struct {
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
	for _, c := range []refusal{
		{"the state of the secondary is cut off", []string{"truncated-output", "west", "hdbnsutil", "120"}, planned, "unknown"},
		{"the state of the secondary has another exit code", []string{"lying-exit", "west", "hdbnsutil", "1"}, planned, "unknown"},
		{"the status is cut off", []string{"truncated-output", "east", "systemReplicationStatus.py", "200"}, planned, "in sync"},
		{"the status says not active", []string{"lying-exit", "east", "systemReplicationStatus.py", "11"}, planned, "in sync"},
		{"the process list of the secondary lies", []string{"lying-exit", "west", "sapcontrol", "4"}, planned, "run"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(s.On(t), c) })
	}
	t.Run("the status lies while the link is cut", func(t *testing.T) {
		s := s.On(t)
		s.Fault("link-cut", "west")
		e2e.Await(t, limit, "the status shows it", func() (bool, string) {
			out := s.Shell("east", `sh -lc 'cd "$DIR_EXECUTABLE/python_support" && python systemReplicationStatus.py; echo $?'`)
			return out[len(out)-3:] != "15\n", out
		})
		refused(s, refusal{"", []string{"lying-exit", "east", "systemReplicationStatus.py", "15"}, planned, "in sync"})
		s.Unfault("link-cut", "west")
	})
	t.Run("a primary that works is not shot", func(t *testing.T) {
		s := s.On(t)
		inSync(s)
		refused(s, refusal{"", []string{"recommendation-missing", "east"}, unplanned, "alive"})
	})
}

// refused starts a procedure under a fault and requires a refusal.
func refused(s *e2e.Stage, c refusal) {
	s.T.Helper()
	before := s.Ledger().Commands
	s.Fault(c.fault[0], c.fault[1:]...)
	run := s.Start(dr.ProcTakeover, c.input)
	res := s.Ended(run, dr.EndRefused)
	s.T.Log(res.Ending.Text)
	require.Contains(s.T, res.Ending.Text, c.says)
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
// changes nothing; later a registration meets another secure store, which is
// copied after a new plan.
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

// TestTenantsAndBackupsThatFailAreHeld: a tenant that stays down after the
// takeover, and a backup that fails.
func TestTenantsAndBackupsThatFailAreHeld(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	s.Fault("backup-fails", "west")
	held(s, dr.ProcTakeover, planned, "backup", "447", func() { s.Unfault("backup-fails", "west") })
	s.Clean()
	t.Log(fmt.Sprint(s.Ledger().Commands))
}
