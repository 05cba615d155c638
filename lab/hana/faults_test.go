package hana_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

func TestLyingCommandsLieAndTheFilesStillTellTheTruth(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("takeover-without-effect", "west")
	require.Equal(t, "checking local nameserver ...\ndone.\n", b.sh("west", "hdbnsutil -sr_takeover"))
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "mode: sync\n")
	b.Repair("takeover-without-effect", "west")

	b.Fault("takeover-blocked", "west")
	r := b.try("west", "hdbnsutil -sr_takeover")
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "rc=50277")
	b.Repair("takeover-blocked", "west")

	b.Fault("lying-exit", "east", "systemReplicationStatus.py", "15")
	b.Fault("link-cut", "east")
	b.Until("the text must say ERROR", func() bool {
		r := b.try("east", "HDBSettings.sh systemReplicationStatus.py")
		return r.code == 15 && strings.Contains(r.out, "overall system replication status: ERROR")
	})
	b.Repair("lying-exit", "east", "systemReplicationStatus.py")
	b.Fault("status-lies", "east")
	r = b.try("east", "HDBSettings.sh systemReplicationStatus.py")
	require.Equal(t, 15, r.code)
	require.Contains(t, r.out, "ACTIVE")
	b.Repair("status-lies", "east")
	require.Equal(t, 11, b.status("east"))
	b.Repair("link-cut", "east")
	b.Until("replication must go on", func() bool { return b.status("east") == 15 })
	b.Fault("status-flaps", "east")
	seen := map[int]bool{}
	b.Until("both statuses must be seen", func() bool {
		seen[b.status("east")] = true
		return seen[14] && seen[15]
	})
}

func TestAClusterManagerShowsItselfInChargeOrInMaintenance(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	require.Equal(t, 127, b.try("east", "crm_mon -1 -r").code)
	b.Fault("pacemaker", "east", "managed")
	require.Contains(t, b.sh("east", "crm_mon -1 -r"), "(ocf::suse:SAPHana):\t Promoted east\n")
	b.Fault("pacemaker", "east", "maintenance")
	require.Contains(t, b.sh("east", "crm_mon -1 -r"), "*** Resource management is DISABLED ***")
	b.Repair("pacemaker", "east")
	require.Equal(t, 127, b.try("east", "crm_mon -1 -r").code)
}

func TestCutOutputHasNoEndAndAHangingCommandHangs(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	b.Fault("truncated-output", "east", "hdbnsutil", "120")
	out := b.sh("east", "hdbnsutil -sr_state --sapcontrol=1")
	require.Len(t, out, 120)
	require.NotContains(t, out, "SAPCONTROL-OK: <end>")
	b.Fault("command-hangs", "east", "hdbnsutil")
	require.Equal(t, 124, b.try("east", "timeout 0.5 hdbnsutil -sr_state").code)
}

func TestAStartServiceThatIsGoneSaysNothingAboutTheDatabase(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("sapstartsrv-down", "east")
	r := result{}
	b.Until("sapstartsrv must be gone", func() bool {
		r = b.try("east", "sapcontrol -nr $TINSTANCE -function GetProcessList")
		return r.code == 1
	})
	require.Contains(t, r.out, "FAIL: NIECONN_REFUSED (Connection refused), NiRawConnect failed in plugin_fopen()")
	b.MoreWrites()
	b.sh("east", "sapcontrol -nr $TINSTANCE -function StartService DRT")
	require.Equal(t, 3, b.try("east", "sapcontrol -nr $TINSTANCE -function GetProcessList").code)
}

func TestAKilledServiceComesBackAndOneThatDoesNotIsSeen(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("service-kill", "east", "hdbindexserver")
	b.Until("the service must come back", func() bool {
		return b.try("east", "sapcontrol -nr $TINSTANCE -function GetProcessList").code == 3 && b.listens("east")
	})
	b.MoreWrites()
	b.Fault("service-down", "east", "hdbindexserver")
	b.Until("the port must close", func() bool { return !b.listens("east") })
	r := b.try("east", "sapcontrol -nr $TINSTANCE -function GetProcessList")
	require.Zero(t, r.code, "neither all running nor all stopped")
	require.Contains(t, r.out, "hdbindexserver, HDB Indexserver-DRT, YELLOW, Scheduled")
	require.Contains(t, b.try("east", "HDBSettings.sh landscapeHostConfiguration.py").out, "| partial |")
	b.Repair("service-down", "east", "hdbindexserver")
	b.MoreWrites()
}

func TestATenantThatStaysDownIsSeenInTheSystemDatabaseOnly(t *testing.T) {
	b := up(t, labkit.Options{Settings: map[string]string{"tenants": "DRT,CRM"}})
	b.Fault("tenant-down", "west", "DRT")
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	require.Equal(t, "NO", b.one("west-admin", "SELECT ACTIVE_STATUS FROM M_DATABASES WHERE DATABASE_NAME = 'DRT'"))
	require.Equal(t, "YES", b.one("west-admin", "SELECT ACTIVE_STATUS FROM M_DATABASES WHERE DATABASE_NAME = 'CRM'"))
	require.False(t, b.listens("west"))
	b.Repair("tenant-down", "west", "DRT")
	b.Until("the tenant must come up", func() bool { return b.listens("west") })
	_, err := b.open("west-admin").ExecContext(t.Context(), "ALTER SYSTEM STOP DATABASE DRT IMMEDIATE")
	require.NoError(t, err)
	require.False(t, b.listens("west"))
	_, err = b.open("west-admin").ExecContext(t.Context(), "ALTER SYSTEM START DATABASE DRT")
	require.NoError(t, err)
	require.True(t, b.listens("west"))
	require.Equal(t, 1, b.Ledger().Commands["west"]["SQL: ALTER SYSTEM STOP DATABASE"])
}

func TestASecondaryThatDoesNotAnswerIsDroppedAfterTheTimeout(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("log-stops", "west")
	details := "SELECT MAX(REPLICATION_STATUS_DETAILS) FROM SYS_DATABASES.M_SERVICE_REPLICATION WHERE REPLICATION_STATUS = 'ERROR'"
	b.Until("the primary must go on alone", func() bool { return b.one("east-admin", details) == "Log shipping timeout occurred" })
	b.MoreWrites()
	b.Repair("log-stops", "west")
	b.Until("replication must go on", func() bool { return b.status("east") == 15 })
}

func TestASourceWithoutItsLogShipsAFullReplicaAndShowsItsProgress(t *testing.T) {
	b := up(t, labkit.Options{})
	b.sh("west", "HDB stop")
	b.Until("replication must be in error", func() bool { return b.status("east") == 11 })
	b.Fault("log-lost", "east")
	b.Fault("slow-transfer", "east", "1500")
	b.sh("west", "HDB start")
	b.Until("the full replica must be seen", func() bool {
		r := b.try("east", "HDBSettings.sh systemReplicationStatus.py")
		return r.code == 13 && strings.Contains(r.out, "Full Replica: ")
	})
	r := b.try("west", "hdbnsutil -sr_takeover")
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "not all volumes are initialized")
	b.Until("west must be in sync", func() bool { return b.status("east") == 15 })
	require.Equal(t, "4", b.one("east-admin", "SELECT SUM(SHIPPED_FULL_REPLICA_COUNT) FROM SYS_DATABASES.M_SERVICE_REPLICATION"))
}

func TestASecondaryMayNotComeUpWithoutItsSource(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	b.sh("west", "HDB stop")
	b.Fault("start-waits-for-source", "west")
	b.Fault("link-cut", "east")
	b.sh("west", "sapcontrol -nr $TINSTANCE -function Start")
	r := b.try("west", "sapcontrol -nr $TINSTANCE -function WaitforStarted 1 1")
	require.Equal(t, 2, r.code, r.out)
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "online: false")
	b.Repair("link-cut", "east")
	b.sh("west", "sapcontrol -nr $TINSTANCE -function WaitforStarted 20 1")
	b.Until("west must be in sync", func() bool { return b.status("east") == 15 })
}

func TestAFullLogVolumeStopsWritersAndASourceMayNotBeReady(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("log-volume-full", "east")
	require.False(t, b.Writable("east"))
	b.Repair("log-volume-full", "east")
	b.MoreWrites()
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.sh("east", "HDB stop")
	b.Fault("source-not-ready", "west")
	r := b.try("east", register)
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "unable to contact primary site host west:")
	b.Repair("source-not-ready", "west")
	b.sh("east", register)
}

func TestAReplayBacklogIsShownAndReplayedByTheTakeover(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("replay-stops", "west")
	b.MoreWrites()
	b.Until("the backlog must be shown", func() bool {
		return b.one("east-admin", "SELECT TO_VARCHAR(MAX(REPLAY_BACKLOG_SIZE)) FROM SYS_DATABASES.M_SERVICE_REPLICATION") != "0"
	})
	b.Fault("daemon-kill", "east")
	b.sh("west", "hdbnsutil -sr_takeover")
	b.Point("west")
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
}

func TestABackupIsFollowedWhenItsClientHasGone(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	b.Fault("slow-backup", "east", "800")
	db := b.open("east-admin")
	done := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(t.Context(), "BACKUP DATA FOR DRT USING FILE ('drill_1') COMMENT 'drill'")
		done <- err
	}()
	b.Until("it must run", func() bool {
		return b.one("east-admin", "SELECT COUNT(*) FROM SYS_DATABASES.M_BACKUP_PROGRESS WHERE DATABASE_NAME = 'DRT' AND STATE_NAME = 'running'") == "1"
	})
	require.NoError(t, <-done)
	require.Equal(t, "successful", b.one("east-admin", "SELECT STATE_NAME FROM SYS_DATABASES.M_BACKUP_CATALOG WHERE COMMENT = 'drill'"))
	b.Repair("slow-backup", "east")
	b.Fault("backup-fails", "east")
	_, err := db.ExecContext(t.Context(), "BACKUP DATA USING FILE ('drill_2')")
	require.ErrorContains(t, err, "447")
}

func TestAKillInTheMiddleOfAFullReplicaLeavesNoHalfOfOne(t *testing.T) {
	b := up(t, labkit.Options{})
	b.sh("west", "HDB stop")
	b.Fault("log-lost", "east")
	b.Fault("slow-transfer", "east", "2000")
	b.sh("west", "HDB start")
	b.Until("the full replica must run", func() bool { return b.status("east") == 13 })
	b.Fault("host-down", "west")
	b.Repair("host-down", "west")
	require.NotZero(t, b.try("west", "hdbnsutil -sr_takeover").code)
	b.Repair("slow-transfer", "east")
	b.Until("west must be in sync", func() bool { return b.status("east") == 15 })
}

func TestKillsUnderLoadLoseNoAcknowledgedWrite(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: 2 * time.Millisecond})
	for range 3 {
		b.MoreWrites()
		b.Fault("daemon-kill", "east")
		b.Until("east must be gone", func() bool { return b.stopped("east") })
		b.sh("east", "HDB start")
		b.MoreWrites()
	}
	b.Until("west must be in sync", func() bool { return b.status("east") == 15 })
	b.Fault("host-down", "east")
	b.sh("west", "hdbnsutil -sr_takeover")
	b.Point("west")
	b.MoreWrites()
	l := b.Ledger()
	require.Zero(t, *l.Lost, fmt.Sprint(l.LostNumbers))
	require.Zero(t, l.Doubled)
}

func TestWrongSettingsAndFaultsAreRefusedInASentence(t *testing.T) {
	for want, set := range map[string]map[string]string{
		`the lab of hana has no setting "color"`:                 {"color": "red"},
		`the setting mode of the lab of hana cannot be "often"`:  {"mode": "often"},
		`the setting hosts of the lab of hana cannot be "9"`:     {"hosts": "9"},
		`the setting tenants of the lab of hana cannot be "a b"`: {"tenants": "a b"},
	} {
		_, err := labkit.Up(t.Context(), product, t.TempDir(), labkit.Options{Settings: set})
		require.ErrorContains(t, err, want)
	}
	b := up(t, labkit.Options{WriteEvery: -1})
	for want, call := range map[string][]string{
		`the lab has no site "moon"`:                           {"status-lies", "moon"},
		`the host "edge" has no HANA`:                          {"daemon-kill", "edge"},
		`"soon" is no number of milliseconds`:                  {"slow-log", "west", "soon"},
		`no process hdbxsengine runs on east`:                  {"service-kill", "east", "hdbxsengine"},
		`the host edge has no program "hdbnsutil" that can be`: {"command-hangs", "edge", "hdbnsutil"},
	} {
		_, err := b.Lab.Fault(t.Context(), call[0], call[1:], true)
		require.ErrorContains(t, err, want)
	}
}
