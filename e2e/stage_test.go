// Package e2e_test runs the procedures for real: the embedded Temporal server,
// worker processes, SSH, and PostgreSQL servers. It breaks them and asks the
// lab's ledger, and the databases themselves, what that cost.
package e2e_test

import (
	"testing"

	"github.com/switchback-dr/switchback/internal/e2e"
)

// system is the lab's.
const system = "orders"

// stage is where a procedure is played, with what only PostgreSQL's tests need.
type stage struct{ *e2e.Stage }

func newStage(t *testing.T) *stage {
	t.Helper()
	return &stage{e2e.NewStage(t, "postgres")}
}
