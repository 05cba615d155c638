package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestAPlannedTakeoverLosesNothing(t *testing.T) {
	s := newStage(t)
	run := s.start(dr.ProcTakeover, `{"system":"orders","mode":"planned","to":"west","reason":"maintenance"}`)
	s.approve(dr.GateDecide)
	res := s.ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.clean()
	t.Logf("outage %.0f ms, acknowledged %d, commands %v", l.OutageMS, l.Acknowledged, l.Commands)
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"], "%v", l.Commands)
}
