package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/labtest"
)

func TestTheInventoryThatTheLabWritesLeadsToItsPair(t *testing.T) {
	b := up(t, labkit.Options{})
	s, err := setup.LoadWith(b.Inventory(), adapters.All())
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Inventory.Systems, 1)
	orders := s.Inventory.Systems[0]
	require.Equal(t, "orders", orders.Name)
	require.Equal(t, "east", orders.Home)
	require.Equal(t, []string{"east", "west"}, orders.Sites)
	require.Len(t, orders.Clients, 1)
	ctx, cancel := context.WithTimeout(t.Context(), labtest.Patience)
	defer cancel()
	var seen dr.Situation
	for _, site := range orders.Sites {
		seen.Sites = append(seen.Sites, orders.Instance.ObserveSite(ctx, s.Env(), site))
	}
	require.Equal(t, dr.RolePrimary, seen.Sites[0].Role, seen.Sites[0].Summary)
	require.Equal(t, dr.RoleSecondary, seen.Sites[1].Role, seen.Sites[1].Summary)
	edge, err := s.Hosts.Host(orders.Clients[0].Host)
	require.NoError(t, err)
	out, err := edge.Read(ctx, dr.Command{Host: "edge", Argv: orders.Clients[0].Show})
	require.NoError(t, err)
	require.Equal(t, "east\n", out.Stdout)
	for _, n := range orders.Instance.Needs() {
		for _, tool := range n.Tools {
			b.sh(n.Host, "command -v "+dr.Quote(tool.Path))
		}
	}
}
