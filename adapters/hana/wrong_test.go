package hana

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// TestWhatGoesWrong plays, on the lab's hosts, what is known to go wrong with
// system replication, in the actions themselves. Each case has its own pair.
func TestWhatGoesWrong(t *testing.T) {
	for name, play := range map[string]func(*testing.T){
		"a site that was started meanwhile is not registered":          registerOnARunningSite,
		"a primary that is not ready yet is asked again, then held":    registerTooEarly,
		"mode and operation mode come back as they were":               modesComeBack,
		"a name that is not the site's own is never registered":        wrongNames,
		"a secondary that waits for its source says so":                startWithoutSource,
		"a cluster that takes charge between plan and act":             clusterTakesCharge,
		"a replay backlog is waited for before a planned takeover":     replayBacklog,
		"a full log volume is told before anything is planned on it":   fullLogVolume,
		"a registration with --online is not used, the site restarts":  registeredSitesRestart,
		"a stop that says it is done while a host goes on is not done": stopReturnsEarly,
	} {
		t.Run(name, play)
	}
}

// until carries the steps out up to, but without, the first with the action.
func (w *world) until(steps []dr.Step, action string) dr.Step {
	w.t.Helper()
	for _, st := range steps {
		if st.Action == action {
			return st
		}
		res, err := w.execute(st, 1)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Output)
	}
	w.t.Fatalf("the plan has no %s", action)
	return dr.Step{}
}

// calls counts what changed something on a host.
func (w *world) calls(host, program string) int {
	w.t.Helper()
	raw, err := labkit.Ask(w.lab.Dir, "ledger", "", nil, false)
	require.NoError(w.t, err)
	var l ledger.Ledger
	require.NoError(w.t, json.Unmarshal(raw, &l))
	return l.Commands[host][program]
}

func registerOnARunningSite(t *testing.T) {
	w := newWorld(t)
	w.takeOver()
	st := w.until(w.plan(goBack, dr.GateConvert), register.Name)
	w.fault(true, "old-primary-returns", "east")
	w.eventually("east runs", func() (bool, string) {
		r, _, err := w.place("east").brief(t.Context(), w.Env(), partProcesses)
		return err == nil && r.Running() == dr.Yes, processWords(r)
	})
	_, err := w.execute(st, 1)
	require.ErrorContains(t, err, "east is not proven to be stopped")
	require.Zero(t, w.calls("east", "hdbnsutil -sr_register"), "nothing was sent")

	// And when it starts between the guard and the command, HANA itself refuses.
	env := w.Env()
	env.Job = kit.JobKey{Workflow: "dr-erp", OriginalRun: "5117e003", Gate: "g", Occurrence: 1, Step: st.ID, Attempt: 1}
	_, at, err := w.place("east").brief(t.Context(), env, partConfig)
	require.NoError(t, err)
	a := register.Action()
	job, err := a.Act(t.Context(), env, st.Args, at)
	require.NoError(t, err)
	require.Equal(t, 128, job.Exit, "%s%s", job.Stdout, job.Stderr)
	err = a.(kit.Interpreter).Interpret(st.Args, job)
	require.True(t, dr.HasCode(err, "still_running"), "%v", err)
}

func registerTooEarly(t *testing.T) {
	w := newWorld(t)
	w.takeOver()
	st := w.until(w.plan(goBack, dr.GateConvert), register.Name)
	w.fault(true, "source-not-ready", "west")
	_, err := w.execute(st, 1)
	require.True(t, dr.HasCode(err, "primary_not_ready"), "%v", err)
	require.Equal(t, 4, w.calls("east", "hdbnsutil -sr_register"), "three more times, and no more")
	w.fault(false, "source-not-ready", "west")
	_, err = w.execute(st, 2)
	require.NoError(t, err)
}

func modesComeBack(t *testing.T) {
	w := newWorld(t, "--set", "mode=syncmem", "--set", "operation=delta_datashipping")
	w.base = &dr.Baseline{Primary: "east", Sites: w.sys.Baseline(w.observe())}
	before := w.State()
	w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	r := kit.Details[Reading](w.observe())["east"]
	require.Equal(t, "syncmem", r.Mode())
	require.Equal(t, "delta_datashipping", operationOf(r), "HANA's own default would be logreplay")
	w.inSync()
	w.walk(w.plan(goBack, dr.GateCutover))
	w.inSync()
	require.Equal(t, before, strings.ReplaceAll(strings.ReplaceAll(w.State(), "takeovers 2", "takeovers 0"), "takeovers 1", "takeovers 0"), "roles, names and modes end as they began")
}

func wrongNames(t *testing.T) {
	w := newWorld(t)
	w.takeOver()
	st := w.until(w.plan(goBack, dr.GateConvert), register.Name)
	good := string(st.Args)
	for said, name := range map[string]string{"nothing": "", "what an unreadable state gave": "unknown", "the other site's": "WEST", "an option": "--force"} {
		st.Args = []byte(strings.Replace(good, `"name":"EAST"`, `"name":"`+name+`"`, 1))
		require.NotEqual(t, good, string(st.Args))
		_, err := w.execute(st, 1)
		require.ErrorContains(t, err, "not allowed", said)
	}
	st.Args = []byte(strings.Replace(good, `"name":"EAST"`, `"name":"NORTH"`, 1))
	_, err := w.execute(st, 1)
	require.ErrorContains(t, err, "calls itself EAST")
	require.Zero(t, w.calls("east", "hdbnsutil -sr_register"), "nothing was sent")
	st.Args = []byte(good)
	_, err = w.execute(st, 2)
	require.NoError(t, err)
}

func startWithoutSource(t *testing.T) {
	w := newWorld(t)
	w.takeOver()
	w.fault(true, "start-waits-for-source", "east")
	st := w.until(w.plan(goBack, dr.GateConvert), startSystem.Name)
	w.fault(true, "link-cut", "west")
	st.Timeout = dr.Duration(8 * time.Second)
	_, err := w.execute(st, 1)
	require.ErrorContains(t, err, "waiting for the primary site", "the nameserver's own words")
	require.ErrorContains(t, err, "check the network from east to west")
	w.fault(false, "link-cut", "west")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.execute(st, 2)
	require.NoError(t, err)
}

func clusterTakesCharge(t *testing.T) {
	w := newWorld(t)
	st := w.until(w.plan(takePlanned("west"), dr.GateDecide), takeover.Name)
	for _, site := range []string{"east", "west"} {
		w.fault(true, "pacemaker", site, "managed")
		_, err := w.execute(st, 1)
		require.ErrorContains(t, err, "Pacemaker manages SAP HANA")
		err = w.sys.Plan(kit.PlanInput{Request: withReason(takePlanned("west")), Gate: dr.GateDecide, Situation: w.observe(), RunID: "aa11"}, kit.NewDraft())
		require.True(t, dr.HasCode(err, "managed"), "%v", err)
		w.fault(true, "pacemaker", site, "maintenance")
	}
	require.Zero(t, w.calls("west", "hdbnsutil -sr_takeover"), "nothing was sent")
	_, err := w.execute(st, 2)
	require.NoError(t, err, "a cluster in maintenance leaves HANA alone")
}

func withReason(r dr.Request) dr.Request {
	r.System, r.Reason = "erp", "test"
	return r
}

func replayBacklog(t *testing.T) {
	w := openWorld(t, func(text string) string {
		return strings.Replace(text, "            hook: true\n", "            hook: true\n            max_replay_backlog_mb: 1\n", 1)
	})
	w.inSync()
	w.fault(true, "replay-stops", "west")
	p := w.place("east")
	conn, done, err := p.connect(t.Context(), w.Env(), "DRT", time.Minute)
	require.NoError(t, err)
	defer done()
	_, err = conn.ExecContext(t.Context(), "CREATE TABLE BACKLOG (N INTEGER)")
	require.NoError(t, err)
	plan := func() error {
		return w.sys.Plan(kit.PlanInput{Request: withReason(takePlanned("west")), Gate: dr.GateDecide, Situation: w.observe(), RunID: "aa11"}, kit.NewDraft())
	}
	w.eventually("the backlog is too large", func() (bool, string) {
		for n := range 2000 {
			_, err := conn.ExecContext(t.Context(), "INSERT INTO BACKLOG VALUES ("+string(rune('0'+n%10))+")")
			require.NoError(t, err)
		}
		err := plan()
		return dr.HasCode(err, "replay_backlog"), fmt.Sprint(err)
	})
	w.fault(false, "replay-stops", "west")
	w.eventually("it is replayed", func() (bool, string) { err := plan(); return err == nil, fmt.Sprint(err) })
}

func fullLogVolume(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "log-volume-full", "east")
	w.eventually("the volume is told of", func() (bool, string) {
		j := w.observe().Judgement
		return strings.Contains(strings.Join(j.Alarms, "; "), "log volumes of east is 100 % full"), strings.Join(j.Alarms, "; ")
	})
	d := kit.NewDraft()
	require.NoError(t, w.sys.Plan(kit.PlanInput{Request: withReason(takePlanned("west")), Gate: dr.GateDecide, Situation: w.observe(), RunID: "aa11"}, d))
	require.Contains(t, strings.Join(d.Consequences(), " "), "The log volume of east is nearly full")
	w.fault(false, "log-volume-full", "east")
	require.NotContains(t, strings.Join(w.observe().Judgement.Alarms, "; "), "100 % full")
}

func registeredSitesRestart(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "online-register-without-restart", "east")
	ids := w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	require.Contains(t, ids, "protect.stop-east protect.register-east protect.start-east protect.wait-sync-east")
	w.inSync()
}

func stopReturnsEarly(t *testing.T) {
	w := newWorld(t)
	w.fault(true, "wait-returns-early", "east")
	w.fault(true, "stop-ignored", "east")
	st := w.until(w.plan(takePlanned("west"), dr.GateDecide), stopSystem.Name)
	st.Timeout = dr.Duration(6 * time.Second)
	_, err := w.execute(st, 1)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "is stopped on every host")
	w.fault(false, "stop-ignored", "east")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.execute(st, 2)
	require.NoError(t, err)
	r, _, err := w.place("east").brief(context.Background(), w.Env(), partProcesses)
	require.NoError(t, err)
	require.Equal(t, dr.No, r.Running())
}
