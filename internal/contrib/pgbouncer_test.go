package contrib_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nettest"
)

// pgStage is a real PgBouncer in front of a real PostgreSQL that has two
// addresses: 127.0.0.1 stands for east, 127.0.0.2 for west.
type pgStage struct {
	*localHost
	dir    string
	port   int // of PgBouncer
	server int // of PostgreSQL
	client inventory.Client
	config string
}

// asPostgres gives the attributes of a process that may not run as root.
func asPostgres(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return attr
	}
	u, err := user.Lookup("postgres")
	require.NoError(t, err, "install the Debian package postgresql")
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, uid, gid))
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr
}

// sharedPostgres is the one server of all these tests.
var sharedPostgres struct {
	sync.Once
	port int
	end  func()
}

func endShared() {
	if sharedPostgres.end != nil {
		sharedPostgres.end()
	}
}

func postgresPort(t *testing.T) int {
	t.Helper()
	sharedPostgres.Do(func() {
		dir, err := os.MkdirTemp("", "sbq")
		require.NoError(t, err)
		attr := asPostgres(t, dir)
		cmd := exec.Command(postgresProgram(t, "initdb"), "-D", dir+"/data", "-A", "trust", "-U", "app", "--no-sync", "--no-instructions")
		cmd.SysProcAttr, cmd.Dir = attr, dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		port := nettest.Port(t)
		server := exec.Command(postgresProgram(t, "postgres"), "-D", dir+"/data", "-p", strconv.Itoa(port),
			"-c", "listen_addresses=127.0.0.1,127.0.0.2", "-c", "unix_socket_directories="+dir, "-c", "fsync=off")
		server.SysProcAttr, server.Dir = attr, dir
		require.NoError(t, server.Start())
		sharedPostgres.port = port
		sharedPostgres.end = func() {
			_ = server.Process.Signal(syscall.SIGINT)
			_ = server.Wait()
			_ = os.RemoveAll(dir)
		}
	})
	require.NotZero(t, sharedPostgres.port, "PostgreSQL did not start")
	return sharedPostgres.port
}

// postgresProgram finds a program of the newest server.
func postgresProgram(t *testing.T, name string) string {
	t.Helper()
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	require.NoError(t, err)
	require.NotEmpty(t, all, "install the Debian package postgresql")
	return all[len(all)-1]
}

func newPgBouncer(t *testing.T, settings string) *pgStage {
	t.Helper()
	dir, err := os.MkdirTemp("", "sbp")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	asPostgres(t, dir)
	s := &pgStage{localHost: newLocalHost(t), dir: dir, port: nettest.Port(t), server: postgresPort(t)}
	s.secrets = map[string]string{"console": "open sesame"}
	require.NoError(t, os.WriteFile(dir+"/users", []byte("\"app\" \"word\"\n\"dr\" \"open sesame\"\n"), 0o644))
	s.config = fmt.Sprintf("%%include %s/orders.ini\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir = %s\nauth_type = md5\nauth_file = %s/users\nadmin_users = dr\n%s\n", dir, s.port, dir, dir, settings)
	s.point(t, "127.0.0.1")
	require.NoError(t, os.WriteFile(dir+"/pgbouncer.ini", []byte(s.config), 0o644))
	s.run(t)
	s.client = inventory.Client{Name: "pool", Timeout: dr.Duration(2 * time.Minute), PgBouncer: &inventory.PgBouncer{
		Databases: map[string]string{"orders-db": "dbname=postgres pool_size=5"}, Pause: dr.Duration(time.Minute), Release: dr.Duration(5 * time.Minute),
		Sites:    map[string]inventory.PgTarget{"east": {Address: "127.0.0.1", Port: s.server}, "west": {Address: "127.0.0.2", Port: s.server}},
		Consoles: []inventory.PgConsole{{Host: "pool1", Socket: dir, Port: s.port, User: "dr", Password: "console", File: dir + "/orders.ini", Psql: postgresProgram(t, "psql")}},
	}}
	return s
}

// point writes the included file as an operator would.
func (s *pgStage) point(t *testing.T, address string) {
	t.Helper()
	text := fmt.Sprintf("[databases]\norders-db = host=%s port=%d dbname=postgres\n", address, s.server)
	require.NoError(t, os.WriteFile(s.dir+"/orders.ini", []byte(text), 0o644))
}

// run starts PgBouncer and waits until it serves.
func (s *pgStage) run(t *testing.T) {
	t.Helper()
	programAs(t, asPostgres(t, s.dir), "pgbouncer", "pgbouncer", "-q", s.dir+"/pgbouncer.ini")
	require.Eventually(t, func() bool { _, err := s.ask(t); return err == nil }, time.Minute, 50*time.Millisecond)
}

func (s *pgStage) session(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("postgres://app:word@127.0.0.1:%d/orders-db?sslmode=disable&default_query_exec_mode=simple_protocol", s.port))
}

// ask tells at which address a client's statement arrived.
func (s *pgStage) ask(t *testing.T) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := s.session(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close(ctx) }()
	var at string
	err = c.QueryRow(ctx, "select host(inet_server_addr())").Scan(&at)
	return at, err
}

func (s *pgStage) plan(t *testing.T, mode dr.Mode) *kit.Draft {
	t.Helper()
	in, d := takeover()
	in.Request.Mode = mode
	require.NoError(t, contrib.PgBouncers{List: []inventory.Client{s.client}}.Plan(in, d))
	return d
}

// steadily asks all the time on one kept session and on new ones, and gives
// what failed when it is stopped.
func (s *pgStage) steadily(t *testing.T) (stop func() (asked int, failed []error)) {
	ctx, cancel := context.WithCancel(t.Context())
	type count struct {
		asked  int
		failed []error
	}
	done := make(chan count, 1)
	go func() {
		var n count
		kept, err := s.session(t.Context())
		for err == nil && ctx.Err() == nil {
			var one int
			_, err = s.ask(t)
			if err == nil {
				err = kept.QueryRow(t.Context(), "select 1").Scan(&one)
			}
			n.asked++
		}
		if err != nil {
			n.failed = append(n.failed, err)
		}
		done <- n
	}()
	return func() (int, []error) {
		cancel()
		n := <-done
		return n.asked, n.failed
	}
}

func TestPgBouncerHoldsClientsBackAndLetsThemOnAtTheNewSite(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = transaction")
	d := s.plan(t, dr.ModePlanned)
	stop := s.steadily(t)
	pause := stepNamed(t, d, "isolate.pgbouncer-pause-pool-1")
	execute(t, s.env(), pause)
	require.Equal(t, dr.StepAlready, execute(t, s.env(), pause).State)
	execute(t, s.env(), stepNamed(t, d, "redirect.pgbouncer-point-pool-1"))
	execute(t, s.env(), stepNamed(t, d, "verify.pgbouncer-prove-pool-1"))
	at, err := s.ask(t)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.2", at)
	asked, failed := stop()
	require.Empty(t, failed, "clients see a long query, no error")
	require.Positive(t, asked)
	require.NotContains(t, fmt.Sprint(s.started), "open sesame")

	// It stays so when PgBouncer is started anew, on another port.
	s.port = nettest.Port(t)
	text := fmt.Sprintf("%%include %s/orders.ini\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = md5\nauth_file = %s/users\n", s.dir, s.port, s.dir)
	require.NoError(t, os.WriteFile(s.dir+"/pgbouncer.ini", []byte(text), 0o644))
	s.run(t)
	at, err = s.ask(t)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.2", at)
}

func TestAPauseOfPgBouncerIsTakenBackByItsUndo(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = transaction")
	pause := stepNamed(t, s.plan(t, dr.ModePlanned), "isolate.pgbouncer-pause-pool-1")
	execute(t, s.env(), pause)
	execute(t, s.env(), *pause.Undo)
	at, err := s.ask(t)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", at)
}

func TestPgBouncerLetsClientsOnByItselfWhenNobodyGoesOn(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = transaction")
	s.client.PgBouncer.Release = aLongTime()
	stop := s.steadily(t)
	execute(t, s.env(), stepNamed(t, s.plan(t, dr.ModePlanned), "isolate.pgbouncer-pause-pool-1"))
	endSleep(t, s.client.PgBouncer.Release)
	at, err := s.ask(t)
	require.NoError(t, err, "it waits, and is let on")
	require.Equal(t, "127.0.0.1", at)
	_, failed := stop()
	require.Empty(t, failed)
}

func TestADatabaseThatDoesNotComeToRestIsLetGoAtOnce(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = transaction")
	s.client.PgBouncer.Pause = dr.Duration(time.Second)
	busy, err := s.session(t.Context())
	require.NoError(t, err)
	_, err = busy.Exec(t.Context(), "begin")
	require.NoError(t, err)
	st := stepNamed(t, s.plan(t, dr.ModePlanned), "isolate.pgbouncer-pause-pool-1")
	_, err = kit.Execute(t.Context(), s.env(), action(t, st.Action), st)
	require.ErrorContains(t, err, "orders-db did not come to rest within 1 s: all clients were let on again")
	_, err = s.ask(t)
	require.NoError(t, err)
	_, err = busy.Exec(t.Context(), "commit")
	require.NoError(t, err, "the client that was busy keeps its transaction")
}

func TestALostServersConnectionsAreEndedWhenPgBouncerIsPointed(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = transaction")
	busy, err := s.session(t.Context())
	require.NoError(t, err)
	_, err = busy.Exec(t.Context(), "begin")
	require.NoError(t, err)
	d := s.plan(t, dr.ModeUnplanned)
	require.Len(t, d.Consequences(), 1)
	execute(t, s.env(), stepNamed(t, d, "redirect.pgbouncer-point-pool-1"))
	_, err = busy.Exec(t.Context(), "commit")
	require.Error(t, err, "it would wait for ever otherwise")
	at, err := s.ask(t)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.2", at)
}

func TestWhatPgBouncerCannotDoIsOneSentence(t *testing.T) {
	t.Parallel()
	s := newPgBouncer(t, "pool_mode = session")
	good := *s.client.PgBouncer
	for text, change := range map[string]func(*inventory.PgBouncer){
		"is pooled by session":           func(*inventory.PgBouncer) {},
		"has no database other":          func(p *inventory.PgBouncer) { p.Databases = map[string]string{"other": ""} },
		"could not be asked at /nowhere": func(p *inventory.PgBouncer) { p.Consoles[0].Socket = "/nowhere" },
		"FATAL: not allowed":             func(p *inventory.PgBouncer) { p.Consoles[0].User = "app" },
	} {
		p := good
		p.Consoles = append([]inventory.PgConsole(nil), good.Consoles...)
		change(&p)
		s.client.PgBouncer, s.client.Timeout = &p, dr.Duration(30*time.Second)
		if p.Consoles[0] != good.Consoles[0] { // it is asked for again until then
			p.Pause, s.client.Timeout = dr.Duration(time.Second), dr.Duration(3*time.Second)
		}
		st := stepNamed(t, s.plan(t, dr.ModePlanned), "isolate.pgbouncer-pause-pool-1")
		_, err := kit.Execute(t.Context(), s.env(), action(t, st.Action), st)
		require.ErrorContains(t, err, text)
		require.Empty(t, s.started, "nothing is sent")
	}
}
