package openedge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFailoverTransitionByHandLosesNothing(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.inStep("east", "west")
	out := b.sh("east", "dsrutil $DB -C transition failover")
	require.Contains(t, out, "The Transition of this database has completed normally.")
	b.Point("west")
	b.MoreWrites()
	require.Equal(t, "Target", b.role("east"))
	require.Equal(t, "Source", b.role("west"))
	b.inStep("west", "east")
	b.Lossless()
	b.Point("none")
	b.sameRecords("west", "east")
	// And back.
	b.sh("west", "dsrutil $DB -C transition failover")
	b.Point("east")
	b.MoreWrites()
	b.inStep("east", "west")
	b.Lossless()
}

func TestAControlledTransitionByHandLosesNothing(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Point("none")
	b.sh("east", "proshut -shutdownTimeout 1m $DB -replSync")
	b.awaitStatus("west", "2080")
	b.sh("west", "proshut $DB -by")
	b.sh("west", "dsrutil $DB -C transition")
	b.sh("east", "dsrutil $DB -C transition")
	require.Equal(t, "Target", b.role("east"))
	b.Point("west")
	b.MoreWrites()
	b.inStep("west", "east")
	b.Lossless()
}

func TestAnUnplannedTakeoverAndAReseedByBothRoutes(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"transition", "enable"} {
		t.Run(route, func(t *testing.T) {
			b := up(t, 2)
			b.Fault("host-down", "east")
			b.awaitStatus("west", "2080")
			b.sh("west", "dsrutil $DB -C transition")
			b.Point("west")
			b.MoreWrites()
			// The old primary's host comes back; nobody starts its database.
			b.disableStart("east")
			b.Fault("host-up", "east")
			b.reseed("west", "east", route)
			b.Point("none")
			b.sameRecords("west", "east")
			b.Point("west")
			b.MoreWrites()
			require.Empty(t, b.Ledger().TwoPrimaries)
		})
	}
}
