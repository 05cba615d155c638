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
			b.Point("west")
			b.inStep("west", "east")
			if set == "0" {
				b.Until("north needs a new baseline", func() bool { return b.status("west", "ag_north") == "1033" })
			} else {
				b.inStep("west", "north")
			}
			b.MoreWrites()
			b.Lossless()
			b.Point("none")
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
	b.Until("the target is refused", func() bool { return b.status("east", "ag_west") == "1034" })
	b.MoreWrites()
}

func TestATargetWithoutItsServiceIsNotReplicated(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "proshut $DB -by; proserve $DB -pf $DB.pf -S $(sed -n 's/^port=//p' $DB.repl.properties | head -1)")
	require.Equal(t, "1063", b.status("west", ""))
	b.Until("the source looks for its agent", func() bool { return b.status("east", "") != "6021" })
	require.False(t, b.Writable("west"), "a target takes no writes without its agent either")
	b.MoreWrites()
}

func TestASourceWithoutDeferralLetsNobodyInUntilItsTargetIsThere(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "defer-agent-startup=0", "second-ms=10")
	b.Fault("link-cut", "west")
	b.sh("east", "proshut $DB -by")
	b.serve("east", "replserv")
	require.False(t, b.Writable("east"))
	b.awaitStatus("east", "6060")
	b.MoreWrites()
	require.Contains(t, b.log("east"), "(10545)")
	require.Contains(t, b.log("east"), "(10471)")
}

func TestADatabaseThatMayNotStallShutsDown(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "ai-kb=8", "ai-extents=3")
	b.Point("none")
	b.sh("east", "proshut $DB -by; sed -i '/-aistall/d' $DB.pf")
	b.Fault("link-cut", "west")
	b.serve("east", "replserv")
	b.Point("east")
	b.Until("the database is down", func() bool {
		_, code := b.try("east", "proutil $DB -C holder")
		return code == 0
	})
	require.Contains(t, b.log("east"), "(2249)")
}
