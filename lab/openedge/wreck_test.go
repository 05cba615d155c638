package openedge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARestoreThatEndsHalfWayLeavesAWreckUntilItIsDoneAnew(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "restore-ms=600")
	b.sh("west", "proshut $DB -by; rm -f $DB.repl.recovery")
	b.sh("east", "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation")
	b.sh("west", "cp "+filepath.Join(b.root("east"), "spool/seed.bck")+" $SPOOL")
	wreck := func() {
		require.Contains(t, b.refused("west", "proutil $DB -C describe"), "(1124)")
		require.Contains(t, b.refused("west", "proserve $DB -S 4999 -DBService replagent"), "(1124)")
		require.Contains(t, b.refused("west", "probkup $DB $SPOOL/x"), "(1124)")
		_, code := b.try("west", "dsrutil $DB -C status")
		require.Equal(t, 2, code)
		_, err := b.System.Rows(t.Context(), "west")
		require.Error(t, err)
	}

	b.Fault("command-killed", "west", "prorest", "0.3")
	b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	b.Repair("command-killed", "west", "prorest")
	require.NotContains(t, tail(b.log("west"), "(1368)"), "(1369)")
	wreck()

	b.Fault("small-structure", "west")
	out := b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	require.Contains(t, out, "Unable to extend data files enough to proceed. (6743)\nRestore failed. (1618)\n!!! ERROR - Database restore utility FAILED !!! (8564)\n")
	wreck()
	b.Repair("small-structure", "west")

	b.Fault("foreign-structure", "west")
	require.Contains(t, b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition"), "errno = 2")
	b.Repair("foreign-structure", "west")

	b.Fault("backup-cut", "west")
	require.NotContains(t, b.refused("west", "prorest $DB $SPOOL/seed.bck -vp"), "(6758)")
	b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	wreck()

	b.sh("west", "cp "+filepath.Join(b.root("east"), "spool/seed.bck")+" $SPOOL")
	b.Fault("space", "west", "data", "60")
	b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	wreck()
	b.Repair("space", "west", "data")

	out = b.sh("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition")
	require.Regexp(t, `(?m)^This is a full backup of .*/data/depot\. \(6759\)\nThis backup was taken .*\. \(6760\)\nIt will require a minimum of \d+ blocks to restore\. \(6763\)\nRead \d+ blocks in \d\d:\d\d:\d\d$`, out)
	require.Contains(t, tail(b.log("west"), "(1368)"), "(1369)")
	b.serve("west", "replagent")
	b.inStep("east", "west")
	b.Lossless()
}

func tail(text, from string) string { return text[strings.LastIndex(text, from):] }

func TestARestoreNeverTouchesTheFilesOfAnotherHost(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	b.sh("east", "probkup online $DB $SPOOL/seed.bck")
	b.sh("west", "cp "+filepath.Join(b.root("east"), "spool/seed.bck")+" $SPOOL; proshut $DB -by")
	st, err := os.ReadFile(filepath.Join(b.root("east"), "data/depot.st"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(b.root("west"), "data/depot.st"), st, 0o644))
	require.Contains(t, b.refused("west", "echo y | prorest $DB $SPOOL/seed.bck -REPLTransition"), "errno = 2")
	b.MoreWrites()
	b.Lossless()
	require.Equal(t, "Target", b.role("west"), "nothing was changed")
}

func TestABackupThatIsKilledIsNone(t *testing.T) {
	t.Parallel()
	b := up(t, 2, "backup-ms=800")
	b.Fault("command-killed", "east", "probkup", "0.3")
	b.refused("east", "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation")
	b.Repair("command-killed", "east", "probkup")
	require.NotContains(t, tail(b.log("east"), "(1362)"), "(1364)")
	b.refused("east", "prorest $DB $SPOOL/seed.bck -vp")
	require.Contains(t, b.sh("east", "probkup online $DB $SPOOL/seed.bck -REPLTargetCreation"), "(3740)")
	require.Contains(t, b.sh("east", "prorest $DB $SPOOL/seed.bck -vp"), "(6758)")
	b.inStep("east", "west")
	b.Lossless()
}

func TestAKilledBrokerKeepsEveryAcknowledgedRecord(t *testing.T) {
	t.Parallel()
	b := up(t, 2)
	for range 4 {
		b.Fault("broker-kill", "east")
		require.FileExists(t, filepath.Join(b.root("east"), "data/depot.lk"), "the lock file of the dead stays")
		b.serve("east", "replserv")
		b.inStep("east", "west")
		b.MoreWrites()
	}
	b.Lossless()
	b.Point("none")
	b.sameRecords("east", "west")
	for range 3 {
		b.Fault("broker-kill", "west")
		b.Point("east")
		b.serve("west", "replagent")
		b.MoreWrites()
		b.inStep("east", "west")
	}
	b.Point("none")
	b.sameRecords("east", "west")
	b.Lossless()
}
