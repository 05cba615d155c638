package vvr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// overflowed cuts north off until the SRL of east has overflowed for it.
func (s *stage) overflowed() {
	s.T.Helper()
	s.Fault("link-cut", "north")
	s.shows("east", "vxprint -g shopdg -Pl rlk_tokyo-rep_shop_rvg", " disconnected")
	s.fills(40)
	s.Unfault("link-cut", "north")
	s.shows("east", "vxprint -g shopdg -Pl rlk_tokyo-rep_shop_rvg", " connected")
	s.shows("east", "vxrlink -g shopdg status rlk_tokyo-rep_shop_rvg", "DCM is in use")
}

// fills writes so many blocks of 64 KiB at east.
func (s *stage) fills(blocks int) {
	s.T.Helper()
	for ; blocks > 0; blocks -= 4 {
		s.Fault("divergent-writes", "east", "4")
	}
}

// running lists the checkpoints without the heading, which has both states.
const running = "vxrvg -g shopdg cplist shop_rvg | tail -n +3"

// TestAReseedOverwritesASecondaryHoweverItIsDisturbed reseeds one Secondary in
// full, ends a copy before it makes the SRL overflow, and replays the DCM where
// the SRL did overflow, behind a snapshot.
func TestAReseedOverwritesASecondaryHoweverItIsDisturbed(t *testing.T) {
	t.Parallel()
	s := newStage(t, "srl-kb=2048")
	hit := s.Survives(s.Start(dr.ProcReseed, seedNorth), s.CutSSH)
	require.GreaterOrEqual(t, len(hit), 3, "%v", hit)
	s.times(1, "east", "vradmin syncrvg")
	s.times(1, "east", "vradmin startrep")
	s.quiet("east", func() { s.equal("east", "west", "north") })

	s.Fault("slow-sync", "east", "600")
	run := s.Start(dr.ProcReseed, seedNorth)
	s.Approve(dr.GateOverwrite)
	s.shows("east", running, "Started")
	s.fills(28)
	st := s.held("transfer.sync-north")
	require.Contains(t, st.Hold.Text, "fills up")
	require.NotContains(t, s.on("east", running), "overflow", "it was ended before")
	s.Unfault("slow-sync", "east")
	s.Answer(st.Hold, dr.VerbRetry)
	s.Ended(run, dr.EndDone)
	require.Empty(t, s.checkpoints("east"))
	s.quiet("east", func() { s.equal("east", "west", "north") })

	s.overflowed()
	run = s.Start(dr.ProcReseed, seedNorth)
	s.Approve(dr.GateOverwrite)
	s.Ended(run, dr.EndDone)
	s.times(1, "east", "vradmin resync")
	s.times(3, "north", "snapshot take") // one before each run
	s.Clean()
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// TestAReseedByAutosyncWhoseWorkerIsKilledInEveryPhase lets VVR copy.
func TestAReseedByAutosyncWhoseWorkerIsKilledInEveryPhase(t *testing.T) {
	t.Parallel()
	s := newStage(t, "reseed=autosync")
	s.Fault("slow-sync", "east", "30")
	hit := s.Survives(s.Start(dr.ProcReseed, seedNorth), s.KillWorker)
	require.GreaterOrEqual(t, len(hit), 2, "%v", hit)
	s.times(1, "east", "vradmin startrep")
	s.times(0, "east", "vradmin syncrvg")
	s.Clean()
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// TestAnAbortedCopyEndsItsCommandAndDeletesItsCheckpoint: nothing of it goes on
// on the host, and the next reseed begins anew.
func TestAnAbortedCopyEndsItsCommandAndDeletesItsCheckpoint(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Fault("slow-sync", "east", "1000")
	run := s.Start(dr.ProcReseed, seedNorth)
	s.Approve(dr.GateOverwrite)
	s.shows("east", running, "Started")
	s.Signal(dr.VerbAbort, `{"person":"ana","reason":"not today"}`)
	res := s.Ended(run, dr.EndAborted)
	t.Log(res.Ending.Text)
	require.Empty(t, s.checkpoints("east"))
	require.NotContains(t, s.on("east", "ps -eo args | grep \"$LAB_ROOT\" | grep -v grep || :"), " syncrvg ")
	s.times(1, "east", "vradmin syncrvg")

	s.Unfault("slow-sync", "east")
	run = s.Start(dr.ProcReseed, seedNorth)
	s.Approve(dr.GateOverwrite)
	s.Ended(run, dr.EndDone)
	s.Clean()
	s.quiet("east", func() { s.equal("east", "west", "north") })
}
