package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
	"github.com/switchback-dr/switchback/internal/reports"
)

func TestATakeoverGoesToTheOnlyOtherSiteUnderTheSystemsOwnID(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("takeover", "orders", "--reason", "a < b", "--detach"), b.err)
	require.Equal(t, "dr-orders", b.temporal.started.ID)
	require.Equal(t, dr.TaskQueue, b.temporal.started.TaskQueue)
	require.True(t, b.temporal.started.WorkflowExecutionErrorWhenAlreadyStarted)
	require.Equal(t, dr.WorkflowTakeover, b.temporal.startType)
	r, err := dr.DecodeTakeover(b.temporal.startArg)
	require.NoError(t, err)
	require.Equal(t, dr.Request{Procedure: dr.ProcTakeover, System: "orders", Mode: dr.ModePlanned, To: "west", Reason: "a < b"}, r)
	require.Contains(t, b.out.String(), "/namespaces/default/workflows/dr-orders/run-1/history")
}

func TestASignedStartIsThePersons(t *testing.T) {
	b := newBench(t)
	path, line := b.key(t)
	b.inventory(t, "people: {ana: {name: Ana, roles: [dba], ssh_keys: ['"+line+"']}}")
	b.env["SWITCHBACK_PERSON"], b.env["SWITCHBACK_KEY"] = "ana", path
	require.Equal(t, ExitDone, b.run("failback", "orders", "--reason", "east is back", "--detach", "--json"), b.err)
	var out started
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &out))
	require.Equal(t, "run-1", out.Run)
	r, err := dr.DecodeFailback(b.temporal.startArg)
	require.NoError(t, err)
	s, err := b.App.load(&input{})
	require.NoError(t, err)
	defer s.Close()
	who, _, err := people.JudgeStart(s.Inventory.Who(), r, "dr-orders", noon)
	require.NoError(t, err)
	require.Equal(t, "ana", who)
	_, _, err = people.JudgeStart(s.Inventory.Who(), r, "dr-other", noon)
	require.Error(t, err, "the signature covers the workflow ID")
}

func TestASecondProcedureIsRefusedBeforeAndAtTheStart(t *testing.T) {
	b := newBench(t)
	b.atGate(t)
	require.Equal(t, ExitRefused, b.run("takeover", "orders", "--reason", "x"))
	require.Contains(t, b.err.String(), "runs already as dr-orders: takeover, waiting for approval; next: starter follow orders")
	require.Nil(t, b.temporal.started)

	b = newBench(t)
	b.temporal.startErr = serviceerror.NewWorkflowExecutionAlreadyStarted("x", "", "")
	require.Equal(t, ExitRefused, b.run("takeover", "orders", "--reason", "x"))
	require.Contains(t, b.err.String(), "runs already")
}

func TestAfterARunThatWasTerminatedTheTargetIsNotChosenForAnybody(t *testing.T) {
	b := newBench(t)
	b.temporal.noRun, b.temporal.status = false, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	require.Equal(t, ExitUsage, b.run("takeover", "orders", "--reason", "x", "--detach"))
	require.Contains(t, b.err.String(), "ended by force")
	require.Nil(t, b.temporal.started)
	require.Equal(t, ExitDone, b.run("takeover", "orders", "--reason", "x", "--detach", "--to", "west"), b.err)
}

func TestTheTargetIsNotGuessedWhenThePrimaryIsNotKnown(t *testing.T) {
	silent := dr.SiteSituation{Reachable: dr.No, Role: dr.RoleUnknown}
	b := newBench(t)
	b.product.sites = map[string]dr.SiteSituation{"east": silent, "west": secondary()}
	require.Equal(t, ExitUsage, b.run("takeover", "orders", "--mode", "unplanned", "--reason", "x", "--detach"))
	require.Contains(t, b.err.String(), "not known which site is primary now")
	b.product.sites = map[string]dr.SiteSituation{"east": primary(), "west": primary()}
	require.Equal(t, ExitRefused, b.run("takeover", "orders", "--reason", "x", "--detach"))
	require.Contains(t, b.err.String(), "two primaries")
	require.Nil(t, b.temporal.started)
}

func TestALostPrimaryIsKnownFromTheWatch(t *testing.T) {
	b := newBench(t)
	b.product.sites = map[string]dr.SiteSituation{"east": {Reachable: dr.No}, "west": secondary()}
	b.temporal.answers[dr.QueryMemory] = dr.Memory{Schema: dr.MemorySchema, System: "orders", At: noon.Add(-time.Hour), Primary: "east"}
	require.Equal(t, ExitDone, b.run("takeover", "orders", "--mode", "unplanned", "--reason", "x", "--detach"), b.err)
	require.Contains(t, string(b.temporal.startArg), `"to":"west"`)
}

func TestFollowingPrintsTheTimelineShowsThePlanAndEndsWithTheRunsCode(t *testing.T) {
	for kind, code := range map[dr.EndingKind]int{
		dr.EndDone: ExitDone, dr.EndRejected: ExitNotApproved, dr.EndSafeStop: ExitSafeStop, dr.EndAborted: ExitAborted, dr.EndAbandoned: ExitAbandoned,
	} {
		b := newBench(t)
		p, _ := b.atGate(t)
		b.temporal.result = &dr.Result{Schema: 1, Ending: dr.Ending{Kind: kind, Text: "that is how it went", At: noon}, Report: "/reports/x"}
		looks := 0
		b.temporal.onQuery = func() {
			if looks++; looks == 6 {
				b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
			}
		}
		require.Equal(t, code, b.run("follow", "orders"), "%s: %s", kind, b.err)
		for _, want := range []string{"started by somebody", "promote --now", dr.ShortDigest(p.Digest), "that is how it went", "/reports/x"} {
			require.Contains(t, b.out.String(), want, kind)
		}
		require.Equal(t, 1, strings.Count(b.out.String(), "started by somebody"), "each event once")
		require.NotContains(t, b.out.String(), "\x1b", "no escapes without a terminal")
	}
}

func TestNoWaitEndsWhenTheRunWaitsForPeople(t *testing.T) {
	b := newBench(t)
	b.atGate(t)
	require.Equal(t, ExitWaits, b.run("follow", "orders", "--no-wait", "--json"), b.err)
	var out ended
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &out))
	require.Equal(t, dr.StateGate, out.Status.State)
}

func TestStatusTellsTheStateByItsExitCodeOnlyWhenAsked(t *testing.T) {
	b := newBench(t)
	_, st := b.atGate(t)
	require.Equal(t, ExitDone, b.run("status", "orders"))
	require.Contains(t, b.out.String(), "promote --now", "an open gate is shown with its plan")
	require.Equal(t, ExitWaits, b.run("status", "orders", "--exit-code"))
	st.Gate, st.State = nil, dr.StateRunning
	b.temporal.answers[dr.QueryStatus] = st
	require.Equal(t, ExitRunning, b.run("status", "orders", "--exit-code", "--json"))
	var l look
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &l))
	require.Equal(t, dr.StateRunning, l.Status.State)
}

func TestAClosedRunIsShownFromItsResultWhenNoWorkerAnswers(t *testing.T) {
	b := newBench(t)
	b.temporal.noRun, b.temporal.noWorker = false, true
	b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	b.temporal.result = &dr.Result{Ending: dr.Ending{Kind: dr.EndAborted, Text: "aborted by ana", At: noon}}
	require.Equal(t, ExitAborted, b.run("status", "orders", "--exit-code"), b.err)
	require.Contains(t, b.out.String(), "aborted by ana")
}

func TestAReportComesFromTheFilesWhenHistoryIsGoneAndAChangedFileIsRefused(t *testing.T) {
	b := newBench(t)
	s, err := b.App.load(&input{})
	require.NoError(t, err)
	defer s.Close()
	w, err := s.Reports.Write(dr.Report{
		Schema: dr.ReportSchema, System: "orders", Procedure: dr.ProcTakeover, OriginalRun: "abcdef0123", StartedAt: noon, Reason: "kept on disk",
	})
	require.NoError(t, err)
	require.Equal(t, ExitDone, b.run("report", "orders"), b.err)
	require.Contains(t, b.out.String(), "kept on disk")
	require.Contains(t, b.err.String(), "read from "+w.Path)
	require.Equal(t, ExitDone, b.run("report", "orders", "--run", "abcdef0123", "--json"), b.err)
	require.Equal(t, ExitNoRun, b.run("report", "orders", "--run", "ffffffffff"))
	out := b.dir + "/out.html"
	require.Equal(t, ExitDone, b.run("report", "orders", "--format", "html", "--out", out), b.err)
	require.FileExists(t, out)
	changeFile(t, w.Path+"/report.json", "kept", "made")
	_, _, err = reports.Find(s.Reports, "orders", "")
	require.True(t, dr.HasCode(err, "report_changed"), "%v", err)
	require.Equal(t, ExitRefused, b.run("report", "orders"))
}
