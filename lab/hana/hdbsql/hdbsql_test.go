package hdbsql

import (
	"context"
	"database/sql"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
)

// desk is a backend that answers from a table of statements.
type desk struct {
	users   map[string]Verifier
	answers map[string]*Result

	mu  sync.Mutex
	log []string
}

func (d *desk) Verifier(user string) (Verifier, bool) {
	v, ok := d.users[strings.ToUpper(user)]
	return v, ok
}

func (d *desk) Redirect(string) (string, int, bool, bool) { return "", 0, false, false }
func (d *desk) Name() string                              { return "DRT" }
func (d *desk) System() string                            { return "DRT" }
func (d *desk) Version() string                           { return "2.00.077.00.1700000000" }
func (d *desk) Session(string) (Session, error)           { return d, nil }
func (d *desk) Close()                                    {}
func (d *desk) Commit(context.Context) error              { return d.note("commit") }
func (d *desk) Rollback(context.Context) error            { return d.note("rollback") }

func (d *desk) note(text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, text)
	return nil
}

func (d *desk) Execute(_ context.Context, text string, _ []any, _ bool) (*Result, error) {
	if r := d.answers[text]; r != nil {
		return r, d.note(text)
	}
	return nil, &Error{Code: CodeSyntax, State: "HY000", Text: "sql syntax error: " + text}
}

func (d *desk) Prepare(text string) (*Prepared, error) {
	r := d.answers[text]
	if r == nil {
		return nil, errors.New("unknown")
	}
	return &Prepared{Kind: r.Kind, Columns: r.Columns}, nil
}

// serve opens a port for the desk and gives its address.
func serve(t *testing.T, d *desk) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) { Serve(t.Context(), c, d) })
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	v, err := NewVerifier("Geheim1")
	require.NoError(t, err)
	return &desk{users: map[string]Verifier{"APP": v}, answers: map[string]*Result{"select 1 from dummy": {Kind: Query, Columns: []Column{{Name: "1", Type: TypeInteger}}, Rows: [][]any{{int64(1)}}}}}
}

func TestBothMethodsOfLoginTakeTheRightPasswordOnly(t *testing.T) {
	at := serve(t, newDesk(t))
	// go-hdb logs in by SCRAMPBKDF2SHA256, the lab's own client by SCRAMSHA256.
	for password, right := range map[string]bool{"Geheim1": true, "geheim1": false, "": false} {
		c, err := Dial(t.Context(), at, "APP", password)
		require.Equal(t, right, err == nil, password)
		if err == nil {
			require.NoError(t, c.Exec(t.Context(), "select 1 from dummy", true))
			c.Close()
		}
		db := sql.OpenDB(driver.NewBasicAuthConnector(at, "APP", password))
		require.Equal(t, right, db.PingContext(t.Context()) == nil, password)
		require.NoError(t, db.Close())
	}
	_, err := Dial(t.Context(), at, "NOBODY", "Geheim1")
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, CodeAuthFailed, refused.Code)
	require.Equal(t, "28000", refused.State)
}

func TestPublishedVectorsOfScramHold(t *testing.T) {
	// The vector of go-hdb's own tests: salt, both challenges, the password
	// Admin1234 and the proof.
	salt := []byte{214, 199, 255, 118, 92, 174, 94, 190, 197, 225, 57, 154, 157, 109, 119, 245}
	server := []byte{224, 22, 242, 18, 237, 99, 6, 28, 162, 248, 96, 7, 115, 152, 134, 65, 141, 65, 168, 126, 168, 86, 87, 72, 16, 119, 12, 91, 227, 123, 51, 194, 203, 168, 56, 133, 70, 236, 230, 214, 89, 167, 130, 123, 132, 178, 211, 186}
	client := []byte{219, 141, 27, 200, 255, 90, 182, 125, 133, 151, 127, 36, 26, 106, 213, 31, 57, 89, 50, 201, 237, 11, 158, 110, 8, 13, 2, 71, 9, 235, 213, 27, 64, 43, 181, 181, 147, 140, 10, 63, 156, 133, 133, 165, 171, 67, 187, 250, 41, 145, 176, 164, 137, 54, 72, 42, 47, 112, 252, 77, 102, 152, 220, 223}
	want := []byte{23, 243, 209, 70, 117, 54, 25, 92, 21, 173, 194, 108, 63, 25, 188, 185, 230, 61, 124, 190, 73, 80, 225, 126, 191, 119, 32, 112, 231, 72, 184, 199}
	require.Equal(t, want, proof(scramKey("Admin1234", salt), salt, server, client))
}

func TestAFixedDateGoesThroughGoHDBUnchanged(t *testing.T) {
	d := newDesk(t)
	at := time.Date(2026, 3, 14, 9, 12, 44, 123456700, time.UTC)
	d.answers["dates"] = &Result{
		Kind:    Query,
		Columns: []Column{{Name: "T", Type: TypeLongdate}, {Name: "S", Type: TypeSeconddate}, {Name: "D", Type: TypeDaydate}},
		Rows:    [][]any{{at, at, at}, {nil, nil, nil}},
	}
	db := sql.OpenDB(driver.NewBasicAuthConnector(serve(t, d), "APP", "Geheim1"))
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), "dates")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var long, second, day sql.NullTime
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&long, &second, &day))
	require.Equal(t, at, long.Time.UTC())
	require.Equal(t, at.Truncate(time.Second), second.Time.UTC())
	require.Equal(t, "2026-03-14", day.Time.Format("2006-01-02"))
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&long, &second, &day))
	require.False(t, long.Valid || second.Valid || day.Valid)
	require.NoError(t, rows.Err())
}

func TestDecimalsGoThroughGoHDBUnchanged(t *testing.T) {
	d := newDesk(t)
	d.answers["decimals"] = &Result{Kind: Query, Columns: []Column{{Name: "D", Type: TypeDecimal}}, Rows: [][]any{{"-12.345"}}}
	db := sql.OpenDB(driver.NewBasicAuthConnector(serve(t, d), "APP", "Geheim1"))
	defer func() { require.NoError(t, db.Close()) }()
	var got driver.Decimal
	require.NoError(t, db.QueryRowContext(t.Context(), "decimals").Scan(&got))
	require.Equal(t, "-12.345", (*big.Rat)(&got).FloatString(3))
}

func TestATransactionOfGoHDBIsCommittedOrRolledBack(t *testing.T) {
	d := newDesk(t)
	for _, q := range []string{"set transaction isolation level read committed", "set transaction read write", "insert"} {
		d.answers[q] = &Result{Kind: Insert, Changed: 1}
	}
	db := sql.OpenDB(driver.NewBasicAuthConnector(serve(t, d), "APP", "Geheim1"))
	defer func() { require.NoError(t, db.Close()) }()
	for _, end := range []string{"commit", "rollback"} {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "insert")
		require.NoError(t, err)
		if end == "commit" {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		d.mu.Lock()
		require.Equal(t, end, d.log[len(d.log)-1])
		d.mu.Unlock()
	}
}

func TestAnUnknownStatementIsAnErrorWithItsCode(t *testing.T) {
	db := sql.OpenDB(driver.NewBasicAuthConnector(serve(t, newDesk(t)), "APP", "Geheim1"))
	defer func() { require.NoError(t, db.Close()) }()
	_, err := db.ExecContext(t.Context(), "nonsense")
	var refused driver.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, CodeSyntax, refused.Code())
	require.Equal(t, "sql syntax error: nonsense", refused.Text())
}

func TestTheClientReadsWhatTheServerSendsInManyFetches(t *testing.T) {
	d := newDesk(t)
	r := &Result{Kind: Query, Columns: []Column{{Name: "N", Type: TypeBigint}}}
	for n := range int64(1000) {
		r.Rows = append(r.Rows, []any{n})
	}
	d.answers["many"] = r
	c, err := Dial(t.Context(), serve(t, d), "APP", "Geheim1")
	require.NoError(t, err)
	defer c.Close()
	rows, err := c.Integers(t.Context(), "many")
	require.NoError(t, err)
	require.Len(t, rows, 1000)
	require.Equal(t, int64(999), rows[999][0])
}

func TestCESU8HasSurrogatesForCharactersOutsideOfTheBasicPlane(t *testing.T) {
	for _, s := range []string{"", "abc", "Grüße", "a😀b", "日本"} {
		require.Equal(t, s, fromCESU8(toCESU8(s)))
	}
	require.Len(t, toCESU8("😀"), 6)
}

func FuzzMessage(f *testing.F) {
	m := message{session: 1, kind: kindRequest, typ: msgExecuteDirect, parts: []part{{kind: partCommand, count: 1, data: []byte("select 1")}}}
	f.Add(m.encode()[messageHeader:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		var m message
		if m.decode(body) != nil {
			return
		}
		for _, p := range m.parts {
			require.LessOrEqual(t, len(p.data), len(body))
		}
	})
}

func FuzzLogin(f *testing.F) {
	o := out{}
	o.i16(3)
	o.field([]byte("APP"))
	o.field([]byte(methodSHA256))
	o.field(make([]byte, clientSize))
	f.Add(o.b)
	f.Fuzz(func(t *testing.T, data []byte) {
		var l login
		if l.begin(data) == nil {
			require.Len(t, l.client, clientSize)
		}
		require.False(t, (&login{method: methodSHA256}).check(data), "an unknown user has no right proof")
	})
}
