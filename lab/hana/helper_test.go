package hana_test

import (
	"database/sql"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/hana"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// product is what these tests start.
var product = hana.Product{}

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// bench is a running lab with a person's hands on it.
type bench struct {
	*labkit.Lab
	t *testing.T
}

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 10 * time.Millisecond
	}
	l, err := labkit.Up(t.Context(), product, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b := bench{l, t}
	t.Cleanup(func() {
		b.noCrash()
		if t.Failed() {
			for _, site := range l.Sites {
				t.Log(b.try(site, "cat $DIR_INSTANCE/$SAPLOCALHOST/trace/*.trc; sapcontrol -nr $TINSTANCE -function GetProcessList; HDBSettings.sh systemReplicationStatus.py; hdbnsutil -sr_state").out)
			}
		}
	})
	if o.WriteEvery > 0 {
		b.moreWrites()
	}
	return b
}

// noCrash looks for what a daemon's own defects leave in its trace.
func (b bench) noCrash() {
	b.t.Helper()
	traces, err := filepath.Glob(filepath.Join(b.Dir, "hosts/*/usr/sap/*/HDB*/*/trace/*.trc"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, traces)
	for _, at := range traces {
		text, err := os.ReadFile(at)
		require.NoError(b.t, err)
		require.NotContains(b.t, string(text), "DATA RACE")
		require.NotContains(b.t, string(text), "panic:")
	}
}

// result is a command's output and exit code.
type result struct {
	out  string
	code int
}

// try runs a command in a login shell of the host, as an adapter does.
func (b bench) try(host, text string) result {
	b.t.Helper()
	h, err := b.Host(host)
	require.NoError(b.t, err)
	out, exit, err := h.Run("/bin/sh", "-lc", text)
	require.NoError(b.t, err)
	return result{out, exit.Code}
}

// sh is try for a command that must succeed.
func (b bench) sh(host, text string) string {
	b.t.Helper()
	r := b.try(host, text)
	require.Zero(b.t, r.code, "%s: %s", text, r.out)
	return r.out
}

// status is the exit code of systemReplicationStatus.py.
func (b bench) status(host string) int {
	b.t.Helper()
	return b.try(host, "HDBSettings.sh systemReplicationStatus.py").code
}

// open connects with SAP's own Go driver to an endpoint of the lab.
func (b bench) open(endpoint string) *sql.DB {
	b.t.Helper()
	return b.database(endpoint, "")
}

// database connects to a database by redirection from an endpoint.
func (b bench) database(endpoint, name string) *sql.DB {
	b.t.Helper()
	u, err := url.Parse(b.System.Endpoints()[endpoint])
	require.NoError(b.t, err)
	password, _ := u.User.Password()
	c := driver.NewBasicAuthConnector(u.Host, u.User.Username(), password)
	if name != "" {
		c = c.WithDatabase(name)
	}
	db := sql.OpenDB(c)
	b.t.Cleanup(func() { _ = db.Close() })
	return db
}

// one asks an endpoint for one value.
func (b bench) one(endpoint, query string, args ...any) string {
	b.t.Helper()
	db := b.open(endpoint)
	defer func() { _ = db.Close() }()
	var answer sql.NullString
	require.NoError(b.t, db.QueryRowContext(b.t.Context(), query, args...).Scan(&answer), query)
	return answer.String
}

func (b bench) ledger() ledger.Ledger {
	b.t.Helper()
	l, err := b.Ledger(b.t.Context())
	require.NoError(b.t, err)
	return l
}

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
	require.Eventually(b.t, condition, patience, 10*time.Millisecond, what)
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

func (b bench) writable(site string) bool { return b.System.Writable(b.t.Context(), site) }

// listens says whether anybody takes connections at an endpoint.
func (b bench) listens(endpoint string) bool {
	b.t.Helper()
	u, err := url.Parse(b.System.Endpoints()[endpoint])
	require.NoError(b.t, err)
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
