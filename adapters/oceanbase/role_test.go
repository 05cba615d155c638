package oceanbase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// obeys carries role statements out at once.
func obeys(c *cluster, q string) *refusal {
	role := rolePrimary
	switch {
	case strings.HasSuffix(q, "VERIFY"):
		return nil
	case strings.Contains(q, "TO STANDBY"):
		role = roleStandby
	case !strings.Contains(q, "TO PRIMARY") && !strings.Contains(q, "ACTIVATE"):
		return nil
	}
	c.setLocked("DBA_OB_TENANTS", "TENANT_ROLE", role, "SWITCHOVER_STATUS", "NORMAL", "SWITCHOVER_EPOCH", "101")
	return nil
}

// halfWay leaves the tenant in a state with an error the first time, and obeys
// when the same statement comes again.
func halfWay(state string, number uint16, text string) func(*cluster, string) *refusal {
	first := true
	return func(c *cluster, q string) *refusal {
		if first {
			first = false
			c.setLocked("DBA_OB_TENANTS", "SWITCHOVER_STATUS", state)
			return &refusal{number, text}
		}
		return obeys(c, q)
	}
}

// demoted is the world in the middle of a planned takeover.
func demoted(t testing.TB) (*world, []dr.Step) {
	w := newWorld(t, "")
	steps, _ := w.steps(takePlanned, dr.GateDecide)
	w.east.set("DBA_OB_TENANTS", "TENANT_ROLE", roleStandby, "SWITCHOVER_EPOCH", "99")
	w.west.on, w.east.on = obeys, obeys
	return w, steps
}

const timeoutText = "Timeout, query has reached the maximum query timeout: 120000000(us), maybe you can adjust the session variable ob_query_timeout"

func TestAStatementThatTimedOutHalfWayIsResumedByTheSameStatement(t *testing.T) {
	for _, state := range []string{prepPrimary, flashing, becomingPrim} {
		for _, e := range []refusal{{4012, timeoutText}, {4016, "Internal error"}, {4036, "Need retry"}, {4023, "Try again"}, {4109, "Server state or role not the same as expected"}, {9999, "nobody has seen this"}} {
			w, steps := demoted(t)
			w.west.on = halfWay(state, e.number, e.text)
			res, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
			require.NoError(t, err, "%s %d", state, e.number)
			require.Equal(t, dr.StepDone, res.State)
			want := "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = `orders`"
			require.Equal(t, []string{want, want}, w.west.statements(), "nothing else is ever sent in its place")
		}
	}
}

func TestALostAnswerIsReadBackAndNeverTakenForEither(t *testing.T) {
	w, steps := demoted(t)
	w.west.drop = 1
	res, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Len(t, w.west.statements(), 1, "the view said that it was done")

	w, steps = demoted(t)
	w.west.on = halfWay(flashing, 4012, timeoutText)
	w.west.drop = 1
	_, err = w.execute(find(t, steps, "oceanbase.switch_to_primary"))
	require.NoError(t, err)
	require.Len(t, w.west.statements(), 2)
}

func TestADeadWorkersHalfWayStateIsResumed(t *testing.T) {
	w, steps := demoted(t)
	w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", becomingPrim, "SWITCHOVER_EPOCH", "100")
	_, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
	require.NoError(t, err)
}

func TestAPromotionPastItsOwnCheckGoesOnWithoutTheOtherSide(t *testing.T) {
	w, steps := demoted(t)
	w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", flashing)
	w.east.down = true
	_, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
	require.NoError(t, err)
}

func TestEveryKnownRefusalHoldsWithTheServersReasonAndWhatToDo(t *testing.T) {
	for text, next := range map[string]string{
		"tenant status is not normal, switchover to primary is not allowed":                                               "STATUS",
		"switchover status not match, switchover to primary is not allowed":                                               "half-way",
		"recovery_until_scn is invalid, switchover to primary is not allowed":                                             "UNLIMITED",
		"recovery_until_scn has been changed, switchover to primary is not allowed":                                       "UNLIMITED",
		"recovery_until_scn is not max_scn, switchover to standby is not allowed":                                         "UNLIMITED",
		"tenant role is not PRIMARY, switchover to standby not allowed":                                                   "another role",
		"the tenant has units on temporary offline servers, failover to primary is not allowed":                           "server_permanent_offline_time",
		"the tenant has LS replicas on at least one of the permanent offline servers, failover to primary is not allowed": "balancer_idle_time",
		"the tenant has LS replicas without leader, failover to primary is not allowed":                                   "no leader",
		"tenant status changed by concurrent operation, switchover to primary is not allowed":                             "somebody else",
		"log restore source is primary, switchover to primary is not allowed":                                             "still primary",
		"log restore source is not in normal status, switchover to primary is not allowed":                                "not NORMAL",
		"log restore source is not in normal switchover status, switchover to primary is not allowed":                     "change of roles",
		"wait tenant sync to latest failed(original error code: -4012), switchover to primary is not allowed":             "resumes",
		"query primary failed(original error code: -1045), switchover to primary is not allowed":                          "password",
		"query primary failed(original error code: -2002), switchover to primary is not allowed":                          "does not answer",
		"primary tenant's user account is locked, switchover to primary is not allowed":                                   "replication user",
		"primary tenant is locked, switchover to primary is not allowed":                                                  "UNLOCK",
		"recover cancel failed, failover to primary is not allowed":                                                       "server's log",
		"Tenant restore data mode is remote. Operation is not allowed":                                                    "another site",
		"something that no page tells of is not allowed":                                                                  "read the server's reason",
	} {
		w, steps := demoted(t)
		w.west.on = func(*cluster, string) *refusal {
			return &refusal{4179, text + "\n[10.0.2.1:2882] [2026-11-21 12:00:00.1] [YB420A000201-0006]"}
		}
		_, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
		require.Equal(t, dr.ClassHold, dr.ClassOf(err), text)
		require.ErrorContains(t, err, strings.SplitN(text, " not allowed", 2)[0], "the server's own words are shown")
		require.Contains(t, dr.AsError(err, "").Next, next, text)
		require.Len(t, w.west.statements(), 1, "a refusal is not repeated")
		require.False(t, dr.AsError(err, "").Unknown)
	}
}

func TestGuardsOfThePromotionSendNothing(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world)
		text string
	}{
		"the other side is primary again": {func(w *world) { w.east.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary) }, "not a standby"},
		"the other side does not answer":  {func(w *world) { w.east.down = true }, "did not answer"},
		"the source was emptied":          {func(w *world) { w.west.views["CDB_OB_LOG_RESTORE_SOURCE"] = nil }, "without a catch-up check"},
		"the source is another":           {func(w *world) { w.west.set("CDB_OB_LOG_RESTORE_SOURCE", "VALUE", "IP_LIST=10.0.9.1:2881") }, "not from the tenant"},
		"the log is not complete":         {func(w *world) { w.east.set("GV$OB_LOG_STAT", "END_LSN", "90001") }, "1 B behind"},
		"another tenant of the name":      {func(w *world) { w.west.set("DBA_OB_TENANTS", "TENANT_ID", "1010") }, "TENANT_ID 1010"},
		"another cluster":                 {func(w *world) { w.west.views["GV$OB_PARAMETERS"][0]["VALUE"] = "9" }, "cluster 9"},
		"roles were changed meanwhile":    {func(w *world) { w.west.set("DBA_OB_TENANTS", "SWITCHOVER_EPOCH", "78") }, "SWITCHOVER_EPOCH is 78"},
		"a failover is half-way":          {func(w *world) { w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", prepFlashback) }, "another statement"},
		"an unknown state":                {func(w *world) { w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", "WHATEVER") }, "WHATEVER"},
		"locked":                          {func(w *world) { w.west.set("DBA_OB_TENANTS", "LOCKED", "YES") }, "locked"},
		"a server is offline": {func(w *world) {
			w.west.set("DBA_OB_SERVERS", "STATUS", "INACTIVE", "LAST_OFFLINE_TIME", "2026-11-21 11:59:00.000000")
		}, "59 min"},
		"a stream has no leader": {func(w *world) { w.west.views["GV$OB_LOG_STAT"] = w.west.views["GV$OB_LOG_STAT"][:2] }, "without"},
	} {
		t.Run(name, func(t *testing.T) {
			w, steps := demoted(t)
			c.do(w)
			_, err := w.execute(find(t, steps, "oceanbase.switch_to_primary"))
			require.ErrorContains(t, err, c.text)
			require.Empty(t, w.west.statements())
		})
	}
}

func TestTheWayBackIsOnlyTakenWhileTheOtherTenantIsAStandbyAtRest(t *testing.T) {
	w, steps := demoted(t)
	undo := *find(t, steps, "oceanbase.switch_to_standby").Undo
	w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary)
	_, err := w.execute(undo)
	require.Error(t, err)
	require.Empty(t, w.east.statements(), "it would have made two primaries")
	w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", roleStandby, "SWITCHOVER_STATUS", prepPrimary)
	_, err = w.execute(undo)
	require.Error(t, err)
	w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", "NORMAL")
	w.west.down = true
	_, err = w.execute(undo)
	require.Error(t, err, "a tenant that cannot be read may be primary")
	w.west.down = false
	require.Empty(t, w.east.statements())
	_, err = w.execute(undo)
	require.NoError(t, err)
	require.Equal(t, []string{"ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = `orders`"}, w.east.statements())
}

func TestAnActivationIsHeldWhenTheOldPrimaryAnswersAgain(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	steps, _ := w.steps(takeUnplanned, dr.GateDecide)
	w.west.on = obeys
	w.east.down = false
	st := find(t, steps, "oceanbase.activate_standby")
	_, err := w.execute(st)
	require.ErrorContains(t, err, "answers again and may accept writes")
	require.Empty(t, w.west.statements())
	w.east.set("DBA_OB_TENANTS", "LOCKED", "YES")
	_, err = w.execute(st)
	require.ErrorContains(t, err, "may accept writes", "a lock lets open sessions go on")
	w.east.down = true
	res, err := w.execute(st)
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	res, err = w.execute(st)
	require.NoError(t, err)
	require.Equal(t, dr.StepAlready, res.State)
	require.Len(t, w.west.statements(), 1)
}

func TestAnActivationIsResumedFromItsOwnStatesAndNotFromAPlannedOne(t *testing.T) {
	for state, ok := range map[string]bool{prepFlashback: true, flashing: true, becomingPrim: true, prepPrimary: false, prepStandby: false, "PREPARE FLASHBACK FOR LOSSLESS FAILOVER": false} {
		w := newWorld(t, "")
		w.east.down = true
		steps, _ := w.steps(takeUnplanned, dr.GateDecide)
		w.west.on = obeys
		w.west.set("DBA_OB_TENANTS", "SWITCHOVER_STATUS", state)
		_, err := w.execute(find(t, steps, "oceanbase.activate_standby"))
		if ok {
			require.NoError(t, err, state)
			continue
		}
		require.Error(t, err, state)
		require.Empty(t, w.west.statements(), state)
	}
}

func TestWaitingForAServerTellsHowLongTheRuleMakesOneWait(t *testing.T) {
	w := newWorld(t, "")
	w.east.down = true
	w.west.set("DBA_OB_SERVERS", "STATUS", "INACTIVE", "LAST_OFFLINE_TIME", "2026-11-21 11:55:00.000000")
	steps, _ := w.steps(takeUnplanned, dr.GateDecide)
	st := find(t, steps, "oceanbase.wait_ready")
	e := actionOf(t, st.Action).Probe(t.Context(), testEnv(t, w.w), st.Args)
	require.Equal(t, "55m0s", e.Progress.Left.D().String())
	require.Contains(t, e.Text, "temporarily offline")
	// Gone for good, and its replicas are removed.
	w.west.set("DBA_OB_SERVERS", "LAST_OFFLINE_TIME", "2026-11-21 09:55:00.000000")
	w.west.set("CDB_OB_LS_LOCATIONS", "SVR_IP", "10.0.2.9", "MEMBER_LIST", "10.0.2.9:2882:1")
	_, err := w.execute(st)
	require.NoError(t, err)
}

func TestAVerifyThatIsRefusedHoldsWithTheReasonAndChangesNothing(t *testing.T) {
	w := newWorld(t, "")
	steps, _ := w.steps(takePlanned, dr.GateDecide)
	w.east.on = func(_ *cluster, q string) *refusal {
		return &refusal{4179, "recovery_until_scn is not max_scn, switchover to standby is not allowed"}
	}
	_, err := w.execute(find(t, steps, "oceanbase.verify_to_standby"))
	require.ErrorContains(t, err, "max_scn")
	require.Equal(t, []string{"ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = `orders` VERIFY"}, w.east.statements())
}

func TestSettingASourceSendsThePasswordAndShowsItNowhere(t *testing.T) {
	w, steps := demoted(t)
	w.west.set("DBA_OB_TENANTS", "TENANT_ROLE", rolePrimary)
	st := find(t, steps, "oceanbase.set_source")
	w.east.on = func(c *cluster, q string) *refusal {
		return &refusal{1064, "You have an error near '" + q + "'"}
	}
	res, err := w.execute(st)
	require.Error(t, err)
	sent := w.east.statements()
	require.Equal(t, []string{"ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=10.0.2.1:2881 USER=repl@orders PASSWORD=s3cr3t(x)=1' TENANT = `orders`"}, sent)
	require.Equal(t, []string{"east> " + strings.Replace(sent[0], "s3cr3t(x)=1", "<credential repl>", 1)}, st.Commands, "what is shown is what is run, but for the secret")
	for _, text := range []string{err.Error(), res.Output, res.Text, string(st.Args)} {
		require.NotContains(t, text, "s3cr3t")
	}
	raw, _ := w.observe().Site("west")
	require.NotContains(t, string(raw.Detail), "s3cr3t")
	for _, f := range raw.Facts {
		require.NotContains(t, f.String(), "s3cr3t")
	}
}

func TestAPasswordThatCannotStandInASourceIsRefusedByItsName(t *testing.T) {
	w, _ := demoted(t)
	q := setSourceTo(Place{Tenant: "t"}, Source{Addresses: []string{"h:1"}, User: "u", Tenant: "t", Password: "odd"})
	_, _, err := q.fill(t.Context(), testEnv(t, w.w))
	require.ErrorContains(t, err, "credential odd")
	require.NotContains(t, err.Error(), "a b")
}
