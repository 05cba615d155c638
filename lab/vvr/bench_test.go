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
	"github.com/switchback-dr/switchback/lab/labtest"
	"github.com/switchback-dr/switchback/lab/vvr"
	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Names as the lab's hosts know them.
const (
	east, west, north = "seattle-rep", "london-rep", "tokyo-rep"
	upToDate          = "consistent, up-to-date"
)

// bench is a running lab, with what only VVR's tests need.
type bench struct{ labtest.Bench }

func up(t *testing.T, o labkit.Options) bench {
	t.Helper()
	if o.WriteEvery == 0 {
		o.WriteEvery = 10 * time.Millisecond
	}
	// A busy machine misses no heartbeat: the tests that cut links break
	// connections, which is noticed at once.
	b := bench{labtest.Up(t, vvr.Product{}, o, "heartbeat=3s")}
	b.FirstWrites()
	return b
}

// try runs a text in a login shell of a host, and gives both outputs and the
// exit code.
func (b bench) try(host, text string) (string, int) {
	b.T.Helper()
	return b.Shell(host, "-lc", text)
}

// sh is try for what must succeed.
func (b bench) sh(host, text string) string {
	b.T.Helper()
	out, code := b.try(host, text)
	require.Zero(b.T, code, "%s: %s", text, out)
	return out
}

// refused runs what must be refused with this text.
func (b bench) refused(host, text, want string) {
	b.T.Helper()
	out, code := b.try(host, text)
	require.NotZero(b.T, code, "%s: %s", text, out)
	require.Contains(b.T, out, want, text)
}

// status is a field of repstatus in the block of one host.
func (b bench) status(on, host, field string) string {
	b.T.Helper()
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
	b.T.Helper()
	var v kernel.View
	// A kernel that is just starting gives an empty view.
	_ = wire.Call("unix", b.Host(site).Path(kernel.Socket), "view", nil, &v, time.Second)
	return v
}

// replicates waits until a Secondary is connected and has everything.
func (b bench) replicates(on, host string) {
	b.T.Helper()
	b.Until(host+" must be up to date", func() bool {
		e, l := b.view(on).End(host)
		return l != nil && e.Connected && l.Mode == kernel.ModeSRL && l.Consistent && e.Bytes == 0
	})
}

// shown waits until repstatus shows this and that.
func (b bench) shown(on, host, field, value string) {
	b.T.Helper()
	b.Until(field+" must be "+value, func() bool { return b.status(on, host, field) == value })
}

// sub is a part of a test on the same lab.
func (b bench) sub(name string, part func(b bench)) {
	b.T.Helper()
	if !b.T.Run(name, func(t *testing.T) { part(bench{labtest.Bench{Lab: b.Lab, T: t}}) }) {
		b.T.FailNow()
	}
}

// stop stops the application on one site and points the clients nowhere.
func (b bench) stop(site string) {
	b.T.Helper()
	b.Point("none")
	b.sh(site, "shop stop")
}

func (b bench) start(site string) {
	b.T.Helper()
	b.sh(site, "shop start")
	b.Point(site)
	b.MoreWrites()
}

// volumes reads a site's volumes, past every program of the lab.
func (b bench) volumes(site string) [][]byte {
	b.T.Helper()
	paths, err := filepath.Glob(b.Host(site).Path("dev/vx/rdsk/shopdg/shop_dv*"))
	require.NoError(b.T, err)
	require.NotEmpty(b.T, paths)
	var all [][]byte
	for _, p := range paths {
		content, err := os.ReadFile(p)
		require.NoError(b.T, err)
		all = append(all, content)
	}
	return all
}

func (b bench) sums(site string) []string {
	b.T.Helper()
	var all []string
	for _, v := range b.volumes(site) {
		sum := sha256.Sum256(v)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all
}

// different counts the blocks that differ between two sites.
func (b bench) different(one, two string) int {
	b.T.Helper()
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
	b.T.Helper()
	b.Until("the takeover must be allowed", func() bool {
		_, code := b.try(site, "vradmin -g shopdg "+options+" takeover shop_rvg")
		return code == 0
	})
}

func (b bench) read(site, path string) string {
	b.T.Helper()
	content, err := os.ReadFile(b.Host(site).Path(path))
	require.NoError(b.T, err)
	return string(content)
}
