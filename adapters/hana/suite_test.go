package hana

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/remote"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// world is a pair of the lab, reached over real SSH and the real SQL protocol.
type world struct {
	t    *testing.T
	lab  labkit.Description
	inv  *inventory.Inventory
	pool *remote.Pool
	sys  *system
	base *dr.Baseline
}

// newWorld starts a pair without a client and with the HA/DR provider's marks.
func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	w := openWorld(t, nil, args...)
	w.inSync()
	return w
}

// openWorld is newWorld with an inventory that was written anew, and without
// waiting for the pair.
func openWorld(t *testing.T, rewrite func(string) string, args ...string) *world {
	t.Helper()
	w := &world{t: t}
	dir := filepath.Join(t.TempDir(), "lab")
	e2e.StartLab(t, "hana", dir, &w.lab, append([]string{"--no-writer"}, args...)...)
	text, err := os.ReadFile(w.lab.Inventory)
	require.NoError(t, err)
	require.Contains(t, string(text), "\n            sid: DRT\n")
	marked := strings.Replace(string(text), "\n            sid: DRT\n", "\n            sid: DRT\n            hook: true\n            timeouts: {start: 1m, stop: 1m, takeover: 1m, sync: 40s, backup: 1m}\n", 1)
	if rewrite != nil {
		require.NotEqual(t, marked, rewrite(marked))
		marked = rewrite(marked)
	}
	require.NoError(t, os.WriteFile(w.lab.Inventory, []byte(marked), 0o600))
	w.inv, err = inventory.Load(w.lab.Inventory, []kit.Adapter{New()})
	require.NoError(t, err)
	var ends []remote.Endpoint
	for _, h := range w.inv.HostList() {
		ends = append(ends, remote.Endpoint{Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, KeyFiles: h.KeyFiles, KnownHosts: h.KnownHosts, Jump: h.Jump, JobDir: h.JobDir})
	}
	w.pool = remote.NewPool(ends, remote.Options{Secret: w.inv.Secret})
	t.Cleanup(w.pool.Close)
	inst, err := w.inv.System("erp")
	require.NoError(t, err)
	w.sys = inst.Instance.(*system)
	return w
}

func (w *world) System() kit.System { return w.sys }

// Env reaches the lab as a worker does.
func (w *world) Env() kit.Env {
	return adaptertest.Env(w.pool, w.inv.Secret)
}

func (w *world) Secrets() []string {
	v, err := w.inv.Secret(context.Background(), w.sys.set.Credential)
	require.NoError(w.t, err)
	return []string{v}
}

func (w *world) observe() dr.Situation {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return adaptertest.Observe(ctx, w.sys, w.Env(), dr.Situation{System: "erp", Product: "hana", At: time.Now(), Baseline: w.base})
}

func (w *world) Input(c adaptertest.Case, run string) kit.PlanInput {
	req := c.Request
	req.System, req.Reason = "erp", "test"
	return kit.PlanInput{Request: req, Gate: c.Gate, Situation: w.observe(), RunID: run, Baseline: w.base}
}

// State tells roles, modes, names, autostart, takeovers and backups.
func (w *world) State() string {
	var b strings.Builder
	sit := w.observe()
	for _, st := range w.sys.sites {
		v, _ := sit.Site(st.Place.Site)
		r := kit.Details[Reading](sit)[st.Place.Site]
		fmt.Fprintf(&b, "%s: %s, writes %s, running %s, mode %s, %s, name %s, masters %v, autostart %v, takeovers %d\n",
			v.Site, v.Role, v.AcceptsWrites, r.Running(), r.Mode(), operationOf(r), r.Name(), r.Masters(), r.Autostart, len(r.SQL.Takeovers))
	}
	fmt.Fprintf(&b, "in sync %s", sit.Judgement.InSync)
	return b.String()
}

// on runs a fixture's command on a host.
func (w *world) on(host string, argv ...string) string {
	w.t.Helper()
	h, err := w.Env().Hosts.Host(host)
	require.NoError(w.t, err)
	out, err := h.Read(context.Background(), dr.Command{Host: host, Argv: argv, Login: true})
	require.NoError(w.t, err)
	require.Zero(w.t, out.Exit, "%v: %s%s", argv, out.Stdout, out.Stderr)
	return out.Stdout
}

func (w *world) eventually(what string, f func() (bool, string)) {
	w.t.Helper()
	e2e.Await(w.t, time.Minute, what, f)
}

func (w *world) inSync() {
	w.t.Helper()
	w.eventually("the pair is in sync", func() (bool, string) {
		s := w.observe()
		return s.Judgement.InSync == dr.Yes, fmt.Sprint(s.Judgement.Facts)
	})
}

func (w *world) place(site string) Place {
	st, _ := w.sys.site(site)
	return st.Place
}

// stop stops a site as people do.
func (w *world) stop(site string) {
	w.t.Helper()
	p := w.place(site)
	w.on(p.main().Host, "sapcontrol", "-nr", p.Instance, "-function", "StopSystem", "HDB")
	w.eventually(site+" is stopped", func() (bool, string) {
		r, _, err := p.brief(context.Background(), w.Env(), partProcesses)
		return err == nil && r.Running() == dr.No, processWords(r)
	})
}

// takeOver makes west primary while east is stopped.
func (w *world) takeOver() {
	w.t.Helper()
	sit := w.observe()
	w.base = &dr.Baseline{Primary: "east", Sites: w.sys.Baseline(sit)}
	w.stop("east")
	w.on("west", "hdbnsutil", "-sr_takeover")
	w.eventually("west is open", func() (bool, string) {
		v, _ := w.observe().Site("west")
		return v.AcceptsWrites == dr.Yes && len(kit.Details[Reading](w.observe())["west"].SQL.Databases) == 2, v.Summary
	})
}

// leftovers are what an earlier run left behind: marks and a backup of another
// run, and a mark of an owner whose time is over.
func (w *world) leftovers(primary string) *world {
	w.t.Helper()
	for _, n := range w.sys.Sites() {
		p := w.place(n)
		w.on(p.main().Host, "sh", "-c", `mkdir -p "$1/runs" && for m in registered-east-west registered-west-east enabled-west; do : >"$1/runs/01d00001-$m"; done; printf 'owner 01d00001\nexpires 1000\n' >"$1/mark"`, "sh", p.Hook)
	}
	st, _ := w.sys.site(primary)
	require.NoError(w.t, actBackup(context.Background(), w.Env(), backupArgs{On: st.Place, Database: systemDB, Prefix: st.BackupDir + "/switchback_01d00001_protect_SYSTEMDB"}))
	return w
}

func TestTheAdapterPassesTheSuite(t *testing.T) {
	pair := func(t *testing.T) *world { return newWorld(t).leftovers("east") }
	taken := func(t *testing.T) *world {
		w := newWorld(t)
		w.takeOver()
		return w.leftovers("west")
	}
	adaptertest.Run(t, adaptertest.Suite{Adapter: New(), Flips: flips, Cases: []adaptertest.Case{
		{Name: "planned takeover", Request: takePlanned("west"), Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World { return pair(t) }},
		{Name: "unplanned takeover", Request: takeUnplanned("west"), Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World {
			w := pair(t)
			w.stop("east")
			return w
		}},
		{Name: "failback", Request: goBack, Gate: dr.GateConvert, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return taken(t) }},
		{Name: "cutover", Request: goBack, Gate: dr.GateCutover, Build: func(t *testing.T) adaptertest.World {
			w := newWorld(t)
			w.base = &dr.Baseline{Primary: "west", Sites: w.sys.Baseline(w.observe())}
			return w.leftovers("east")
		}},
		{Name: "reseed", Request: dr.Request{Procedure: dr.ProcReseed, To: "east"}, Gate: dr.GateOverwrite, NoUndo: true, Build: func(t *testing.T) adaptertest.World { return taken(t) }},
	}})
}

func takeTo(m dr.Mode, to string) dr.Request {
	return dr.Request{Procedure: dr.ProcTakeover, Mode: m, To: to}
}

func takePlanned(to string) dr.Request   { return takeTo(dr.ModePlanned, to) }
func takeUnplanned(to string) dr.Request { return takeTo(dr.ModeUnplanned, to) }

// flips turn what a guard reads into its opposite.
func flips(st dr.Step) []func(string) string {
	replacing := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	name := replacing("site name=EAST", "site name=OTHER", "site name=WEST", "site name=OTHER")
	role := replacing("mode=sync", "mode=primary", "mode=primary", "mode=sync", "isTakeoverActive=false", "isTakeoverActive=true")
	cut := replacing("SAPCONTROL-OK: <end>", "", "begin\nend", "begin")
	cluster := replacing("begin\nend\n", "begin\npresent\ncrm rsc_SAPHana (ocf::suse:SAPHana): Promoted\nend\n")
	runs := replacing("GRAY, Stopped", "GREEN, Running")
	switch st.Action {
	case "hana.sr_takeover":
		all := []func(string) string{name, role, cut, cluster}
		if strings.Contains(st.Guard, "is stopped") {
			return append(all, runs)
		}
		return append(all, replacing("REPLICATION_STATUS=ACTIVE", "REPLICATION_STATUS=SYNCING"), replacing("isPrimarySuspended=false", "isPrimarySuspended=true"))
	case "hana.sr_register":
		return []func(string) string{name, cut, cluster, runs, replacing("online=true", "online=false"), replacing("  /", "0  /")}
	case "hana.stop_system":
		return []func(string) string{name, cut, cluster, role}
	case "hana.start_system":
		return []func(string) string{name, cut, cluster, role}
	case "hana.backup":
		return []func(string) string{name, cut, replacing("mode=primary", "mode=sync")}
	}
	return []func(string) string{name, cut}
}
