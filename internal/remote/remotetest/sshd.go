// Package remotetest starts Debian's OpenSSH server for tests, on a loopback
// port, with its own host key, known_hosts file and login key.
package remotetest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/switchback-dr/switchback/internal/nettest"
	"github.com/switchback-dr/switchback/internal/remote"
)

// Server is one running sshd.
type Server struct {
	Port       int
	Dir        string
	KeyFile    string
	KnownHosts string
	Signer     ssh.Signer
	HostKey    ssh.PublicKey
	cmd        *exec.Cmd
}

const sshd = "/usr/sbin/sshd"

// Start runs an sshd until the test ends; extra lines are added to its
// configuration.
func Start(t testing.TB, extra ...string) *Server {
	t.Helper()
	if _, err := os.Stat(sshd); err != nil {
		t.Fatalf("%s is missing: install the Debian package openssh-server", sshd)
	}
	if os.Geteuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755), "sshd needs its directory for privilege separation")
	}
	dir, err := os.MkdirTemp("", "sshd")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// Other users' logins read authorized_keys below it.
	require.NoError(t, os.Chmod(dir, 0o755))
	s := &Server{Dir: dir, Port: nettest.Port(t), KeyFile: filepath.Join(dir, "id"), KnownHosts: filepath.Join(dir, "known_hosts")}
	s.Signer = writeKey(t, s.KeyFile)
	s.HostKey = writeKey(t, filepath.Join(dir, "host")).PublicKey()
	write(t, filepath.Join(dir, "authorized_keys"), ssh.MarshalAuthorizedKey(s.Signer.PublicKey()), 0o644)
	line := knownhosts.Line([]string{s.Address()}, s.HostKey) + "\n"
	write(t, s.KnownHosts, []byte(line), 0o644)
	s.run(t, extra)
	return s
}

// Address is host:port.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// Endpoint is the server as the current user, with jobs in their own directory.
func (s *Server) Endpoint(t testing.TB, name string) remote.Endpoint {
	me, err := user.Current()
	require.NoError(t, err)
	return remote.Endpoint{
		Name: name, Address: "127.0.0.1", Port: s.Port, User: me.Username,
		KeyFiles: []string{s.KeyFile}, KnownHosts: []string{s.KnownHosts}, JobDir: filepath.Join(s.Dir, "jobs"),
	}
}

// KillConnections ends the processes of all connections, as a network that
// fails would; the server goes on.
func (s *Server) KillConnections(t testing.TB) {
	t.Helper()
	s.SignalConnections(t, "KILL")
}

// SignalConnections sends a signal to the processes of all connections: STOP
// makes a host that is silent but keeps TCP open.
func (s *Server) SignalConnections(t testing.TB, signal string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-A", "-o", "pid=", "-o", "ppid=").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 2 && f[1] == fmt.Sprint(s.cmd.Process.Pid) {
			_ = exec.CommandContext(t.Context(), "kill", "-"+signal, f[0]).Run()
		}
	}
}

// Logins counts the logins so far.
func (s *Server) Logins(t testing.TB) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	require.NoError(t, err)
	return strings.Count(string(log), "Accepted ")
}

func (s *Server) run(t testing.TB, extra []string) {
	t.Helper()
	lines := append([]string{
		fmt.Sprintf("ListenAddress %s", s.Address()),
		"HostKey " + filepath.Join(s.Dir, "host"), "PidFile none", "UsePAM no", "StrictModes no",
		"AuthorizedKeysFile " + filepath.Join(s.Dir, "authorized_keys"),
		"PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "MaxStartups 100",
	}, extra...)
	config := filepath.Join(s.Dir, "sshd_config")
	write(t, config, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
	log, err := os.Create(filepath.Join(s.Dir, "log"))
	require.NoError(t, err)
	s.cmd = exec.CommandContext(context.Background(), sshd, "-D", "-e", "-f", config)
	s.cmd.Stderr = log
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		s.KillConnections(cleanup{t})
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		_ = log.Close()
	})
	require.Eventually(t, func() bool {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "sshd does not listen; see %s/log", s.Dir)
}

// cleanup is a test whose context is not over yet.
type cleanup struct{ testing.TB }

func (cleanup) Context() context.Context { return context.Background() }

func writeKey(t testing.TB, file string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	write(t, file, pem.EncodeToMemory(block), 0o600)
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return s
}

func write(t testing.TB, file string, data []byte, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, data, mode))
}
