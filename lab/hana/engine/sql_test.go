package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

func TestStatementsAreRewrittenForTheEmbeddedEngine(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 12, 44, 0, time.UTC)
	for given, want := range map[string]string{
		"select top 3 n from t":                          "SELECT N FROM T LIMIT 3",
		"create column table t (a timestamp, b date)":    "CREATE TABLE T (A LONGDATE, B DATE)",
		"insert into t values (current_timestamp, 'a;')": "INSERT INTO T VALUES ('2026-03-14 09:12:44.0000000Z', 'a;')",
		`select "Mixed", now() -- end` + "\n from t;":    `SELECT "Mixed", '2026-03-14 09:12:44.0000000Z' FROM T`,
		"select * from t for update":                     "SELECT * FROM T",
		"select current_user /* who */ from dummy":       "SELECT 'APP' FROM DUMMY",
	} {
		all, ok := scan(given)
		require.True(t, ok, given)
		require.Equal(t, want, join(rewrite(all, at, "APP", "APP")), given)
	}
	for _, open := range []string{"select 'x", `select "x`, "select /* x"} {
		_, ok := scan(open)
		require.False(t, ok, open)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("select 'a''b' from \"x\" -- c")
	f.Add("/*")
	f.Fuzz(func(t *testing.T, text string) {
		all, ok := scan(text)
		if !ok {
			return
		}
		again, ok := scan(join(all))
		require.True(t, ok)
		require.LessOrEqual(t, len(again), len(all)+len(text))
	})
}

func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{id: 3, database: "DRT", schema: "APP", path: t.TempDir() + "/hdb00003/data"}
	require.NoError(t, v.open(t.Context()))
	require.False(t, v.initialised())
	require.NoError(t, v.create(t.Context()))
	t.Cleanup(v.close)
	return v
}

// writeTo runs statements on a volume as one logged transaction.
func writeTo(t *testing.T, v *volume, all ...statement) {
	t.Helper()
	e := &engine{ctx: context.Background()}
	require.NoError(t, e.write(v, all...))
}

func TestALogBelongsToAnotherOneOrHasGoneItsOwnWay(t *testing.T) {
	a, b := newVolume(t), newVolume(t)
	writeTo(t, a, statement{"CREATE TABLE APP.T (N BIGINT)", nil}, statement{"INSERT INTO APP.T VALUES (?)", []any{int64(1)}})
	writeTo(t, a, statement{"INSERT INTO APP.T VALUES (2)", nil})
	rows, err := a.records(t.Context(), 0, 10)
	require.NoError(t, err)
	require.NoError(t, b.keep(t.Context(), rows[:1]))
	require.Error(t, b.keep(t.Context(), rows[:1]), "a row that is there is no new one")
	last, replayed, _ := b.state()
	require.Equal(t, int64(1), last.Pos)
	require.Zero(t, replayed.Pos)
	requireHolds(t, a, last, true, true)

	// b takes over and writes: a, which went on alone, is no beginning of it.
	db, c, err := b.connect(t.Context())
	require.NoError(t, err)
	n, err := b.replay(t.Context(), c, last.Pos)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, c.Close())
	require.NoError(t, db.Close())
	require.NoError(t, b.beginGeneration(t.Context(), "takeover"))
	old, _, _ := a.state()
	requireHolds(t, b, old, false, true)
	requireHolds(t, b, point{Pos: 1, Gen: "0"}, true, true)
	requireHolds(t, b, point{Pos: 1, Gen: "other"}, false, false)

	require.NoError(t, a.prune(t.Context(), 1))
	requireHolds(t, a, point{Pos: 0, Gen: "0"}, true, false)
}

func requireHolds(t *testing.T, v *volume, p point, related, kept bool) {
	t.Helper()
	r, k, err := v.holds(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, related, r)
	if related {
		require.Equal(t, kept, k)
	}
}

func TestWhatIsOnDiskIsFoundAgainAfterAReopen(t *testing.T) {
	v := newVolume(t)
	writeTo(t, v, statement{"CREATE TABLE APP.T (N BIGINT)", nil})
	before, _, _ := v.state()
	v.close()
	require.NoError(t, v.reopen(t.Context()))
	after, replayed, _ := v.state()
	require.Equal(t, before.Pos, after.Pos)
	require.Equal(t, before.Gen, after.Gen)
	require.Equal(t, after, replayed)
}

func TestColumnTypesAreThoseOfTheDeclaration(t *testing.T) {
	for declared, want := range map[string]hdbsql.Type{"BIGINT": hdbsql.TypeBigint, "NVARCHAR(20)": hdbsql.TypeNvarchar, "DECIMAL(10,2)": hdbsql.TypeDecimal, "LONGDATE": hdbsql.TypeLongdate} {
		got, _, ok := columnType(declared)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	_, _, ok := columnType("GEOMETRY")
	require.False(t, ok)
}
