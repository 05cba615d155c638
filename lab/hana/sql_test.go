package hana_test

import (
	"database/sql"
	"net/url"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

func TestSAPsOwnDriverWorksWithTheLabsDatabases(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	t.Run("a query with a prepared statement and arguments", func(t *testing.T) {
		db := b.open("east-admin")
		var status string
		err := db.QueryRowContext(t.Context(), "SELECT ACTIVE_STATUS FROM M_DATABASES WHERE DATABASE_NAME = ?", "DRT").Scan(&status)
		require.NoError(t, err)
		require.Equal(t, "YES", status)
	})
	t.Run("a tenant by redirection", func(t *testing.T) {
		db := b.database("east-admin", "DRT")
		var name string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT DATABASE_NAME FROM SYS.M_DATABASE").Scan(&name))
		require.Equal(t, "DRT", name)
		_, err := b.database("east-admin", "NONE").Conn(t.Context())
		require.Error(t, err)
	})
	t.Run("types survive the way", func(t *testing.T) {
		db := b.open("east")
		_, err := db.ExecContext(t.Context(), "CREATE COLUMN TABLE APP.TYPES (I INTEGER, B BIGINT, D DOUBLE, S NVARCHAR(100), T TIMESTAMP, F BOOLEAN, X VARBINARY(10))")
		require.NoError(t, err)
		at := time.Date(2026, 3, 14, 10, 0, 0, 123456700, time.UTC)
		_, err = db.ExecContext(t.Context(), "INSERT INTO APP.TYPES VALUES (?, ?, ?, ?, ?, ?, ?)", 7, int64(1)<<60, 0.25, "Grüße 😀", at, true, []byte{0, 255})
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), "INSERT INTO APP.TYPES (I) VALUES (NULL)")
		require.NoError(t, err)
		var i, n int64
		var d float64
		var s string
		var got time.Time
		var f bool
		var x []byte
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT I, B, D, S, T, F, X FROM APP.TYPES WHERE I = ?", 7).Scan(&i, &n, &d, &s, &got, &f, &x))
		require.Equal(t, []any{int64(7), int64(1) << 60, 0.25, "Grüße 😀", at, true, []byte{0, 255}}, []any{i, n, d, s, got.UTC(), f, x})
		var none sql.NullTime
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT T FROM APP.TYPES WHERE S IS NULL").Scan(&none))
		require.False(t, none.Valid)
	})
	t.Run("many rows come in several fetches", func(t *testing.T) {
		db := b.open("east")
		_, err := db.ExecContext(t.Context(), "CREATE TABLE APP.MANY (N BIGINT)")
		require.NoError(t, err)
		for n := range 300 {
			_, err := db.ExecContext(t.Context(), "INSERT INTO APP.MANY VALUES (?)", n)
			require.NoError(t, err)
		}
		rows, err := db.QueryContext(t.Context(), "SELECT N FROM APP.MANY ORDER BY N")
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		want := int64(0)
		for rows.Next() {
			var n int64
			require.NoError(t, rows.Scan(&n))
			require.Equal(t, want, n)
			want++
		}
		require.NoError(t, rows.Err())
		require.Equal(t, int64(300), want)
	})
	t.Run("a transaction is rolled back", func(t *testing.T) {
		db := b.open("east")
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "INSERT INTO APP.LAB_WRITES (N) VALUES (4711)")
		require.NoError(t, err)
		require.NoError(t, tx.Rollback())
		require.Equal(t, "0", b.one("east", "SELECT COUNT(*) FROM APP.LAB_WRITES WHERE N = 4711"))
	})
	t.Run("errors carry the server's code", func(t *testing.T) {
		for query, code := range map[string]int{
			"SELECT * FROM APP.MISSING": 259, "SELEC 1": 257, "SELECT MISSING FROM DUMMY": 260,
			"BACKUP DATA USING FILE ('x')": 258, "CREATE SCHEMA X": 7,
		} {
			_, err := b.open("east").ExecContext(t.Context(), query)
			var refused driver.Error
			require.ErrorAs(t, err, &refused, query)
			require.Equal(t, code, refused.Code(), query+": "+refused.Text())
		}
	})
	t.Run("a wrong password is refused", func(t *testing.T) {
		u, err := url.Parse(b.System.Endpoints()["east"])
		require.NoError(t, err)
		for _, user := range []string{"LAB", "NOBODY"} {
			db := sql.OpenDB(driver.NewBasicAuthConnector(u.Host, user, "wrong"))
			err = db.PingContext(t.Context())
			var refused driver.Error
			require.ErrorAs(t, err, &refused, user)
			require.Equal(t, 10, refused.Code())
			require.NoError(t, db.Close())
		}
	})
}
