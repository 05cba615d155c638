package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestAPlannedTakeoverExchangesTheRolesAndLosesNothing(t *testing.T) {
	w := newWorld(t, "west", "north")
	w.sql("east", "insert into t select g, 'x' from generate_series(1,1000) g")
	w.sql("east", "alter system set synchronous_standby_names = 'west'")
	w.sql("east", "select pg_reload_conf()")
	w.eventually(func() bool {
		return w.sql("east", "select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
	}, "west is synchronous")

	s := w.observe()
	require.Equal(t, []string{"east"}, s.Primaries())
	require.Equal(t, dr.Yes, s.Judgement.InSync, "%+v", s.Judgement)
	require.NotNil(t, s.Judgement.Proof)
	require.False(t, s.Judgement.Proof.Complete, "streaming is never a complete proof")
	require.Empty(t, s.Judgement.Alarms)

	d, err := w.plan(takePlanned, dr.GateDecide, "aa11")
	require.NoError(t, err)
	require.Equal(t, dr.LossNone, d.Loss.Kind)
	w.walk(takePlanned, dr.GateDecide, d)

	require.Equal(t, "1000", w.sql("west", "select count(*) from t"))
	w.sql("west", "insert into t values (5000,'new')")
	for _, n := range []string{"east", "north"} {
		w.eventually(func() bool { return w.sql(n, "select count(*) from t where id=5000") == "1" }, n+" follows")
	}
	require.Equal(t, `"east"`, w.sql("west", "show synchronous_standby_names"))
	require.Equal(t, "0", w.sql("east", "select count(*) from pg_replication_slots"), "left-over slots are dropped")

	again, err := w.plan(takePlanned, dr.GateDecide, "bb22")
	require.NoError(t, err)
	require.NotEmpty(t, again.Nothing)
}

func TestAnUnplannedTakeoverFencesTheDeadPrimaryAgainstAReboot(t *testing.T) {
	w := newWorld(t, "west")
	w.sql("east", "insert into t values (1,'x')")
	w.eventually(func() bool { return w.sql("west", "select count(*) from t") == "1" }, "west follows")
	w.kill("east")
	d, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.NoError(t, err)
	require.Equal(t, []kit.FenceNeed{{Site: "east", ByAdapter: true, Why: d.Fences()[0].Why}}, d.Fences())
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	w.walk(takeUnplanned, dr.GateDecide, d)
	out, err := w.try(`"$1/pg_ctl" -D "$2" -w start -l /dev/null`, w.bin, w.dir+"/east")
	require.Error(t, err, "a fenced server must not start: %s", out)
	require.Equal(t, "1", w.sql("west", "select count(*) from t"))
	s := w.observe()
	require.Equal(t, []string{"west"}, s.Primaries())
	require.Empty(t, s.Judgement.Alarms, "a fenced old primary is no alarm")
}

func TestAnUnplannedTakeoverOfASilentHostNeedsAFenceFromElsewhere(t *testing.T) {
	w := newWorld(t, "west")
	w.local.SetDown("east", true)
	d, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.NoError(t, err)
	require.False(t, d.Fences()[0].ByAdapter)
	w.sh(`"$1/pg_ctl" -D "$2" -m immediate -w stop`, w.bin, w.dir+"/east")
	w.walk(takeUnplanned, dr.GateDecide, d)
	require.Equal(t, "f", w.sql("west", "select pg_is_in_recovery()"))
}

func TestAnUnplannedTakeoverRefusesWhileThePrimaryIsAlive(t *testing.T) {
	w := newWorld(t, "west")
	_, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.Error(t, err)
	require.True(t, dr.HasCode(err, "primary_alive"), "%v", err)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}

func TestAStandbyThatIsBehindAnotherIsNotPromoted(t *testing.T) {
	w := newWorld(t, "west", "north")
	w.sql("west", "alter system set primary_conninfo = ''")
	w.sql("west", "select pg_reload_conf()")
	w.eventually(func() bool { return w.sql("west", "select count(*) from pg_stat_wal_receiver") == "0" }, "west is cut off")
	w.sql("east", "insert into t values (1,'x')")
	w.eventually(func() bool { return w.sql("north", "select count(*) from t") == "1" }, "north follows")
	w.kill("east")
	_, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.True(t, dr.HasCode(err, "behind"), "%v", err)
	require.Contains(t, err.Error(), "north")
	req := takeUnplanned
	req.To = "north"
	d, err := w.plan(req, dr.GateDecide, "aa11")
	require.NoError(t, err)
	w.walk(req, dr.GateDecide, d)
	w.sql("north", "insert into t values (2,'y')")
	w.eventually(func() bool { return w.sql("west", "select count(*) from t") == "2" }, "west was turned to north")
}

func TestAPrimaryThatIsAliveButDoesNotReplicateIsFenced(t *testing.T) {
	w := newWorld(t, "west")
	w.sql("west", "alter system set primary_conninfo = ''")
	w.sql("west", "select pg_reload_conf()")
	w.eventually(func() bool { return w.sql("east", "select count(*) from pg_stat_replication") == "0" }, "west is cut off")
	_, err := w.plan(takePlanned, dr.GateDecide, "aa11")
	require.True(t, dr.HasCode(err, "not_streaming"), "%v", err)
	d, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.NoError(t, err)
	w.walk(takeUnplanned, dr.GateDecide, d)
	require.Equal(t, []string{"west"}, w.observe().Primaries())
}
