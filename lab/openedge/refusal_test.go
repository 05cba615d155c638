package openedge_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExitCodesOfBusyHolderAndStatusSayWhoHasADatabase(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	for command, want := range map[string]int{
		"proutil $DB -C busy": 6, "proutil $DB -C holder": 16, "proutil $DB -C BUSY": 6,
		"dsrutil $DB -C status": 0, "dsrutil $DB -C status ag_west -detail": 0, "dsrutil $DB -C status ag_nobody": 2,
		"proutil $R/data/none -C holder": 1, "dsrutil $R/data/none -C status": 2,
	} {
		out, code := b.try("east", command)
		require.Equal(t, want, code, "%s: %s", command, out)
	}
	require.Equal(t, "1101", b.sh("east", "dsrutil $DB -C status"))
	require.Equal(t, "2101", b.sh("east", "dsrutil $DB -C status ag_west"))
	require.Equal(t, "3101", b.sh("west", "dsrutil $DB -C status"))
	require.Equal(t, "6021; Server is in Normal Processing", b.sh("east", "dsrutil $DB -C status -verbose"))

	b.sh("west", "proshut $DB -by")
	for command, want := range map[string]int{"proutil $DB -C busy": 0, "proutil $DB -C holder": 0, "dsrutil $DB -C status": 2} {
		out, code := b.try("west", command)
		require.Equal(t, want, code, "%s: %s", command, out)
	}
	b.sh("west", "proutil $DB -C disableSiteReplication target")
	_, code := b.try("west", "dsrutil $DB -C status")
	require.Equal(t, 3, code)
}

func TestNothingRunsWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	out := b.refused("east", "unset DLC DSRHOME; probkup online $DB $SPOOL/x")
	require.Contains(t, out, "DLC environment variable is not set correctly")
	require.NoFileExists(t, filepath.Join(b.root("east"), "spool/x"))
}

func TestARestoreIsRefusedOverADatabaseThatRunsOrIsReplicated(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("east", "probkup online $DB $SPOOL/full.bck")
	require.Contains(t, b.refused("east", "echo y | prorest $DB $SPOOL/full.bck -REPLTransition"), "in use in multi-user mode. (276)")
	b.sh("west", "cp "+filepath.Join(b.root("east"), "spool/full.bck")+" $SPOOL && proshut $DB -by")
	before, err := b.System.Rows(t.Context(), "west")
	require.NoError(t, err)
	require.Contains(t, b.refused("west", "echo y | prorest $DB $SPOOL/full.bck"), "enabled for OpenEdge Replication")
	require.Contains(t, b.refused("west", "echo n | prorest $DB $SPOOL/full.bck -REPLTransition"), "not overwritten")
	require.Contains(t, b.refused("west", "prorest $DB $SPOOL/full.bck -REPLTransition </dev/null"), "over write it? [y/n]")
	after, err := b.System.Rows(t.Context(), "west")
	require.NoError(t, err)
	require.Equal(t, before, after)
	b.Lossless()
}

func TestAQuestionWaitsForAnAnswerAsLongAsStandardInputIsOpen(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "proshut $DB -by")
	for _, program := range []string{"prodel $DB", "prorest $DB $SPOOL/first.bck -REPLTransition"} {
		out, code := b.try("west", "[ -p $R/tmp/open ] || mkfifo $R/tmp/open; timeout 1 "+program+" <>$R/tmp/open")
		require.Equal(t, 124, code, out)
		require.Contains(t, out, "[y/n]: ")
	}
	require.Equal(t, "Target", b.role("west"))
}

func TestABackupAfterTheSeedMakesItWorthless(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	lost(b)
	b.sh("west", "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation")
	b.Fault("second-backup", "west")
	b.sh("east", "cp "+filepath.Join(b.root("west"), "spool/seed.bck")+" $SPOOL; rm -f $DB.repl.recovery; echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	b.serve("east", "replagent")
	b.Until("both logs say that the seed must be made anew", func() bool {
		return strings.Contains(b.log("west"), "(10440)") && strings.Contains(b.log("west"), "(11696)") && strings.Contains(b.log("east"), "(10504)")
	})
	require.Equal(t, "1063", b.status("east", ""))
	require.Equal(t, "1033", b.status("west", "ag_east"))
	b.MoreWrites()
	b.sh("east", "proshut $DB -by")
	b.reseed("west", "east", "transition")
	b.Point("none")
	b.sameRecords("west", "east")
	require.Empty(t, b.Ledger().TwoPrimaries)
}

// lost makes west the primary after east was lost; east's host comes back and
// its database stays down.
func lost(b bench) {
	b.T.Helper()
	b.disableStart("east")
	b.Fault("host-down", "east")
	b.awaitStatus("west", "2080")
	b.sh("west", "dsrutil $DB -C transition")
	b.Point("west")
	b.Fault("host-up", "east")
	b.MoreWrites()
}

func TestRecoveryInformationThatIsLeftOverStopsTheAgent(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	lost(b)
	b.sh("west", "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation")
	b.sh("east", "cp "+filepath.Join(b.root("west"), "spool/seed.bck")+" $SPOOL; echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	b.serve("east", "replagent")
	b.Until("the agent ended", func() bool { return strings.Contains(b.log("east"), "(10506)") })
	require.Contains(t, b.log("east"), "(10504)")
	b.sh("east", "proshut $DB -by; rm $DB.repl.recovery")
	b.serve("east", "replagent")
	b.inStep("west", "east")
}

func TestALockFileOfAnotherMachineIsBelieved(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("west", "proshut $DB -by")
	b.Fault("stale-lk", "west")
	_, code := b.try("west", "proutil $DB -C holder")
	require.Equal(t, 16, code)
	for _, program := range []string{"proserve $DB -S 4999 -DBService replagent", "echo y | prorest $DB $SPOOL/first.bck -REPLTransition", "probkup $DB $SPOOL/x", "echo y | prodel $DB"} {
		require.Contains(t, b.refused("west", program), "(276)", program)
	}
	b.Repair("stale-lk", "west")
	b.serve("west", "replagent")
	b.inStep("east", "west")
}

func TestAnOldPrimaryThatReturnsIsASecondOne(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("host-down", "east")
	b.awaitStatus("west", "2080")
	b.sh("west", "dsrutil $DB -C transition")
	b.Point("west")
	b.MoreWrites()
	b.Fault("old-primary-returns", "east")
	b.Until("the ledger sees two primaries", func() bool { return len(b.Ledger().TwoPrimaries) > 0 })
	require.Equal(t, []string{"east", "west"}, b.Ledger().TwoPrimaries[0].Sites)
}

func TestDiskSpaceEndsABackupAndDfTellsItBefore(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("space", "east", "spool", "40")
	require.Equal(t, "40", b.sh("east", `df -Pk $SPOOL/ | awk 'NR == 2 { print $4 }'`))
	out := b.refused("east", "probkup online $DB $SPOOL/full.bck")
	require.Contains(t, out, "No space left on device")
	require.NotContains(t, out, "(3740)")
	require.NotContains(t, b.log("east")[strings.LastIndex(b.log("east"), "(1362)"):], "(1364)")
	require.FileExists(t, filepath.Join(b.root("east"), "spool/full.bck"))
	require.Contains(t, b.refused("east", "prorest $R/data/other $SPOOL/full.bck -vp"), "not whole")
	b.Repair("space", "east", "spool")
	require.Contains(t, b.sh("east", "probkup online $DB $SPOOL/full.bck"), "Backup complete. (3740)")
	b.MoreWrites()
}

func TestSlowWorkTakesLonger(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.Fault("slow-work", "east", "10")
	begun := time.Now()
	b.sh("east", "probkup online $DB $SPOOL/full.bck")
	require.Greater(t, time.Since(begun), 1200*time.Millisecond)
}
