package address

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
	"github.com/switchback-dr/switchback/lab/host"
)

// server answers every line with its name, until the test ends.
func server(t *testing.T, name string) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) {
		for lines := bufio.NewScanner(c); lines.Scan(); {
			if _, err := fmt.Fprintln(c, name); err != nil {
				return
			}
		}
	})
}

// client is one connection that stays open.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func connect(t *testing.T, p *Proxy) client {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return client{t, c, bufio.NewReader(c)}
}

func (c client) ask() (string, error) {
	if _, err := fmt.Fprintln(c.conn, "who?"); err != nil {
		return "", err
	}
	return c.in.ReadString('\n')
}

func listen(t *testing.T) *Proxy {
	t.Helper()
	p, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestRepointingCutsOldConnectionsAndLeadsNewOnesToTheNewServer(t *testing.T) {
	p := listen(t)
	p.Point("east", server(t, "east"))
	old := connect(t, p)
	said, err := old.ask()
	require.NoError(t, err)
	require.Equal(t, "east\n", said)
	p.Point("west", server(t, "west"))
	_, err = old.ask()
	require.Error(t, err, "the old connection must be cut")
	said, err = connect(t, p).ask()
	require.NoError(t, err)
	require.Equal(t, "west\n", said)
}

func TestAnAddressThatPointsNowhereLetsNobodyThrough(t *testing.T) {
	p := listen(t)
	_, err := io.ReadAll(connect(t, p).conn)
	require.NoError(t, err, "the connection must be closed without a word")
	p.Point("dead", "127.0.0.1:1")
	b, err := io.ReadAll(connect(t, p).conn)
	require.NoError(t, err)
	require.Empty(t, b)
}

func TestPointingToTheSameServerAgainCutsNobody(t *testing.T) {
	p := listen(t)
	at := server(t, "east")
	p.Point("east", at)
	c := connect(t, p)
	_, err := c.ask()
	require.NoError(t, err)
	p.Point("east", at)
	_, err = c.ask()
	require.NoError(t, err)
}

func TestTheProgramPointsTheAddressAndTellsWhereItReallyPoints(t *testing.T) {
	root, err := os.MkdirTemp("", "lab-address-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.Chmod(root, 0o755))
	user, err := host.OrdinaryUser()
	require.NoError(t, err)
	h, err := host.New(host.Config{Name: "edge", Root: filepath.Join(root, "edge"), User: user, Address: "127.77.252.11", Port: 2222, Key: hostKey(t)})
	require.NoError(t, err)
	require.NoError(t, h.PowerOn())
	t.Cleanup(func() { h.PowerOff() })
	p := listen(t)
	east := server(t, "east")
	g, err := Install(h, p, map[string]string{"east": east})
	require.NoError(t, err)
	t.Cleanup(func() { _ = g.Close() })
	say := func(want string, code int, args ...string) {
		t.Helper()
		out, exit, err := h.Run(append([]string{h.Path("bin/client-address")}, args...)...)
		require.NoError(t, err)
		require.Equal(t, want, out)
		require.Equal(t, code, exit.Code)
	}
	say("east\n", 0, "point", "east")
	_, target := p.Pointed()
	require.Equal(t, east, target)
	say("east\n", 0, "show")
	p.Point("elsewhere", "127.0.0.1:1")
	say("elsewhere\n", 0, "show")
	say("none\n", 0, "point", "none")
	_, target = p.Pointed()
	require.Empty(t, target)
	say("client-address: no such site: north\n", 1, "point", "north")
	say("client-address: no such site\n", 2, "point", "x;reboot")
	say("usage: client-address point SITE|none, client-address show\n", 2, "point")
	left, err := filepath.Glob(h.Path(pipeDir, "reply.*"))
	require.NoError(t, err)
	require.Empty(t, left)
	calls, err := h.Calls()
	require.NoError(t, err)
	require.Len(t, calls, 7)
}
