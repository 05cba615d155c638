package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

const (
	volumeSize = 1 << 20
	blockSize  = 64 << 10
)

// world is some kernels in this process that replicate over TCP.
type world struct {
	t     *testing.T
	names []string
	roots map[string]string
	live  map[string]*Kernel
	ask   map[string]*wire.Conn
}

// newWorld makes the hosts a, b (and c) with a as Primary; change may alter a
// host's configuration and state before it boots.
func newWorld(t *testing.T, hosts int, change func(*Config, *State)) *world {
	t.Helper()
	w := &world{t: t, names: []string{"a", "b", "c"}[:hosts], roots: map[string]string{}, live: map[string]*Kernel{}, ask: map[string]*wire.Conn{}}
	at := map[string]string{}
	for _, n := range w.names {
		at[n] = nettest.Address(t)
	}
	for _, n := range w.names {
		// A short path: sockets lie below it.
		root, err := os.MkdirTemp("", "vvrk")
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(root) })
		w.roots[n] = root
		c := Config{Host: n, Kernel: at[n], Peers: map[string]Peer{}, Heartbeat: time.Second, Block: blockSize, SRLSize: 1 << 20}
		s := &State{DG: "dg", RVG: "rvg", SRL: "srl", Role: Secondary, Started: true, Follows: "a"}
		if n == "a" {
			s.Role, s.Follows, s.Generation = Primary, "", "first"
		}
		for _, v := range []string{"v1", "v2"} {
			s.Volumes = append(s.Volumes, Volume{Name: v, Size: volumeSize, DCM: true})
		}
		for _, o := range w.names {
			if o == n {
				continue
			}
			pair := n == "a" || o == "a"
			c.Peers[o] = Peer{Kernel: at[o]}
			s.Links = append(s.Links, &Link{Name: "rlk_" + o, Remote: o, RemoteName: "rlk_" + n, Attached: pair, Consistent: pair, SRLProt: "autodcm"})
		}
		if change != nil {
			change(&c, s)
		}
		w.write(n, c, s)
		w.boot(n)
	}
	return w
}

func (w *world) write(n string, c Config, s *State) {
	w.t.Helper()
	root := w.roots[n]
	for _, d := range []string{"etc/vx", Knobs, "var/vx/vras/log", "dev/vx/rdsk/dg"} {
		require.NoError(w.t, os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	for _, v := range s.Volumes {
		require.NoError(w.t, os.WriteFile(DevicePath(root, "dg", v.Name), make([]byte, v.Size), 0o644))
	}
	b, err := json.Marshal(c)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(root, ConfigFile), b, 0o644))
	require.NoError(w.t, WriteState(root, s))
}

// boot starts a host's kernel from its files.
func (w *world) boot(n string) {
	w.t.Helper()
	k, err := Open(w.roots[n])
	require.NoError(w.t, err)
	go func() { _ = k.Listen() }()
	w.live[n] = k
	require.Eventually(w.t, func() bool {
		c, err := wire.Dial("unix", filepath.Join(w.roots[n], Socket), time.Second)
		if err == nil {
			w.ask[n] = c
		}
		return err == nil
	}, patience, 2*time.Millisecond)
	w.t.Cleanup(func() { w.kill(n) })
}

// kill ends a host's kernel: nothing that is only in its memory survives.
func (w *world) kill(n string) {
	if k := w.live[n]; k != nil {
		k.Close()
		w.ask[n].Close()
		delete(w.live, n)
	}
}

// do asks a host's kernel.
func (w *world) do(n, op string, args any) error { return w.ask[n].Ask(op, args, nil, patience) }

// must asks and expects no refusal; refused expects one.
func (w *world) must(n, op string, args any) {
	w.t.Helper()
	require.NoError(w.t, w.do(n, op, args), op)
}

func (w *world) refused(key, n, op string, args any) {
	w.t.Helper()
	before := w.view(n).State
	err := w.do(n, op, args)
	var r *texts.Refusal
	require.ErrorAs(w.t, err, &r, op)
	require.Equal(w.t, key, r.Key, r.Error())
	require.Equal(w.t, before, w.view(n).State, "a refusal changes nothing")
}

func (w *world) view(n string) View {
	w.t.Helper()
	var v View
	require.NoError(w.t, w.ask[n].Ask("view", nil, &v, patience))
	return v
}

func (w *world) end(n, remote string) (End, *Link) { return w.view(n).End(remote) }

func (w *world) until(what string, condition func() bool) {
	w.t.Helper()
	require.Eventually(w.t, condition, patience, 2*time.Millisecond, what)
}

// current waits until a Secondary has everything and is consistent.
func (w *world) current(primary, secondary string) {
	w.t.Helper()
	w.until(secondary+" must be up to date", func() bool {
		e, l := w.end(primary, secondary)
		return e.Connected && l.Mode == ModeSRL && l.Consistent && e.Bytes == 0
	})
}

// put opens a host's volumes, writes marked blocks and closes them.
func (w *world) put(n string, mark byte, blocks ...int) {
	w.t.Helper()
	c, err := wire.Dial("unix", filepath.Join(w.roots[n], Socket), time.Second)
	require.NoError(w.t, err)
	defer func() {
		c.Close()
		w.until("the volumes must be closed", func() bool { return len(w.view(n).Open) == 0 })
	}()
	require.NoError(w.t, c.Ask("open", []string{"v1", "v2"}, nil, patience))
	for _, b := range blocks {
		data := make([]byte, 4096)
		for i := range data {
			data[i] = mark
		}
		v := []string{"v1", "v2"}[b%2]
		require.NoError(w.t, c.Ask("write", Write{Volume: v, Offset: int64(b) * blockSize / 2 / 4096 * 4096, Data: data}, nil, patience))
	}
}

// sums are the checksums of a host's volumes, read past the kernel.
func (w *world) sums(n string) []string {
	w.t.Helper()
	var all []string
	for _, v := range []string{"v1", "v2"} {
		b, err := os.ReadFile(DevicePath(w.roots[n], "dg", v))
		require.NoError(w.t, err)
		sum := sha256.Sum256(b)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

func (w *world) same(hosts ...string) {
	w.t.Helper()
	for _, h := range hosts[1:] {
		require.Equal(w.t, w.sums(hosts[0]), w.sums(h), "%s and %s", hosts[0], h)
	}
}

// takeOver kills the Primary a and makes b the Primary.
func (w *world) takeOver(failback, auto bool) {
	w.t.Helper()
	w.kill("a")
	w.until("b must be allowed to take over", func() bool { return w.do("b", "takeover", Takeover{failback, auto}) == nil })
}
