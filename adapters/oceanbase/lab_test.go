package oceanbase

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
	oblab "github.com/switchback-dr/switchback/lab/oceanbase"
)

// labWorld is a system in the lab: real processes that speak the wire protocol.
type labWorld struct {
	t    testing.TB
	lab  *labkit.Lab
	sys  *system
	memo *dr.Memory
	base *dr.Baseline
	cred map[string]string
	seq  int
}

func newLab(t testing.TB, change func(e *labkit.Entry), set ...string) *labWorld {
	t.Helper()
	return newLabOf(t, labkit.Options{WriteEvery: -1}, change, set...)
}

func newLabOf(t testing.TB, o labkit.Options, change func(e *labkit.Entry), set ...string) *labWorld {
	t.Helper()
	dir, err := os.MkdirTemp("", "sbob")
	require.NoError(t, err)
	for _, s := range set {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(context.Background(), oblab.Product{}, filepath.Join(dir, "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, n := range l.Sites {
			if h, err := l.Host(n); err == nil && t.Failed() {
				out, _ := os.ReadFile(h.Path("home/admin/oceanbase/log/observer.log"))
				t.Logf("log of %s:\n%s", n, out[max(0, len(out)-6000):])
			}
		}
		_ = l.Close()
		_ = os.RemoveAll(dir)
	})
	e := l.System.Entry()
	for _, n := range l.Sites {
		delete(e.Sites[n], "host")
	}
	if change != nil {
		change(&e)
	}
	w := &labWorld{t: t, lab: l, cred: e.Credentials}
	in := kit.Entry{Name: e.System, Node: asNode(t, e.Product), Credentials: func(n string) bool { return e.Credentials[n] != "" }}
	for _, n := range l.Sites {
		in.Sites = append(in.Sites, kit.SiteEntry{Name: n, Node: asNode(t, e.Sites[n])})
	}
	s, err := Adapter{}.Decode(in)
	require.NoError(t, err)
	w.sys = s.(*system)
	return w
}

func asNode(t testing.TB, v any) adaptertest.YAML {
	b, err := yaml.Marshal(v)
	require.NoError(t, err)
	return adaptertest.YAML(b)
}

func (w *labWorld) env() kit.Env {
	return adaptertest.Env(noHosts{}, func(_ context.Context, name string) (string, error) { return w.cred[name], nil })
}

// noHosts: OceanBase's procedures need none.
type noHosts struct{}

func (noHosts) Host(name string) (kit.Host, error) {
	return nil, dr.Refuse("host", "there is no host %s", name)
}

func (w *labWorld) observe() dr.Situation {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return adaptertest.Observe(ctx, w.sys, w.env(), dr.Situation{System: "orders", Product: "oceanbase", At: time.Now(), Memory: w.memo, Baseline: w.base})
}

func (w *labWorld) steps(req dr.Request, g dr.Gate, run string) ([]dr.Step, *kit.Draft) {
	w.t.Helper()
	d := kit.NewDraft()
	req.System, req.Reason = "orders", "test"
	require.NoError(w.t, w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: run, Baseline: w.base}, d))
	return adaptertest.Steps(w.t, req, g, d), d
}

func (w *labWorld) walk(req dr.Request, g dr.Gate, run string) {
	w.t.Helper()
	steps, d := w.steps(req, g, run)
	require.Empty(w.t, d.Nothing)
	for _, st := range steps {
		w.seq++
		env := w.env()
		env.Job = kit.JobKey{Workflow: "dr-orders", OriginalRun: run, Gate: g, Occurrence: w.seq, Step: st.ID, Attempt: 1}
		res, err := kit.Execute(context.Background(), env, actionOf(w.t, st.Action), st)
		require.NoError(w.t, err, "%s", st.ID)
		w.t.Logf("%-34s %-10s %5d ms  %s", st.ID, res.State, res.Took.D().Milliseconds(), res.Text)
	}
}

// sql runs a statement as root@sys of a site.
func (w *labWorld) sql(site, q string) []row {
	w.t.Helper()
	st, _ := w.sys.site(site)
	s, err := st.Place.open(context.Background(), w.env(), readPatience)
	require.NoError(w.t, err)
	defer s.close()
	rows, err := s.query(context.Background(), q)
	require.NoError(w.t, err, q)
	return rows
}

func (w *labWorld) eventually(f func() bool, what string) {
	w.t.Helper()
	require.Eventually(w.t, f, 20*time.Second, 20*time.Millisecond, what)
}

// failedOver is a lab whose primary was lost, then came back and was made
// read-only by a person.
func failedOver(t testing.TB, change func(e *labkit.Entry), set ...string) *labWorld {
	w := newLab(t, change, set...)
	w.base = &dr.Baseline{Primary: "east"}
	w.memo = &dr.Memory{Primary: "east"}
	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	w.walk(takeUnplanned, dr.GateDecide, "0000000a")
	require.NoError(t, h.PowerOn())
	w.eventually(func() bool { s, _ := w.observe().Site("east"); return s.AcceptsWrites == dr.Yes }, "east is back and accepts writes")
	require.Len(t, w.observe().Primaries(), 2, "two primaries are seen")
	d := kit.NewDraft()
	req := goBack
	req.System = "orders"
	requireRefusal(t, w.sys.Plan(kit.PlanInput{Request: req, Gate: dr.GateConvert, Situation: w.observe(), RunID: "1", Baseline: w.base}, d), "two_primaries", "SWITCHOVER TO STANDBY")
	w.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	return w
}

func TestATakeoverAndAFailbackWithTheLab(t *testing.T) {
	w := newLab(t, nil)
	w.base = &dr.Baseline{Primary: "east"}
	w.walk(takePlanned, dr.GateDecide, "00000001")
	w.walk(goBack, dr.GateConvert, "00000002")
	w.walk(goBack, dr.GateCutover, "00000002")
	require.Equal(t, []string{"east"}, w.observe().Primaries())
	d := kit.NewDraft()
	require.NoError(t, w.sys.Plan(kit.PlanInput{Request: goBack, Gate: dr.GateConvert, Situation: w.observe(), RunID: "1", Baseline: w.base}, d))
	require.NotEmpty(t, d.Nothing)
}

func TestAFailbackAfterAFailoverRebuildsByBackupAndRestore(t *testing.T) {
	w := failedOver(t, func(e *labkit.Entry) { e.Product["rebuild"] = "restore" })
	w.walk(goBack, dr.GateOverwrite, "00000002")
	w.walk(goBack, dr.GateCutover, "00000002")
	require.Equal(t, []string{"east"}, w.observe().Primaries())
	require.Len(t, w.sql("east", "SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders_old_00000002'"), 1, "the old tenant is kept")
}

func TestAReseedFromTheLogAloneDropsTheOldTenant(t *testing.T) {
	w := failedOver(t, func(e *labkit.Entry) {
		e.Product["old_tenant"], e.Product["rebuild"] = "drop", "create"
		e.Sites["east"]["resource_pool"] = "orders_pool"
	})
	w.walk(seedEast, dr.GateOverwrite, "00000002")
	require.Empty(t, w.sql("east", "SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders_old_00000002'"))
	require.Equal(t, dr.Yes, w.observe().Judgement.InSync)
}

func TestArchiveStandbysAndOracleTenantsChangeRolesThroughSys(t *testing.T) {
	w := newLab(t, nil, "source=location", "archive=on", "mode=oracle")
	w.walk(takePlanned, dr.GateDecide, "00000001")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
}
