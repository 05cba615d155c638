package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

var (
	goBack   = dr.Request{Procedure: dr.ProcFailback, To: "east"}
	seedEast = dr.Request{Procedure: dr.ProcReseed, To: "east"}
)

// takenOver gives a world whose east was killed and whose west is primary.
// lost rows are written on east after west stopped receiving.
func takenOver(t *testing.T, lost int, standbys ...string) *world {
	w := newWorld(t, append([]string{"west"}, standbys...)...)
	w.sql("east", "insert into t select g,'both' from generate_series(1,100) g")
	w.base = &dr.Baseline{Run: "r1", Primary: "east", Sites: w.sys.Baseline(w.observe())}
	if lost > 0 {
		w.sql("west", "alter system set primary_conninfo = ''")
		w.sql("west", "select pg_reload_conf()")
		w.eventually(func() bool {
			return w.sql("east", "select count(*) from pg_stat_replication where application_name='west'") == "0"
		}, "west is cut off")
		for range lost {
			w.sql("east", "insert into t select max(id)+1, 'lost' from t")
		}
	}
	w.kill("east")
	d, err := w.plan(takeUnplanned, dr.GateDecide, "aa11")
	require.NoError(t, err)
	if lost > 0 {
		require.Positive(t, d.Loss.Certain.Bytes, "%s", d.Loss.Why)
	}
	w.walk(takeUnplanned, dr.GateDecide, d)
	w.sql("west", "insert into t select max(id)+1000, 'new' from t")
	return w
}

// comesBack does the whole failback and checks its end.
func (w *world) cutOver(rows string) {
	w.t.Helper()
	d, err := w.plan(goBack, dr.GateCutover, "bb22")
	require.NoError(w.t, err)
	w.walk(goBack, dr.GateCutover, d)
	require.Equal(w.t, rows, w.sql("east", "select count(*) from t"))
	require.Equal(w.t, "f", w.sql("east", "select pg_is_in_recovery()"))
	w.sql("east", "insert into t values (99999,'after')")
	w.eventually(func() bool { return w.sql("west", "select count(*) from t where id=99999") == "1" }, "west follows")
	s := w.observe()
	require.Equal(w.t, []string{"east"}, s.Primaries())
	require.Empty(w.t, s.Judgement.Alarms)
	require.Equal(w.t, "0", w.sql("west", "select count(*) from pg_replication_slots where not active"))
}

func TestAFailbackWithoutLostLogNeedsNoRewind(t *testing.T) {
	w := takenOver(t, 0)
	d, err := w.plan(goBack, dr.GateConvert, "bb22")
	require.NoError(t, err)
	require.Empty(t, d.Instead)
	require.Equal(t, dr.LossNone, d.Loss.Kind, d.Loss.Why)
	for _, st := range w.steps(goBack, dr.GateConvert, d) {
		require.NotEqual(t, "postgres.rewind", st.Action)
	}
	w.walk(goBack, dr.GateConvert, d)
	w.cutOver("101")
}

func TestAFailbackListsAndKeepsTheLostTransactionsBeforeTheRewind(t *testing.T) {
	w := takenOver(t, 3)
	d, err := w.plan(goBack, dr.GateConvert, "bb22")
	require.NoError(t, err)
	require.Empty(t, d.Instead, d.InsteadWhy)
	var loss *dr.LossFound
	for _, st := range w.steps(goBack, dr.GateConvert, d) {
		res, err := w.execute(st)
		require.NoError(t, err, "%s: %s", st.ID, res.Output)
		t.Logf("%-40s %-12s %5d ms  %s", st.ID, res.State, res.Took.D().Milliseconds(), res.Text)
		if st.Action == "postgres.keep_lost" {
			loss = res.Loss
		}
	}
	require.NotNil(t, loss, "the lost log was kept")
	require.Equal(t, int64(3), loss.Amount.Transactions, "%+v", loss)
	require.Len(t, loss.Items, 3)
	require.Positive(t, loss.Amount.Bytes)
	_, dir, _ := strings.Cut(loss.Kept, ":")
	require.NotEmpty(t, w.sh(`ls "$1"`, dir))
	w.cutOver("101")
}

func TestARewindKilledHalfWayIsFoundAndOnlyACopyIsPlanned(t *testing.T) {
	w := takenOver(t, 2)
	d, err := w.plan(goBack, dr.GateConvert, "bb22")
	require.NoError(t, err)
	for _, st := range w.steps(goBack, dr.GateConvert, d) {
		if st.Action == "postgres.rewind" {
			break
		}
		_, err := w.execute(st)
		require.NoError(t, err)
	}
	// What a kill in the middle leaves: the directory under its other name.
	w.sh(`mv "$1" "$1.rewind-bb22"`, w.dir+"/east")
	_, err = w.try(`"$1/pg_ctl" -D "$2" -l /dev/null -w start`, w.bin, w.dir+"/east")
	require.Error(t, err, "nothing can start it")
	d, err = w.plan(goBack, dr.GateConvert, "bb22")
	require.NoError(t, err)
	require.Equal(t, dr.GateOverwrite, d.Instead)
	d, err = w.plan(goBack, dr.GateOverwrite, "bb22")
	require.NoError(t, err)
	w.walk(goBack, dr.GateOverwrite, d)
	w.cutOver("101")
}

func TestAReseedMakesAStandbyOfAnEmptyDisk(t *testing.T) {
	w := takenOver(t, 0)
	w.sh(`mv "$1" "$1.lost"; mv "$1.switchback" "$1.lost2" || :`, w.dir+"/east")
	d, err := w.plan(seedEast, dr.GateOverwrite, "cc33")
	require.NoError(t, err)
	w.walk(seedEast, dr.GateOverwrite, d)
	w.sql("west", "insert into t values (7777,'x')")
	w.eventually(func() bool { return w.sql("east", "select count(*) from t where id=7777") == "1" }, "east follows")
}

func TestAReseedReplacesARunningStandbyAndKeepsItsOldData(t *testing.T) {
	w := newWorld(t, "west")
	req := dr.Request{Procedure: dr.ProcReseed, To: "west"}
	d, err := w.plan(req, dr.GateOverwrite, "cc33")
	require.NoError(t, err)
	w.walk(req, dr.GateOverwrite, d)
	require.NotEmpty(t, w.sh(`ls "$1"`, w.dir+"/west.replaced-cc33"))
	_, err = w.plan(dr.Request{Procedure: dr.ProcReseed, To: "east"}, dr.GateOverwrite, "cc33")
	require.True(t, dr.HasCode(err, "is_primary"), "%v", err)
}

func TestTwoServersPromotedFromOneTimelineAreNeverRewound(t *testing.T) {
	w := newWorld(t, "west")
	w.base = &dr.Baseline{Run: "r1", Primary: "east", Sites: w.sys.Baseline(w.observe())}
	w.kill("east")
	w.sql("west", "select pg_promote()")
	// East is promoted from the same timeline by a colleague.
	w.sh(`: >"$1/standby.signal"; rm -f "$1/postmaster.pid" "$2"`, w.dir+"/east", w.sys.sites[0].Place.socketLock())
	w.start("east")
	w.sql("east", "select pg_promote()")
	s := w.observe()
	require.Len(t, s.Primaries(), 2)
	require.NotEmpty(t, s.Judgement.Alarms)
	_, err := w.plan(goBack, dr.GateConvert, "bb22")
	require.True(t, dr.HasCode(err, "two_primaries"), "%v", err)
	w.kill("east")
	w.eventually(func() bool { return len(w.observe().Primaries()) == 1 }, "east is seen as dead")
	d, err := w.plan(goBack, dr.GateConvert, "bb22")
	require.NoError(t, err)
	require.Equal(t, dr.GateOverwrite, d.Instead)
	require.Contains(t, d.InsteadWhy, "both were promoted")
}
