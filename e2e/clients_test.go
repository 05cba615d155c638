package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// patience is how long a client waits for an answer; longer than PgBouncer
// holds it back.
const patience = 2 * time.Minute

// TestClientsOfPgBouncerSeeNoErrorInAPlannedTakeover has clients at PgBouncer
// and at HAProxy, both real, in one procedure.
func TestClientsOfPgBouncerSeeNoErrorInAPlannedTakeover(t *testing.T) {
	t.Parallel()
	var pool, balanced e2e.Front
	s := &stage{e2e.NewStageWith(t, "postgres", func(s *e2e.Stage) {
		pool, balanced = e2e.StartPgBouncer(t, s.Lab), e2e.StartHAProxy(t, s.Lab)
		e2e.SetClients(t, s.Lab, pool, balanced)
	}, "--no-writer")}
	var waiting []*e2e.Traffic
	for range 3 {
		waiting = append(waiting, e2e.StartTraffic(t, pool, 2*time.Millisecond, patience))
	}
	other := e2e.StartTraffic(t, balanced, 5*time.Millisecond, 10*time.Second)
	run := s.Start(dr.ProcTakeover, `{"system":"orders","mode":"planned","to":"west","reason":"maintenance"}`)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	restored := time.Now()
	for _, c := range append(waiting, other) {
		e2e.Await(t, patience, "the client writes at the new site", func() (bool, string) {
			at := c.Acknowledged(t)
			return len(at) > 0 && at[len(at)-1].After(restored), ""
		})
		c.Close()
	}
	for _, c := range waiting {
		require.Zero(t, c.Errors(t), "clients of PgBouncer see a long write, no error")
	}
	t.Logf("errors at HAProxy: %d", other.Errors(t))
	for _, c := range append(waiting, other) {
		l := c.Account(t)
		require.NotNil(t, l.Lost, l.Complaint)
		require.Zero(t, *l.Lost, "acknowledged writes were lost: %v", l.LostNumbers)
	}
}
