package observer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// away makes a cluster of three servers, so that they can be away.
func three(t *testing.T) (a, b *site) {
	t.Helper()
	a, b = primary(t, usual), cluster(t, 2, usual)
	require.NoError(t, b.Close())
	b.conf.Listen = append(b.conf.Listen, "127.0.0.1:0", "127.0.0.1:0")
	b.conf.Known = append(b.conf.Known, "127.0.0.2:1", "127.0.0.3:1")
	b.open()
	b.pools()
	b.follow(a, "p1")
	return a, b
}

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339Nano) }

func TestAPromotionIsRefusedWhileAServerIsTemporarilyOfflineOrHoldsReplicas(t *testing.T) {
	_, b := three(t)
	b.turn("offline-2", ago(10*time.Second))
	refuses(t, b.exec(activate), 4179, "the tenant has units on temporary offline servers, failover to primary is not allowed")
	require.Equal(t, "INACTIVE", b.one("SELECT STATUS FROM oceanbase.DBA_OB_SERVERS WHERE ID = 2"))
	require.NotEqual(t, "NULL", b.one("SELECT LAST_OFFLINE_TIME FROM oceanbase.DBA_OB_SERVERS WHERE ID = 2"))
	require.Equal(t, "0", b.one("SELECT COUNT(*) FROM oceanbase.GV$OB_LOG_STAT WHERE SVR_IP = '127.0.0.2'"), "rows of dead servers are missing")
	b.sys("ALTER SYSTEM SET server_permanent_offline_time = '5s'")
	require.Equal(t, "5s", b.one("SELECT VALUE FROM oceanbase.GV$OB_PARAMETERS WHERE NAME = 'server_permanent_offline_time' LIMIT 1"))
	refuses(t, b.exec(activate), 4179, "the tenant has LS replicas on at least one of the permanent offline servers")
	require.Equal(t, "12", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_LS_LOCATIONS WHERE TENANT_ID IN (1001, 1002)"))
	b.turn("offline-2", ago(26*time.Second))
	require.Equal(t, "8", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_LS_LOCATIONS WHERE TENANT_ID IN (1001, 1002)"), "the balancer took its replicas off")
	b.sys(activate)
	require.Equal(t, "PRIMARY/NORMAL", b.role())
}

func TestAStreamWithoutALeaderStopsTheTenantAndHidesItsRow(t *testing.T) {
	a, b := three(t)
	b.turn("leaderless-orders-1001", "on")
	b.until("the row is gone", func() bool {
		return b.one("SELECT GROUP_CONCAT(LS_ID) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS") == "1,1002"
	})
	// An answer that was under way may still be taken in.
	at := int64(0)
	b.until("the tenant's SYNC_SCN stands", func() bool {
		before := at
		at = b.syncSCN()
		return at == before
	})
	a.write(1, 5)
	require.Equal(t, at, b.syncSCN())
	const vendor = `SELECT CONCAT(a.TENANT_ID, '/', a.LS_ID) FROM oceanbase.CDB_OB_LS a LEFT JOIN oceanbase.GV$OB_LOG_STAT b
		ON a.TENANT_ID = b.TENANT_ID AND a.LS_ID = b.LS_ID AND b.ROLE = 'LEADER'
		WHERE b.LS_ID IS NULL AND a.STATUS NOT IN ('CREATING', 'CREATED', 'TENANT_DROPPING', 'CREATE_ABORT', 'PRE_TENANT_DROPPING') AND a.TENANT_ID IN (1001, 1002)`
	require.Equal(t, "1002/1001", b.one(vendor))
	refuses(t, b.exec(activate), 4179, "the tenant has LS replicas without leader, failover to primary is not allowed")
	b.turn("leaderless-orders-1001", "")
	b.sys(activate)
}

func TestRefusalsNameTheirReason(t *testing.T) {
	a, b := pair(t, usual)
	refuses(t, b.exec("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL SCN = 5"), 4179, "recover before tenant sync_scn sync_scn is not allowed")
	refuses(t, a.exec("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED"), 4179, "tenant role is not STANDBY, recover is not allowed")
	b.turn("upgrade-orders", "upgrade")
	refuses(t, b.exec(activate), 4770, "is in upgrade procedure")
	b.turn("upgrade-orders", "")
	b.turn("remote-orders", "on")
	b.until("the tenant's data is remote", func() bool { return b.exec(activate+" VERIFY") != nil })
	refuses(t, b.exec(activate), 4179, "Tenant restore data mode is remote. Operation")
}

func TestEveryKnownReasonCanBeMet(t *testing.T) {
	_, b := pair(t, usual)
	require.Greater(t, len(Reasons), 15)
	for _, reason := range Reasons {
		b.turn("refuse-orders", reason)
		refuses(t, b.exec(activate), 4179, reason+", failover to primary is not allowed")
		require.Equal(t, "STANDBY/NORMAL", b.role())
	}
	_, old := pair(t, "4.2.0.0")
	old.turn("refuse-orders", statusNotNormal)
	refuses(t, old.exec(toPrimary), 4179, "tenant status is not normal, switchover to primary not allowed")
}

func TestALockedTenantOrUserOrAnotherPasswordStopsTheStandbyWithItsReason(t *testing.T) {
	a, b := pair(t, usual)
	status := func(want string) {
		t.Helper()
		b.until(want, func() bool {
			return b.one("SELECT DISTINCT SYNC_STATUS FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS") == want
		})
	}
	status("NORMAL")
	c := a.as("root@orders", "")
	for _, step := range []struct{ do, want string }{
		{"ALTER USER repl IDENTIFIED BY 'other'", "CHECK USER OR PASSWORD"},
		{"ALTER USER repl IDENTIFIED BY 'secret'", "NORMAL"},
		{"ALTER USER repl ACCOUNT LOCK", "QUERY PRIMARY FAILED"},
	} {
		_, err := c.ExecContext(t.Context(), step.do)
		require.NoError(t, err)
		status(step.want)
	}
	refuses(t, b.exec(toPrimary), 4179, "primary tenant's user account is locked")
	_, err := c.ExecContext(t.Context(), "ALTER USER repl ACCOUNT UNLOCK")
	require.NoError(t, err)
	a.sys("ALTER TENANT orders LOCK")
	refuses(t, b.exec(toPrimary), 4179, "primary tenant is locked")
	require.NoError(t, a.Close())
	status("CHECK NETWORK")
	a.open()
	a.sys("ALTER TENANT orders UNLOCK")
	status("NORMAL")
	a.sys("ALTER TENANT orders RENAME GLOBAL_NAME TO orders_old")
	status("PRIMARY TENANT DROPPED")
}

func TestASourceIsReadAndAskedBeforeItIsTaken(t *testing.T) {
	a, b := pair(t, usual)
	set := func(value string) error {
		return b.exec("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '" + value + "' TENANT = orders")
	}
	at := a.conf.Listen[0]
	for value, words := range map[string]string{
		"SERVICE=" + at + " USER=repl@orders": "parse log restore source config",
		"nonsense":                            "parse log restore source config",
		"SERVICE=somewhere USER=repl@orders PASSWORD=secret":                 "set ip list config",
		"SERVICE=127.0.0.1:1 USER=repl@orders PASSWORD=secret":               "set ip list config",
		"SERVICE=" + at + " USER=repl PASSWORD=secret":                       "set user config",
		"SERVICE=" + at + " USER=repl@orders PASSWORD=wrong":                 "set user config",
		"SERVICE=" + at + " USER=repl@orders PASSWORD=a,b":                   "set password config",
		"SERVICE=" + at + " USER=repl@orders PASSWORD=two words":             "parse log restore source config",
		"LOCATION=file:///nowhere/at/all":                                    "access the log restore source location",
		"LOCATION=s3://bucket/path":                                          "access the log restore source location",
		"SERVICE=" + at + " USER=repl@orders PASSWORD=secret USER=x@orders ": "parse log restore source config",
	} {
		refuses(t, set(value), 1210, "Incorrect arguments to "+words)
	}
	refuses(t, b.exec("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '"+b.source()+"' TENANT = orders"), 4179, "set tenant itself as log restore source is not allowed")
	a.turn("cluster-id", "2")
	refuses(t, set(a.source()), 4179, "different cluster with same cluster id is not allowed")
	a.turn("cluster-id", "")
	require.NoError(t, set(a.source()))
	require.Equal(t, "IP_LIST="+at+",USER=repl@orders,PASSWORD=secret,TENANT_ID=1002,CLUSTER_ID=1,COMPATIBILITY_MODE=MYSQL,IS_ENCRYPTED=false",
		b.one("SELECT VALUE FROM oceanbase.CDB_OB_LOG_RESTORE_SOURCE"))
	require.NoError(t, set(""))
	require.Equal(t, "0", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_LOG_RESTORE_SOURCE"))
}

func TestAPausedStandbyStandsAtItsLimit(t *testing.T) {
	a, b := pair(t, usual)
	b.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders CANCEL")
	at := b.syncSCN()
	require.Equal(t, at, b.number("SELECT RECOVERY_UNTIL_SCN FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	a.write(1, 5)
	b.until("the streams are suspended", func() bool {
		return b.one("SELECT DISTINCT SYNC_STATUS FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS") == "RESTORE SUSPEND"
	})
	require.Equal(t, at, b.syncSCN())
	require.Zero(t, b.rows())
	b.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	b.until("it goes on", func() bool { return b.rows() == 5 })
}

func TestLogThatWasRecycledLeavesAGap(t *testing.T) {
	a, b := pair(t, usual)
	b.turn("lag-orders", "1h")
	a.write(1, 6)
	a.turn("recycle-orders", "on")
	a.until("the log is recycled", func() bool {
		return a.number("SELECT MIN(BEGIN_LSN) FROM oceanbase.GV$OB_LOG_STAT WHERE TENANT_ID = 1002 AND LS_ID > 1") > 0
	})
	b.turn("lag-orders", "")
	b.until("the gap shows", func() bool {
		return b.one("SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'SOURCE HAS A GAP'") == "2"
	})
	b.sys("DROP TENANT orders FORCE")
	refuses(t, b.exec("CREATE STANDBY TENANT orders LOG_RESTORE_SOURCE = '"+a.source()+"', RESOURCE_POOL_LIST = ('p1')"), 4765, "create standby tenant may fail")
}
