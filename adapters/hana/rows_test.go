package hana

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
)

func (w *world) fault(on bool, name string, args ...string) {
	w.t.Helper()
	_, err := labkit.Ask(w.lab.Dir, "fault", name, args, on)
	require.NoError(w.t, err)
}

// plan gives the steps of a request.
func (w *world) plan(req dr.Request, g dr.Gate) []dr.Step {
	w.t.Helper()
	d := kit.NewDraft()
	req.System, req.Reason = "erp", "test"
	require.NoError(w.t, w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: "aa11", Baseline: w.base}, d))
	return adaptertest.Steps(w.t, req, g, d)
}

// execute carries out one step.
func (w *world) execute(st dr.Step, attempt int) (kit.StepResult, error) {
	env := w.Env()
	env.Job = kit.JobKey{Workflow: "dr-erp", OriginalRun: "5117e002", Gate: "g", Occurrence: 1, Step: st.ID, Attempt: attempt}
	return kit.Execute(context.Background(), env, adaptertest.Action(w.t, Adapter{}, st.Action), st)
}

func (w *world) walk(steps []dr.Step) (ids string) {
	w.t.Helper()
	for _, st := range steps {
		res, err := w.execute(st, 1)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Output)
		w.t.Logf("%-34s %-8s %s", st.ID, res.State, res.Text)
		ids += st.ID + " "
	}
	return ids
}

func TestAServiceThatIsDownIsStartedBeforeAnythingIsProven(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "daemon-kill", "east")
	w.fault(true, "sapstartsrv-down", "east")
	w.eventually("sapstartsrv of east is seen as down", func() (bool, string) {
		r := kit.Details[Reading](w.observe())["east"]
		return len(r.Processes) == 1 && r.Processes[0].NoService, processWords(r)
	})
	ids := w.walk(w.plan(takeUnplanned("west"), dr.GateDecide))
	require.Contains(t, ids, "isolate.service-east isolate.autostart-east isolate.stop-east ")
	v, _ := w.observe().Site("west")
	require.Equal(t, dr.Yes, v.AcceptsWrites)
}

func TestAScaleOutSiteIsStoppedOnlyWhenEveryHostIs(t *testing.T) {
	w := newWorld(t, "--set", "hosts=2")
	east := w.place("east")
	require.Len(t, east.Hosts, 2)
	w.fault(true, "stop-ignored", east.Hosts[1].Host)
	steps := w.plan(takePlanned("west"), dr.GateDecide)
	var taken bool
	for _, st := range steps {
		if st.ID == "protect.stop-east" {
			taken = true
			st.Timeout = dr.Duration(8 * time.Second)
			_, err := w.execute(st, 1)
			require.Error(t, err, "one host goes on")
			require.NotContains(t, err.Error(), "is stopped on every host")
			w.fault(false, "stop-ignored", east.Hosts[1].Host)
			st.Timeout = dr.Duration(time.Minute)
			_, err = w.execute(st, 2)
			require.NoError(t, err)
			continue
		}
		res, err := w.execute(st, 1)
		require.NoError(t, err, "%s: %s", st.ID, res.Output)
	}
	require.True(t, taken)
	w.inSync()
}

func TestAThirdSiteFollowsTheNewPrimary(t *testing.T) {
	w := newWorld(t, "--sites", "3")
	third := "north"
	ids := w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	require.Contains(t, ids, "protect.register-"+third)
	rs := kit.Details[Reading](w.observe())
	for _, n := range []string{"east", third} {
		l := linkTo(rs["west"], w.place(n).Name, w.place(n).SQL.Tenants)
		require.Equal(t, dr.Yes, l.InSync, "%s: %s", n, l.Text)
	}
}

func TestAThirdSiteOfAChainStaysInIt(t *testing.T) {
	w := newWorld(t, "--sites", "3", "--set", "topology=multitier")
	third := "north"
	w.base = &dr.Baseline{Primary: "east", Sites: w.sys.Baseline(w.observe())}
	ids := w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	require.NotContains(t, ids, "protect.register-"+third, "west fed it before and feeds it now")
	w.walk(w.plan(goBack, dr.GateConvert))
	ids = w.walk(w.plan(goBack, dr.GateCutover))
	require.Contains(t, ids, "protect.enable-west")
	rs := kit.Details[Reading](w.observe())
	require.Equal(t, []string{w.place("west").main().Name}, rs[third].Masters())
	require.Equal(t, dr.Yes, linkTo(rs["east"], w.place("west").Name, w.place("west").SQL.Tenants).InSync)
}

func TestATenantThatStaysDownIsWaitedForAndSaid(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "tenant-down", "west", "DRT")
	for _, st := range w.plan(takePlanned("west"), dr.GateDecide) {
		if st.ID == "verify.check-databases" {
			st.Timeout = dr.Duration(2 * time.Second)
			_, err := w.execute(st, 1)
			require.ErrorContains(t, err, "the tenant DRT of west is not active")
			w.fault(false, "tenant-down", "west", "DRT")
			st.Timeout = dr.Duration(time.Minute)
			_, err = w.execute(st, 2)
			require.NoError(t, err)
			return
		}
		_, err := w.execute(st, 1)
		require.NoError(t, err, st.ID)
	}
	t.Fatal("the plan checks no database")
}

func TestARegistrationWithoutAForcedReplicaCanShipEverythingAndSaysSo(t *testing.T) {
	w := newWorld(t)
	w.takeOver()
	w.fault(true, "log-lost", "west")
	var how string
	for _, st := range w.plan(goBack, dr.GateConvert) {
		res, err := w.execute(st, 1)
		require.NoError(t, err, "%s: %s", st.ID, res.Output)
		if st.Action == waitSync.Name {
			how = res.Text
		}
	}
	require.Contains(t, how, "a full replica was shipped")
}

func TestAHangingToolIsUnknownWithinItsTime(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "command-hangs", "west", "hdbnsutil")
	began := time.Now()
	v := w.sys.ObserveSite(t.Context(), w.Env(), "west")
	require.Less(t, time.Since(began), 20*time.Second)
	require.Equal(t, dr.RoleUnknown, v.Role)
	require.Equal(t, dr.Unknown, v.AcceptsWrites)
	require.Contains(t, v.Fact("hana.gap_sr_state").Text, "124")
}
