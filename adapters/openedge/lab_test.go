package openedge_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	product "github.com/switchback-dr/switchback/adapters/openedge"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge"
)

var (
	takePlanned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"}
	takeUnplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"}
	goBack        = dr.Request{Procedure: dr.ProcFailback}
	seedEast      = dr.Request{Procedure: dr.ProcReseed, To: "east"}
	seedWest      = dr.Request{Procedure: dr.ProcReseed, To: "west"}
)

// world is a lab, reached by the real SSH client.
type world struct {
	t     testing.TB
	lab   *labkit.Lab
	setup *setup.Setup
	sys   kit.System
	base  *dr.Baseline
	seq   int
	// told is what long commands said of how far they were. Those of slow, by
	// action, take for ever on their site until they have said it.
	told []string
	slow map[string]string
}

// quick makes the lab's work short; what a test disturbs it slows down itself.
var quick = []string{"backup-ms=20", "restore-ms=20", "step-ms=2", "sync-ms=5", "retry-ms=50", "second-ms=20", "recovery-backup-arguments=depot.recovery.bck"}

// newWorld starts a pair with a few records on both sides and no writer.
func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	return newWorldOf(t, 2, settings...)
}

func newWorldOf(t testing.TB, sites int, settings ...string) *world {
	t.Helper()
	o := labkit.Options{WriteEvery: -1, Sites: sites}
	for _, s := range append(append([]string{}, quick...), settings...) {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(t.Context(), openedge.Product{}, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	s, err := setup.Load(l.Inventory())
	require.NoError(t, err)
	t.Cleanup(s.Close)
	entry, err := s.Inventory.System("depot")
	require.NoError(t, err)
	w := &world{t: t, lab: l, setup: s, sys: entry.Instance}
	w.write("east", 1, 20)
	w.eventually("west has the records", func() bool { return w.records("west") == "20" })
	return w
}

// write commits numbered records on a site.
func (w *world) write(site string, from, to int64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	c, err := w.lab.System.Dial(ctx, w.lab.Inner(site))
	require.NoError(w.t, err)
	defer c.Close()
	for n := from; n <= to; n++ {
		require.NoError(w.t, c.Commit(ctx, n))
	}
}

// records counts the records of a site from its files.
func (w *world) records(site string) string {
	rows, err := w.lab.System.Rows(w.t.Context(), site)
	if err != nil {
		return "none"
	}
	return fmt.Sprint(len(rows))
}

func (w *world) eventually(what string, f func() bool) {
	w.t.Helper()
	require.Eventually(w.t, f, 30*time.Second, 20*time.Millisecond, what)
}

// sh runs a text on a host as a person with proenv would.
func (w *world) sh(site, text string) string {
	w.t.Helper()
	h, err := w.lab.Host(site)
	require.NoError(w.t, err)
	env := "R=" + h.Root + `; DLC=$R/usr/dlc; PATH=$DLC/bin:$PATH; PROMSGS=$DLC/promsgs; DSRHOME=$DLC; DB=$R/data/depot; SPOOL=$R/spool; export DLC PATH PROMSGS DSRHOME; `
	out, exit, err := h.Run("/bin/sh", "-c", env+text)
	require.NoError(w.t, err)
	require.Zero(w.t, exit.Code, out)
	return strings.TrimSpace(out)
}

func (w *world) status(site string) string {
	return w.sh(site, "dsrutil $DB -C status -detail | tail -n 1")
}

// fault switches a fault of the lab.
func (w *world) fault(name string, args ...string) {
	w.t.Helper()
	_, err := labkit.Ask(w.lab.Dir, "fault", name, args, true)
	require.NoError(w.t, err)
}

// killed kills a broker as a crash does, and waits until the other site knows.
func (w *world) killed(site string) {
	w.t.Helper()
	w.fault("broker-kill", site)
	w.eventually("west is in pre-transition", func() bool { return w.status("west") == "2080" })
}

// exchanged takes over to west by the product's own command.
func (w *world) exchanged() {
	w.t.Helper()
	w.sh("east", "dsrutil $DB -C transition failover")
	w.eventually("east follows west", func() bool { return w.status("west") == "6021" && w.status("east") == "3049" })
	w.base = &dr.Baseline{Primary: "east"}
}

// lost is a system whose source was lost and taken over: east is fenced, west
// is the source and has gone on.
func lost(t testing.TB, settings ...string) *world {
	w := newWorld(t, settings...)
	w.killed("east")
	w.walk(takeUnplanned, dr.GateDecide, "0ddba111")
	w.write("west", 21, 30)
	w.base = &dr.Baseline{Primary: "east"}
	return w
}

func (w *world) observe() dr.Situation {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	return adaptertest.Observe(ctx, w.sys, w.setup.Env(), dr.Situation{System: "depot", Product: "openedge", At: time.Now(), Baseline: w.base})
}

func (w *world) steps(req dr.Request, g dr.Gate, run string) []dr.Step {
	w.t.Helper()
	req.System, req.Reason = "depot", "test"
	d := kit.NewDraft()
	require.NoError(w.t, w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: run, Baseline: w.base}, d))
	require.Empty(w.t, d.Nothing)
	require.Empty(w.t, d.Instead, d.InsteadWhy)
	return adaptertest.Steps(w.t, req, g, d)
}

func (w *world) execute(st dr.Step) (kit.StepResult, error) {
	w.seq++
	env := w.setup.Env()
	if site := w.slow[st.Action]; site != "" {
		w.fault("slow-work", site, "3000")
		env.Progress = func(p kit.Progress) {
			if p.Total > 0 {
				w.told = append(w.told, p.Text)
				_, err := labkit.Ask(w.lab.Dir, "fault", "slow-work", []string{site}, false)
				require.NoError(w.t, err)
			}
		}
	}
	env.Job = kit.JobKey{Workflow: "dr-depot", OriginalRun: "0ddba111-0ddb-4a11-8ddb-a1110ddba111", Gate: "g", Occurrence: w.seq, Step: st.ID, Attempt: 1}
	return kit.Execute(w.t.Context(), env, adaptertest.Action(w.t, product.New(), st.Action), st)
}

// walk carries out the whole plan.
func (w *world) walk(req dr.Request, g dr.Gate, run string) {
	w.t.Helper()
	for _, st := range w.steps(req, g, run) {
		res, err := w.execute(st)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Output)
		w.t.Logf("%-45s %-8s %5d ms  %s", st.ID, res.State, res.Took.D().Milliseconds(), res.Text)
	}
}
