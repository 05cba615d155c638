package oceanbase

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/redact"
)

func TestAPlannedTakeoverSwitchesTheOldPrimaryFirstAndProvesThatNothingIsMissing(t *testing.T) {
	w := newWorld(t, "")
	steps, d := w.steps(takePlanned, dr.GateDecide)
	require.Equal(t, `prepare.verify-to-standby oceanbase.verify_to_standby
isolate.to-standby oceanbase.switch_to_standby east> ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = `+"`orders`"+`
  undo oceanbase.switch_back east> ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = `+"`orders`"+`
isolate.prove-caught-up oceanbase.prove_caught_up
isolate.verify-to-primary oceanbase.verify_to_primary
promote.to-primary oceanbase.switch_to_primary west> ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = `+"`orders`"+`
verify.check-primary oceanbase.check_primary
protect.source-east oceanbase.set_source east> ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=10.0.2.1:2881 USER=repl@orders PASSWORD=<credential repl>' TENANT = `+"`orders`"+`
protect.recover-east oceanbase.recover_unlimited east> ALTER SYSTEM RECOVER STANDBY TENANT = `+"`orders`"+` UNTIL UNLIMITED
protect.wait-east oceanbase.wait_fetching
`, lines(steps))
	require.Equal(t, dr.LossNone, d.Loss.Kind)
	require.Equal(t, "east", d.From)
	require.True(t, d.Fences()[0].ByAdapter)
	for _, st := range steps {
		for _, text := range append([]string{st.Proof, st.Guard, st.Why, st.Title}, st.Commands...) {
			require.Equal(t, text, redact.New("x").String(text), "a plan whose text looks like a secret is refused")
		}
	}
	require.True(t, steps[1].StopsClients)
}

func TestAVersionWhoseVerifyChecksNothingIsNotAsked(t *testing.T) {
	w := newWorld(t, "")
	for _, c := range []*cluster{w.east, w.west} {
		c.set("VERSION()", "VERSION()", "5.7.25-OceanBase_CE-v4.2.1.7")
		c.set("DBA_OB_TENANTS", "COMPATIBLE", "4.2.1.7")
	}
	steps, d := w.steps(takePlanned, dr.GateDecide)
	require.NotContains(t, lines(steps), "verify_to")
	require.Contains(t, d.Consequences(), "VERIFY of this version checks nothing (it answers OK without looking), so it is not used: the steps' own guards check instead.")
}

func TestATakeoverThatWasBrokenOffBetweenTheTwoSwitchesGoesOn(t *testing.T) {
	w := newWorld(t, "")
	w.east.set("DBA_OB_TENANTS", "TENANT_ROLE", roleStandby, "SWITCHOVER_EPOCH", "99")
	whole, _ := newWorld(t, "").steps(takePlanned, dr.GateDecide)
	steps, d := w.steps(takePlanned, dr.GateDecide)
	require.Equal(t, "east", d.From)
	require.Equal(t, find(t, whole, "oceanbase.switch_to_primary"), find(t, steps, "oceanbase.switch_to_primary"), "a recheck in the middle gives the same promotion")
	require.Equal(t, find(t, whole, "oceanbase.set_source"), find(t, steps, "oceanbase.set_source"))
}

func TestAPlannedTakeoverIsRefusedWhereItWouldLoseOrHang(t *testing.T) {
	for _, c := range []struct {
		name, code, text string
		do               func(w *world)
	}{
		{"empty source", "no_source", "without a catch-up check", func(w *world) { w.west.views["CDB_OB_LOG_RESTORE_SOURCE"] = nil }},
		{"another source", "other_source", "10.0.9.1:2881", func(w *world) {
			w.west.set("CDB_OB_LOG_RESTORE_SOURCE", "VALUE", "IP_LIST=10.0.9.1:2881,USER=a@b,PASSWORD=x")
		}},
		{"diverged though STANDBY and NORMAL", "diverged", "STANDBY LOG NOT MATCH", func(w *world) {
			w.west.set("V$OB_LS_LOG_RESTORE_STATUS", "SYNC_STATUS", "STANDBY LOG NOT MATCH", "ERR_CODE", "-4070")
		}},
		{"network", "not_fetching", "CHECK NETWORK", func(w *world) { w.west.set("V$OB_LS_LOG_RESTORE_STATUS", "SYNC_STATUS", "CHECK NETWORK") }},
		{"unknown fetch status", "not_fetching", "not known", func(w *world) { w.west.set("V$OB_LS_LOG_RESTORE_STATUS", "SYNC_STATUS", "SOMETHING NEW") }},
		{"leaderless stream", "not_fetching", "1001", func(w *world) {
			w.west.views["V$OB_LS_LOG_RESTORE_STATUS"] = w.west.views["V$OB_LS_LOG_RESTORE_STATUS"][:1]
		}},
		{"paused", "not_fetching", "RECOVERY_UNTIL_SCN", func(w *world) { w.west.set("DBA_OB_TENANTS", "RECOVERY_UNTIL_SCN", base.String()) }},
		{"lag", "lag", "behind", func(w *world) { w.east.set("GV$OB_LOG_STAT", "END_SCN", (base + 60_000_000_000).String()) }},
		{"temporarily offline server", "server_offline", "40 min", func(w *world) {
			w.west.set("DBA_OB_SERVERS", "STATUS", "INACTIVE", "LAST_OFFLINE_TIME", "2026-11-21 11:40:00.000000")
		}},
		{"gone server with replicas", "server_offline", "gone for good", func(w *world) {
			w.west.set("DBA_OB_SERVERS", "STATUS", "INACTIVE", "LAST_OFFLINE_TIME", "2026-11-21 10:40:00.000000")
		}},
		{"locked primary", "locked", "UNLOCK", func(w *world) { w.east.set("DBA_OB_TENANTS", "LOCKED", "YES") }},
		{"locked standby", "locked", "UNLOCK", func(w *world) { w.west.set("DBA_OB_TENANTS", "LOCKED", "YES") }},
		{"older standby", "older_version", "4.2.5.3", func(w *world) { w.west.set("VERSION()", "VERSION()", "5.7.25-OceanBase-v4.2.5.3") }},
		{"unknown state", "half_way", "BRAND NEW STATE", func(w *world) { w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", "BRAND NEW STATE") }},
		{"failover half-way", "half_way", "PREPARE FLASHBACK", func(w *world) { w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", "PREPARE FLASHBACK") }},
		{"no tenant", "no_tenant", "orders", func(w *world) { w.west.views["DBA_OB_TENANTS"] = nil }},
		{"lost primary", "primary_unreadable", "unplanned", func(w *world) { w.east.down = true }},
		{"two primaries", "two_primaries", "SWITCHOVER TO STANDBY", func(w *world) { w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "")
			c.do(w)
			if c.code == "primary_unreadable" {
				w.memo = &dr.Memory{Primary: "east"}
			}
			_, err := w.plan(takePlanned, dr.GateDecide)
			requireRefusal(t, err, c.code, c.text)
		})
	}
}

func seen(at time.Time, end SCN) *dr.Memory {
	p := &dr.Proof{At: at, Site: "west", Primary: "east"}
	return &dr.Memory{Primary: "east", PrimarySeen: &at, Proof: p, Positions: map[string]string{posTenant: "1002", posEpoch: "77", posEndSCN: end.String()}}
}

func TestAnUnplannedTakeoverShowsTheCutTheLossAndItsCost(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	w.memo = seen(time.Date(2026, 11, 21, 11, 59, 0, 0, time.UTC), base)
	steps, d := w.steps(takeUnplanned, dr.GateDecide)
	require.Equal(t, `promote.wait-ready oceanbase.wait_ready
promote.verify-activate oceanbase.verify_activate
promote.activate oceanbase.activate_standby west> ALTER SYSTEM ACTIVATE STANDBY TENANT = `+"`orders`"+`
verify.check-primary oceanbase.check_primary
`, lines(steps))
	require.Equal(t, dr.LossWindow, d.Loss.Kind)
	require.Equal(t, int64(50), d.Loss.Certain.Millis, "between the cut and the last sample of the primary")
	require.Contains(t, d.Loss.Why, (base - 50_000_000).String())
	require.False(t, d.Fences()[0].ByAdapter, "the server never looks at the old primary")
	require.NotNil(t, d.Leaves)
	require.Contains(t, d.Consequences()[0], "can never be a standby of west again")
}

func TestWithoutAMemoryTheLossIsUnknown(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	_, d := w.steps(takeUnplanned, dr.GateDecide)
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	require.False(t, d.Loss.Certain.Known())
}

func TestTheCutIsTheSmallestOfAllLogStreams(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	w.west.views["CDB_OB_LS"][1]["SYNC_SCN"] = (base - 9_000_000_000).String()
	_, d := w.steps(takeUnplanned, dr.GateDecide)
	require.Contains(t, d.Loss.Why, (base - 9_000_000_000).String())
}

func TestAPrimaryThatIsAliveAndFollowedIsNotCutOff(t *testing.T) {
	w := newWorld(t, "")
	_, err := w.plan(takeUnplanned, dr.GateDecide)
	requireRefusal(t, err, "primary_alive", "planned")
}

func TestAPrimaryThatIsAliveAndNotFollowedIsFencedByTheServer(t *testing.T) {
	w := newWorld(t, "")
	w.west.set("V$OB_LS_LOG_RESTORE_STATUS", "SYNC_STATUS", "CHECK NETWORK")
	steps, d := w.steps(takeUnplanned, dr.GateDecide)
	require.Equal(t, "isolate.fence", steps[0].ID)
	require.Equal(t, "oceanbase.switch_to_standby", steps[0].Action)
	require.True(t, d.Fences()[0].ByAdapter)
	w.east.on = obeys
	_, err := w.execute(steps[0])
	require.NoError(t, err)
	require.Equal(t, []string{"ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = `orders`"}, w.east.statements())
}

func TestASwitchoverThatIsStuckBeforeItsPromotionIsNoPlaceForAFailover(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", "PREPARE SWITCHING TO PRIMARY")
	_, err := w.plan(takeUnplanned, dr.GateDecide)
	requireRefusal(t, err, "stuck_switchover", "refuses ACTIVATE STANDBY")
}

func TestAnotherStandbyThatIsFurtherIsAdvised(t *testing.T) {
	w := newWorld(t, "")
	w.third("")
	w.east.down = true
	w.memo = &dr.Memory{Primary: "east"}
	w.far.set("DBA_OB_TENANTS", "SYNC_SCN", base.String())
	w.far.set("CDB_OB_LS", "SYNC_SCN", base.String())
	_, err := w.plan(takeUnplanned, dr.GateDecide)
	requireRefusal(t, err, "behind", "take over to south")
}

func TestAThirdStandbyPastTheCutIsNamedAsLost(t *testing.T) {
	w := newWorld(t, "")
	w.third("")
	w.east.down = true
	w.far.views["CDB_OB_LS"][1]["SYNC_SCN"] = (base + 1_000_000_000).String()
	steps, d := w.steps(takeUnplanned, dr.GateDecide)
	require.NotContains(t, lines(steps), "south")
	require.Contains(t, d.Consequences()[len(d.Consequences())-1], "south does not follow west afterwards: its log goes")
}

func TestAThirdStandbyWithinTheCutIsRepointed(t *testing.T) {
	w := newWorld(t, "")
	w.third("")
	w.east.down = true
	steps, d := w.steps(takeUnplanned, dr.GateDecide)
	require.Contains(t, lines(steps), "protect.source-south")
	require.Nil(t, d.Leaves)
}

// tookOver is the world after an activation of west; east is back, read-only.
func tookOver(t testing.TB, set string) *world {
	w := newWorld(t, set)
	w.base = &dr.Baseline{Primary: "east"}
	cut := base - 50_000_000
	w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary, "SWITCHOVER_EPOCH", "88")
	w.west.set("GV$OB_LOG_STAT", "ACCESS_MODE", "APPEND", "END_SCN", (base + 5_000_000_000).String())
	w.west.views["CDB_OB_TENANT_EVENT_HISTORY"] = []map[string]string{{
		"TENANT_ID": "1004", "MODULE": "TENANT ROLE CHANGE", "TIMESTAMP": "2026-11-21 11:00:00.000000", "EVENT": "FAILOVER TO PRIMARY END", "RET_CODE": "0", "NAME3": "SWITCHOVER_SCN", "VALUE3": cut.String(),
	}}
	w.east.set("DBA_OB_TENANTS", "TENANT_ROLE", roleStandby, "SYNC_SCN", (base + 20_000_000_000).String())
	w.east.views["V$OB_LS_LOG_RESTORE_STATUS"] = nil
	return w
}

func TestAfterAFailoverTheOldTenantIsKeptUnderAnotherNameAndRebuilt(t *testing.T) {
	w := tookOver(t, "")
	d, err := w.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.Equal(t, dr.GateOverwrite, d.Instead)
	require.Contains(t, d.InsteadWhy, "past the point")
	steps, d := w.steps(goBack, dr.GateOverwrite)
	require.Equal(t, `backup.start-archive oceanbase.start_archive west> ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=file:///backup/west/archive' TENANT = `+"`orders`"+`; west> ALTER SYSTEM ARCHIVELOG TENANT = `+"`orders`"+`
backup.wait-archive oceanbase.wait_archive
backup.backup oceanbase.backup west> ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///backup/west/data' TENANT = `+"`orders`"+`; west> ALTER SYSTEM BACKUP TENANT = `+"`orders`"+`
backup.wait-backup oceanbase.wait_backup
restore.retire oceanbase.retire_tenant east> ALTER TENANT `+"`orders`"+` RENAME GLOBAL_NAME TO `+"`orders_old_5117e001`"+`
  undo oceanbase.unretire_tenant east> ALTER TENANT `+"`orders_old_5117e001`"+` RENAME GLOBAL_NAME TO `+"`orders`"+`
restore.restore oceanbase.restore_tenant east> ALTER SYSTEM RESTORE `+"`orders`"+` FROM 'file:///backup/west/data,file:///backup/west/archive' WITH 'pool_list=pool_e' DESCRIPTION 'switchback-5117e001'
restore.wait-restored oceanbase.wait_restored
transition.source-east oceanbase.set_source east> ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=10.0.2.1:2881 USER=repl@orders PASSWORD=<credential repl>' TENANT = `+"`orders`"+`
start-replication.recover-east oceanbase.recover_unlimited east> ALTER SYSTEM RECOVER STANDBY TENANT = `+"`orders`"+` UNTIL UNLIMITED
start-replication.wait-east oceanbase.wait_fetching
`, lines(steps))
	require.Contains(t, d.Consequences()[0], "kept as orders_old_5117e001")
	require.Contains(t, d.Consequences()[1], "exists only there")
}

func TestATenantWithAllItsLogIsRebuiltFromTheLogAlone(t *testing.T) {
	w := tookOver(t, "old_tenant: drop\n")
	w.west.set("GV$OB_LOG_STAT", "BEGIN_LSN", "0")
	steps, d := w.steps(seedEast, dr.GateOverwrite)
	require.Equal(t, `restore.retire oceanbase.retire_tenant east> ALTER TENANT `+"`orders`"+` RENAME GLOBAL_NAME TO `+"`orders_old_5117e001`"+`
  undo oceanbase.unretire_tenant east> ALTER TENANT `+"`orders_old_5117e001`"+` RENAME GLOBAL_NAME TO `+"`orders`"+`
restore.drop oceanbase.drop_tenant east> DROP TENANT `+"`orders_old_5117e001`"+` FORCE
restore.create-standby oceanbase.create_standby east> CREATE STANDBY TENANT `+"`orders`"+` LOG_RESTORE_SOURCE = 'SERVICE=10.0.2.1:2881 USER=repl@orders PASSWORD=<credential repl>', RESOURCE_POOL_LIST = ('pool_e')
transition.source-east oceanbase.set_source east> ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=10.0.2.1:2881 USER=repl@orders PASSWORD=<credential repl>' TENANT = `+"`orders`"+`
start-replication.recover-east oceanbase.recover_unlimited east> ALTER SYSTEM RECOVER STANDBY TENANT = `+"`orders`"+` UNTIL UNLIMITED
start-replication.wait-east oceanbase.wait_fetching
verify.wait-east oceanbase.wait_fetching
`, lines(steps))
	require.Contains(t, d.Consequences()[0], "dropped by force")
}

func TestAFormerPrimaryThatStillAcceptsWritesIsNeverTouched(t *testing.T) {
	w := tookOver(t, "")
	w.east.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary)
	_, err := w.plan(goBack, dr.GateConvert)
	requireRefusal(t, err, "two_primaries", "read-only")
	require.NotEmpty(t, w.observe().Judgement.Alarms)
}

func TestAfterAMereSwitchoverTheOldPrimaryOnlyNeedsItsSource(t *testing.T) {
	w := tookOver(t, "")
	w.west.set("CDB_OB_TENANT_EVENT_HISTORY", "EVENT", "SWITCHOVER TO PRIMARY END")
	steps, d := w.steps(goBack, dr.GateConvert)
	require.Equal(t, []string{"oceanbase.set_source", "oceanbase.recover_unlimited", "oceanbase.wait_fetching"}, []string{steps[0].Action, steps[1].Action, steps[2].Action})
	require.Equal(t, dr.LossNone, d.Loss.Kind)
}

func TestTheCutoverOfAFailbackIsThePlannedTakeoverBack(t *testing.T) {
	w := tookOver(t, "")
	w.east.follow(2)
	w.east.set("DBA_OB_TENANTS", "SYNC_SCN", (base + 4_900_000_000).String())
	w.east.set("CDB_OB_LS", "SYNC_SCN", (base + 4_900_000_000).String())
	for _, id := range []string{"1", "1001"} {
		w.east.views["V$OB_LS_LOG_RESTORE_STATUS"] = append(w.east.views["V$OB_LS_LOG_RESTORE_STATUS"], map[string]string{"TENANT_ID": "1002", "LS_ID": id, "SYNC_SCN": base.String(), "SYNC_STATUS": "NORMAL", "ERR_CODE": "0"})
	}
	steps, _ := w.steps(goBack, dr.GateCutover)
	var ids []string
	for _, st := range steps {
		ids = append(ids, st.ID)
	}
	require.Equal(t, []string{"quiesce.verify-to-standby", "quiesce.to-standby", "catch-up.prove-caught-up", "catch-up.verify-to-primary", "hand-back.to-primary", "verify.check-primary", "protect.source-west", "protect.recover-west", "protect.wait-west"}, ids)
}

func TestArchiveStandbysWantTheirOwnArchiveAndProveTheOthers(t *testing.T) {
	set := "source: archive\n"
	w := newWorld(t, set)
	w.west.views["CDB_OB_LOG_RESTORE_SOURCE"] = []map[string]string{{"TENANT_ID": "1004", "TYPE": "LOCATION", "VALUE": "LOCATION=file:///backup/east/archive"}}
	_, err := w.plan(takePlanned, dr.GateDecide)
	requireRefusal(t, err, "archive_off", "ARCHIVELOG")
	w.west.views["CDB_OB_ARCHIVELOG"] = []map[string]string{{"TENANT_ID": "1004", "STATUS": "DOING", "PATH": "file:///backup/west/archive"}}
	steps, _ := w.steps(takePlanned, dr.GateDecide)
	require.Contains(t, string(find(t, steps, "oceanbase.prove_caught_up").Args), `"archive":true`)
	require.Contains(t, lines(steps), "'LOCATION=file:///backup/west/archive'")
}

func TestATenantsOwnLoginSendsNoTenantClauseAndCannotRebuild(t *testing.T) {
	set := "login: tenant\n"
	w := newWorld(t, set)
	for _, c := range []*cluster{w.east, w.west} {
		for _, v := range []string{"LS", "LOG_RESTORE_SOURCE", "ARCHIVELOG", "LS_HISTORY", "TENANT_EVENT_HISTORY"} {
			id := c.views["DBA_OB_TENANTS"][0]["TENANT_ID"]
			c.views["DBA_OB_"+v] = where(c.views["CDB_OB_"+v], "TENANT_ID = "+id)
		}
	}
	steps, _ := w.steps(takePlanned, dr.GateDecide)
	require.Equal(t, []string{"east> ALTER SYSTEM SWITCHOVER TO STANDBY"}, find(t, steps, "oceanbase.switch_to_standby").Commands)
	require.Contains(t, string(steps[0].Args), `"login":"root@orders"`)
}
