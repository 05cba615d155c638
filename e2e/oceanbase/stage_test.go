// Package oceanbase_test runs OceanBase's procedures for real: the embedded
// Temporal server, worker processes and the lab's clusters, over the wire
// protocol. It breaks them in between and asks the ledger what that cost.
package oceanbase_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the clusters speak its protocol
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// limit bounds what is waited for, with room for a loaded machine.
const limit = 3 * time.Minute

const (
	planned   = `{"system":"orders","mode":"planned","to":"west","reason":"maintenance"}`
	unplanned = `{"system":"orders","mode":"unplanned","to":"west","reason":"east is lost"}`
	failback  = `{"system":"orders","reason":"east is back"}`

	toPrimary = "server: switchover to primary"
	toStandby = "server: switchover to standby"
	activate  = "server: activate standby"
)

// stage is where a procedure is played, with what only OceanBase's tests need.
type stage struct{ *e2e.Stage }

func newStage(t *testing.T, settings ...string) *stage {
	t.Helper()
	return &stage{e2e.NewStage(t, "oceanbase", e2e.Settings(settings...)...)}
}

// statement is what a person types as root@sys of a site.
func (s *stage) statement(site, q string) {
	s.T.Helper()
	db, err := sql.Open("mysql", s.Lab.Endpoints[site])
	require.NoError(s.T, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(context.Background(), q)
	require.NoError(s.T, err, q)
}

// done carries a procedure through, with every gate approved.
func (s *stage) done(p dr.Procedure, input string) dr.Result {
	s.T.Helper()
	run := s.Start(p, input)
	s.Drive(run)
	return s.Ended(run, dr.EndDone)
}

// refused starts a procedure that must end before its gate.
func (s *stage) refused(p dr.Procedure, input string, says ...string) {
	s.T.Helper()
	err := s.Start(p, input).Get(s.T.Context(), nil)
	for _, text := range says {
		require.ErrorContains(s.T, err, text)
	}
}

// ping asks whether a site's first observer answers.
func (s *stage) ping(site string) error {
	db, err := sql.Open("mysql", s.Lab.Endpoints[site])
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.PingContext(context.Background())
}
