package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

const (
	unplanned = `{"system":"orders","mode":"unplanned","to":"west","reason":"east is dead"}`
	failback  = `{"system":"orders","reason":"east is back"}`
	reseed    = `{"system":"orders","to":"east","reason":"east is lost"}`
)

// takenOver kills the primary and takes over.
func takenOver(t *testing.T) *stage {
	s := newStage(t)
	s.fault("postmaster-kill", "east")
	run := s.start(dr.ProcTakeover, unplanned)
	s.approve(dr.GateDecide)
	s.ended(run, dr.EndDone)
	return s
}

func TestAFailbackByDifferenceBringsTheOriginalSiteBack(t *testing.T) {
	s := takenOver(t)
	run := s.start(dr.ProcFailback, failback)
	s.approve(dr.GateConvert)
	s.approve(dr.GateCutover)
	res := s.ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.ledger()
	t.Logf("outage %.0f ms, lost %v, commands %v", l.OutageMS, *l.Lost, l.Commands)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, 1, l.Commands["east"]["psql pg_promote"], "%v", l.Commands)
}

func TestAReseedMakesTheLostSiteASecondaryAgain(t *testing.T) {
	s := takenOver(t)
	run := s.start(dr.ProcReseed, reseed)
	s.approve(dr.GateOverwrite)
	res := s.ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.ledger()
	t.Logf("lost %v, commands %v", *l.Lost, l.Commands)
	require.Empty(t, l.TwoPrimaries)
}
