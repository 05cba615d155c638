// Package hana_test runs the procedures of SAP HANA for real: the embedded
// Temporal server, worker processes, SSH, the SQL wire protocol and the lab's
// simulated hosts. It breaks them and asks the lab's ledger what that cost.
package hana_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const (
	planned   = `{"system":"erp","mode":"planned","to":"west","reason":"maintenance"}`
	unplanned = `{"system":"erp","mode":"unplanned","to":"west","reason":"east is dead"}`
	failback  = `{"system":"erp","reason":"east is back"}`
	reseed    = `{"system":"erp","to":"east","reason":"new disks"}`
)

func TestAPlannedTakeoverAndAFailbackLoseNothing(t *testing.T) {
	t.Parallel()
	s := e2e.NewStage(t, "hana")
	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	res := s.Ended(run, dr.EndDone)
	t.Log(res.Ending.Text)
	l := s.Clean()
	t.Logf("takeover: outage %.0f ms, acknowledged %d, commands %v", l.OutageMS, l.Acknowledged, l.Commands)
	require.Equal(t, 1, l.Commands["west"]["hdbnsutil -sr_takeover"], "%v", l.Commands)
}
