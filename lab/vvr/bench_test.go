package vvr_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/vvr"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// Names as the lab's hosts know them.
const (
	east, west, north = "seattle-rep", "london-rep", "tokyo-rep"
	upToDate          = "consistent, up-to-date"
)

// bench is a running lab with a person's hands on it.
type bench struct {
	*labkit.Lab
	t *testing.T
}

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 10 * time.Millisecond
	}
	// A busy machine misses no heartbeat: the tests that cut links break
	// connections, which is noticed at once.
	require.NoError(t, o.Set("heartbeat=3s"))
	l, err := labkit.Up(t.Context(), vvr.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	b := bench{l, t}
	if o.WriteEvery > 0 {
		b.moreWrites()
	}
	return b
}

// try runs a text in a login shell of a host, and gives both outputs and the
// exit code.
func (b bench) try(host, text string) (string, int) {
	b.t.Helper()
	h, err := b.Host(host)
	require.NoError(b.t, err)
	out, exit, err := h.Run("/bin/sh", "-lc", text)
	require.NoError(b.t, err)
	return out, exit.Code
}

// sh is try for what must succeed.
func (b bench) sh(host, text string) string {
	b.t.Helper()
	out, code := b.try(host, text)
	require.Zero(b.t, code, "%s: %s", text, out)
	return out
}

// refused runs what must be refused with this text.
func (b bench) refused(host, text, want string) {
	b.t.Helper()
	out, code := b.try(host, text)
	require.NotZero(b.t, code, "%s: %s", text, out)
	require.Contains(b.t, out, want, text)
}

func (b bench) fault(name string, args ...string) string {
	b.t.Helper()
	said, err := b.Fault(b.t.Context(), name, args, true)
	require.NoError(b.t, err)
	return said
}

func (b bench) repair(name string, args ...string) {
	b.t.Helper()
	_, err := b.Fault(b.t.Context(), name, args, false)
	require.NoError(b.t, err)
}

func (b bench) until(what string, condition func() bool) {
	b.t.Helper()
	require.Eventually(b.t, condition, patience, 20*time.Millisecond, what)
}

// status is a field of repstatus in the block of one host.
func (b bench) status(on, host, field string) string {
	b.t.Helper()
	out, _ := b.try(on, "vradmin -g shopdg -l repstatus shop_rvg")
	block := ""
	for _, line := range strings.Split(out, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "Host name" {
			block = strings.TrimSpace(value)
		}
		if name == field && block == host {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// view asks a site's kernel, without a program between.
func (b bench) view(site string) kernel.View {
	b.t.Helper()
	h, err := b.Host(site)
	require.NoError(b.t, err)
	var v kernel.View
	// A kernel that is just starting gives an empty view.
	_ = wire.Call("unix", h.Path(kernel.Socket), "view", nil, &v, time.Second)
	return v
}

// replicates waits until a Secondary is connected and has everything.
func (b bench) replicates(on, host string) {
	b.t.Helper()
	b.until(host+" must be up to date", func() bool {
		e, l := b.view(on).End(host)
		return l != nil && e.Connected && l.Mode == kernel.ModeSRL && l.Consistent && e.Bytes == 0
	})
}

// shown waits until repstatus shows this and that.
func (b bench) shown(on, host, field, value string) {
	b.t.Helper()
	b.until(field+" must be "+value, func() bool { return b.status(on, host, field) == value })
}

// sub is a part of a test on the same lab.
func (b bench) sub(name string, part func(b bench)) {
	b.t.Helper()
	if !b.t.Run(name, func(t *testing.T) { part(bench{b.Lab, t}) }) {
		b.t.FailNow()
	}
}

func (b bench) ledger() ledger.Ledger {
	b.t.Helper()
	l, err := b.Ledger(b.t.Context())
	require.NoError(b.t, err)
	return l
}

func (b bench) acknowledged() int {
	record, err := os.ReadFile(filepath.Join(b.Dir, "writes.log"))
	require.NoError(b.t, err)
	return strings.Count(string(record), "acknowledged")
}

// moreWrites waits until five more writes are acknowledged.
func (b bench) moreWrites() {
	b.t.Helper()
	before := b.acknowledged()
	b.until("five more writes", func() bool { return b.acknowledged() >= before+5 })
}

// stop stops the application on one site and points the clients nowhere.
func (b bench) stop(site string) {
	b.t.Helper()
	b.sh("edge", "client-address point none")
	b.sh(site, "shop stop")
}

func (b bench) start(site string) {
	b.t.Helper()
	b.sh(site, "shop start")
	b.sh("edge", "client-address point "+site)
	b.moreWrites()
}

// volumes reads a site's volumes, past every program of the lab.
func (b bench) volumes(site string) [][]byte {
	b.t.Helper()
	h, err := b.Host(site)
	require.NoError(b.t, err)
	paths, err := filepath.Glob(h.Path("dev/vx/rdsk/shopdg/shop_dv*"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, paths)
	var all [][]byte
	for _, p := range paths {
		content, err := os.ReadFile(p)
		require.NoError(b.t, err)
		all = append(all, content)
	}
	return all
}

func (b bench) sums(site string) []string {
	b.t.Helper()
	var all []string
	for _, v := range b.volumes(site) {
		sum := sha256.Sum256(v)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

// different counts the blocks that differ between two sites.
func (b bench) different(one, two string) int {
	b.t.Helper()
	const block = 64 << 10
	x, y := b.volumes(one), b.volumes(two)
	n := 0
	for v := range x {
		for at := 0; at < len(x[v]); at += block {
			if string(x[v][at:at+block]) != string(y[v][at:at+block]) {
				n++
			}
		}
	}
	return n
}

// takeover waits until a Secondary may take over, and lets it.
func (b bench) takeover(site, options string) {
	b.t.Helper()
	b.until("the takeover must be allowed", func() bool {
		_, code := b.try(site, "vradmin -g shopdg "+options+" takeover shop_rvg")
		return code == 0
	})
}

func (b bench) read(site, path string) string {
	b.t.Helper()
	h, err := b.Host(site)
	require.NoError(b.t, err)
	content, err := os.ReadFile(h.Path(path))
	require.NoError(b.t, err)
	return string(content)
}
