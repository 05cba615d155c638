package openedge_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stepLine is a step of a transcript.
var stepLine = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d ([A-Za-z ]{41}): (\w+)$`)

func steps(out, word string) []string {
	var all []string
	for _, m := range stepLine.FindAllStringSubmatch(out, -1) {
		if m[2] == word {
			all = append(all, strings.TrimSpace(m[1]))
		}
	}
	return all
}

func TestATranscriptOfAFailoverIsThatOfTheManual(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.inStep("east", "west")
	out := b.sh("east", "dsrutil $DB -C transition failover")
	require.Contains(t, out, "Transitioning database "+filepath.Join(b.root("east"), "data/depot")+"\n---------------------------------------------------------------\n")
	require.Equal(t, []string{
		"Opening database", "Setting up transition", "Shutting down database", "Truncating BI", "Starting database in Cur Role",
		"Synchronization in process", "Replication Server processing", "Preparing to transition Target DB", "Shutting down database",
		"Target transition being performed", "Switching AI Extents", "Switching database role", "Updating database master block",
		"Comparing databases", "Completing Target transition", "Backing up database", "Starting database in New Role",
	}, steps(out, "Succeeded"))
	require.Contains(t, out, "\n\nThe Transition of this database has completed normally.")
	require.Contains(t, b.refused("west", "dsrutil $DB -C transition"), "only a failover")
	b.sh("west", "proshut $DB -by")
	require.Equal(t, "Source", b.role("west"))
}

// What a killed failover leaves behind is decided by the roles that can be
// read, and never two primaries.
func TestAFailoverThatIsKilledAfterAStepNeverLeavesTwoPrimaries(t *testing.T) {
	t.Parallel()
	for _, step := range []string{
		"Setting up transition", "Shutting down database", "Preparing to transition Target DB", "Target transition being performed",
		"Switching database role", "Starting database in New Role",
	} {
		t.Run(step, func(t *testing.T) {
			b := up(t, 2)
			b.inStep("east", "west")
			b.Fault("transition-crash", "east", step)
			_, code := b.try("east", "dsrutil $DB -C transition failover")
			require.Equal(t, 137, code)
			b.Repair("transition-crash", "east")
			if b.role("east") == "Source" {
				b.Until("the source goes on", func() bool { return b.status("east", "") == "6021" })
			} else {
				b.Until("the target took over", func() bool { return b.role("west") == "Source" })
				if step != "Starting database in New Role" {
					require.Contains(t, b.refused("east", "dsrutil $DB -C transition"), "newly")
					b.serve("east", "replagent")
				}
				b.Point("west")
				b.inStep("west", "east")
			}
			b.MoreWrites()
			b.Lossless()
		})
	}
}

func TestAFailoverWhoseTargetFailsChangesNothing(t *testing.T) {
	t.Parallel()
	for _, recovery := range []string{"", "before.bck"} {
		b := up(t, 2, "recovery-backup-arguments="+recovery)
		b.inStep("east", "west")
		b.Fault("transition-fails", "west", "Switching database role")
		out := b.refused("east", "dsrutil $DB -C transition failover")
		require.Equal(t, []string{"Target transition being performed"}, steps(out, "Failed"))
		require.NotContains(t, out, "completed normally")
		require.Equal(t, "Source", b.role("east"))
		require.Equal(t, "Target", b.role("west"))
		b.Repair("transition-fails", "west")
		if recovery == "" {
			b.serve("west", "replagent")
		}
		b.inStep("east", "west")
		b.MoreWrites()
		b.Lossless()
		b.Point("none")
		b.sameRecords("east", "west")
	}
}

func TestATakeoverThatIsKilledCanBeBroughtToItsEnd(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"Shutting down database", "Switching AI Extents", "Switching database role", "Backing up database"} {
		t.Run(step, func(t *testing.T) {
			b := up(t, 2)
			b.Fault("host-down", "east")
			b.awaitStatus("west", "2080")
			b.Fault("transition-crash", "west", step)
			_, code := b.try("west", "dsrutil $DB -C transition")
			require.Equal(t, 137, code)
			b.Repair("transition-crash", "west")
			if b.role("west") == "Target" {
				b.sh("west", "dsrutil $DB -C transition")
			}
			if _, code := b.try("west", "proutil $DB -C holder"); code == 0 {
				b.serve("west", "replserv")
			}
			b.Point("west")
			b.MoreWrites()
			require.Equal(t, "Source", b.role("west"))
			require.Empty(t, b.Ledger().TwoPrimaries)
		})
	}
}

func TestWithoutReverseATransitionEndsReplication(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "database-role=normal")
	b.Fault("host-down", "east")
	b.awaitStatus("west", "2080")
	b.sh("west", "dsrutil $DB -C transition")
	require.Empty(t, b.role("west"))
	b.Point("west")
	b.MoreWrites()
	require.Contains(t, b.refused("west", "dsrutil $DB -C transition"), "not enabled")
}

func TestAnAutomaticTransitionHappensAlsoWhenOnlyTheLinkIsCut(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "transition=auto", "critical=1", "transition-timeout=20")
	b.Fault("link-cut", "west")
	b.Until("two sources", func() bool { return b.role("west") == "Source" })
	b.Until("the ledger sees two primaries", func() bool { return len(b.Ledger().TwoPrimaries) > 0 })
}

func TestAChangeIsCountedHoweverItWasMade(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	l := b.Ledger()
	require.Empty(t, l.Commands["east"])
	b.inStep("east", "west")
	b.sh("east", "probkup online $DB $SPOOL/x.bck; prorest $DB $SPOOL/x.bck -vp; dsrutil $DB -C status; proutil $DB -C describe; rfutil $DB -C aimage extent list; dsrutil $DB -C transition failover")
	l = b.Ledger()
	require.Equal(t, map[string]int{"probkup": 1, "dsrutil transition failover": 1, "log: backup": 1, "log: role switch": 1}, l.Commands["east"])
	require.Equal(t, map[string]int{"log: role switch": 1}, l.Commands["west"])
}
