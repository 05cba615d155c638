package postgres

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// binDir finds the server's programs; a machine without them fails.
func binDir(t testing.TB) string {
	t.Helper()
	for _, v := range []string{"18", "17", "16", "15", "14", "13"} {
		d := "/usr/lib/postgresql/" + v + "/bin"
		if _, err := os.Stat(d + "/initdb"); err == nil {
			return d
		}
	}
	t.Fatal("PostgreSQL is not installed here; install the package postgresql (Debian: apt-get install postgresql)")
	return ""
}

// world is a set of real servers on this machine.
type world struct {
	t     testing.TB
	dir   string
	bin   string
	local *adaptertest.Local
	sys   *system
	ports map[string]int
	seq   int
	memo  *dr.Memory
	base  *dr.Baseline
	// finished steps of the current run.
	finished []kit.FinishedStep
}

// owner is the ordinary user that owns the servers: PostgreSQL refuses root.
func owner(t testing.TB) (uid, gid uint32) {
	if os.Getuid() != 0 {
		return 0, 0
	}
	u, err := user.Lookup("postgres")
	require.NoError(t, err, "root cannot run PostgreSQL and there is no user postgres")
	a, _ := strconv.Atoi(u.Uid)
	b, _ := strconv.Atoi(u.Gid)
	return uint32(a), uint32(b)
}

func (w *world) sh(script string, args ...string) string {
	w.t.Helper()
	out, err := w.try(script, args...)
	require.NoError(w.t, err, "%s: %s", script, out)
	return strings.TrimSpace(out)
}

func (w *world) try(script string, args ...string) (string, error) {
	c := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{}
	if w.local.UID != 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: w.local.UID, Gid: w.local.GID}
	}
	var b bytes.Buffer
	c.Stdout, c.Stderr = &b, &b
	c.WaitDelay = time.Second
	err := c.Run()
	return b.String(), err
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// newWorld starts a primary "east" and streaming standbys of the other names.
func newWorld(t testing.TB, standbys ...string) *world {
	t.Helper()
	w := &world{t: t, bin: binDir(t), local: adaptertest.NewLocal(), ports: map[string]int{}}
	w.local.UID, w.local.GID = owner(t)
	dir, err := os.MkdirTemp("/tmp", "sbpg")
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, int(w.uid()), int(w.gid())))
	w.dir = dir
	t.Cleanup(w.close)
	w.sh(`mkdir -m 700 "$1/sock" "$1/backup"; "$2/initdb" -k -N -U postgres -A trust -D "$1/east" >/dev/null
cat >>"$1/east/postgresql.conf" <<X
listen_addresses='127.0.0.1'
unix_socket_directories='$1/sock'
lc_messages=C
fsync=off
wal_retrieve_retry_interval=100ms
shared_buffers=16MB
max_wal_size=256MB
X`, dir, w.bin)
	for _, n := range append([]string{"east"}, standbys...) {
		w.ports[n] = freePort(t)
	}
	w.sh(`echo "port=$2" >>"$1/east/postgresql.conf"`, dir, strconv.Itoa(w.ports["east"]))
	w.start("east")
	w.sql("east", "create role replicator superuser login replication")
	w.sql("east", "create table t(id int primary key, v text)")
	for _, n := range standbys {
		w.sql("east", "select pg_create_physical_replication_slot('first_"+n+"', true)")
		w.sh(`"$2/pg_basebackup" -D "$1/$3" -d "host=127.0.0.1 port=$4 user=replicator application_name=$3" -X stream -c fast -R -S "first_$3" && sed -i "s/^port=.*/port=$5/" "$1/$3/postgresql.conf"`,
			dir, w.bin, n, strconv.Itoa(w.ports["east"]), strconv.Itoa(w.ports[n]))
		w.start(n)
	}
	w.decode(append([]string{"east"}, standbys...))
	for _, n := range standbys {
		w.eventually(func() bool {
			return w.sql("east", "select count(*) from pg_stat_replication where state='streaming' and application_name='"+n+"'") == "1"
		}, n+" streams")
	}
	return w
}

func (w *world) uid() uint32 {
	if w.local.UID != 0 {
		return w.local.UID
	}
	return uint32(os.Getuid())
}

func (w *world) gid() uint32 {
	if w.local.UID != 0 {
		return w.local.GID
	}
	return uint32(os.Getgid())
}

func (w *world) siteYAML(n string) adaptertest.YAML {
	return adaptertest.YAML(fmt.Sprintf("host: %s\ndata: %s\nbin: %s\nport: %d\nlisten: 127.0.0.1\nsocket: %s/sock\nbackup_dir: %s/backup/%s\n",
		n, filepath.Join(w.dir, n), w.bin, w.ports[n], w.dir, w.dir, n))
}

func (w *world) decode(names []string) {
	e := kit.Entry{Name: "orders", Node: adaptertest.YAML("database: postgres\nuser: postgres\nreplication_user: replicator\n"), Hosts: func(string) bool { return true }}
	for _, n := range names {
		e.Sites = append(e.Sites, kit.SiteEntry{Name: n, Node: w.siteYAML(n)})
	}
	s, err := Adapter{}.Decode(e)
	require.NoError(w.t, err)
	w.sys = s.(*system)
}

func (w *world) close() {
	for n := range w.ports {
		_, _ = w.try(`"$1/pg_ctl" -D "$2" -m immediate -w stop; pid=$(head -n 1 "$2/postmaster.pid" 2>/dev/null); [ -z "$pid" ] || kill -9 "$pid"`, w.bin, w.dir+"/"+n)
	}
	if w.t.Failed() {
		for n := range w.ports {
			out, _ := w.try(`tail -n 15 "$1.log" "$1.switchback/server.log" 2>/dev/null`, w.dir+"/"+n)
			w.t.Logf("log of %s: %s", n, out)
		}
	}
	_ = os.RemoveAll(w.dir)
}

func (w *world) start(n string) {
	w.sh(`"$1/pg_ctl" -D "$2" -l "$2.log" -w start >/dev/null </dev/null 2>&1`, w.bin, w.dir+"/"+n)
}

// kill ends a server as a power failure would.
func (w *world) kill(n string) {
	w.sh(`pid=$(head -n 1 "$1/postmaster.pid"); kill -9 "$pid"; pkill -9 -P "$pid" || :; n=1; while [ $n -gt 0 ]; do n=0; for c in /proc/[0-9]*/cwd; do [ "$c" -ef "$1" ] && n=1; done; sleep 0.02; done`, w.dir+"/"+n)
}

func (w *world) sql(n, q string) string {
	w.t.Helper()
	return w.sh(`"$1/psql" -X -v ON_ERROR_STOP=1 -At -h "$2/sock" -p "$3" -U postgres -d postgres -c "$4"`, w.bin, w.dir, strconv.Itoa(w.ports[n]), q)
}

func (w *world) eventually(f func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, f, 20*time.Second, 50*time.Millisecond, what)
}

func (w *world) env() kit.Env {
	return adaptertest.Env(w.local, func(context.Context, string) (string, error) { return "", dr.Refuse("secret", "no secrets here") })
}

func (w *world) observe() dr.Situation {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return adaptertest.Observe(ctx, w.sys, w.env(), dr.Situation{System: "orders", Product: "postgres", At: time.Now(), Memory: w.memo, Baseline: w.base})
}

func (w *world) plan(req dr.Request, g dr.Gate, run string) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "orders", "test"
	return d, w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: run, Baseline: w.base, Finished: w.finished}, d)
}

// walk carries out a draft's steps in the order of its phases.
func (w *world) walk(req dr.Request, g dr.Gate, d *kit.Draft) {
	w.t.Helper()
	for _, st := range w.steps(req, g, d) {
		res, err := w.execute(st)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Output)
		w.t.Logf("%-45s %-12s %5d ms  %s", st.ID, res.State, res.Took.D().Milliseconds(), res.Text)
	}
}

func (w *world) steps(req dr.Request, g dr.Gate, d *kit.Draft) []dr.Step {
	w.t.Helper()
	return adaptertest.Steps(w.t, req, g, d)
}

func (w *world) execute(st dr.Step) (kit.StepResult, error) {
	w.seq++
	env := w.env()
	env.Job = kit.JobKey{Workflow: "dr-orders", OriginalRun: "r", Gate: "g", Occurrence: w.seq, Step: st.ID, Attempt: 1}
	return kit.Execute(context.Background(), env, adaptertest.Action(w.t, Adapter{}, st.Action), st)
}

var (
	takePlanned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"}
	takeUnplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"}
)
