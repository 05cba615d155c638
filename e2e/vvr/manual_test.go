package vvr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// forced walks through the gate of a failback whose makesec is refused because
// of writes that never left.
func (s *stage) forced() {
	s.T.Helper()
	s.Approve(dr.GateConvert)
	s.Answer(s.held("convert.makesec").Hold, dr.VerbReplan)
	s.Approve(dr.GateConvert)
}

// TestInTheManualsOrderACheckpointDoesNotWaitForPeople: a synchronisation is
// ended before its checkpoint overflows. Later the gate is open while the SRL
// overflows; it closes by itself and the new plan synchronises again. A
// rejection then leaves both sites in sync and no checkpoint behind.
func TestInTheManualsOrderACheckpointDoesNotWaitForPeople(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off", "order=manual", "srl-kb=1024")
	s.takeOver()
	s.returns("Primary-Primary")
	run := s.Start(dr.ProcFailback, failback)
	s.Fault("slow-sync", "west", "300")
	s.forced()
	s.synchronising(1)
	s.Fault("divergent-writes", "west", "13") // 832 of 1,024 KB
	st := s.held("resynchronise.sync-east")
	require.Contains(t, st.Hold.Text, "the SRL of west fills up")
	require.NotContains(t, s.on("west", "vxrvg -g shopdg cplist shop_rvg"), "overflowed", "it was ended in time")
	s.Unfault("slow-sync", "west")
	s.Answer(st.Hold, dr.VerbReplan)
	s.Approve(dr.GateConvert)
	first := s.Gate(dr.GateCutover)
	require.Len(t, s.checkpoints("west"), 1, "it waits for people")
	s.times(0, "west", "vradmin startrep")
	for range 3 {
		s.Fault("divergent-writes", "west", "8")
	}
	again := s.Await("another gate", func(st dr.Status) bool { return st.Gate != nil && st.Gate.Digest != first.Gate.Digest })
	require.Contains(t, again.Gate.Again, "while the gate was open")
	require.Contains(t, again.Gate.Again, "overflowed")
	s.reject(dr.GateCutover)
	s.Ended(run, dr.EndSafeStop)
	require.Empty(t, s.checkpoints("west"), "a safe stop removes it")
	s.times(1, "west", "vradmin startrep")
	s.quiet("west", func() { s.equal("west", "east") })

	run = s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateConvert)
	s.Approve(dr.GateCutover)
	s.backTo(run)
	require.Empty(t, s.checkpoints("east"))
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// TestWhatBreaksDuringAFailbackEndsInAHoldThatSaysWhatToDo breaks one thing
// after the other on one stage.
func TestWhatBreaksDuringAFailbackEndsInAHoldThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off")
	s.takeOver()
	s.returns("Primary-Primary")

	s.Fault("volume-open", "east")
	run := s.Start(dr.ProcFailback, failback)
	s.Await("the refusal", func(st dr.Status) bool { return st.Ending != nil })
	require.ErrorContains(t, run.Get(t.Context(), nil), "two primaries")
	s.Unfault("volume-open", "east")

	s.Fault("checkpoints-full", "west")
	run = s.Start(dr.ProcFailback, failback)
	s.Fault("open-before-makesec", "east")
	s.Approve(dr.GateConvert)
	st := s.held("convert.makesec")
	require.Contains(t, st.Hold.Next, "-f does not help")
	s.Unfault("open-before-makesec", "east")
	e2e.Await(t, time.Minute, "closed volumes", func() (bool, string) {
		out := s.on("east", "vxprint -g shopdg -l shop_rvg | grep ^flags")
		return out[10:16] == "closed", out
	})
	s.Answer(st.Hold, dr.VerbRetry)
	s.Answer(s.held("convert.makesec").Hold, dr.VerbReplan)
	s.Approve(dr.GateConvert)
	st = s.held("resynchronise.sync-east")
	require.Contains(t, st.Hold.Text, "46 checkpoints")
	s.on("west", "for c in $(vxrvg -g shopdg cplist shop_rvg | awk '/^leftover/ { print $1 }'); do vxrvg -g shopdg -c $c checkdelete shop_rvg; done")

	s.Fault("sync-dies-at", "west", "20")
	s.Answer(st.Hold, dr.VerbRetry)
	st = s.held("resynchronise.sync-east")
	t.Log(st.Hold.Text, "-", st.Hold.Next)
	s.Unfault("sync-dies-at", "west")
	s.Unfault("vradmind-kill", "west")

	s.Fault("slow-sync", "west", "60")
	s.Answer(st.Hold, dr.VerbRetry)
	e2e.Await(t, time.Minute, "the synchronisation to run", func() (bool, string) {
		phase, step := s.PendingStep()
		return phase == dr.PhaseResynchronise, step
	})
	s.KillWorker()
	s.Unfault("slow-sync", "west")
	s.Approve(dr.GateCutover)
	s.backTo(run)
	s.times(0, "east", "vradmin syncrvg makesec")
	require.LessOrEqual(t, s.Ledger().Commands["west"]["vradmin syncrvg"], 2, "the second is the one that the killed worker's successor followed")
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// TestAMakesecInTheWrongPlaceOrForTheWrongNameIsHeldWithTheReason: whatever is
// in the way of the command on its host, its refusal is shown in VVR's words,
// nothing is thrown away, and a new plan goes on.
func TestAMakesecInTheWrongPlaceOrForTheWrongNameIsHeldWithTheReason(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off")
	s.takeOver()
	s.returns("Primary-Primary")
	run := s.Start(dr.ProcFailback, failback)
	for _, wrong := range []struct{ command, said string }{
		{`exec "$0.true" "$1" "$2" makesec "$4" west`, "Primary-Primary configuration error with host west"},
		{`LAB_ROOT='` + s.Lab.Hosts["north"].Root + `' exec "$LAB_ROOT/usr/sbin/vradmin" "$@"`, "is not a Primary RVG on host tokyo-rep"},
	} {
		s.Gate(dr.GateConvert)
		s.wrapMakesec(wrong.command)
		s.Approve(dr.GateConvert)
		st := s.held("convert.makesec")
		t.Log(st.Hold.Text, "-", st.Hold.Next)
		require.Contains(t, st.Hold.Text, wrong.said)
		require.Contains(t, st.Hold.Text, "london-rep")
		require.Contains(t, st.Hold.Next, "printrvg")
		s.on("east", `cd "$LAB_ROOT/usr/sbin" && mv vradmin.true vradmin`)
		s.Answer(st.Hold, dr.VerbReplan)
	}
	s.forced()
	s.Approve(dr.GateCutover)
	s.backTo(run)
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// wrapMakesec puts a command in the place of makesec at the original Primary.
func (s *stage) wrapMakesec(command string) {
	s.T.Helper()
	s.on("east", `cd "$LAB_ROOT/usr/sbin" && mv vradmin vradmin.true && cat >vradmin <<'END'
#!/bin/sh
case " $* " in
*' makesec '*) `+command+` ;;
esac
exec "$0.true" "$@"
END
chmod +x vradmin`)
}

// TestAFailbackWithFastFailbackWhoseWorkerIsKilledInEveryPhase goes back by
// fbsync, with makesec left out.
func TestAFailbackWithFastFailbackWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=on")
	s.lose("east")
	hit := s.Survives(s.Start(dr.ProcTakeover, unplanned), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 2, "%v", hit)
	s.times(1, "west", "vradmin takeover")
	s.returns("acting_secondary")
	hit = s.Survives(s.Start(dr.ProcFailback, failback), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 4, "%v", hit)
	s.times(1, "west", "vradmin fbsync")
	s.times(1, "west", "vradmin migrate")
	s.times(0, "east", "vradmin makesec")
	require.Empty(t, s.Ledger().TwoPrimaries)
	require.Empty(t, s.checkpoints("east"))
	s.quiet("east", func() { s.equal("east", "west", "north") })
}
