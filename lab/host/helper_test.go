package host

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// patience bounds every wait of these tests.
const patience = 10 * time.Second

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return s
}

// testHost is a host that is on, with the key that logs in.
type testHost struct {
	*Host
	key ssh.Signer
}

func newHost(t *testing.T, change func(*Config)) *testHost {
	t.Helper()
	// The test's own temporary directory is closed to the ordinary user.
	root, err := os.MkdirTemp("", "lab-host-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.Chmod(root, 0o755))
	user, err := OrdinaryUser()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.77.251.11:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	key := signer(t)
	c := Config{Name: "east", Address: "127.77.251.11", Port: port, Root: filepath.Join(root, "east"), User: user, Key: signer(t), Clients: []ssh.PublicKey{key.PublicKey()}}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	require.NoError(t, err)
	require.NoError(t, h.PowerOn())
	t.Cleanup(func() { h.PowerOff() })
	return &testHost{h, key}
}

func (h *testHost) dial(user string, key ssh.Signer, timeout time.Duration) (*ssh.Client, error) {
	c, err := net.DialTimeout("tcp", h.Endpoint(), timeout)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(timeout))
	conn, channels, requests, err := ssh.NewClientConn(c, h.Endpoint(), &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.FixedHostKey(h.Key.PublicKey()),
	})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	return ssh.NewClient(conn, channels, requests), nil
}

func (h *testHost) login(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := h.dial("lab", h.key, patience)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// result is what a command gave over SSH.
type result struct {
	out, err string
	code     int
	signal   string
}

func sh(t *testing.T, c *ssh.Client, command string) result {
	t.Helper()
	s, err := c.NewSession()
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	var out, errs bytes.Buffer
	s.Stdout, s.Stderr = &out, &errs
	r := result{}
	var exit *ssh.ExitError
	if err := s.Run(command); errors.As(err, &exit) {
		r.code, r.signal = exit.ExitStatus(), exit.Signal()
	} else {
		require.NoError(t, err)
	}
	r.out, r.err = out.String(), errs.String()
	return r
}

func running(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b[bytes.LastIndexByte(b, ')'):]), " Z ")
}

func exists(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return err == nil
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, patience, 2*time.Millisecond, what)
}

func cmdline(pid int) string {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return strings.ReplaceAll(string(b), "\x00", " ")
}
