package vvr_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/adapters/vvr"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
	labvvr "github.com/switchback-dr/switchback/lab/vvr"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// world is a lab of three sites, reached over SSH.
type world struct {
	t   *testing.T
	lab *labkit.Lab
	set *setup.Setup
	sys kit.System
	// base is where a failback leads.
	base *dr.Baseline
}

// heartbeat is after how much silence a host of the lab takes another for gone.
const heartbeat = 800 * time.Millisecond

func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	o := labkit.Options{Sites: 3, WriteEvery: -1}
	for _, s := range append([]string{"heartbeat=" + heartbeat.String(), "pace=0s", "volume-mb=1", "srl-kb=1024"}, settings...) {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(t.Context(), labvvr.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	set, err := setup.LoadWith(l.Inventory(), []kit.Adapter{vvr.New()})
	require.NoError(t, err)
	t.Cleanup(set.Close)
	return &world{t: t, lab: l, set: set, sys: set.Inventory.Systems[0].Instance, base: &dr.Baseline{Primary: "east"}}
}

func (w *world) System() kit.System { return w.sys }
func (w *world) Env() kit.Env       { return w.set.Env() }
func (w *world) Secrets() []string  { return nil }

func (w *world) Input(c adaptertest.Case, run string) kit.PlanInput {
	req := c.Request
	req.System, req.Reason = "shop", "test"
	return kit.PlanInput{Request: req, Gate: c.Gate, Situation: w.observe(), RunID: run, Baseline: w.base}
}

func (w *world) observe() dr.Situation {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	s := dr.Situation{System: "shop", Product: "vvr", At: time.Now(), Baseline: w.base}
	s.Sites = make([]dr.SiteSituation, len(w.sys.Sites()))
	var all sync.WaitGroup
	for i, n := range w.sys.Sites() {
		all.Go(func() { s.Sites[i] = w.sys.ObserveSite(ctx, w.Env(), n) })
	}
	all.Wait()
	s.Judgement = w.sys.Judge(s)
	return s
}

// sh runs a script on a host, with its programs on PATH.
func (w *world) sh(host, script string) string {
	w.t.Helper()
	out, err := w.try(host, script)
	require.NoError(w.t, err, "%s$ %s", host, script)
	return out
}

func (w *world) try(host, script string) (string, error) {
	h, err := w.lab.Host(host)
	require.NoError(w.t, err)
	out, exit, err := h.Run("/bin/sh", "-c", "PATH="+h.Path("bin")+":"+h.Path("usr/sbin")+":$PATH; "+script)
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("exit code %d: %s", exit.Code, out)
	}
	return strings.TrimSpace(out), err
}

func (w *world) fault(name string, args ...string) {
	w.t.Helper()
	_, err := w.lab.Fault(w.t.Context(), name, args, true)
	require.NoError(w.t, err)
}

func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	require.Eventually(w.t, f, 20*time.Second, 20*time.Millisecond, what)
}

func (w *world) flags(host string) string {
	out, err := w.try(host, "vxprint -g shopdg -l shop_rvg")
	if err != nil {
		return err.Error()
	}
	return regexp.MustCompile(`(?m)^flags: *(.*)$`).FindStringSubmatch(out)[1]
}

// volumes is the SHA-256 of a host's volumes, past every program of the lab.
func (w *world) volumes(host string) string {
	h, err := w.lab.Host(host)
	require.NoError(w.t, err)
	sum := sha256.New()
	files, err := filepath.Glob(h.Path("dev/vx/rdsk/shopdg/*_dv*"))
	require.NoError(w.t, err)
	require.NotEmpty(w.t, files)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(w.t, err)
		_, _ = sum.Write(b)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// State tells roles, RLINKs, checkpoints and whose data is equal, once the
// links have settled.
func (w *world) State() string {
	read := func() string {
		var b strings.Builder
		for _, s := range w.observe().Sites {
			if s.Reachable != dr.Yes {
				s.Summary = "not read"
			}
			fmt.Fprintf(&b, "%s: %s, takes writes %s, %s", s.Site, s.Role, s.AcceptsWrites, s.Summary)
			if f := s.Fact("vvr.checkpoints"); f.Truth != dr.Unknown {
				b.WriteString("; " + f.Text)
			}
			h, err := w.lab.Host(s.Site)
			require.NoError(w.t, err)
			shots, err := filepath.Glob(h.Path("var/snapshots/*"))
			require.NoError(w.t, err)
			fmt.Fprintf(&b, "; %d snapshots; data as east %v\n", len(shots), w.volumes(s.Site) == w.volumes("east"))
		}
		return regexp.MustCompile(`[0-9]+ %`).ReplaceAllString(b.String(), "N %")
	}
	last, same := read(), 0
	w.eventually("the links settle", func() bool {
		now := read()
		if now == last {
			same++
		} else {
			last, same = now, 0
		}
		return same > 0
	})
	return last
}

// leftovers are what an earlier run of the same procedure left behind.
func (w *world) leftovers(primary string) *world {
	for _, c := range []string{"sb01d00001f", "sb01d00001s0", "sb01d00001s2", "weekly"} {
		w.fault("leftover-checkpoint", primary, c)
	}
	for _, n := range w.sys.Sites() {
		_, err := w.try(n, `mkdir -p "$HOME/.switchback/vvr" && echo 'is not up-to-date' >"$HOME/.switchback/vvr/shop-01d00001-makesec"; snapshot take 01d00001 || `+filepathOf(w, n, "usr/local/bin/snapshot")+` take 01d00001`)
		if err != nil {
			w.t.Logf("%s is off: %v", n, err)
		}
	}
	return w
}

func filepathOf(w *world, host, path string) string {
	h, err := w.lab.Host(host)
	require.NoError(w.t, err)
	return h.Path(path)
}

// lost is a pair whose Primary has lost its power.
func lost(t *testing.T, settings ...string) *world {
	w := newWorld(t, settings...)
	w.fault("host-down", "east")
	w.eventually("west has noticed", func() bool {
		out, err := w.try("west", "vxprint -g shopdg -Pl rlk_seattle-rep_shop_rvg || vxprint -g shopdg -Pl")
		return err == nil && !strings.Contains(out, " connected")
	})
	// The RLINK is down when one way is silent; a takeover wants both, and by
	// now neither can be younger than this.
	noticed := time.Now()
	w.eventually("both ways are silent", func() bool { return time.Since(noticed) > heartbeat })
	return w
}

// returned is a takeover by west and an east that is back. With unsent, east
// holds writes that west never got.
func returned(t *testing.T, form string, unsent bool, settings ...string) *world {
	w := newWorld(t, settings...)
	w.sh("east", "shop stop")
	if unsent {
		w.fault("link-cut", "east")
		w.fault("divergent-writes", "east", "3")
	}
	w.fault("host-down", "east")
	w.eventually("west takes over", func() bool {
		_, err := w.try("west", "vradmin -g shopdg "+form+" takeover shop_rvg")
		return err == nil
	})
	w.fault("divergent-writes", "west", "5")
	if unsent {
		_, err := w.lab.Fault(t.Context(), "link-cut", []string{"east"}, false)
		require.NoError(t, err)
	}
	w.fault("host-up", "east")
	w.eventually("both sides know", func() bool {
		out, err := w.try("east", "vradmin -g shopdg -l printrvg shop_rvg")
		return err == nil && (strings.Contains(out, "Primary-Primary") || strings.Contains(w.flags("east"), "acting_secondary"))
	})
	return w
}

var (
	planned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"}
	unplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"}
	back      = dr.Request{Procedure: dr.ProcFailback}
	seed      = dr.Request{Procedure: dr.ProcReseed, To: "north"}
)

// madeSecondary is returned after makesec by hand.
func madeSecondary(t *testing.T, settings ...string) *world {
	w := returned(t, "-N", false, settings...)
	w.sh("east", "vradmin -g shopdg -f makesec shop_rvg london-rep")
	return w
}

// inSync is madeSecondary after the synchronisation by hand.
func inSync(t *testing.T) *world {
	w := madeSecondary(t)
	w.sh("west", "vradmin -g shopdg -c byhand syncrvg shop_rvg seattle-rep && vradmin -g shopdg -c byhand startrep shop_rvg seattle-rep")
	w.eventually("east is up to date", func() bool {
		out, err := w.try("west", "vxrlink -g shopdg status rlk_seattle-rep_shop_rvg")
		return err == nil && strings.Contains(out, "up to date")
	})
	return w
}

// TestTheAdapterPassesTheSuiteOnTheLab has no case of an undo that restores
// everything: what a synchronisation overwrote only a snapshot keeps. What its
// undo does restore is in the next test.
func TestTheAdapterPassesTheSuiteOnTheLab(t *testing.T) {
	closed := func(t *testing.T) adaptertest.World {
		w := newWorld(t)
		w.sh("east", "shop stop")
		return w.leftovers("east")
	}
	adaptertest.Run(t, adaptertest.Suite{Adapter: vvr.New(), Flips: flips, Cases: []adaptertest.Case{
		{Name: "planned takeover", Request: planned, Gate: dr.GateDecide, NoUndo: true, Build: closed},
		{Name: "unplanned takeover", Request: unplanned, Gate: dr.GateDecide, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return lost(t) }},
		{Name: "failback of a Secondary", Request: back, Gate: dr.GateConvert, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return madeSecondary(t).leftovers("west") }},
		{Name: "failback of a Primary", Request: back, Gate: dr.GateConvert, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return returned(t, "-N", false).leftovers("west") }},
		{Name: "failback of an acting Secondary", Request: back, Gate: dr.GateConvert, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return returned(t, "", true).leftovers("west") }},
		{Name: "hand back and Example 4", Request: back, Gate: dr.GateCutover, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return inSync(t) }},
		{Name: "reseed", Request: seed, Gate: dr.GateOverwrite, NoUndo: true, Build: closed},
		{Name: "reseed by autosync", Request: seed, Gate: dr.GateOverwrite, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return newWorld(t, "reseed=autosync").leftovers("east") }},
	}})
}

// flips turn what a guard reads into its opposite: another role, volumes that
// take no I/O, a disk group that is gone, volumes that are open, RLINKs in
// another state.
func flips(st dr.Step) []func(string) string {
	replacing := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	role := replacing("closed primary", "closed secondary", "closed secondary", "closed primary", "open primary", "open secondary", "open secondary", "open primary")
	gone := replacing("dg shopdg", "dg otherdg")
	off := replacing("kernel=ENABLED", "kernel=DISABLED")
	open := replacing("flags:    closed", "flags:    open")
	link := replacing(" attached ", " detached ", " detached ", " attached ")
	flow := replacing(" connected", " disconnected", " disconnected", " connected")
	all := []func(string) string{role, gone}
	switch st.Action {
	case "vvr.snapshot":
		return []func(string) string{gone}
	case "vvr.migrate":
		return append(all, off, open, link, flow, replacing("is up to date", "is nearly up to date"))
	case "vvr.takeover":
		return append(all, flow, replacing(" consistent", " inconsistent"))
	case "vvr.makesec":
		return append(all, open, replacing("london-rep:", "paris-rep:"))
	case "vvr.syncrvg":
		return append(all, off, open, link, replacing("sz  2048", "sz  2047"))
	case "vvr.startrep":
		return append(all, off, link)
	case "vvr.fbsync":
		return append(all, off, open, replacing(" acting_secondary", ""))
	}
	return append(all, off)
}

func TestTheUndoOfASynchronisationDeletesItsCheckpointAndNothingElse(t *testing.T) {
	w := madeSecondary(t)
	w.fault("leftover-checkpoint", "west", "weekly")
	d := kit.NewDraft()
	require.NoError(t, w.sys.Plan(w.Input(adaptertest.Case{Request: back, Gate: dr.GateConvert}, "5117e001"), d))
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcFailback, dr.GateConvert))
	require.NoError(t, err)
	for _, ph := range phases {
		for _, st := range ph.Steps {
			if st.Undo == nil {
				continue
			}
			require.Equal(t, "vvr.syncrvg", st.Action)
			w.execute(st)
			require.Contains(t, w.sh("west", "vxrvg -g shopdg cplist shop_rvg"), "sb5117e001f")
			w.execute(*st.Undo)
			out := w.sh("west", "vxrvg -g shopdg cplist shop_rvg")
			require.NotContains(t, out, "sb5117e001f")
			require.Contains(t, out, "weekly")
			return
		}
	}
	require.Fail(t, "no step of the plan has an undo")
}

// execute carries out one step.
func (w *world) execute(st dr.Step) {
	w.t.Helper()
	res, err := w.executed(st)
	require.NoError(w.t, err, "%s: %s", st.ID, res.Output)
}
