package worker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestASiteThatNobodyCanReadIsAProblemOfTheCheck(t *testing.T) {
	hide := func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") }
	find := func(v dr.SiteSituation) Finding {
		return siteFinding(&inventory.System{Name: "orders"}, v, "east", hide)
	}
	well := dr.SiteSituation{Reachable: dr.Yes, AcceptsWrites: dr.No, Summary: "standby of hunter2"}
	require.Equal(t, Finding{System: "orders", What: "reads the site east: standby of [redacted]"}, find(well))

	unknown := well
	unknown.AcceptsWrites, unknown.Summary = dr.Unknown, "psql: hunter2 is wrong"
	require.Equal(t, Finding{System: "orders", What: "reads the site east", Problem: "psql: [redacted] is wrong"}, find(unknown))

	silent := well
	silent.Reachable = dr.Unknown
	require.Equal(t, well.Summary, strings.ReplaceAll(find(silent).Problem, "[redacted]", "hunter2"))

	closed := unknown
	closed.Refusal = dr.Refuse("host_key", "the key is another")
	require.Contains(t, find(closed).Problem, "the key is another")
}

func TestAHostThatDoesNotConnectIsFoundOnce(t *testing.T) {
	lost := unconnected([]Finding{{Host: "a", What: connects}, {Host: "b", What: connects, Problem: "away"}, {Host: "a", What: "has psql", Problem: "missing"}})
	require.Equal(t, map[string]bool{"b": true}, lost)
}
