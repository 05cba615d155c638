package oceanbase

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// TestWhatGoesWrong plays in the lab what is known to go wrong with standby
// tenants, in the actions themselves. Each case has its own clusters.
func TestWhatGoesWrong(t *testing.T) {
	for name, play := range map[string]func(*testing.T){
		"a planned promotion is stuck in SWITCHING TO PRIMARY":       stuckPromotion,
		"an activation is stuck in SWITCHING TO PRIMARY":             stuckActivation,
		"a switchover whose primary dies is told and held":           stuckWithoutPrimary,
		"time-outs and lost answers in every state are resumed":      everyState,
		"somebody else sends the same statement":                     sameStatement,
		"somebody else sends another statement":                      otherStatement,
		"a third site is turned to the new primary":                  thirdSite,
		"a third standby past the cut is cut by FLASHBACK":           thirdPastTheCut,
		"a third standby whose every stream is past the cut is lost": thirdLost,
		"roles change through the tenant's own login":                ownLogin,
	} {
		t.Run(name, play)
	}
}

func (w *labWorld) fault(on bool, name string, args ...string) {
	w.t.Helper()
	_, err := w.lab.Fault(context.Background(), name, args, on)
	require.NoError(w.t, err)
}

// carry executes one step.
func (w *labWorld) carry(st dr.Step, attempt int) (kit.StepResult, error) {
	env := w.env()
	env.Job = kit.JobKey{Workflow: "dr-orders", OriginalRun: "00000001", Gate: "g", Occurrence: 1, Step: st.ID, Attempt: attempt}
	return kit.Execute(context.Background(), env, actionOf(w.t, st.Action), st)
}

// upTo carries the steps out up to, but without, the first with the action, and
// gives that one and the rest.
func (w *labWorld) upTo(steps []dr.Step, action string) (dr.Step, []dr.Step) {
	w.t.Helper()
	for i, st := range steps {
		if st.Action == action {
			return st, steps[i+1:]
		}
		res, err := w.carry(st, 1)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Text)
	}
	w.t.Fatalf("no step of %s in\n%s", action, lines(steps))
	return dr.Step{}, nil
}

func (w *labWorld) all(steps []dr.Step) {
	w.t.Helper()
	for _, st := range steps {
		res, err := w.carry(st, 1)
		require.NoError(w.t, err, "%s: %s", st.ID, res.Text)
	}
}

// changes counts what a site's observers did.
func (w *labWorld) changes(site, what string) int {
	w.t.Helper()
	l, err := w.lab.Ledger(context.Background())
	require.NoError(w.t, err)
	return l.Commands[site][what]
}

func (w *labWorld) switchover(site string) string {
	w.t.Helper()
	rows := w.sql(site, "SELECT TENANT_ROLE, SWITCHOVER_STATUS FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'")
	require.Len(w.t, rows, 1)
	return rows[0]["TENANT_ROLE"] + "/" + rows[0]["SWITCHOVER_STATUS"]
}

const (
	donePrimary  = "server: switchover to primary"
	doneActivate = "server: activate standby"
)

// impatient lets a role statement end after two seconds.
func impatient(e *labkit.Entry) { e.Product["statement_timeout"] = "2s" }

func stuckPromotion(t *testing.T) {
	w := newLab(t, impatient)
	steps, _ := w.steps(takePlanned, dr.GateDecide, "00000001")
	st, rest := w.upTo(steps, "oceanbase.switch_to_primary")
	w.fault(true, "stuck-at", "west", "SWITCHING_TO_PRIMARY")
	st.Timeout = dr.Duration(7 * time.Second)
	_, err := w.carry(st, 1)
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.ErrorContains(t, err, "SWITCHING TO PRIMARY")
	require.Equal(t, "STANDBY/SWITCHING TO PRIMARY", w.switchover("west"))
	require.Equal(t, "STANDBY/NORMAL", w.switchover("east"), "nobody writes, and nothing was resolved otherwise")
	// A look from outside tells the state, and a new run goes on from it.
	s, _ := w.observe().Site("west")
	require.Equal(t, dr.No, s.AcceptsWrites, s.Summary)
	again, _ := w.steps(takePlanned, dr.GateDecide, "00000002")
	find(t, again, "oceanbase.switch_to_primary")
	w.fault(false, "stuck-at", "west", "SWITCHING_TO_PRIMARY")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.carry(st, 2)
	require.NoError(t, err)
	w.all(rest)
	require.Equal(t, 1, w.changes("west", donePrimary))
	require.Equal(t, dr.Yes, w.observe().Judgement.InSync)
}

func stuckActivation(t *testing.T) {
	w := newLab(t, impatient)
	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	steps, _ := w.steps(takeUnplanned, dr.GateDecide, "00000001")
	st, _ := w.upTo(steps, "oceanbase.activate_standby")
	w.fault(true, "stuck-at", "west", "SWITCHING_TO_PRIMARY")
	st.Timeout = dr.Duration(7 * time.Second)
	_, err = w.carry(st, 1)
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.Equal(t, "STANDBY/SWITCHING TO PRIMARY", w.switchover("west"))
	w.fault(false, "stuck-at", "west", "SWITCHING_TO_PRIMARY")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.carry(st, 2)
	require.NoError(t, err)
	require.Equal(t, 1, w.changes("west", doneActivate))
}

// stuckWithoutPrimary: the one state in which the server refuses a failover.
func stuckWithoutPrimary(t *testing.T) {
	w := newLab(t, impatient)
	steps, _ := w.steps(takePlanned, dr.GateDecide, "00000001")
	st, _ := w.upTo(steps, "oceanbase.switch_to_primary")
	w.fault(true, "stuck-at", "west", "PREPARE_SWITCHING_TO_PRIMARY")
	st.Timeout = dr.Duration(5 * time.Second)
	_, err := w.carry(st, 1)
	require.Error(t, err)
	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	w.fault(false, "stuck-at", "west", "PREPARE_SWITCHING_TO_PRIMARY")
	require.Equal(t, "STANDBY/PREPARE SWITCHING TO PRIMARY", w.switchover("west"))
	req := takeUnplanned
	req.System, req.Reason = "orders", "test"
	err = w.sys.Plan(kit.PlanInput{Request: req, Gate: dr.GateDecide, Situation: w.observe(), RunID: "00000002"}, kit.NewDraft())
	requireRefusal(t, err, "stuck_switchover", "refuses ACTIVATE STANDBY")
	require.NoError(t, h.PowerOn())
	w.eventually(func() bool {
		s, _ := w.observe().Site("east")
		return s.Reachable == dr.Yes && s.Role == dr.RoleSecondary
	}, "east is back, a standby")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.carry(st, 2)
	require.NoError(t, err)
	require.Equal(t, 1, w.changes("west", donePrimary))
}

// everyState meets each role statement in each of its states: with time-outs on
// the way there, lost answers and errors on the way back, and all of it in an
// activation.
func everyState(t *testing.T) {
	w := newLab(t, impatient)
	w.base = &dr.Baseline{Primary: "east"}
	down := []string{"ACCEPTED", "PREPARE_SWITCHING_TO_STANDBY", "SWITCHING_TO_STANDBY"}
	up := []string{"ACCEPTED", "PREPARE_SWITCHING_TO_PRIMARY", "FLASHBACK", "SWITCHING_TO_PRIMARY"}
	each := func(fault, site string, states []string, more ...string) {
		for _, st := range states {
			w.fault(true, fault, append([]string{site, st}, more...)...)
		}
	}
	each("timeout-at", "east", down)
	each("timeout-at", "west", up)
	w.walk(takePlanned, dr.GateDecide, "00000001")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
	require.Equal(t, 1, w.changes("west", donePrimary))

	w.walk(goBack, dr.GateConvert, "00000002")
	each("drop-at", "west", down)
	each("drop-at", "east", up)
	each("error-at", "east", up[1:], "4036")
	w.walk(goBack, dr.GateCutover, "00000002")
	require.Equal(t, []string{"east"}, w.observe().Primaries())
	require.Equal(t, 1, w.changes("east", donePrimary))

	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	failover := []string{"PREPARE_FLASHBACK", "FLASHBACK", "SWITCHING_TO_PRIMARY"}
	each("timeout-at", "west", failover)
	each("drop-at", "west", append(failover, "DONE"))
	each("error-at", "west", failover, "4016")
	w.walk(takeUnplanned, dr.GateDecide, "00000003")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
	require.Equal(t, 1, w.changes("west", doneActivate))
}

// typed runs a statement as somebody else at once, and gives its answer.
func (w *labWorld) typed(site, q string) <-chan error {
	out := make(chan error, 1)
	st, _ := w.sys.site(site)
	go func() {
		s, err := st.Place.open(context.Background(), w.env(), time.Minute)
		if err == nil {
			err = s.exec(context.Background(), q)
			s.close()
		}
		out <- err
	}()
	return out
}

func sameStatement(t *testing.T) {
	w := newLab(t, nil)
	steps, _ := w.steps(takePlanned, dr.GateDecide, "00000001")
	st, rest := w.upTo(steps, "oceanbase.switch_to_primary")
	w.fault(true, "delay-at", "west", "FLASHBACK", "1500")
	theirs := w.typed("west", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = orders")
	w.eventually(func() bool { return w.switchover("west") != "STANDBY/NORMAL" }, "theirs is half-way")
	res, err := w.carry(st, 1)
	require.NoError(t, err)
	require.Contains(t, res.Text, "PRIMARY")
	t.Logf("their answer: %v", <-theirs)
	w.all(rest)
	require.Equal(t, 1, w.changes("west", donePrimary), "the role was changed once")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
}

func otherStatement(t *testing.T) {
	w := newLab(t, nil)
	steps, _ := w.steps(takePlanned, dr.GateDecide, "00000001")
	st, _ := w.upTo(steps, "oceanbase.switch_to_primary")
	w.fault(true, "timeout-at", "west", "PREPARE_FLASHBACK")
	require.Error(t, <-w.typed("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders"), "it is half-way")
	require.Equal(t, "STANDBY/PREPARE FLASHBACK", w.switchover("west"))
	_, err := w.carry(st, 1)
	require.ErrorContains(t, err, "belongs to another statement than SWITCHOVER TO PRIMARY")
	require.Equal(t, "STANDBY/PREPARE FLASHBACK", w.switchover("west"), "nothing was sent in its place")
	require.NoError(t, <-w.typed("west", "ALTER SYSTEM ACTIVATE STANDBY TENANT = orders"))
	_, err = w.carry(st, 2)
	require.NoError(t, err, "the tenant has the role")
	require.Zero(t, w.changes("west", donePrimary))
}

func third(t *testing.T, change func(*labkit.Entry)) *labWorld {
	return newLabOf(t, labkit.Options{Sites: 3, WriteEvery: 10 * time.Millisecond}, change)
}

func thirdSite(t *testing.T) {
	w := third(t, nil)
	name := w.sys.Sites()[2]
	w.base = &dr.Baseline{Primary: "east"}
	w.walk(takePlanned, dr.GateDecide, "00000001")
	follows := func(primary string) {
		w.eventually(func() bool {
			s := w.observe()
			rs := kit.Details[Reading](s)
			up, _ := w.sys.site(primary)
			h, _ := rs[name].fetching()
			return h == healthGood && w.sys.from(rs[name], up, rs[primary])
		}, name+" follows "+primary)
	}
	follows("west")
	w.walk(goBack, dr.GateConvert, "00000002")
	w.walk(goBack, dr.GateCutover, "00000002")
	follows("east")
}

// lose takes east's power away and west over.
func (w *labWorld) lose() (d *kit.Draft) {
	w.t.Helper()
	h, err := w.lab.Host("east")
	require.NoError(w.t, err)
	h.PowerOff()
	steps, d := w.steps(takeUnplanned, dr.GateDecide, "00000001")
	w.all(steps)
	return d
}

func thirdPastTheCut(t *testing.T) {
	w := third(t, func(e *labkit.Entry) { e.Product["flashback_log"] = true })
	name := w.sys.Sites()[2]
	w.fault(true, "lag-stream", name, "1001", "600000")
	w.wrote(5)
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "west has it")
	w.fault(true, "lag", "west", "600000")
	w.wrote(20)
	d := w.lose()
	require.Contains(t, fmt.Sprint(d.Consequences()), name+" does not follow west afterwards")
	again, _ := w.steps(takeUnplanned, dr.GateDecide, "00000002")
	require.Contains(t, lines(again), "FLASHBACK STANDBY LOG TO SCN")
	w.fault(false, "lag-stream", name, "1001")
	w.all(again)
	require.Equal(t, 1, w.changes(name, "server: flashback standby log"))
	rs := kit.Details[Reading](w.observe())
	h, text := rs[name].fetching()
	require.Equal(t, healthGood, h, text)
}

func thirdLost(t *testing.T) {
	w := third(t, func(e *labkit.Entry) { e.Product["flashback_log"] = true })
	name := w.sys.Sites()[2]
	w.wrote(5)
	w.fault(true, "lag", "west", "600000")
	w.wrote(20)
	req := takeUnplanned
	req.System, req.Reason = "orders", "test"
	east, err := w.lab.Host("east")
	require.NoError(t, err)
	east.PowerOff()
	err = w.sys.Plan(kit.PlanInput{Request: req, Gate: dr.GateDecide, Situation: w.observe(), RunID: "1"}, kit.NewDraft())
	require.ErrorContains(t, err, "take over to "+name, "the standby that loses least")
	far, err := w.lab.Host(name)
	require.NoError(t, err)
	far.PowerOff()
	steps, _ := w.steps(takeUnplanned, dr.GateDecide, "00000001")
	w.all(steps)
	require.NoError(t, far.PowerOn())
	w.eventually(func() bool { s, _ := w.observe().Site(name); return s.Role == dr.RoleSecondary }, name+" is back")
	d := kit.NewDraft()
	require.NoError(t, w.sys.Plan(kit.PlanInput{Request: req, Gate: dr.GateDecide, Situation: w.observe(), RunID: "2"}, d))
	require.Contains(t, d.Nothing, name+" does not: its log goes", "a tenant past the cut as a whole is not moved back")
	require.Contains(t, fmt.Sprint(w.observe().Judgement.Alarms), name+" cannot follow west")
	w.walk(dr.Request{Procedure: dr.ProcReseed, To: name}, dr.GateOverwrite, "00000003")
}

// wrote waits for so many more acknowledged writes.
func (w *labWorld) wrote(n int) {
	w.t.Helper()
	count := func() int {
		l, err := w.lab.Ledger(context.Background())
		require.NoError(w.t, err)
		return l.Acknowledged
	}
	from := count()
	w.eventually(func() bool { return count() >= from+n }, "more writes")
}

func ownLogin(t *testing.T) {
	w := newLab(t, nil, "login=tenant")
	require.True(t, w.sys.sites[0].Place.Own)
	w.base = &dr.Baseline{Primary: "east"}
	w.walk(takePlanned, dr.GateDecide, "00000001")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
	w.walk(goBack, dr.GateConvert, "00000002")
	w.walk(goBack, dr.GateCutover, "00000002")
	require.Equal(t, []string{"east"}, w.observe().Primaries())
	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	w.walk(takeUnplanned, dr.GateDecide, "00000003")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
}
