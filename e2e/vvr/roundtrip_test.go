package vvr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// TestAServiceGroupOfVCSIsTheApplication changes sides under a cluster manager:
// refused while the group of RVGPrimary is not frozen, then with the application
// in a group of its own.
func TestAServiceGroupOfVCSIsTheApplication(t *testing.T) {
	t.Parallel()
	s := newStage(t, "vcs=on")
	run := s.Start(dr.ProcTakeover, planned)
	st := s.Await("the refusal", func(st dr.Status) bool { return st.Ending != nil })
	require.Equal(t, dr.EndRefused, st.Ending.Kind)
	require.ErrorContains(t, run.Get(t.Context(), nil), "shop_rvgprimary")
	for _, host := range []string{"east", "west", "north"} {
		s.on(host, "hagrp -freeze shop_grp -persistent")
	}
	run = s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	s.backTo(run)
	s.Clean()
	s.times(1, "east", "hagrp -offline")
	s.times(1, "west", "hagrp -online")
	s.times(1, "east", "vradmin migrate")
}

// TestTheManualsExamplesBringEverySiteBack plays the whole story on one stage:
// a planned change and back, then the loss of a site, Example 3 with what it
// forgets, and Example 4.
func TestTheManualsExamplesBringEverySiteBack(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off")

	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	s.backTo(run)
	s.Clean()
	run = s.Start(dr.ProcFailback, failback)
	s.Approve(dr.GateConvert) // an application at east would be stopped
	s.Approve(dr.GateCutover)
	s.backTo(run)
	s.Clean()
	s.times(1, "east", "vradmin migrate")
	s.times(1, "west", "vradmin migrate")

	s.takeOver()
	s.times(1, "west", "vradmin takeover")
	lost := *s.Ledger().Lost
	require.Positive(t, lost, "the fault must have cost something")
	s.returns("Primary-Primary")

	run = s.Start(dr.ProcFailback, failback)
	st := s.Gate(dr.GateConvert)
	require.Empty(t, st.Gate.Again)
	s.Approve(dr.GateConvert)
	st = s.held("convert.makesec")
	require.Contains(t, st.Hold.Text, "never reached", "the manual's reason")
	s.Answer(st.Hold, dr.VerbReplan)
	st = s.Gate(dr.GateConvert)
	t.Log(st.Gate.Again, st.Gate.Loss)
	require.Contains(t, st.Gate.Loss, "at least", "what -f throws away is counted")
	before := s.differing("east", "west")
	s.Approve(dr.GateConvert)
	s.Gate(dr.GateCutover)
	after := s.sent()
	t.Logf("%d blocks differed when the gate was approved, about %d were sent, of %d", before, after, 2*blocks)
	require.InDelta(t, before, after, 5, "only what differs is sent, and what clients wrote meanwhile")
	require.Empty(t, s.checkpoints("west"), "the checkpoint is deleted before people are asked")
	rep := s.Report()
	require.NotNil(t, rep.Measured)
	t.Log(rep.Measured.Text)
	require.Contains(t, rep.Measured.Text, "discarded")
	s.Approve(dr.GateCutover)
	s.backTo(run)
	require.Equal(t, lost, *s.Ledger().Lost, "the failback itself loses nothing")
	require.Empty(t, s.checkpoints("east"))
	s.quiet("east", func() { s.equal("east", "west", "north") })
}
