package openedge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// TestAReseedIsHeldAtEverythingThatGoesWrong breaks one reseed at every stage,
// one thing after the other, while production writes on: each is one sentence,
// and after the repair the run goes on.
func TestAReseedIsHeldAtEverythingThatGoesWrong(t *testing.T) {
	t.Parallel()
	s := newStage(t, "reseed=enable")
	s.killed()
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)

	s.Fault("space", "west", "spool", "20")
	run = s.Start(dr.ProcReseed, reseed)
	s.Approve(dr.GateOverwrite)
	h := s.hold("the backup of west is not complete") // disk full at the backup
	s.Unfault("space", "west", "spool")
	s.Fault("space", "east", "spool", "1")
	s.Answer(h, dr.VerbRetry)

	h = s.hold("the seed does not fit into") // disk full at the transfer
	s.Unfault("space", "east", "spool")
	s.Fault("small-structure", "east")
	s.Answer(h, dr.VerbRetry)

	h = s.hold("the backup does not fit on east: the extents") // wrong structure
	s.Unfault("small-structure", "east")
	s.Fault("space", "east", "data", "1")
	s.Answer(h, dr.VerbRetry)

	h = s.hold("the backup does not fit on east: it needs") // no room to restore
	s.Unfault("space", "east", "data")
	s.Fault("backup-cut", "east")
	s.Answer(h, dr.VerbRetry)

	s.hold("does not call the backup") // a truncated backup: the old database is untouched
	require.Contains(t, s.assess(), "fenced")
	backups := s.sent("west", "probkup")
	s.copyAgain()

	s.restoreBreaksOff()
	s.oneSource()
	require.Equal(t, backups+1, s.sent("west", "probkup"), "one more, because somebody took another one in between: %v", s.Ledger().Commands)
	var res dr.Result
	require.NoError(t, run.Get(t.Context(), &res))
	require.Equal(t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	s.Writes(20)
	s.inStep("west", "east")
}

// copyAgain plans again: the copy on east is damaged, the backup on west is not.
func (s *stage) copyAgain() {
	s.T.Helper()
	st, err := s.Status()
	require.NoError(s.T, err)
	s.Fault("command-killed", "east", "prorest", "0.2")
	s.Answer(st.Hold, dr.VerbReplan)
	s.Approve(dr.GateOverwrite)
}

// restoreBreaksOff meets a prorest that is killed, once while it only verifies
// and once in the middle of the restore, which leaves a wreck; then somebody's
// backup makes the seed worthless, and the reseed begins anew.
func (s *stage) restoreBreaksOff() {
	s.T.Helper()
	h := s.hold("does not call the backup")
	s.Unfault("command-killed", "east", "prorest")
	s.Answer(h, dr.VerbRetry)
	s.AwaitStepIn(dr.PhaseRestore)
	s.Fault("command-killed", "east", "prorest", "0.1")
	h = s.hold("is a wreck until it is restored again")
	s.Unfault("command-killed", "east", "prorest")
	require.Contains(s.T, s.assess(), "half restored")
	s.Fault("second-backup", "west")
	s.Answer(h, dr.VerbRetry)
	h = s.hold("another backup of west was begun after the seed")
	s.Answer(h, dr.VerbReplan)
	s.Approve(dr.GateOverwrite)
	s.Await("the end", func(st dr.Status) bool {
		require.Nil(s.T, st.Hold, "%+v", st.Hold)
		return st.Ending != nil
	})
}

// inStep waits until source and target say that they are.
func (s *stage) inStep(source, target string) {
	s.T.Helper()
	e2e.Await(s.T, e2eLimit, source+" and "+target+" are in step", func() (bool, string) {
		out := s.sh(source, "dsrutil $DB -C status -detail") + " " + s.sh(target, "dsrutil $DB -C status -detail")
		return out == "6021 3049", out
	})
}

// TestATransitionThatIsKilledBetweenTwoStepsIsHeldAndMakesNoSecondSource kills
// dsrutil behind the switch of the role: the outcome is unknown until people
// have looked.
func TestATransitionThatIsKilledBetweenTwoStepsIsHeldAndMakesNoSecondSource(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.killed()
	s.Fault("transition-crash", "west", "Switching database role")
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	h := s.hold("broke off after: Switching database role: Succeeded")
	require.True(t, h.Unknown)
	require.Equal(t, 1, s.sent("west", "dsrutil transition"), "nothing is sent again")
	s.Unfault("transition-crash", "west")
	s.Fault("old-primary-returns", "east")
	s.oneSource()
	// People read the log: the role has been switched. They start it and plan again.
	s.sh("west", `proserve $DB -pf $DB.pf -S $(sed -n 's/.*-S \([0-9]*\) -DBService replserv.*/\1/p' $DB.repl.properties) -DBService replserv >/dev/null 2>&1 </dev/null`)
	s.Answer(h, dr.VerbReplan)
	s.done(run)
	s.Writes(20)
	s.oneSource()
}

// TestWhatTheWatchAndTheStarterSayOfASourceThatReplicatesToNobody: its server
// has ended after its deferral; a planned takeover is refused, an emergency
// stop of the target is told, and nothing is changed by either.
func TestWhatTheWatchAndTheStarterSayOfASourceThatReplicatesToNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("emergency-stop", "west")
	s.Fault("deferral-over", "east")
	e2e.Await(t, e2eLimit, "the server of east is told to be gone", func() (bool, string) {
		out := s.assess()
		return strings.Contains(out, "the replication server of east is gone") && strings.Contains(out, "5316"), out
	})
	s.refused(dr.ProcTakeover, planned, "not in step")
	s.Fault("stale-lk", "west")
	s.refused(dr.ProcReseed, `{"system":"depot","to":"west","reason":"test"}`, "west may take updates")
	s.Unfault("stale-lk", "west")
	s.refused(dr.ProcReseed, `{"system":"depot","to":"east","reason":"test"}`, "a reseed would overwrite the data that counts")
	s.Fault("properties-lost", "east")
	s.refused(dr.ProcReseed, `{"system":"depot","to":"west","reason":"test"}`, "does not serve both roles")
	s.Unfault("properties-lost", "east")
	s.Writes(20)
	s.oneSource()
	require.Zero(t, s.sent("east", "probkup")+s.sent("west", "prorest"))
}

// refused starts a procedure that must end before anything is changed.
func (s *stage) refused(p dr.Procedure, input, says string) {
	s.T.Helper()
	run := s.Start(p, input)
	st := s.Await("the refusal", func(st dr.Status) bool { return st.Ending != nil || st.Gate != nil || st.Hold != nil })
	require.NotNil(s.T, st.Ending, "%s: %s", st.State, st.Sentence)
	require.Equal(s.T, dr.EndRefused, st.Ending.Kind)
	require.Contains(s.T, st.Ending.Text, says)
	s.T.Log(st.Ending.Text)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = run.Get(s.T.Context(), nil)
	}()
	select {
	case <-ended:
	case <-time.After(e2eLimit):
		s.T.Fatal("the refused run does not end")
	}
}
