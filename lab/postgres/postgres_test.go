package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/postgres"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// bench is a running lab with a person's hands on it.
type bench struct {
	*labkit.Lab
	t *testing.T
}

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 5 * time.Millisecond
	}
	l, err := labkit.Up(t.Context(), postgres.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b := bench{l, t}
	if o.WriteEvery > 0 {
		b.moreWrites()
	}
	return b
}

// sh runs a text on a host, with R as its root.
func (b bench) sh(host, text string) string {
	b.t.Helper()
	h, err := b.Host(host)
	require.NoError(b.t, err)
	out, exit, err := h.Run("/bin/sh", "-c", "R="+h.Root+" LC_ALL=C; export LC_ALL; "+text)
	require.NoError(b.t, err)
	require.Zero(b.t, exit.Code, out)
	return strings.TrimSpace(out)
}

// psql runs a statement through the host's own psql and socket.
func (b bench) psql(host, statement string) string {
	b.t.Helper()
	return b.sh(host, fmt.Sprintf(`$R/pgsql/bin/psql -X -At -h $R/run -p %d -U switchback -d postgres -c "%s"`, b.Port(), statement))
}

// ask asks a server directly, past everything that the lab keeps about it.
func (b bench) ask(site, statement string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, b.System.Endpoints()[site])
	require.NoError(b.t, err)
	defer func() { _ = c.Close(ctx) }()
	var answer string
	require.NoError(b.t, c.QueryRow(ctx, statement).Scan(&answer))
	return answer
}

func (b bench) ledger() ledger.Ledger {
	b.t.Helper()
	l, err := b.Ledger(b.t.Context())
	require.NoError(b.t, err)
	return l
}

// moreWrites waits until ten more writes are acknowledged.
func (b bench) moreWrites() {
	b.t.Helper()
	before := b.acknowledged()
	b.until("ten more writes", func() bool { return b.acknowledged() >= before+10 })
}

func (b bench) acknowledged() int {
	record, err := os.ReadFile(filepath.Join(b.Dir, "writes.log"))
	require.NoError(b.t, err)
	return strings.Count(string(record), "acknowledged")
}

func (b bench) until(what string, condition func() bool) {
	b.t.Helper()
	require.Eventually(b.t, condition, patience, 5*time.Millisecond, what)
}

func (b bench) fault(name string, args ...string) string {
	b.t.Helper()
	said, err := b.Fault(b.t.Context(), name, args, true)
	require.NoError(b.t, err)
	return said
}

func (b bench) repair(name string, args ...string) {
	b.t.Helper()
	_, err := b.Fault(b.t.Context(), name, args, false)
	require.NoError(b.t, err)
}

func (b bench) writable(sites ...string) bool {
	for _, s := range sites {
		if !b.System.Writable(b.t.Context(), s) {
			return false
		}
	}
	return true
}

func TestAPlannedSwitchoverByHandLosesNothing(t *testing.T) {
	b := up(t, labkit.Options{})
	b.psql("east", "checkpoint")
	b.sh("edge", "client-address point none")
	b.sh("east", "$R/pgsql/bin/pg_ctl -D $R/var/lib/pgdata -m fast -s stop")
	b.psql("west", "select pg_promote()")
	require.Equal(t, "west", b.sh("edge", "client-address point west"))
	b.moreWrites()
	l := b.ledger()
	require.Equal(t, "west", l.Primary)
	require.NotNil(t, l.Lost, l.Complaint)
	require.Zero(t, *l.Lost)
	require.Zero(t, l.Doubled)
	require.Empty(t, l.TwoPrimaries)
	require.Greater(t, l.OutageMS, 20.0)
	require.Equal(t, 1, l.Commands["east"]["pg_ctl stop"])
	require.Equal(t, 1, l.Commands["east"]["server: checkpoint"])
	require.Equal(t, 1, l.Commands["west"]["server: promote"])
	require.Equal(t, 1, l.Commands["west"]["psql pg_promote"])
	require.Equal(t, map[string]int{"client-address point none": 1, "client-address point west": 1}, l.Commands["edge"])
	// The oracle outside of the ledger: what the server itself says.
	present, err := strconv.Atoi(b.ask("west", "select count(*)::text from lab_writes"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, present, l.Acknowledged)
}

func TestAcknowledgedWritesThatTheStandbyNeverGotAreLost(t *testing.T) {
	b := up(t, labkit.Options{})
	b.fault("link-cut", "east")
	b.until("the standby must be cut off", func() bool { return b.ask("west", "select count(*)::text from pg_stat_wal_receiver") == "0" })
	b.moreWrites()
	b.fault("postmaster-kill", "east")
	b.until("east must be gone", func() bool { return !b.writable("east") })
	b.psql("west", "select pg_promote()")
	at := b.ask("west", "select coalesce(max(n), 0)::text from lab_writes")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	l := b.ledger()
	require.NotNil(t, l.Lost, l.Complaint)
	require.GreaterOrEqual(t, *l.Lost, 10)
	last, err := strconv.ParseInt(at, 10, 64)
	require.NoError(t, err)
	require.Equal(t, last+1, l.LostNumbers[0], "the first lost write is the one after the last that the standby had")
	require.Empty(t, l.TwoPrimaries)
	require.Equal(t, "0", b.ask("west", "select count(*)::text from lab_writes where n = "+strconv.FormatInt(last+1, 10)))
}

func TestTwoWritablePrimariesAreSeen(t *testing.T) {
	b := up(t, labkit.Options{})
	require.Empty(t, b.ledger().TwoPrimaries)
	b.psql("west", "select pg_promote()")
	b.until("two primaries must be noticed", func() bool { return len(b.ledger().TwoPrimaries) == 1 })
	l := b.ledger()
	require.Equal(t, []string{"east", "west"}, l.TwoPrimaries[0].Sites)
	require.Nil(t, l.Lost, "with two primaries nobody can say what is lost")
	require.Contains(t, l.Complaint, "2 sites can take writes")
}

func TestAnOldPrimaryReturnsAsItsStartFileSays(t *testing.T) {
	b := up(t, labkit.Options{})
	require.Contains(t, b.fault("host-down", "east"), "processes died")
	require.False(t, b.writable("east"))
	b.sh("west", "true")
	h, err := b.Host("east")
	require.NoError(t, err)
	require.NoError(t, h.WriteFile("etc/postgresql/start.conf", "# by the fence\nmanual\n", 0o644))
	b.fault("host-up", "east")
	require.False(t, b.writable("east"), "start.conf says manual")
	require.NoError(t, h.WriteFile("etc/postgresql/start.conf", "auto\n", 0o644))
	before := h.BootTime()
	b.fault("reboot", "east")
	require.True(t, h.BootTime().After(before))
	require.True(t, b.writable("east"))
	b.moreWrites()
}

func TestAKilledPostmasterLeavesNoZombieAndCanBeStartedAgain(t *testing.T) {
	b := up(t, labkit.Options{})
	said := b.fault("postmaster-kill", "east")
	pid := strings.TrimSuffix(said[strings.LastIndex(said, "(process ")+len("(process "):], ") was killed")
	b.until("the postmaster must be gone", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	})
	require.Equal(t, "in production", b.sh("east", `$R/pgsql/bin/pg_controldata -D $R/var/lib/pgdata | sed -n 's/^Database cluster state: *//p'`))
	b.fault("old-primary-returns", "east")
	require.True(t, b.writable("east"))
	b.moreWrites()
	require.Zero(t, *b.ledger().Lost)
}

func TestACutLinkStopsReplicationAndOnlyThat(t *testing.T) {
	b := up(t, labkit.Options{})
	b.fault("link-cut", "east")
	b.until("replication must stop", func() bool { return b.ask("east", "select count(*)::text from pg_stat_replication") == "0" })
	b.moreWrites()
	b.repair("link-cut", "east")
	b.until("replication must go on", func() bool {
		return b.ask("east", "select coalesce(max(state), '') from pg_stat_replication") == "streaming"
	})
}

func TestSynchronousReplicationLosesNothingWhenThePrimaryDies(t *testing.T) {
	b := up(t, labkit.Options{Sync: true})
	require.Equal(t, "sync", b.ask("east", "select sync_state from pg_stat_replication"))
	b.fault("host-down", "east")
	b.psql("west", "select pg_promote()")
	b.sh("edge", "client-address point west")
	b.moreWrites()
	require.Zero(t, *b.ledger().Lost)
}

func TestThreeSitesStream(t *testing.T) {
	b := up(t, labkit.Options{Sites: 3})
	require.Equal(t, "north,west", b.ask("east", "select string_agg(application_name, ',' order by application_name) from pg_stat_replication where state = 'streaming'"))
}

func TestTheSiteIsReadyForRewindAndForProcedures(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1 * time.Second})
	require.Equal(t, "1", b.sh("east", `$R/pgsql/bin/pg_controldata -D $R/var/lib/pgdata | sed -n 's/^Data page checksum version: *//p'`))
	require.Equal(t, "on", b.psql("east", "show wal_log_hints"))
	require.Equal(t, "t", b.psql("west", "select usesuper from pg_user where usename = current_user"))
	require.Equal(t, "lab_west", b.psql("east", "select slot_name from pg_replication_slots where active"))
	require.Empty(t, b.psql("west", "select slot_name from pg_replication_slots"))
}
