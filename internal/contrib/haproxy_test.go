package contrib_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nettest"
)

// haproxyStage is a real HAProxy in front of two servers that tell their name
// and then echo.
type haproxyStage struct {
	*localHost
	socket, tcp, front string
	client             inventory.Client
}

func named(t *testing.T, name string) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) {
		_, _ = io.WriteString(c, name+"\n")
		_, _ = io.Copy(c, c)
	})
}

func newHAProxy(t *testing.T) *haproxyStage {
	t.Helper()
	// A short path: sockets have at most 108 bytes.
	dir, err := os.MkdirTemp("", "sbh")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &haproxyStage{localHost: newLocalHost(t), socket: filepath.Join(dir, "admin.sock"), tcp: nettest.Address(t), front: nettest.Address(t)}
	config := fmt.Sprintf(`global
  stats socket %s level admin
  stats socket %s level operator
  stats socket ipv4@%s level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 1m
  timeout server 1m
frontend clients
  bind %s
  default_backend orders
backend orders
  server db-east %s check inter 200ms
  server db-west %s check inter 200ms disabled
`, s.socket, s.socket+".weak", s.tcp, s.front, named(t, "east"), named(t, "west"))
	file := filepath.Join(dir, "haproxy.cfg")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	program(t, "haproxy", "haproxy", "-db", "-f", file)
	require.Eventually(t, func() bool { return s.reached(t) == "east" }, 20*time.Second, 50*time.Millisecond)
	s.client = inventory.Client{Name: "lb", Timeout: dr.Duration(30 * time.Second), HAProxy: &inventory.HAProxy{
		Backend: "orders", Servers: map[string]string{"east": "db-east", "west": "db-west"}, Release: dr.Duration(time.Minute),
		Proxies: []inventory.Proxy{{Host: "lb1", Socket: s.socket}},
	}}
	return s
}

// session opens a client's session; "" when nobody takes it.
func (s *haproxyStage) session(t *testing.T) (net.Conn, string) {
	t.Helper()
	c, err := net.Dial("tcp", s.front)
	if err != nil {
		return nil, ""
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	name, _ := bufio.NewReaderSize(c, 16).ReadString('\n')
	return c, strings.TrimSpace(name)
}

func (s *haproxyStage) reached(t *testing.T) string {
	c, name := s.session(t)
	if c != nil {
		_ = c.Close()
	}
	return name
}

// plan gives the steps of a takeover from east to west.
func (s *haproxyStage) plan(t *testing.T) *kit.Draft {
	t.Helper()
	in, d := takeover()
	require.NoError(t, contrib.HAProxies{List: []inventory.Client{s.client}}.Plan(in, d))
	return d
}

func TestHAProxyKeepsClientsAwayAndSendsThemToTheNewSite(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(*haproxyStage){
		"by its socket":         func(*haproxyStage) {},
		"by TCP":                func(s *haproxyStage) { s.client.HAProxy.Proxies[0] = inventory.Proxy{Host: "lb1", Address: s.tcp} },
		"on hosts without perl": func(s *haproxyStage) { s.path = without(t, "perl") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHAProxy(t)
			at(s)
			d := s.plan(t)
			old, who := s.session(t)
			require.Equal(t, "east", who)
			shut := stepNamed(t, d, "isolate.haproxy-close-lb-1")
			execute(t, s.env(), shut)
			_, err := old.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "its session has ended")
			require.Empty(t, s.reached(t), "nobody takes clients")
			execute(t, s.env(), stepNamed(t, d, "redirect.haproxy-open-lb-1"))
			execute(t, s.env(), stepNamed(t, d, "verify.haproxy-prove-lb-1"))
			require.Equal(t, "west", s.reached(t))
			require.Len(t, s.started, 2)
			require.Equal(t, dr.StepAlready, execute(t, s.env(), stepNamed(t, d, "redirect.haproxy-open-lb-1")).State)
			execute(t, s.env(), *shut.Undo)
			require.Equal(t, "east", s.reached(t))
		})
	}
}

func TestHAProxyLetsClientsInAgainByItselfWhenNobodyGoesOn(t *testing.T) {
	t.Parallel()
	s := newHAProxy(t)
	s.client.HAProxy.Release = aLongTime()
	execute(t, s.env(), stepNamed(t, s.plan(t), "isolate.haproxy-close-lb-1"))
	endSleep(t, s.client.HAProxy.Release)
	require.Eventually(t, func() bool { return s.reached(t) == "east" }, time.Minute, 50*time.Millisecond)
}

func TestHAProxysReleaseIsTakenBackByTheRedirection(t *testing.T) {
	t.Parallel()
	s := newHAProxy(t)
	s.client.HAProxy.Release = aLongTime()
	d := s.plan(t)
	execute(t, s.env(), stepNamed(t, d, "isolate.haproxy-close-lb-1"))
	execute(t, s.env(), stepNamed(t, d, "redirect.haproxy-open-lb-1"))
	endSleep(t, s.client.HAProxy.Release)
	require.Never(t, func() bool { return s.reached(t) != "west" }, time.Second, 50*time.Millisecond)
}

func TestClientsAreNeverLetInAgainToASiteThatIsGivenUpForLost(t *testing.T) {
	t.Parallel()
	s := newHAProxy(t)
	s.client.HAProxy.Release, s.client.HAProxy.Drain = aLongTime(), aLongTime()
	in, d := takeover()
	in.Request.Mode = dr.ModeUnplanned
	require.NoError(t, contrib.HAProxies{List: []inventory.Client{s.client}}.Plan(in, d))
	execute(t, s.env(), stepNamed(t, d, "isolate.haproxy-close-lb-1"))
	require.Empty(t, s.reached(t))
	left, err := filepath.Glob(s.home + "/.switchback/release/*")
	require.NoError(t, err)
	require.Empty(t, left, "nothing would let them in")
}

func TestHAProxyLetsClientsAtWorkFinishWithinTheDrain(t *testing.T) {
	t.Parallel()
	s := newHAProxy(t)
	s.client.HAProxy.Drain = dr.Duration(20 * time.Second)
	at, _ := s.session(t)
	done := make(chan string, 1)
	go func() {
		// The client works on while no new one is let in.
		for s.reached(t) != "" {
			time.Sleep(10 * time.Millisecond)
		}
		_, err := io.WriteString(at, "x")
		b := make([]byte, 1)
		if err == nil {
			_, err = at.Read(b)
		}
		_ = at.Close()
		done <- fmt.Sprint(string(b), err)
	}()
	execute(t, s.env(), stepNamed(t, s.plan(t), "isolate.haproxy-close-lb-1"))
	require.Equal(t, "x<nil>", <-done)
}

func TestWhatHAProxyCannotDoIsOneSentence(t *testing.T) {
	t.Parallel()
	s := newHAProxy(t)
	good := *s.client.HAProxy
	for text, change := range map[string]func(*inventory.HAProxy){
		"Can't find backend":                       func(h *inventory.HAProxy) { h.Backend = "nobody" },
		"has no server db-north":                   func(h *inventory.HAProxy) { h.Servers = map[string]string{"east": "db-east", "west": "db-north"} },
		"Permission denied":                        func(h *inventory.HAProxy) { h.Proxies = []inventory.Proxy{{Host: "lb1", Socket: s.socket + ".weak"}} },
		"could not be asked at " + s.socket + ".x": func(h *inventory.HAProxy) { h.Proxies = []inventory.Proxy{{Host: "lb1", Socket: s.socket + ".x"}} },
	} {
		h := good
		change(&h)
		s.client.HAProxy, s.client.Timeout = &h, dr.Duration(30*time.Second)
		if strings.HasSuffix(text, ".x") {
			s.client.Timeout = dr.Duration(2 * time.Second) // it is asked for again until then
		}
		st := stepNamed(t, s.plan(t), "isolate.haproxy-close-lb-1")
		_, err := kit.Execute(t.Context(), s.env(), action(t, st.Action), st)
		require.ErrorContains(t, err, text)
		require.Equal(t, "east", s.reached(t), "nothing is half done")
	}
}

func TestAProxyAtALostSiteIsAConsequence(t *testing.T) {
	s := &haproxyStage{client: inventory.Client{Name: "lb", HAProxy: &inventory.HAProxy{
		Backend: "orders", Servers: map[string]string{"east": "a", "west": "b"}, Proxies: []inventory.Proxy{{Host: "lb1", Socket: "/s", Site: "east"}},
	}}}
	in, d := takeover()
	in.Situation.Sites = []dr.SiteSituation{{Site: "east", Reachable: dr.No}}
	require.NoError(t, contrib.HAProxies{List: []inventory.Client{s.client}}.Plan(in, d))
	require.Len(t, d.Consequences(), 1)
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	for _, ph := range phases {
		require.Empty(t, ph.Steps)
	}
}

func TestClientsAreNotKeptAwayWhenTheNewSiteIsPrimaryAlready(t *testing.T) {
	in, d := takeover()
	in.Situation.Sites = []dr.SiteSituation{{Site: "west", Role: dr.RolePrimary}}
	h := inventory.HAProxy{Backend: "orders", Servers: map[string]string{"east": "a", "west": "b"}, Proxies: []inventory.Proxy{{Host: "lb1", Socket: "/s"}}}
	require.NoError(t, contrib.HAProxies{List: []inventory.Client{{Name: "lb", HAProxy: &h}}}.Plan(in, d))
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	for _, ph := range phases {
		require.Equal(t, ph.Phase == dr.PhaseRedirect || ph.Phase == dr.PhaseVerify, len(ph.Steps) == 1, ph.Phase)
	}
}
