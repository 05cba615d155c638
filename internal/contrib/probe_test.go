package contrib_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	mysqlserver "github.com/go-mysql-org/go-mysql/server"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nettest"
)

// pgCluster is a real PostgreSQL on loopback.
type pgCluster struct {
	t    *testing.T
	dir  string
	addr string
	cmd  *exec.Cmd
}

// pgRun runs a program of PostgreSQL, which refuses to be root.
func pgRun(ctx context.Context, name string, args ...string) *exec.Cmd {
	path, err := exec.LookPath(name)
	if err != nil {
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
			path = found[len(found)-1]
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr, cmd.Dir = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	return cmd
}

func pgDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "probe")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(dir, 65534, 65534))
	}
	return filepath.Join(dir, "data")
}

// start runs the server until the test ends or stop is called.
func (c *pgCluster) start() {
	c.t.Helper()
	c.addr = nettest.Address(c.t)
	host, port, err := net.SplitHostPort(c.addr)
	require.NoError(c.t, err)
	var said bytes.Buffer
	c.cmd = pgRun(context.WithoutCancel(c.t.Context()), "postgres", "-D", c.dir, "-k", filepath.Dir(c.dir), "-p", port, "-c", "listen_addresses="+host, "-c", "fsync=off")
	c.cmd.Stdout, c.cmd.Stderr = &said, &said
	require.NoError(c.t, c.cmd.Start(), "install the Debian package postgresql")
	c.t.Cleanup(c.stop)
	require.Eventually(c.t, func() bool { return c.try("SELECT 1") == nil }, 2*time.Minute, 50*time.Millisecond, "the server does not answer")
}

func (c *pgCluster) stop() {
	if c.cmd != nil {
		_ = c.cmd.Process.Signal(syscall.SIGINT)
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

func (c *pgCluster) try(statement string) error {
	conn, err := pgx.Connect(c.t.Context(), "postgres://probe@"+c.addr+"/postgres?sslmode=disable")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(c.t.Context())) }()
	_, err = conn.Exec(c.t.Context(), statement)
	return err
}

func (c *pgCluster) do(statement string) {
	c.t.Helper()
	require.NoError(c.t, c.try(statement))
}

// pair is a primary and a standby of the same data.
func pair(t *testing.T) (east, west *pgCluster) {
	t.Helper()
	east, west = &pgCluster{t: t, dir: pgDir(t)}, &pgCluster{t: t, dir: pgDir(t)}
	out, err := pgRun(t.Context(), "initdb", "-D", east.dir, "-U", "probe", "-A", "trust", "--no-sync", "--no-instructions").CombinedOutput()
	require.NoError(t, err, "%s", out)
	copied := pgRun(t.Context(), "cp", "-R", east.dir, west.dir)
	out, err = copied.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(filepath.Join(west.dir, "standby.signal"), nil, 0o644))
	east.start()
	west.start()
	return east, west
}

// forward is an address of clients that leads somewhere else when told so.
func forward(t *testing.T, to *atomic.Value) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) { nettest.Forward(c, to.Load().(string)) })
}

// probeSteps gives the two proofs of a takeover from east to west.
func probeSteps(t *testing.T, p inventory.Probe) (client, old dr.Step) {
	t.Helper()
	list := contrib.Probes{List: []inventory.Client{{Name: "shop", Timeout: dr.Duration(20 * time.Second), Probe: &p}}}
	in, d := takeover()
	name := dr.ActionProbeClient
	if p.Kind == inventory.ProbeTCP {
		name = "probe.tcp"
	}
	client = planned(t, list, in, d, name)
	in, d = takeover()
	return client, planned(t, list, in, d, "probe.old")
}

func probeSays(t *testing.T, env kit.Env, st dr.Step) kit.Effect {
	t.Helper()
	return action(t, st.Action).Probe(t.Context(), env, st.Args)
}

func TestAProbeOfPostgreSQLTellsTheNewPrimaryFromEveryOtherServer(t *testing.T) {
	t.Parallel()
	east, west := pair(t)
	var to atomic.Value
	to.Store(east.addr)
	env, _ := dnsEnv("unused secret")
	client, old := probeSteps(t, inventory.Probe{
		Kind: inventory.ProbePostgres, Address: forward(t, &to), Sites: map[string]string{"east": east.addr, "west": west.addr},
		Database: "postgres", User: "probe", Credential: "probe", TLS: "off",
	})
	says := func(st dr.Step, state kit.EffectState, text string) kit.Effect {
		t.Helper()
		e := probeSays(t, env, st)
		require.Equal(t, state, e.State, e.Text)
		require.Contains(t, e.Text, text)
		return e
	}
	says(client, kit.EffectNotDone, "leads to another server than west")
	to.Store(west.addr)
	says(client, kit.EffectNotDone, "leads to west, which takes no writes")
	west.do("SELECT pg_promote()")
	e := says(client, kit.EffectDone, "leads to west, which takes writes (answered within ")
	require.Equal(t, e.Text, e.Evidence[0].Text, "it stands in the report")

	_, err := kit.Execute(t.Context(), env, action(t, old.Action), old)
	require.True(t, dr.HasCode(err, "old_site_writes"), "%v", err)
	require.ErrorContains(t, err, "east ("+east.addr+") still takes writes")
	east.do("ALTER SYSTEM SET default_transaction_read_only = on")
	east.do("SELECT pg_reload_conf()")
	require.Eventually(t, func() bool { return probeSays(t, env, old).State == kit.EffectDone }, time.Minute, 50*time.Millisecond)
	says(old, kit.EffectDone, "east ("+east.addr+") takes no writes")
	east.stop()
	res, err := kit.Execute(t.Context(), env, action(t, old.Action), old)
	require.NoError(t, err)
	require.Contains(t, res.Text, "whether east takes writes could not be asked: "+east.addr+" gives probe no answer: connection refused")
	to.Store(east.addr)
	says(client, kit.EffectUnknown, "gives probe no answer")
}

// variables answers MySQL's question as a server of that name.
type variables struct {
	mysqlserver.EmptyHandler
	uuid   string
	writes int
}

func (v variables) HandleQuery(string) (*gomysql.Result, error) {
	set, err := gomysql.BuildSimpleTextResultset([]string{"a", "b"}, [][]any{{v.uuid, v.writes}})
	return gomysql.NewResult(set), err
}

// speaker has keys of its own, which take time to make.
var speaker = sync.OnceValue(mysqlserver.NewDefaultServer)

// speaksMySQL serves MySQL's protocol as one server.
func speaksMySQL(t *testing.T, v variables) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) {
		conn, err := speaker().NewConn(c, "probe", "right password", v)
		for err == nil {
			err = conn.HandleCommand()
		}
	})
}

func TestAProbeOfMySQLComparesServersAndReadsWhetherTheyTakeWrites(t *testing.T) {
	t.Parallel()
	east, west, readonly := speaksMySQL(t, variables{uuid: "e", writes: 1}), speaksMySQL(t, variables{uuid: "w", writes: 1}), speaksMySQL(t, variables{uuid: "w", writes: 0})
	env, _ := dnsEnv("right password")
	ask := func(env kit.Env, address, site string) (client, old kit.Effect) {
		t.Helper()
		c, o := probeSteps(t, inventory.Probe{
			Kind: inventory.ProbeMySQL, Address: address, Sites: map[string]string{"east": readonly, "west": site}, User: "probe", Credential: "probe", TLS: "off",
		})
		return probeSays(t, env, c), probeSays(t, env, o)
	}
	client, old := ask(env, west, west)
	require.Equal(t, kit.EffectDone, client.State, client.Text)
	require.Equal(t, kit.EffectDone, old.State, old.Text)
	require.Contains(t, old.Text, "takes no writes")
	client, _ = ask(env, east, west)
	require.Equal(t, kit.EffectNotDone, client.State, client.Text)
	client, _ = ask(env, readonly, readonly)
	require.Contains(t, client.Text, "takes no writes")
	wrong, _ := dnsEnv("wrong password")
	client, old = ask(wrong, west, west)
	require.Equal(t, kit.EffectUnknown, client.State)
	require.Contains(t, client.Text, "Access denied")
	require.NotContains(t, client.Text, "wrong password")
	require.Contains(t, old.Text, "could not be asked")
}

func TestAProbeByTCPSaysHowLittleItTells(t *testing.T) {
	t.Parallel()
	env, _ := dnsEnv("")
	var to atomic.Value
	open, shut := forward(t, &to), nettest.Address(t)
	to.Store(shut)
	client, old := probeSteps(t, inventory.Probe{Kind: inventory.ProbeTCP, Address: open, Sites: map[string]string{"east": shut, "west": open}})
	require.Contains(t, probeSays(t, env, client).Text, "does not tell at which site")
	require.Contains(t, probeSays(t, env, old).Text, "east ("+shut+") takes no connections")
	client, old = probeSteps(t, inventory.Probe{Kind: inventory.ProbeTCP, Address: shut, Sites: map[string]string{"east": open, "west": open}})
	require.Equal(t, kit.EffectNotDone, probeSays(t, env, client).State)
	require.Contains(t, probeSays(t, env, old).Text, "whether east takes writes could not be asked")
}

func TestAProbeByCommandIsReadByItsExitCodeAlone(t *testing.T) {
	p := inventory.Probe{
		Kind: inventory.ProbeCommand, Host: "app", Reaches: map[string][]string{"west": {"probe", "west"}, "east": {"probe", "east"}},
		Writes: map[string][]string{"east": {"writes", "east"}, "west": {"writes", "west"}},
	}
	client, old := probeSteps(t, p)
	for exit, want := range map[int]kit.EffectState{0: kit.EffectDone, 1: kit.EffectNotDone, 2: kit.EffectUnknown, 127: kit.EffectUnknown} {
		require.Equal(t, want, probe(t, client, kit.Output{Exit: exit}, nil, "probe west").State, strconv.Itoa(exit))
	}
	require.Error(t, probe(t, old, kit.Output{Exit: 0}, nil, "writes east").Never, "the old site takes writes: nobody waits for that to end")
	require.Contains(t, probe(t, old, kit.Output{Exit: 1}, nil, "writes east").Text, "takes no writes")
	for _, e := range []kit.Effect{probe(t, old, kit.Output{Exit: 9}, nil, "writes east"), probe(t, old, kit.Output{}, dr.Retry("unreachable", "no answer"), "writes east")} {
		require.Equal(t, kit.EffectDone, e.State)
		require.Contains(t, e.Text, "whether east takes writes could not be asked")
	}
}
