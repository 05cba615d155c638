package openedge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheOtherTargetFollowsTheNewSourceOnlyInASet(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"1", "0"} {
		t.Run("replication-set="+set, func(t *testing.T) {
			b := up(t, 3, "replication-set="+set)
			b.inStep("east", "west")
			b.inStep("east", "north")
			b.sh("east", "dsrutil $DB -C transition failover")
			b.point("west")
			b.inStep("west", "east")
			if set == "0" {
				b.until("north needs a new baseline", func() bool { return b.status("west", "ag_north") == "1033" })
			} else {
				b.inStep("west", "north")
			}
			b.moreWrites()
			b.lossless()
			b.point("none")
			b.sameRecords("west", "east")
			if set == "1" {
				b.sameRecords("west", "north")
			}
		})
	}
}

func TestATargetWithSmallerArgumentsIsNoTarget(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "proshut $DB -by; sed -i 's/-n 60/-n 20/' $DB.pf")
	b.serve("west", "replagent")
	b.until("the target is refused", func() bool { return b.status("east", "ag_west") == "1034" })
	b.moreWrites()
}

func TestATargetWithoutItsServiceIsNotReplicated(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "proshut $DB -by; proserve $DB -pf $DB.pf -S $(sed -n 's/^port=//p' $DB.repl.properties | head -1)")
	require.Equal(t, "1063", b.status("west", ""))
	b.until("the source looks for its agent", func() bool { return b.status("east", "") != "6021" })
	require.False(t, b.System.Writable(t.Context(), "west"), "a target takes no writes without its agent either")
	b.moreWrites()
}

func TestASourceWithoutDeferralLetsNobodyInUntilItsTargetIsThere(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "defer-agent-startup=0", "second-ms=10")
	b.fault("link-cut", "west")
	b.sh("east", "proshut $DB -by")
	b.serve("east", "replserv")
	require.False(t, b.System.Writable(t.Context(), "east"))
	b.awaitStatus("east", "6060")
	b.moreWrites()
	require.Contains(t, b.log("east"), "(10545)")
	require.Contains(t, b.log("east"), "(10471)")
}

func TestADatabaseThatMayNotStallShutsDown(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "ai-kb=8", "ai-extents=3")
	b.point("none")
	b.sh("east", "proshut $DB -by; sed -i '/-aistall/d' $DB.pf")
	b.fault("link-cut", "west")
	b.serve("east", "replserv")
	b.point("east")
	b.until("the database is down", func() bool {
		_, code := b.try("east", "proutil $DB -C holder")
		return code == 0
	})
	require.Contains(t, b.log("east"), "(2249)")
}
