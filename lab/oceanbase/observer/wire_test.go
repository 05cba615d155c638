package observer

import (
	"context"
	"database/sql"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

func TestALoginNamesUserTenantAndCluster(t *testing.T) {
	for login, want := range map[string][3]string{
		"root@sys":       {"root", "sys", ""},
		"root@sys#ob1":   {"root", "sys", "ob1"},
		"root":           {"root", "sys", ""},
		"a@b@orders#c":   {"a@b", "orders", "c"},
		"ob1:orders:app": {"app", "orders", "ob1"},
		"a#b@orders#two": {"a#b", "orders", "two"},
	} {
		name, tenant, cluster := splitLogin(login)
		require.Equal(t, want, [3]string{name, tenant, cluster}, login)
	}
}

func TestALoginIsRefusedWithTheServersNumbers(t *testing.T) {
	a := primary(t, usual)
	for login, want := range map[string]struct {
		number uint16
		words  string
	}{
		"root@nowhere":     {5160, "invalid tenant name specified in connection string"},
		"nobody@orders":    {1045, "Access denied for user 'nobody'"},
		"repl@orders":      {1045, "Access denied for user"},
		"root@orders#else": {4666, "cluster name does not match"},
	} {
		_, err := a.try(login, "wrong", "")
		refuses(t, err, want.number, want.words)
	}
	a.sys("ALTER TENANT orders LOCK")
	_, err := a.try("root@orders", "", "")
	refuses(t, err, 5260, "Tenant 'orders' is locked")
	a.sys("ALTER TENANT orders UNLOCK")
	c := a.as("root@orders#ob1", "")
	require.NoError(t, c.PingContext(t.Context()))
}

func TestAnOracleTenantRefusesAClientWithoutTheVendorsCapability(t *testing.T) {
	a := cluster(t, 1, usual)
	a.pools()
	a.sys("CREATE TENANT fin RESOURCE_POOL_LIST = ('p1') SET ob_compatibility_mode = 'oracle'")
	_, err := a.try("SYS@fin", "", "")
	refuses(t, err, 1235, "Oracle tenant for current client driver is not supported")
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User = "tcp", a.conf.Listen[0], "SYS@fin"
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		return VendorConn(conn), err
	}
	connector, err := mysql.NewConnector(c)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	var name string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT TENANT_NAME FROM SYS.DBA_OB_TENANTS").Scan(&name))
	require.Equal(t, "fin", name)
	_, err = db.ExecContext(t.Context(), "ALTER SYSTEM RECOVER STANDBY CANCEL")
	refuses(t, err, 4179, "ORA-00600: internal error code, arguments: -4179, tenant role is not STANDBY")
	require.Equal(t, "ORACLE", a.one("SELECT COMPATIBILITY_MODE FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'fin'"))
	a.sys("ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = fin")
	require.Equal(t, "STANDBY", a.one("SELECT TENANT_ROLE FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'fin'"))
}

func TestPasswordsWithEverySignSurviveTheLogin(t *testing.T) {
	a := primary(t, usual)
	c := a.as("root@orders", "")
	_, err := c.ExecContext(t.Context(), `ALTER USER repl IDENTIFIED BY 'p@s:s/w o\'r"d'`)
	require.NoError(t, err)
	again := a.as("repl@orders#ob1", `p@s:s/w o'r"d`)
	require.NoError(t, again.PingContext(t.Context()))
}

func TestAPreparedStatementAndAPlainOneGiveTheSame(t *testing.T) {
	a := primary(t, usual)
	a.write(1, 3)
	c := a.as("root@orders", "")
	var n int64
	var at, name string
	require.NoError(t, c.QueryRowContext(t.Context(), "SELECT n, at, 'x' FROM orders.w WHERE n = ?", 2).Scan(&n, &at, &name))
	require.Equal(t, int64(2), n)
	require.Len(t, at, len("2006-01-02 15:04:05.000000"))
	require.Equal(t, "x", name)
	rows, err := c.QueryContext(t.Context(), "SELECT n FROM orders.w WHERE n IN (?, ?) ORDER BY n DESC", 1, "3")
	require.NoError(t, err)
	var got []string
	for rows.Next() {
		require.NoError(t, rows.Scan(&n))
		got = append(got, strconv.FormatInt(n, 10))
	}
	require.NoError(t, rows.Err())
	require.Equal(t, "3,1", strings.Join(got, ","))
}

func TestSCNsOfSysAndMetaAreNullAndOthersWholeNumbers(t *testing.T) {
	a := primary(t, usual)
	c := a.as("root@sys", "")
	rows, err := c.QueryContext(t.Context(), "SELECT TENANT_TYPE, SYNC_SCN, RECOVERY_UNTIL_SCN FROM oceanbase.DBA_OB_TENANTS ORDER BY TENANT_ID")
	require.NoError(t, err)
	var kinds []string
	for rows.Next() {
		var kind string
		var sync, until sql.Null[uint64]
		require.NoError(t, rows.Scan(&kind, &sync, &until))
		kinds = append(kinds, kind)
		require.Equal(t, kind == "USER", sync.Valid)
		if kind == "USER" {
			require.Greater(t, sync.V, uint64(1_700_000_000_000_000_000))
			require.Equal(t, uint64(4611686018427387903), until.V)
		}
	}
	require.NoError(t, rows.Err())
	require.Equal(t, []string{"SYS", "META", "USER"}, kinds)
}

func TestTimestampsAreTimesForADriverThatParsesThem(t *testing.T) {
	a := primary(t, usual)
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.ParseTime = "tcp", a.conf.Listen[0], "root@sys", true
	connector, err := mysql.NewConnector(c)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	var created, offline sql.NullTime
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT CREATE_TIME, LAST_OFFLINE_TIME FROM oceanbase.DBA_OB_SERVERS").Scan(&created, &offline))
	require.True(t, created.Valid)
	require.False(t, offline.Valid)
}

func TestAWriteIsThereOnceCommittedAndNotWhenRolledBack(t *testing.T) {
	a := primary(t, usual)
	c := a.as("root@orders", "")
	for _, q := range []string{"BEGIN", "INSERT INTO orders.w (n) VALUES (1), (2)", "ROLLBACK", "BEGIN", "INSERT INTO orders.w (n) VALUES (3)", "COMMIT"} {
		_, err := c.ExecContext(t.Context(), q)
		require.NoError(t, err, q)
	}
	require.Equal(t, 1, a.rows())
}

func TestUsersNeedTheirPrivileges(t *testing.T) {
	a := primary(t, usual)
	c := a.as("root@sys", "")
	for _, q := range []string{"CREATE USER monitor IDENTIFIED BY 'm'", "CREATE USER bare IDENTIFIED BY 'b'", "GRANT SELECT ON oceanbase.* TO monitor", "CREATE USER dba IDENTIFIED BY 'd'", "GRANT ALTER SYSTEM ON *.* TO dba"} {
		_, err := c.ExecContext(t.Context(), q)
		require.NoError(t, err, q)
	}
	monitor := a.as("monitor@sys", "m")
	require.Equal(t, "3", scan(t, monitor, "SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS"))
	_, err := monitor.ExecContext(t.Context(), toStandby)
	refuses(t, err, 1227, "Access denied; you need (at least one of) the ALTER SYSTEM privilege(s) for this operation")
	require.Equal(t, "GRANT SELECT ON oceanbase.* TO 'monitor'", scan(t, monitor, "SHOW GRANTS"))
	bare := a.as("bare@sys", "b")
	_, err = bare.QueryContext(t.Context(), "SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS")
	refuses(t, err, 1142, "SELECT command denied")
	dba := a.as("dba@sys", "d")
	_, err = dba.ExecContext(t.Context(), toStandby)
	require.NoError(t, err)
}

func TestARichErrorHasASecondLine(t *testing.T) {
	a := primary(t, usual)
	a.turn("rich-errors", "on")
	err := a.exec("ALTER SYSTEM RECOVER STANDBY TENANT = orders CANCEL")
	refuses(t, err, 4179, "tenant role is not STANDBY, recover is not allowed\n[")
}

func TestTheTenantArgumentFollowsTheServersRules(t *testing.T) {
	a := primary(t, usual)
	refuses(t, a.exec("ALTER SYSTEM ACTIVATE STANDBY"), 1235, "omitting tenant name is  not supported")
	refuses(t, a.exec("ALTER SYSTEM ACTIVATE STANDBY TENANT = sys"), 1210, "only support operating user tenant")
	refuses(t, a.exec("ALTER SYSTEM ACTIVATE STANDBY TENANT = 'META$1002'"), 1210, "only support operating user tenant")
	refuses(t, a.exec("ALTER SYSTEM ACTIVATE STANDBY TENANT = nobody"), 5157, "Unknown tenant 'nobody'")
	refuses(t, a.exec("ALTER SYSTEM ACTIVATE STANDBY TENANT = orders VERIFIED"), 1064, "near 'VERIFIED'")
	refuses(t, a.exec("ALTER SYSTEM RESTORE 'orders' FROM 'x' WITH 'pool_list=p2'"), 1064, "near")
	c := a.as("root@orders", "")
	_, err := c.ExecContext(t.Context(), toStandby)
	refuses(t, err, 1210, "please don't specify tenant name")
	_, err = c.ExecContext(t.Context(), "ALTER SYSTEM SWITCHOVER TO STANDBY")
	require.NoError(t, err)
	require.Equal(t, "STANDBY/NORMAL", a.role())
	require.Equal(t, "orders", scan(t, c, "SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS"), "a tenant sees itself only")
	_, err = c.QueryContext(t.Context(), "SELECT * FROM oceanbase.CDB_OB_LS")
	refuses(t, err, 1146, "doesn't exist")
	require.Equal(t, "3", scan(t, c, "SELECT COUNT(LS_ID) FROM oceanbase.DBA_OB_LS"))
}
