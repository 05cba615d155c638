package openedge_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFailoverTransitionByHandLosesNothing(t *testing.T) {
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
			reseed(b, "west", "east", route)
			b.point("none")
			b.sameRecords("west", "east")
			b.point("west")
			b.moreWrites()
			require.Empty(t, b.ledger().TwoPrimaries)
		})
	}
}

func reseed(b bench, source, target, route string) {
	b.t.Helper()
	b.sh(source, "prostrct list $DB $SPOOL/list.st")
	out := b.sh(source, "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation -verbose")
	require.Contains(b.t, out, "Backup complete. (3740)")
	b.sh(target, "cp "+filepath.Join(b.root(source), "spool/seed.bck")+" $SPOOL/seed.bck")
	require.Contains(b.t, b.sh(target, "prorest $DB $SPOOL/seed.bck -vp"), "verified ok. (6758)")
	b.sh(target, "rm -f $DB.repl.recovery")
	if route == "transition" {
		b.sh(target, "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	} else {
		b.sh(target, "proutil $DB -C disableSiteReplication source")
		b.sh(target, "echo y | prorest $DB $SPOOL/seed.bck")
		b.sh(target, "proutil $DB -C enableSiteReplication target")
	}
	b.sh(target, "proserve $DB -pf $DB.pf -S "+strconv.Itoa(b.Port())+" -DBService replagent")
	b.inStep(source, target)
}
