package remote_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/remote"
	"github.com/switchback-dr/switchback/internal/remote/remotetest"
)

// otherKey is a key that no server has.
func otherKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	k, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return k
}

func knownHostsFile(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	return file
}

func TestAnUnknownOrChangedHostKeyIsRefused(t *testing.T) {
	s := remotetest.Start(t)
	offered := ssh.FingerprintSHA256(s.HostKey)
	for name, lines := range map[string]string{
		"unknown": "",
		"changed": knownhosts.Line([]string{s.Address()}, otherKey(t)) + "\n",
		"revoked": "@revoked * " + string(ssh.MarshalAuthorizedKey(s.HostKey)),
	} {
		ep := s.Endpoint(t, "db1")
		ep.KnownHosts = []string{knownHostsFile(t, lines)}
		_, err := hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
		require.True(t, dr.HasCode(err, "host_key"), "%s: %v", name, err)
		require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
		require.ErrorContains(t, err, offered)
		require.ErrorContains(t, err, s.Address())
		require.ErrorContains(t, err, ep.KnownHosts[0])
	}
	require.Zero(t, s.Logins(t))
}

func TestAServerWithoutTheKnownTypeOfKeyIsRefused(t *testing.T) {
	s := remotetest.Start(t)
	ep := s.Endpoint(t, "db1")
	ep.KnownHosts = []string{knownHostsFile(t, fmt.Sprintf("[127.0.0.1]:%d ecdsa-sha2-nistp256 %s\n", s.Port,
		"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="))}
	_, err := hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "host_key"), "%v", err)
}

func TestThePinComesFromKnownHostsWithoutConnecting(t *testing.T) {
	ep := remote.Endpoint{Name: "db1", Address: "192.0.2.1", User: "postgres"}
	k := otherKey(t)
	ep.KnownHosts = []string{knownHostsFile(t, knownhosts.Line([]string{"192.0.2.1"}, k)+"\n")}
	require.Equal(t, dr.HostPin{Name: "db1", Address: "192.0.2.1", Port: 22, User: "postgres", Fingerprint: ssh.FingerprintSHA256(k)},
		hostOf(t, remote.Options{}, ep).Pin())
}

func TestALoginThatIsRefusedSaysSo(t *testing.T) {
	s, other := remotetest.Start(t), remotetest.Start(t)
	ep := s.Endpoint(t, "db1")
	ep.KeyFiles = []string{other.KeyFile}
	_, err := hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "auth"), "%v", err)
}

func TestAKeyWithAPassphraseIsRefusedWithAdvice(t *testing.T) {
	s := remotetest.Start(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("word"))
	require.NoError(t, err)
	ep := s.Endpoint(t, "db1")
	ep.KeyFiles = []string{filepath.Join(t.TempDir(), "id")}
	require.NoError(t, os.WriteFile(ep.KeyFiles[0], pem.EncodeToMemory(block), 0o600))
	_, err = hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "auth"), "%v", err)
	require.ErrorContains(t, err, "agent")
}

func TestTheAgentsKeyIsUsed(t *testing.T) {
	s := remotetest.Start(t)
	raw, err := os.ReadFile(s.KeyFile)
	require.NoError(t, err)
	private, err := ssh.ParseRawPrivateKey(raw)
	require.NoError(t, err)
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: private}))
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	ep := s.Endpoint(t, "db1")
	ep.KeyFiles, ep.UseAgent = nil, true
	_, err = hostOf(t, remote.Options{AgentSocket: socket}, ep).Read(t.Context(), sh("true"))
	require.NoError(t, err)
}

func TestAHostBehindTwoJumpHostsIsReached(t *testing.T) {
	outer, inner, target := remotetest.Start(t), remotetest.Start(t), remotetest.Start(t)
	a, b, c := outer.Endpoint(t, "outer"), inner.Endpoint(t, "inner"), target.Endpoint(t, "db1")
	b.Jump, c.Jump = "outer", "inner"
	h := hostOf(t, remote.Options{}, c, a, b)
	out, err := h.Read(t.Context(), sh("echo $SSH_CONNECTION | cut -d' ' -f4"))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d\n", target.Port), out.Stdout)
	require.Equal(t, []int{1, 1, 1}, []int{outer.Logins(t), inner.Logins(t), target.Logins(t)})
}

func TestJumpHostsInACircleAreRefused(t *testing.T) {
	a := remote.Endpoint{Name: "a1", Address: "192.0.2.1", User: "u", Jump: "b1"}
	b := remote.Endpoint{Name: "b1", Address: "192.0.2.2", User: "u", Jump: "a1"}
	p := remote.NewPool([]remote.Endpoint{a, b}, remote.Options{})
	defer p.Close()
	_, err := p.Host("a1")
	require.True(t, dr.HasCode(err, "endpoint"), "%v", err)
}

func TestAClosedPortIsUnreachable(t *testing.T) {
	s := remotetest.Start(t)
	ep := s.Endpoint(t, "db1")
	ep.Port = 1
	_, err := hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "unreachable"), "%v", err)
	require.ErrorContains(t, err, "127.0.0.1:1")
}

// TestAServerThatStopsAnsweringIsGivenUp stops the server's processes: TCP
// stays open and says nothing.
func TestAServerThatStopsAnsweringIsGivenUp(t *testing.T) {
	s := remotetest.Start(t)
	h := hostOf(t, remote.Options{KeepAlive: 100 * time.Millisecond, KeepAliveTimeout: 300 * time.Millisecond, DialTimeout: time.Second}, s.Endpoint(t, "db1"))
	_, err := h.Read(t.Context(), sh("true"))
	require.NoError(t, err)
	s.SignalConnections(t, "STOP")
	began := time.Now()
	_, err = h.Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "unreachable"), "%v", err)
	require.Less(t, time.Since(began), 5*time.Second)
	_, err = h.Read(t.Context(), sh("true"))
	require.NoError(t, err, "a new connection serves the next call")
	s.KillConnections(t)
}

func TestToolsAreFoundOrMissing(t *testing.T) {
	s := remotetest.Start(t)
	p := remote.NewPool([]remote.Endpoint{s.Endpoint(t, "db1")}, remote.Options{})
	t.Cleanup(p.Close)
	require.NoError(t, p.Ping(t.Context(), "db1"))
	require.NoError(t, p.CheckTool(t.Context(), "db1", kit.Tool{Name: "sh", Path: "/bin/sh"}))
	require.NoError(t, p.CheckTool(t.Context(), "db1", kit.Tool{Name: "ls", Path: "ls", Login: true}))
	err := p.CheckTool(t.Context(), "db1", kit.Tool{Name: "hdbnsutil", Path: "hdbnsutil", Hint: "SAP HANA"})
	require.True(t, dr.HasCode(err, "tool_missing"), "%v", err)
	require.ErrorContains(t, err, "SAP HANA")
	_, err = p.Host("db9")
	require.True(t, dr.HasCode(err, "unknown_host"), "%v", err)
}

// cshUser makes a user whose csh prints noise at every start.
func cshUser(t *testing.T) (name, home string) {
	t.Helper()
	require.Zero(t, os.Geteuid(), "this test makes a user with csh as login shell: run it as root")
	_, err := os.Stat("/bin/csh")
	require.NoError(t, err, "install the Debian package csh")
	name = fmt.Sprintf("sbcsh%d", os.Getpid())
	home = filepath.Join("/home", name)
	out, err := exec.CommandContext(t.Context(), "useradd", "-m", "-d", home, "-s", "/bin/csh", "-p", "*", name).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "pkill", "-KILL", "-u", name).Run()
		out, err := exec.CommandContext(context.Background(), "userdel", "-r", "-f", name).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
	for file, text := range map[string]string{
		".cshrc": "echo 'banner of cshrc: $HOME !'\nsetenv FROM_CSHRC yes\n",
		".login": "echo 'banner of login'\nsetenv FROM_LOGIN 'it is me'\nset path = ($home/tools $path)\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(home, file), []byte(text), 0o644))
	}
	return name, home
}

func TestALoginShellThatIsCshAndNoisyServesAsWell(t *testing.T) {
	name, home := cshUser(t)
	s := remotetest.Start(t)
	ep := s.Endpoint(t, "db1")
	ep.User, ep.JobDir = name, ""
	h := hostOf(t, remote.Options{}, ep)
	text := "a!b !! 'q' \"d\" $HOME\nnew\\line\n"
	for _, login := range []bool{false, true, false, true} {
		cmd := sh(`printf '%s' "$1"; echo "[$FROM_CSHRC][$FROM_LOGIN]"; exit 3`, text)
		cmd.Login = login
		out, err := h.Read(t.Context(), cmd)
		require.NoError(t, err)
		want := text + "[yes][]\n"
		if login {
			want = text + "[yes][it is me]\n"
		}
		require.Equal(t, want, out.Stdout)
		require.Empty(t, out.Stderr)
		require.Equal(t, 3, out.Exit)
	}
	cmd := sh(`echo "$FROM_LOGIN"; echo "$PATH"`)
	cmd.Login = true
	j, err := h.Start(t.Context(), key("csh"), cmd, 0, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.Contains(t, j.Stdout, "it is me\n"+home+"/tools:")
	require.Equal(t, home+"/.switchback/jobs/dr-orders/"+key("x").OriginalRun+"/decide-1/csh-1", j.Dir)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = h.Read(ctx, dr.Command{Argv: []string{"sleep", "55555"}})
	require.Error(t, err)
	require.Eventually(t, func() bool {
		return exec.CommandContext(t.Context(), "pgrep", "-u", name, "-x", "sleep").Run() != nil
	}, 5*time.Second, 20*time.Millisecond)
}

func TestALoginWithoutAShellSaysSo(t *testing.T) {
	name, _ := cshUser(t)
	require.NoError(t, exec.CommandContext(t.Context(), "usermod", "-s", "/usr/sbin/nologin", name).Run())
	s := remotetest.Start(t)
	ep := s.Endpoint(t, "db1")
	ep.User = name
	_, err := hostOf(t, remote.Options{}, ep).Read(t.Context(), sh("true"))
	require.True(t, dr.HasCode(err, "no_shell"), "%v", err)
	require.ErrorContains(t, err, "not available")
}
