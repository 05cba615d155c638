package oceanbase_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the client that these tests look through
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/oceanbase"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// bench is a running lab with a person's hands on it.
type bench struct {
	*labkit.Lab
	t *testing.T
}

// up starts a lab; settings are "name=value".
func up(t *testing.T, sites int, settings ...string) bench {
	t.Helper()
	o := labkit.Options{Sites: sites, WriteEvery: 5 * time.Millisecond}
	for _, s := range append([]string{"tenants=1", "step=2ms", "poll=10ms", "ahead=300ms"}, settings...) {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(t.Context(), oceanbase.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b := bench{l, t}
	b.moreWrites()
	return b
}

// sh runs a text on a host and wants exit code 0.
func (b bench) sh(host, text string) string {
	b.t.Helper()
	out, code := b.run(host, text)
	require.Zero(b.t, code, out)
	return strings.TrimSpace(out)
}

func (b bench) run(host, text string) (string, int) {
	b.t.Helper()
	h, err := b.Host(host)
	require.NoError(b.t, err)
	out, exit, err := h.Run("/bin/sh", "-c", text)
	require.NoError(b.t, err)
	return out, exit.Code
}

// client runs a statement through the host's own obclient, as root@sys.
func (b bench) client(site, statement string) (string, int) {
	b.t.Helper()
	secret, err := os.ReadFile(filepath.Join(b.Dir, "secrets", "ob-"+site+"-sys"))
	require.NoError(b.t, err)
	return b.run(site, fmt.Sprintf(`MYSQL_PWD=%s obclient -uroot@sys#ob%s -NB -e "%s"`, strings.TrimSpace(string(secret)), site, statement))
}

func (b bench) sql(site, statement string) string {
	b.t.Helper()
	out, code := b.client(site, statement)
	require.Zero(b.t, code, out)
	return strings.TrimSpace(out)
}

// ask asks a cluster directly, as any MySQL client does.
func (b bench) ask(site, query string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := sql.Open("mysql", b.System.Endpoints()[site])
	require.NoError(b.t, err)
	defer func() { _ = db.Close() }()
	var answer string
	require.NoError(b.t, db.QueryRowContext(ctx, query).Scan(&answer))
	return answer
}

const state = "SELECT CONCAT(TENANT_ROLE, '/', SWITCHOVER_STATUS) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"

func (b bench) ledger() ledger.Ledger {
	b.t.Helper()
	l, err := b.Ledger(b.t.Context())
	require.NoError(b.t, err)
	return l
}

func (b bench) moreWrites() {
	b.t.Helper()
	count := func() int {
		record, err := os.ReadFile(filepath.Join(b.Dir, "writes.log"))
		require.NoError(b.t, err)
		return strings.Count(string(record), "acknowledged")
	}
	before := count()
	b.until("ten more writes", func() bool { return count() >= before+10 })
}

func (b bench) until(what string, condition func() bool) {
	b.t.Helper()
	require.Eventually(b.t, condition, patience, 5*time.Millisecond, what)
}

func (b bench) fault(on bool, name string, args ...string) string {
	b.t.Helper()
	said, err := b.Fault(b.t.Context(), name, args, on)
	require.NoError(b.t, err)
	return said
}

func (b bench) writable(site string) bool { return b.System.Writable(b.t.Context(), site) }

// source is the statement that lets a site follow another.
func (b bench) source(of string) string {
	secret, err := os.ReadFile(filepath.Join(b.Dir, "secrets", "ob-repl"))
	require.NoError(b.t, err)
	return fmt.Sprintf("ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=%s USER=repl@orders PASSWORD=%s' TENANT = orders", b.Outer(of), strings.TrimSpace(string(secret)))
}

func TestAPlannedSwitchoverByHandLosesNothing(t *testing.T) {
	b := up(t, 2)
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders VERIFY")
	b.sh("edge", "client-address point none")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	require.False(t, b.writable("east"))
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	b.sql("east", b.source("west"))
	b.until("the old primary follows", func() bool {
		return b.ask("east", "SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'NORMAL'") == "3"
	})
	l := b.ledger()
	require.Equal(t, "west", l.Primary)
	require.Zero(t, *l.Lost)
	require.Zero(t, l.Doubled)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, map[string]int{"server: switchover to standby": 1, "server: log restore source": 1}, l.Commands["east"])
	require.Equal(t, map[string]int{"server: switchover to primary": 1}, l.Commands["west"])
}

func TestAFailoverAfterACutLinkLosesWhatTheStandbyNeverGot(t *testing.T) {
	b := up(t, 2)
	b.fault(true, "link-cut", "east")
	b.until("the standby is cut off", func() bool {
		return b.ask("west", "SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'CHECK NETWORK'") == "3"
	})
	b.moreWrites()
	b.fault(true, "observer-kill", "east")
	require.False(t, b.writable("east"))
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	l := b.ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.GreaterOrEqual(t, *l.Lost, 10)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, 1, l.Commands["west"]["server: activate standby"])
	b.fault(true, "old-primary-returns", "east")
	b.until("two primaries are noticed", func() bool { return len(b.ledger().TwoPrimaries) == 1 })
	require.Equal(t, "PRIMARY/NORMAL", b.ask("east", state), "it comes back as it was")
}

func TestAnObserverKilledInAnyStateComesBackInItAndTheSameStatementResumes(t *testing.T) {
	b := up(t, 2, "servers=1")
	b.fault(true, "host-down", "east")
	for _, s := range []string{"ACCEPTED", "PREPARE_FLASHBACK", "FLASHBACK", "switching-to-primary"} {
		b.fault(true, "crash-at", "west", s)
		out, code := b.client("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
		require.NotZero(t, code, "the connection ends: %s", out)
		b.fault(true, "old-primary-returns", "west")
		want := "STANDBY/" + strings.NewReplacer("_", " ", "-", " ", "ACCEPTED", "NORMAL").Replace(strings.ToUpper(s))
		require.Equal(t, want, b.ask("west", state))
	}
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	l := b.ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.Equal(t, 1, l.Commands["west"]["server: activate standby"])
}

func TestAcknowledgedWritesSurviveAKillInTheMiddle(t *testing.T) {
	b := up(t, 2, "servers=1")
	for range 5 {
		b.moreWrites()
		b.fault(true, "observer-kill", "east")
		b.fault(true, "old-primary-returns", "east")
	}
	b.moreWrites()
	l := b.ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.Zero(t, *l.Lost)
	require.Zero(t, l.Doubled)
}

func TestAPowerLossEndsTheObserverAndTheBootStartsIt(t *testing.T) {
	b := up(t, 2)
	require.Contains(t, b.fault(true, "host-down", "east"), "processes died")
	require.False(t, b.writable("east"))
	b.fault(true, "host-up", "east")
	require.True(t, b.writable("east"))
	b.moreWrites()
	require.Zero(t, *b.ledger().Lost)
	_, err := b.Fault(t.Context(), "observer-kill", []string{"moon"}, true)
	require.ErrorContains(t, err, "name the site: one of [east west]")
}

func TestAStandbyByArchiveTakesOverWithoutLoss(t *testing.T) {
	b := up(t, 2, "source=location", "version=4.1.0.0")
	b.sh("edge", "client-address point none")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	b.until("the archive is complete", func() bool {
		return b.ask("east", `SELECT SYNCHRONIZED FROM oceanbase.V$OB_ARCHIVE_DEST_STATUS`) == "YES"
	})
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	require.Zero(t, *b.ledger().Lost)
}

func TestAnOracleModeTenantIsWrittenByTheVendorsDriverAndRefusesOthers(t *testing.T) {
	b := up(t, 2, "mode=oracle")
	dsn := b.System.Endpoints()["client"]
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.ErrorContains(t, db.PingContext(t.Context()), "1235")
	b.fault(true, "host-down", "east")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	require.Equal(t, "west", b.ledger().Primary)
}

func TestAnOldPrimaryIsKeptUnderAnotherNameAndMadeAnew(t *testing.T) {
	b := up(t, 2)
	b.fault(true, "host-down", "east")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.sh("edge", "client-address point west")
	b.fault(true, "host-up", "east")
	b.sql("east", "ALTER TENANT orders RENAME GLOBAL_NAME TO orders_old")
	source := strings.TrimSuffix(strings.TrimPrefix(b.source("west"), "ALTER SYSTEM SET "), " TENANT = orders")
	b.sql("east", "SET SESSION ob_query_timeout = 60000000; CREATE STANDBY TENANT orders "+source+", RESOURCE_POOL_LIST = ('orders_spare')")
	b.moreWrites()
	b.sh("edge", "client-address point none")
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.sh("edge", "client-address point east")
	b.moreWrites()
	l := b.ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.Equal(t, 1, l.Commands["east"]["server: rename tenant"])
	require.Equal(t, 1, l.Commands["east"]["server: create standby tenant"])
}

func TestThreeClustersWithSeveralTenantsStandUp(t *testing.T) {
	b := up(t, 3, "tenants=3", "archive=on")
	for _, site := range []string{"west", "north"} {
		require.Equal(t, "3", b.ask(site, "SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ROLE = 'STANDBY' AND STATUS = 'NORMAL'"))
		require.Equal(t, "ORACLE", b.ask(site, "SELECT COMPATIBILITY_MODE FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'fin'"))
	}
	require.Equal(t, "3", b.ask("north", "SELECT VALUE FROM oceanbase.GV$OB_PARAMETERS WHERE NAME = 'cluster_id' LIMIT 1"))
}

func TestTheServersErrorIsObclientsExitCode(t *testing.T) {
	b := up(t, 2)
	b.fault(true, "refuse", "west", "the tenant has units on temporary offline servers")
	out, code := b.client("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders VERIFY")
	require.Equal(t, 1, code)
	require.Equal(t, "ERROR 4179 (HY000) at line 1: the tenant has units on temporary offline servers, failover to primary is not allowed\n", out)
	b.fault(false, "refuse", "west")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders VERIFY")
	_, code = b.run("west", "obclient --frobnicate")
	require.Equal(t, 2, code)
}

func TestEveryFaultCanBeSwitchedOnAndOff(t *testing.T) {
	b := up(t, 2)
	args := map[string][]string{
		"SITE": {"west"}, "SITE STATE": {"west", "FLASHBACK"}, "SITE STATE NUMBER": {"west", "FLASHBACK", "4016"},
		"SITE STATE MILLISECONDS": {"west", "FLASHBACK", "10"}, "SITE REASON": {"west", "tenant status is not normal"}, "SITE SERVER SPAN": {"west", "2", "10s"},
		"SITE STREAM": {"west", "1001"}, "SITE STREAM MILLISECONDS": {"west", "1001", "10"}, "SITE MILLISECONDS": {"west", "10"},
	}
	for _, f := range b.System.Faults() {
		a, ok := args[f.Usage]
		require.True(t, ok, f.Usage)
		if strings.HasPrefix(f.Name, "lock-replication") || f.Name == "replication-password" {
			a = []string{"east"}
		}
		if f.Name == "observer-kill" || f.Name == "old-primary-returns" {
			continue
		}
		require.NotEmpty(t, b.fault(true, f.Name, a...))
		if f.Off != "" {
			b.fault(false, f.Name, a[:max(1, len(a)-strings.Count(f.Usage, "SECONDS")-strings.Count(f.Usage, "NUMBER")-strings.Count(f.Usage, "REASON")-strings.Count(f.Usage, "SPAN"))]...)
		}
	}
	b.moreWrites()
}

func TestWrongSettingsAreRefusedInASentence(t *testing.T) {
	for setting, want := range map[string]string{
		"color=red":       `OceanBase in the lab has no setting "color"`,
		"source=carrier":  `the setting source is service or location, not "carrier"`,
		"servers=0":       "the setting servers is a number from 1 to 5",
		"step=fast":       "the setting step is a time span",
		"version=4":       "the setting version is like 4.2.5.4",
		"version=4.1.0.2": "version 4.1.0.2 has no network standby",
		"poll=0s":         "the setting poll is 1ms at least",
	} {
		o := labkit.Options{}
		require.NoError(t, o.Set(setting))
		_, err := labkit.Up(t.Context(), oceanbase.Product{}, filepath.Join(t.TempDir(), "lab"), o)
		require.ErrorContains(t, err, want)
	}
}
