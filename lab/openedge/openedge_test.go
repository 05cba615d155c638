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
	b.point("west")
	b.moreWrites()
	require.Equal(t, "Target", b.role("east"))
	require.Equal(t, "Source", b.role("west"))
	b.inStep("west", "east")
	b.lossless()
	b.point("none")
	b.sameRecords("west", "east")
	// And back.
	b.sh("west", "dsrutil $DB -C transition failover")
	b.point("east")
	b.moreWrites()
	b.inStep("east", "west")
	b.lossless()
}

func TestAControlledTransitionByHandLosesNothing(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.point("none")
	b.sh("east", "proshut -shutdownTimeout 1m $DB -replSync")
	b.awaitStatus("west", "2080")
	b.sh("west", "proshut $DB -by")
	b.sh("west", "dsrutil $DB -C transition")
	b.sh("east", "dsrutil $DB -C transition")
	require.Equal(t, "Target", b.role("east"))
	b.point("west")
	b.moreWrites()
	b.inStep("west", "east")
	b.lossless()
}

func TestAnUnplannedTakeoverAndAReseedByBothRoutes(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"transition", "enable"} {
		t.Run(route, func(t *testing.T) {
			b := up(t, 2)
			b.fault("host-down", "east")
			b.awaitStatus("west", "2080")
			b.sh("west", "dsrutil $DB -C transition")
			b.point("west")
			b.moreWrites()
			// The old primary's host comes back; nobody starts its database.
			b.disableStart("east")
			b.fault("host-up", "east")
			b.reseed("west", "east", route)
			b.point("none")
			b.sameRecords("west", "east")
			b.point("west")
			b.moreWrites()
			require.Empty(t, b.ledger().TwoPrimaries)
		})
	}
}
