package hana_test

import (
	"database/sql"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/SAP/go-hdb/driver"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/hana"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/labtest"
)

// product is what these tests start.
var product = hana.Product{}

// bench is a running lab, with what only HANA's tests need.
type bench struct{ labtest.Bench }

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 10 * time.Millisecond
	}
	b := bench{labtest.Up(t, product, o)}
	t.Cleanup(func() {
		b.noCrash()
		if t.Failed() {
			for _, site := range b.Sites {
				t.Log(b.try(site, "cat $DIR_INSTANCE/$SAPLOCALHOST/trace/*.trc; sapcontrol -nr $TINSTANCE -function GetProcessList; HDBSettings.sh systemReplicationStatus.py; hdbnsutil -sr_state").out)
			}
		}
	})
	b.FirstWrites()
	return b
}

// noCrash looks for what a daemon's own defects leave in its trace.
func (b bench) noCrash() {
	b.T.Helper()
	traces, err := filepath.Glob(filepath.Join(b.Dir, "hosts/*/usr/sap/*/HDB*/*/trace/*.trc"))
	require.NoError(b.T, err)
	require.NotEmpty(b.T, traces)
	for _, at := range traces {
		text, err := os.ReadFile(at)
		require.NoError(b.T, err)
		require.NotContains(b.T, string(text), "DATA RACE")
		require.NotContains(b.T, string(text), "panic:")
	}
}

// result is a command's output and exit code.
type result struct {
	out  string
	code int
}

// try runs a command in a login shell of the host, as an adapter does.
func (b bench) try(host, text string) result {
	b.T.Helper()
	out, code := b.Shell(host, "-lc", text)
	return result{out, code}
}

// sh is try for a command that must succeed.
func (b bench) sh(host, text string) string {
	b.T.Helper()
	r := b.try(host, text)
	require.Zero(b.T, r.code, "%s: %s", text, r.out)
	return r.out
}

// status is the exit code of systemReplicationStatus.py.
func (b bench) status(host string) int {
	b.T.Helper()
	return b.try(host, "HDBSettings.sh systemReplicationStatus.py").code
}

// open connects with SAP's own Go driver to an endpoint of the lab.
func (b bench) open(endpoint string) *sql.DB {
	b.T.Helper()
	return b.database(endpoint, "")
}

// database connects to a database by redirection from an endpoint.
func (b bench) database(endpoint, name string) *sql.DB {
	b.T.Helper()
	u, err := url.Parse(b.System.Endpoints()[endpoint])
	require.NoError(b.T, err)
	password, _ := u.User.Password()
	c := driver.NewBasicAuthConnector(u.Host, u.User.Username(), password)
	if name != "" {
		c = c.WithDatabase(name)
	}
	db := sql.OpenDB(c)
	b.T.Cleanup(func() { _ = db.Close() })
	return db
}

// one asks an endpoint for one value.
func (b bench) one(endpoint, query string, args ...any) string {
	b.T.Helper()
	db := b.open(endpoint)
	defer func() { _ = db.Close() }()
	var answer sql.NullString
	require.NoError(b.T, db.QueryRowContext(b.T.Context(), query, args...).Scan(&answer), query)
	return answer.String
}

// listens says whether anybody takes connections at an endpoint.
func (b bench) listens(endpoint string) bool {
	b.T.Helper()
	u, err := url.Parse(b.System.Endpoints()[endpoint])
	require.NoError(b.T, err)
	c, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
