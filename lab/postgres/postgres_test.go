package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/labtest"
	"github.com/switchback-dr/switchback/lab/postgres"
)

// bench is a running lab, with what only PostgreSQL's tests need.
type bench struct{ labtest.Bench }

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 5 * time.Millisecond
	}
	b := bench{labtest.Up(t, postgres.Product{}, o)}
	b.FirstWrites()
	return b
}

// sh runs a text on a host, with R as its root.
func (b bench) sh(host, text string) string {
	b.T.Helper()
	out, code := b.Shell(host, "-c", "R="+b.Host(host).Root+" LC_ALL=C; export LC_ALL; "+text)
	require.Zero(b.T, code, out)
	return strings.TrimSpace(out)
}

// psql runs a statement through the host's own psql and socket.
func (b bench) psql(host, statement string) string {
	b.T.Helper()
	return b.sh(host, fmt.Sprintf(`$R/pgsql/bin/psql -X -At -h $R/run -p %d -U switchback -d postgres -c "%s"`, b.Port(), statement))
}

// ask asks a server directly, past everything that the lab keeps about it.
func (b bench) ask(site, statement string) string {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), labtest.Patience)
	defer cancel()
	c, err := pgx.Connect(ctx, b.System.Endpoints()[site])
	require.NoError(b.T, err)
	defer func() { _ = c.Close(ctx) }()
	var answer string
	require.NoError(b.T, c.QueryRow(ctx, statement).Scan(&answer))
	return answer
}

func TestAPlannedSwitchoverByHandLosesNothing(t *testing.T) {
	b := up(t, labkit.Options{})
	b.psql("east", "checkpoint")
	b.Point("none")
	b.sh("east", "$R/pgsql/bin/pg_ctl -D $R/var/lib/pgdata -m fast -s stop")
	b.psql("west", "select pg_promote()")
	require.Equal(t, "west", b.Point("west"))
	b.MoreWrites()
	l := b.Lossless()
	require.Equal(t, "west", l.Primary)
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
	b.Fault("link-cut", "east")
	b.Until("the standby must be cut off", func() bool { return b.ask("west", "select count(*)::text from pg_stat_wal_receiver") == "0" })
	b.MoreWrites()
	b.Fault("postmaster-kill", "east")
	b.Until("east must be gone", func() bool { return !b.Writable("east") })
	b.psql("west", "select pg_promote()")
	at := b.ask("west", "select coalesce(max(n), 0)::text from lab_writes")
	b.Point("west")
	b.MoreWrites()
	l := b.Ledger()
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
	require.Empty(t, b.Ledger().TwoPrimaries)
	b.psql("west", "select pg_promote()")
	b.Until("two primaries must be noticed", func() bool { return len(b.Ledger().TwoPrimaries) == 1 })
	l := b.Ledger()
	require.Equal(t, []string{"east", "west"}, l.TwoPrimaries[0].Sites)
	require.Nil(t, l.Lost, "with two primaries nobody can say what is lost")
	require.Contains(t, l.Complaint, "2 sites can take writes")
}

func TestAnOldPrimaryReturnsAsItsStartFileSays(t *testing.T) {
	b := up(t, labkit.Options{})
	require.Contains(t, b.Fault("host-down", "east"), "processes died")
	require.False(t, b.Writable("east"))
	b.sh("west", "true")
	h := b.Host("east")
	require.NoError(t, h.WriteFile("etc/postgresql/start.conf", "# by the fence\nmanual\n", 0o644))
	b.Fault("host-up", "east")
	require.False(t, b.Writable("east"), "start.conf says manual")
	require.NoError(t, h.WriteFile("etc/postgresql/start.conf", "auto\n", 0o644))
	before := h.BootTime()
	b.Fault("reboot", "east")
	require.True(t, h.BootTime().After(before))
	require.True(t, b.Writable("east"))
	b.MoreWrites()
}

func TestAKilledPostmasterLeavesNoZombieAndCanBeStartedAgain(t *testing.T) {
	b := up(t, labkit.Options{})
	said := b.Fault("postmaster-kill", "east")
	pid := strings.TrimSuffix(said[strings.LastIndex(said, "(process ")+len("(process "):], ") was killed")
	b.Until("the postmaster must be gone", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	})
	require.Equal(t, "in production", b.sh("east", `$R/pgsql/bin/pg_controldata -D $R/var/lib/pgdata | sed -n 's/^Database cluster state: *//p'`))
	b.Fault("old-primary-returns", "east")
	require.True(t, b.Writable("east"))
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
}

func TestACutLinkStopsReplicationAndOnlyThat(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("link-cut", "east")
	b.Until("replication must stop", func() bool { return b.ask("east", "select count(*)::text from pg_stat_replication") == "0" })
	b.MoreWrites()
	b.Repair("link-cut", "east")
	b.Until("replication must go on", func() bool {
		return b.ask("east", "select coalesce(max(state), '') from pg_stat_replication") == "streaming"
	})
}

func TestSynchronousReplicationLosesNothingWhenThePrimaryDies(t *testing.T) {
	b := up(t, labkit.Options{Sync: true})
	require.Equal(t, "sync", b.ask("east", "select sync_state from pg_stat_replication"))
	b.Fault("host-down", "east")
	b.psql("west", "select pg_promote()")
	b.Point("west")
	b.MoreWrites()
	require.Zero(t, *b.Ledger().Lost)
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
