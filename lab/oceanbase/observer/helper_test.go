package observer

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// site is one running cluster of a test.
type site struct {
	*Server
	t    *testing.T
	conf Config
}

// cluster starts a cluster on a free port.
func cluster(t *testing.T, number int, version Version) *site {
	t.Helper()
	at := nettest.Address(t)
	dir := t.TempDir()
	c := Config{
		Dir: filepath.Join(dir, "store"), Knobs: filepath.Join(dir, "knobs"), Cluster: fmt.Sprintf("ob%d", number), ClusterID: int64(number),
		Version: version, Listen: []string{at}, Known: []string{at}, Streams: 2,
		Pace: Pace{Step: Duration(time.Millisecond), Poll: Duration(2 * time.Millisecond), Job: Duration(2 * time.Millisecond), Ahead: Duration(300 * time.Millisecond)},
	}
	s := &site{t: t, conf: c}
	s.open()
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func (s *site) open() {
	s.t.Helper()
	server, err := Serve(s.conf)
	require.NoError(s.t, err)
	s.Server = server
}

// restart closes the cluster and opens it from its files.
func (s *site) restart() {
	s.t.Helper()
	require.NoError(s.t, s.Close())
	s.open()
}

// as opens one connection.
func (s *site) as(user, password string) *sql.Conn {
	s.t.Helper()
	c, err := s.try(user, password, "")
	require.NoError(s.t, err)
	return c
}

func (s *site) try(user, password, database string) (*sql.Conn, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.Logger = "tcp", s.conf.Listen[0], user, password, database, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	require.NoError(s.t, err)
	db := sql.OpenDB(connector)
	s.t.Cleanup(func() { _ = db.Close() })
	return db.Conn(context.Background())
}

// sys runs a statement as root@sys and wants it to succeed.
func (s *site) sys(statement string) {
	s.t.Helper()
	require.NoError(s.t, s.exec(statement), statement)
}

func (s *site) exec(statements ...string) error {
	s.t.Helper()
	c := s.as("root@sys", "")
	defer func() { _ = c.Close() }()
	for _, q := range statements {
		if _, err := c.ExecContext(context.Background(), q); err != nil {
			return err
		}
	}
	return nil
}

// one asks root@sys for one value as text.
func (s *site) one(query string) string {
	s.t.Helper()
	c := s.as("root@sys", "")
	defer func() { _ = c.Close() }()
	return scan(s.t, c, query)
}

func scan(t *testing.T, c *sql.Conn, query string) string {
	t.Helper()
	var v sql.NullString
	require.NoError(t, c.QueryRowContext(context.Background(), query).Scan(&v), query)
	if !v.Valid {
		return "NULL"
	}
	return v.String
}

func (s *site) role() string {
	s.t.Helper()
	return s.one("SELECT CONCAT(TENANT_ROLE, '/', SWITCHOVER_STATUS) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'")
}

func (s *site) number(query string) int64 {
	s.t.Helper()
	n, err := strconv.ParseInt(s.one(query), 10, 64)
	require.NoError(s.t, err)
	return n
}

func (s *site) syncSCN() int64 {
	s.t.Helper()
	return s.number("SELECT SYNC_SCN FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'")
}

func (s *site) until(what string, condition func() bool) {
	s.t.Helper()
	require.Eventually(s.t, condition, patience, 2*time.Millisecond, what)
}

// turn switches a knob on or, with "", off.
func (s *site) turn(name, value string) {
	s.t.Helper()
	path := knobs{s.conf.Knobs}.path(name)
	if value == "" {
		require.NoError(s.t, os.RemoveAll(path))
		return
	}
	require.NoError(s.t, os.WriteFile(path, []byte(value), 0o600))
}

// source is how others follow this cluster's tenant.
func (s *site) source() string {
	return "SERVICE=" + s.conf.Listen[0] + " USER=repl@orders PASSWORD=secret"
}

// primary starts a cluster with the tenant orders.
func primary(t *testing.T, version Version) *site {
	t.Helper()
	s := cluster(t, 1, version)
	s.pools()
	s.sys("CREATE TENANT orders RESOURCE_POOL_LIST = ('p1') SET ob_compatibility_mode = 'mysql'")
	c := s.as("root@orders", "")
	for _, q := range []string{
		"CREATE USER repl IDENTIFIED BY 'secret'", "GRANT SELECT ON oceanbase.* TO repl", "CREATE DATABASE orders",
		"CREATE TABLE orders.w (n BIGINT NOT NULL, at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
	} {
		_, err := c.ExecContext(t.Context(), q)
		require.NoError(t, err, q)
	}
	return s
}

func (s *site) pools() {
	s.t.Helper()
	s.sys("CREATE RESOURCE UNIT u MAX_CPU 1, MEMORY_SIZE '2G'")
	for _, p := range []string{"p1", "p2"} {
		s.sys("CREATE RESOURCE POOL " + p + " UNIT = 'u', UNIT_NUM = 1")
	}
}

// pair starts two clusters, the second with a standby of the first's tenant.
func pair(t *testing.T, version Version) (a, b *site) {
	t.Helper()
	a, b = primary(t, version), cluster(t, 2, version)
	b.pools()
	b.follow(a, "p1")
	return a, b
}

func (s *site) follow(a *site, pool string) {
	s.t.Helper()
	s.sys("CREATE STANDBY TENANT orders LOG_RESTORE_SOURCE = '" + a.source() + "', RESOURCE_POOL_LIST = ('" + pool + "')")
}

// write inserts numbers as the tenant's administrator.
func (s *site) write(from, to int) {
	s.t.Helper()
	c := s.as("root@orders", "")
	defer func() { _ = c.Close() }()
	for n := from; n <= to; n++ {
		_, err := c.ExecContext(s.t.Context(), "INSERT INTO orders.w (n) VALUES ("+strconv.Itoa(n)+")")
		require.NoError(s.t, err)
	}
}

func (s *site) rows() int {
	s.t.Helper()
	c := s.as("root@orders", "")
	defer func() { _ = c.Close() }()
	n, err := strconv.Atoi(scan(s.t, c, "SELECT COUNT(*) FROM orders.w"))
	require.NoError(s.t, err)
	return n
}

// refuses wants an error of this number whose text has these words.
func refuses(t *testing.T, err error, number uint16, words string) {
	t.Helper()
	var refused *mysql.MySQLError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, number, refused.Number, refused.Message)
	require.Contains(t, refused.Message, words)
}

const (
	activate  = "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders"
	toPrimary = "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = `orders`"
	toStandby = "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT 'orders'"
)
