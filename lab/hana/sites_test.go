package hana_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

func TestMultiTargetFeedsTwoSitesAndTheThirdStaysBehindAfterATakeover(t *testing.T) {
	b := up(t, labkit.Options{Sites: 3})
	require.Equal(t, 15, b.status("east"))
	state := b.sh("east", "hdbnsutil -sr_state")
	require.Contains(t, state, "EAST (primary/primary)\n    |---WEST (sync/logreplay)\n    |---NORTH (sync/logreplay)\n")
	out := b.try("east", "HDBSettings.sh systemReplicationStatus.py --sapcontrol=1").out
	require.Equal(t, 4, strings.Count(out, "/DATABASE="), "two services for each of two sites")
	require.Equal(t, 2, strings.Count(out, "/DATABASE=SYSTEMDB\n"), "the key repeats")
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	require.Equal(t, 10, b.status("west"), "north still belongs to east")
	b.sh("north", "HDB stop")
	b.sh("north", strings.NewReplacer("EAST", "NORTH").Replace(register))
	b.sh("north", "HDB start")
	b.Until("north must be in sync", func() bool { return b.status("west") == 15 })
}

func TestMultiTargetReregistersByItselfWhereTheParameterSaysSo(t *testing.T) {
	b := up(t, labkit.Options{Sites: 3, Settings: map[string]string{"register": "true"}})
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.Until("north must follow west", func() bool { return b.status("west") == 15 })
	require.Contains(t, b.sh("north", "hdbnsutil -sr_state"), "primary masters: west\n")
}

func TestMultiTierFeedsTheThirdSiteFromTheSecond(t *testing.T) {
	b := up(t, labkit.Options{Sites: 3, Settings: map[string]string{"topology": "multitier"}})
	require.Contains(t, b.sh("north", "hdbnsutil -sr_state"), "primary masters: west\n")
	b.Until("the primary must know all tiers", func() bool {
		return strings.Contains(b.sh("east", "hdbnsutil -sr_state"), "EAST (primary/primary)\n    |---WEST (sync/logreplay)\n    |    |---NORTH (sync/logreplay)\n\nTier of EAST: 1\nTier of WEST: 2\nTier of NORTH: 3\n")
	})
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.Point("west")
	b.MoreWrites()
	b.Until("north must go on behind west", func() bool { return b.status("west") == 15 })
	require.Zero(t, *b.Ledger().Lost)
}

func TestScaleOutShipsEveryHostsVolumeAndStopsEveryHost(t *testing.T) {
	b := up(t, labkit.Options{Settings: map[string]string{"hosts": "3", "tenants": "DRT,CRM"}})
	out := b.sh("east", "HDBSettings.sh systemReplicationStatus.py; :")
	require.Regexp(t, `(?m)^\|DRT      \|east2 +\|\d+ +\|indexserver `, out)
	require.Regexp(t, `(?m)^\|CRM      \|east +\|`, out)
	r := b.try("east", "HDBSettings.sh landscapeHostConfiguration.py --sapcontrol=1")
	require.Equal(t, 4, r.code)
	require.Contains(t, r.out, "host/east2/hostActive=yes\n")
	require.Contains(t, r.out, "host/east3/hostStatus=ignore\n")
	require.Equal(t, "4", b.one("east-admin", "SELECT COUNT(*) FROM SYS_DATABASES.M_SERVICE_REPLICATION WHERE REPLICATION_STATUS = 'ACTIVE'"))
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.Fault("stop-ignored", "east2")
	b.sh("east", "sapcontrol -nr $TINSTANCE -function StopSystem; sapcontrol -nr $TINSTANCE -function WaitforStopped 20 1")
	require.True(t, b.stopped("east"))
	require.False(t, b.stopped("east2"))
	require.Equal(t, 128, b.try("east", register).code, "one host still runs")
	b.Repair("stop-ignored", "east2")
	b.sh("east", "sapcontrol -nr $TINSTANCE -function StopSystem")
	b.Until("all hosts must stop", func() bool { return b.stopped("east2") && b.stopped("east3") })
	b.sh("east", register)
	b.sh("east", "sapcontrol -nr $TINSTANCE -function StartSystem HDB")
	b.Until("east must be in sync", func() bool { return b.status("west") == 15 })
	require.Equal(t, "0", b.one("west-admin", "SELECT SUM(SHIPPED_FULL_REPLICA_COUNT) FROM SYS_DATABASES.M_SERVICE_REPLICATION"))
}
