package openedge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACutLinkPutsTheTargetIntoPreTransitionAndCatchesUpLater(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("link-cut", "west")
	b.awaitStatus("west", "2080")
	require.Equal(t, "3103", b.sh("west", "dsrutil $DB -C status"))
	b.Until("the source does not say that all is well", func() bool { return b.status("east", "") != "6021" })
	b.MoreWrites()
	b.Repair("link-cut", "west")
	b.inStep("east", "west")
	require.Contains(t, b.log("west"), "(12688)")
	require.Contains(t, b.log("east"), "(10661)")
	b.Point("none")
	b.sameRecords("east", "west")
	b.Lossless()
}

func TestAServerWhoseTimeIsOverEndsAndTheDatabaseWorksOn(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("deferral-over", "east")
	b.Fault("link-cut", "west")
	b.awaitStatus("east", "6060")
	require.Equal(t, "1199", b.sh("east", "dsrutil $DB -C status"))
	b.MoreWrites()
	require.Contains(t, b.log("east"), "(10702)")
	require.Contains(t, b.log("east"), "(10505)")
	b.Repair("link-cut", "west")
	b.Repair("deferral-over", "east")
	b.sh("east", "dsrutil $DB -C restart server")
	b.inStep("east", "west")
	require.Contains(t, b.refused("east", "dsrutil $DB -C restart server"), "running already")
	b.Point("none")
	b.sameRecords("east", "west")
}

func TestExtentsAreLockedWhileTheTargetIsAwayAndTheDatabaseStalls(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "ai-kb=16", "ai-extents=4")
	b.Fault("link-cut", "west")
	b.awaitStatus("west", "2080")
	statuses := func() []string {
		var all []string
		for _, m := range regexp.MustCompile(`(?m)^Status:  (\w+)$`).FindAllStringSubmatch(b.sh("east", "rfutil $DB -C aimage extent list"), -1) {
			all = append(all, m[1])
		}
		slices.Sort(all)
		return all
	}
	b.Until("every extent is used", func() bool { return slices.Equal(statuses(), []string{"Busy", "Locked", "Locked", "Locked"}) })
	require.Contains(t, b.refused("east", "rfutil $DB -C aimage new"), "not empty")
	b.Until("the database stalls", func() bool { return !b.Writable("east") })
	b.Repair("link-cut", "west")
	b.inStep("east", "west")
	b.MoreWrites()
	b.Until("extents are emptied again", func() bool { return slices.Contains(statuses(), "Empty") })
	b.Point("none")
	b.sameRecords("east", "west")
	l := b.Ledger()
	require.Zero(t, *l.Lost)
	require.Zero(t, l.Doubled)
}

func TestATargetThatAnEmergencyStoppedCannotBeResynchronised(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("emergency-stop", "west")
	require.Contains(t, b.log("west"), "(5316)")
	b.serve("west", "replagent")
	b.Until("the server gives the agent up", func() bool { return b.status("east", "ag_west") == "1033" })
	b.MoreWrites()
	b.sh("west", "proshut $DB -by")
	b.reseed("east", "west", "enable")
	b.Lossless()
}

func TestALostPrimaryCostsNoMoreThanWhatTheTargetSaysThatItHas(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "lag-ms=150")
	b.Fault("host-down", "east")
	b.awaitStatus("west", "2080")
	said := b.sh("west", "dsrutil $DB -C recovery agent")
	require.Contains(t, said, "Last Block: Complete")
	last, err := strconv.Atoi(regexp.MustCompile(`Last transaction: (\d+)`).FindStringSubmatch(said)[1])
	require.NoError(t, err)
	b.sh("west", "dsrutil $DB -C transition")
	l := b.Ledger()
	require.NotNil(t, l.Lost)
	require.Equal(t, l.Acknowledged-last, *l.Lost, "every write is one transaction")
	require.Positive(t, *l.Lost, "replication is asynchronous")
}

func TestExtentsOfALostPrimaryBringBackWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "extents=mounted", "ai-kb=16")
	b.Fault("link-cut", "west")
	b.awaitStatus("west", "2080")
	for range 60 {
		b.MoreWrites()
	}
	b.Fault("host-down", "east")
	from := regexp.MustCompile(`seq: (\d+)`).FindStringSubmatch(b.sh("west", "dsrutil $DB -C recovery agent"))[1]
	first, err := strconv.Atoi(from)
	require.NoError(t, err)
	bySeq := map[int]string{}
	files, err := filepath.Glob(filepath.Join(b.root("west"), "mnt/east/depot.a*"))
	require.NoError(t, err)
	for _, f := range files {
		head, err := os.ReadFile(f)
		require.NoError(t, err)
		if m := regexp.MustCompile(`"seq":(\d+)`).FindSubmatch(head); m != nil {
			n, err := strconv.Atoi(string(m[1]))
			require.NoError(t, err)
			bySeq[n] = f
		}
	}
	require.Contains(t, bySeq, first+1, "more than one extent is missing")
	require.Contains(t, b.refused("west", "dsrutil $DB -C applyextent "+bySeq[first+1]), "next transaction")
	b.awaitStatus("west", "2080")
	for n := first; bySeq[n] != ""; n++ {
		b.sh("west", "dsrutil $DB -C applyextent "+bySeq[n])
	}
	b.sh("west", "dsrutil $DB -C transition")
	b.Point("west")
	b.MoreWrites()
	b.Lossless()
}

func TestTwoTargetsFollowOneSource(t *testing.T) {
	t.Parallel()
	b := up(t, 3)
	b.inStep("east", "west")
	b.inStep("east", "north")
	b.Fault("link-cut", "north")
	b.awaitStatus("north", "2080")
	b.Until("the other agent goes on", func() bool { return b.status("east", "ag_west") == "3049" })
	b.MoreWrites()
	b.Repair("link-cut", "north")
	b.inStep("east", "north")
	b.Point("none")
	b.sameRecords("east", "west")
	b.sameRecords("east", "north")
	b.Lossless()
}

func TestTheAgentOfAnOnlineBackupOfTheTargetIsHalted(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "backup-ms=700")
	done := make(chan string, 1)
	go func() {
		out, code := b.try("west", "probkup online $DB $SPOOL/target.bck")
		done <- fmt.Sprint(code, out)
	}()
	b.awaitStatus("west", "3051")
	require.Contains(t, <-done, "Backup complete. (3740)")
	b.inStep("east", "west")
	for _, number := range []string{"(14256)", "(14258)", "(15108)"} {
		require.Contains(t, b.log("west"), number)
	}
	b.Point("none")
	b.sameRecords("east", "west")
}

func TestAgentsAndServersAreEndedAndStartedByDsrutil(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "dsrutil $DB -C terminate agent")
	b.Until("the agent is gone", func() bool { return b.status("west", "") == "1063" || b.status("west", "") == "1038" })
	b.sh("west", "dsrutil $DB -C restart agent")
	b.inStep("east", "west")
	b.Fault("agent-kill", "west")
	b.Until("the agent is dead", func() bool { return b.status("west", "") == "1063" })
	b.sh("west", "dsrutil $DB -C restart agent")
	b.inStep("east", "west")
	b.Fault("server-kill", "east")
	b.awaitStatus("east", "6060")
	b.awaitStatus("west", "2080")
	require.Contains(t, b.refused("east", "dsrutil $DB -C connectagent ag_west"), "not running")
	b.sh("east", "dsrutil $DB -C restart server")
	b.inStep("east", "west")
	require.Contains(t, b.refused("west", "dsrutil $DB -C transition"), "not in PRE-TRANSITION")
	require.Contains(t, b.refused("west", "dsrutil $DB -C triggertransition"), "communicating")
	b.Lossless()
}

func TestVerifyNamesWhatKeepsAFileFromServingBothRoles(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	require.Contains(t, b.sh("west", "dsrutil $DB -C verify"), "no errors")
	b.Fault("properties-lost", "west")
	out := b.refused("west", "dsrutil $DB -C verify")
	require.Contains(t, out, "[server]")
	require.Contains(t, out, "[transition]")
	require.Contains(t, b.refused("east", "dsrutil $DB -C transition failover"), "not ready")
	b.Until("the source goes on", func() bool { return b.status("east", "") == "6021" })
	b.MoreWrites()
	b.Repair("properties-lost", "west")
	b.Fault("link-cut", "west")
	require.Contains(t, b.refused("east", "dsrutil $DB -C verify"), "cannot be reached")
	require.NotContains(t, b.log("east"), "role is now")
}
