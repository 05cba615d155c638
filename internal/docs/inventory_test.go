package docs

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestTheExampleInventoryLoadsWithTheRealAdapters(t *testing.T) {
	inv, err := inventory.Load(filepath.Join(root, "docs", "systems.yaml"), adapters.All())
	require.NoError(t, err)
	orders, err := inv.System("orders")
	require.NoError(t, err)
	require.Equal(t, []string{"east", "west", "south"}, orders.Sites)
	require.Equal(t, 2, orders.Policies.Gates[dr.GateDecide].Quorum)
	require.Len(t, orders.Fences, 1)
	require.Len(t, orders.Applications, 2)
	require.Len(t, orders.Clients, 5)
	require.Len(t, orders.Hooks, 2)
}
