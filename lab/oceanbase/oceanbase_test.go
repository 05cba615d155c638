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
	"github.com/switchback-dr/switchback/lab/labtest"
	"github.com/switchback-dr/switchback/lab/oceanbase"
)

// bench is a running lab, with what only OceanBase's tests need.
type bench struct{ labtest.Bench }

// up starts a lab; settings are "name=value".
func up(t *testing.T, sites int, settings ...string) bench {
	t.Helper()
	o := labkit.Options{Sites: sites, WriteEvery: 5 * time.Millisecond}
	settings = append([]string{"tenants=1", "step=2ms", "poll=10ms", "ahead=300ms"}, settings...)
	b := bench{labtest.Up(t, oceanbase.Product{}, o, settings...)}
	b.FirstWrites()
	return b
}

// client runs a statement through the host's own obclient, as root@sys.
func (b bench) client(site, statement string) (string, int) {
	b.T.Helper()
	secret, err := os.ReadFile(filepath.Join(b.Dir, "secrets", "ob-"+site+"-sys"))
	require.NoError(b.T, err)
	return b.Shell(site, "-c", fmt.Sprintf(`MYSQL_PWD=%s obclient -uroot@sys#ob%s -NB -e "%s"`, strings.TrimSpace(string(secret)), site, statement))
}

func (b bench) sql(site, statement string) string {
	b.T.Helper()
	out, code := b.client(site, statement)
	require.Zero(b.T, code, out)
	return strings.TrimSpace(out)
}

// ask asks a cluster directly, as any MySQL client does.
func (b bench) ask(site, query string) string {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), labtest.Patience)
	defer cancel()
	db, err := sql.Open("mysql", b.System.Endpoints()[site])
	require.NoError(b.T, err)
	defer func() { _ = db.Close() }()
	var answer string
	require.NoError(b.T, db.QueryRowContext(ctx, query).Scan(&answer))
	return answer
}

const state = "SELECT CONCAT(TENANT_ROLE, '/', SWITCHOVER_STATUS) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"

// source is the statement that lets a site follow another.
func (b bench) source(of string) string {
	secret, err := os.ReadFile(filepath.Join(b.Dir, "secrets", "ob-repl"))
	require.NoError(b.T, err)
	return fmt.Sprintf("ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=%s USER=repl@orders PASSWORD=%s' TENANT = orders", b.Outer(of), strings.TrimSpace(string(secret)))
}

func TestAPlannedSwitchoverByHandLosesNothing(t *testing.T) {
	b := up(t, 2)
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders VERIFY")
	b.Point("none")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	require.False(t, b.Writable("east"))
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.Point("west")
	b.MoreWrites()
	b.sql("east", b.source("west"))
	b.Until("the old primary follows", func() bool {
		return b.ask("east", "SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'NORMAL'") == "3"
	})
	l := b.Lossless()
	require.Equal(t, "west", l.Primary)
	require.Equal(t, map[string]int{"server: switchover to standby": 1, "server: log restore source": 1}, l.Commands["east"])
	require.Equal(t, map[string]int{"server: switchover to primary": 1}, l.Commands["west"])
}

func TestAFailoverAfterACutLinkLosesWhatTheStandbyNeverGot(t *testing.T) {
	b := up(t, 2)
	b.Fault("link-cut", "east")
	b.Until("the standby is cut off", func() bool {
		return b.ask("west", "SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'CHECK NETWORK'") == "3"
	})
	b.MoreWrites()
	b.Fault("observer-kill", "east")
	require.False(t, b.Writable("east"))
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.Point("west")
	b.MoreWrites()
	l := b.Ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.GreaterOrEqual(t, *l.Lost, 10)
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, 1, l.Commands["west"]["server: activate standby"])
	b.Fault("old-primary-returns", "east")
	b.Until("two primaries are noticed", func() bool { return len(b.Ledger().TwoPrimaries) == 1 })
	require.Equal(t, "PRIMARY/NORMAL", b.ask("east", state), "it comes back as it was")
}

func TestAnObserverKilledInAnyStateComesBackInItAndTheSameStatementResumes(t *testing.T) {
	b := up(t, 2, "servers=1")
	b.Fault("host-down", "east")
	for _, s := range []string{"ACCEPTED", "PREPARE_FLASHBACK", "FLASHBACK", "switching-to-primary"} {
		b.Fault("crash-at", "west", s)
		out, code := b.client("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
		require.NotZero(t, code, "the connection ends: %s", out)
		b.Fault("old-primary-returns", "west")
		want := "STANDBY/" + strings.NewReplacer("_", " ", "-", " ", "ACCEPTED", "NORMAL").Replace(strings.ToUpper(s))
		require.Equal(t, want, b.ask("west", state))
	}
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.Point("west")
	b.MoreWrites()
	l := b.Ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.Equal(t, 1, l.Commands["west"]["server: activate standby"])
}

func TestAcknowledgedWritesSurviveAKillInTheMiddle(t *testing.T) {
	b := up(t, 2, "servers=1")
	for range 5 {
		b.MoreWrites()
		b.Fault("observer-kill", "east")
		b.Fault("old-primary-returns", "east")
	}
	b.MoreWrites()
	l := b.Ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.Zero(t, *l.Lost)
	require.Zero(t, l.Doubled)
}

func TestAPowerLossEndsTheObserverAndTheBootStartsIt(t *testing.T) {
	b := up(t, 2)
	require.Contains(t, b.Fault("host-down", "east"), "processes died")
	require.False(t, b.Writable("east"))
	b.Fault("host-up", "east")
	require.True(t, b.Writable("east"))
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
	_, err := b.Lab.Fault(t.Context(), "observer-kill", []string{"moon"}, true)
	require.ErrorContains(t, err, "name the site: one of [east west]")
}

func TestAStandbyByArchiveTakesOverWithoutLoss(t *testing.T) {
	b := up(t, 2, "source=location", "version=4.1.0.0")
	b.Point("none")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	b.Until("the archive is complete", func() bool {
		return b.ask("east", `SELECT SYNCHRONIZED FROM oceanbase.V$OB_ARCHIVE_DEST_STATUS`) == "YES"
	})
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.Point("west")
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
}

func TestAnOracleModeTenantIsWrittenByTheVendorsDriverAndRefusesOthers(t *testing.T) {
	b := up(t, 2, "mode=oracle")
	dsn := b.System.Endpoints()["client"]
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	require.ErrorContains(t, db.PingContext(t.Context()), "1235")
	b.Fault("host-down", "east")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.Point("west")
	b.MoreWrites()
	require.Equal(t, "west", b.Ledger().Primary)
}

func TestAnOldPrimaryIsKeptUnderAnotherNameAndMadeAnew(t *testing.T) {
	b := up(t, 2)
	b.Fault("host-down", "east")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders")
	b.Point("west")
	b.Fault("host-up", "east")
	b.sql("east", "ALTER TENANT orders RENAME GLOBAL_NAME TO orders_old")
	source := strings.TrimSuffix(strings.TrimPrefix(b.source("west"), "ALTER SYSTEM SET "), " TENANT = orders")
	b.sql("east", "SET SESSION ob_query_timeout = 60000000; CREATE STANDBY TENANT orders "+source+", RESOURCE_POOL_LIST = ('orders_spare')")
	b.MoreWrites()
	b.Point("none")
	b.sql("west", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	b.sql("east", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	b.Point("east")
	b.MoreWrites()
	l := b.Ledger()
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
	b.Fault("refuse", "west", "the tenant has units on temporary offline servers")
	out, code := b.client("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders VERIFY")
	require.Equal(t, 1, code)
	require.Equal(t, "ERROR 4179 (HY000) at line 1: the tenant has units on temporary offline servers, failover to primary is not allowed\n", out)
	b.Repair("refuse", "west")
	b.sql("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders VERIFY")
	_, code = b.Shell("west", "-c", "obclient --frobnicate")
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
		require.NotEmpty(t, b.Fault(f.Name, a...))
		if f.Off != "" {
			b.Repair(f.Name, a[:max(1, len(a)-strings.Count(f.Usage, "SECONDS")-strings.Count(f.Usage, "NUMBER")-strings.Count(f.Usage, "REASON")-strings.Count(f.Usage, "SPAN"))]...)
		}
	}
	b.MoreWrites()
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
