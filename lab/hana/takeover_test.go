package hana_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

const register = "hdbnsutil -sr_register --remoteHost=west --remoteInstance=$TINSTANCE --replicationMode=sync --operationMode=logreplay --name=EAST"

// stopped says that the whole instance of a host is stopped.
func (b bench) stopped(host string) bool {
	return b.try(host, "sapcontrol -nr $TINSTANCE -function GetProcessList").code == 4
}

func TestAPlannedTakeoverWithHandshakeLosesNothingAndTheOldPrimaryCatchesUpFromTheLog(t *testing.T) {
	b := up(t, labkit.Options{})
	require.Equal(t, 15, b.status("east"))
	require.Equal(t, 12, b.status("west"))
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	require.False(t, b.Writable("east"), "a suspended primary takes no writes")
	b.Point("west")
	b.MoreWrites()
	require.Contains(t, b.sh("east", "hdbnsutil -sr_state"), "\nonline: true\nSUSPEND PRIMARY ACTIVE\n")
	require.Contains(t, b.sh("east", "hdbnsutil -sr_state"), "is primary suspended: true")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "mode: primary\noperation mode: primary\nsite id: 2\nsite name: WEST\n")
	require.Equal(t, 10, b.status("west"))
	require.Equal(t, "1", b.one("west-admin", "SELECT COUNT(*) FROM M_SYSTEM_REPLICATION_TAKEOVER_HISTORY WHERE SITE_NAME = 'WEST' AND SOURCE_SITE_NAME = 'EAST' AND TAKEOVER_TYPE = 'ONLINE' AND REPLICATION_STATUS = 'ACTIVE'"))

	b.sh("east", "HDB stop")
	require.True(t, b.stopped("east"))
	b.sh("east", register)
	b.sh("east", "HDB start")
	b.Until("east must be in sync again", func() bool { return b.status("west") == 15 })
	require.Equal(t, "0", b.one("west-admin", "SELECT SUM(SHIPPED_FULL_REPLICA_COUNT) FROM SYS_DATABASES.M_SERVICE_REPLICATION"), "the log was enough")
	require.False(t, b.listens("east"), "a secondary's SQL ports are closed")

	b.sh("east", "hdbnsutil -sr_takeover --suspendPrimary")
	b.Point("east")
	b.MoreWrites()
	require.Equal(t, "2", b.one("east-admin", "SELECT COUNT(*) FROM M_SYSTEM_REPLICATION_TAKEOVER_HISTORY"))
	l := b.Lossless()
	require.Equal(t, "east", l.Primary)
	require.Equal(t, 1, l.Commands["west"]["hdbnsutil -sr_takeover"])
	require.Equal(t, 1, l.Commands["east"]["hdbnsutil -sr_register"])
	require.Equal(t, 1, l.Commands["east"]["HDB stop"])
}

func TestAHandshakeAbortsAndChangesNothingWhenAServiceIsNotInSync(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("link-cut", "east")
	b.Until("replication must be in error", func() bool { return b.status("east") == 11 })
	r := b.try("west", "hdbnsutil -sr_takeover --suspendPrimary")
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "failed. trace file nameserver_west.00000.000.trc may contain more error details.")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "mode: sync\n")
	require.Contains(t, b.sh("east", "hdbnsutil -sr_state"), "is primary suspended: false")
	b.MoreWrites()
	b.Repair("link-cut", "east")
	b.Until("replication must go on", func() bool { return b.status("east") == 15 })
}

func TestAnUnplannedTakeoverAfterACutLosesExactlyWhatTheSecondaryNeverGot(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("link-cut", "east")
	b.Until("replication must be in error", func() bool { return b.status("east") == 11 })
	b.MoreWrites()
	b.Fault("host-down", "east")
	b.sh("west", "hdbnsutil -sr_takeover")
	b.Point("west")
	last := b.one("west", "SELECT MAX(N) FROM LAB_WRITES")
	b.MoreWrites()
	l := b.Ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.GreaterOrEqual(t, *l.Lost, 10)
	require.NotEmpty(t, last)
	require.Equal(t, "ERROR", b.one("west-admin", "SELECT REPLICATION_STATUS FROM M_SYSTEM_REPLICATION_TAKEOVER_HISTORY"))

	// The old primary returns with writes that the new one never had: its log
	// is another one now, and only a full replica helps.
	b.Fault("old-primary-returns", "east")
	b.Until("two primaries must be seen", func() bool { return b.Writable("east") && b.Writable("west") && len(b.Ledger().TwoPrimaries) > 0 })
	require.Contains(t, b.sh("east", "hdbnsutil -sr_state"), "mode: primary\n")
	b.sh("east", "HDB stop")
	b.sh("east", register)
	b.sh("east", "HDB start")
	b.Until("east must be in sync", func() bool { return b.status("west") == 15 })
	require.NotEqual(t, "0", b.one("west-admin", "SELECT SUM(SHIPPED_FULL_REPLICA_COUNT) FROM SYS_DATABASES.M_SERVICE_REPLICATION"))
}

func TestSyncLosesNothingWhenThePrimaryDiesInSync(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("daemon-kill", "east")
	b.Until("east must be gone", func() bool { return b.stopped("east") })
	b.sh("west", "hdbnsutil -sr_takeover")
	b.Point("west")
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
}

func TestATakeoverOfAStoppedSecondaryChangesItsFilesAndItsStartFinishesIt(t *testing.T) {
	b := up(t, labkit.Options{})
	b.sh("west", "HDB stop")
	b.Fault("daemon-kill", "east")
	b.sh("west", "hdbnsutil -sr_takeover")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_stateConfiguration --sapcontrol=1"), "mode=primary\n")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "online: false\n\nmode: primary\n")
	b.sh("west", "HDB start")
	require.Equal(t, "OFFLINE", b.one("west-admin", "SELECT TAKEOVER_TYPE FROM M_SYSTEM_REPLICATION_TAKEOVER_HISTORY"))
	require.True(t, b.Writable("west"))
}

func TestAPrimaryWithFullSyncWaitsForItsSecondary(t *testing.T) {
	b := up(t, labkit.Options{Settings: map[string]string{"fullsync": "true"}})
	b.Fault("link-cut", "east")
	b.Until("replication must be in error", func() bool { return b.status("east") == 11 })
	before := b.Acknowledged()
	require.Never(t, func() bool { return b.Acknowledged() > before+1 }, 500*time.Millisecond, 50*time.Millisecond)
	b.Repair("link-cut", "east")
	b.MoreWrites()
}

func TestAsyncAcknowledgesWithoutTheSecondaryAndALateTakeoverLosesThat(t *testing.T) {
	b := up(t, labkit.Options{Settings: map[string]string{"mode": "async"}})
	b.Fault("slow-log", "west", "400")
	b.MoreWrites()
	b.MoreWrites()
	b.Fault("host-down", "east")
	b.sh("west", "hdbnsutil -sr_takeover")
	b.Point("west")
	b.MoreWrites()
	require.Positive(t, *b.Ledger().Lost)
}

func TestASuspendedPrimaryGoesOnWhenItIsTold(t *testing.T) {
	b := up(t, labkit.Options{})
	require.NotZero(t, b.try("east", "hdbnsutil -sr_resumeSuspendedPrimary").code)
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary --maxWriteTransactionWaitTime=60")
	b.sh("east", "HDB stop")
	b.sh("east", "HDB start")
	require.False(t, b.Writable("east"), "a restart does not end the suspension")
	b.sh("east", "hdbnsutil -sr_resumeSuspendedPrimary")
	b.Until("two primaries", func() bool { return b.Writable("east") && b.Writable("west") })
	row := b.sh("east", "HDBSettings.sh systemReplicationStatus.py --sapcontrol=1; :")
	require.Contains(t, row, "SECONDARY_ACTIVE_STATUS=PRIMARY")
}
