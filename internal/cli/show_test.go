package cli

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflow/v1"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func changeFile(t *testing.T, path, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	changed := strings.Replace(string(raw), from, to, 1)
	require.NotEqual(t, string(raw), changed)
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
}

func TestEveryExitCodeIsDocumentedOnceAndEveryEndingHasOne(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "exit-codes.md"))
	require.NoError(t, err)
	seen := map[int]bool{}
	for _, c := range exitCodes {
		require.False(t, seen[c.code], "code %d is there twice", c.code)
		seen[c.code] = true
		require.Contains(t, string(page), "| "+strconv.Itoa(c.code)+" | "+c.what+" |")
	}
	require.Equal(t, len(exitCodes), strings.Count(string(page), "\n| ")-2, "the page has exactly these rows")
	for kind, code := range map[dr.EndingKind]int{
		dr.EndDone: 0, dr.EndNothing: 0, dr.EndRefused: 3, dr.EndRejected: 4, dr.EndExpired: 4, dr.EndSafeStop: 5, dr.EndAborted: 6, dr.EndAbandoned: 7, "new": 1,
	} {
		require.Equal(t, code, codeOfEnding(kind), kind)
	}
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("help", "exit-codes"))
	require.Contains(t, b.out.String(), "in sync, not handed back")
}

func TestErrorsHaveTheCodesThatTheirMeaningSays(t *testing.T) {
	require.Equal(t, ExitUsage, codeOf(dr.Refuse("inventory", "x")))
	require.Equal(t, ExitUnreachable, codeOf(dr.Retry("no_worker", "x")))
	require.Equal(t, ExitUnreachable, codeOf(dr.Refuse("temporal", "x")))
	require.Equal(t, ExitRefused, codeOf(dr.Refuse("two_primaries", "x")))
	require.Equal(t, ExitFailure, codeOf(os.ErrClosed))
	require.Equal(t, ExitAbandoned, codeOf(runError("orders", &temporal.TerminatedError{})))
}

func TestTheLinkCarriesTheStartPageFilledInAndEscaped(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("link", "takeover", "orders", "--to", "west", "--reason", `say "<hi>" & go`, "--ui", "https://ui.example/temporal/", "--json"), b.err)
	var l links
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &l))
	u, err := url.Parse(l.Start)
	require.NoError(t, err)
	require.Equal(t, "/temporal/namespaces/a%20b%2Fc/workflows/start-workflow", u.EscapedPath())
	require.Equal(t, url.Values{"workflowId": {"dr-orders"}, "taskQueue": {"dr"}, "workflowType": {"Takeover"}}, u.Query())
	require.Equal(t, "https://ui.example/temporal/namespaces/a%20b%2Fc/workflows/dr-orders", l.Running)
	r, err := dr.DecodeTakeover(l.Input)
	require.NoError(t, err)
	require.Equal(t, `say "<hi>" & go`, r.Reason)
	require.Equal(t, ExitDone, b.run("link", "failback", "orders"), b.err)
	require.Contains(t, b.out.String(), `{"system":"orders","reason":"<your reason>"}`)
	require.Contains(t, b.out.String(), "http://localhost:8233/")
	require.Nil(t, b.temporal.started)
}

func TestSystemsAndFilesAreShownCleanAndAsJSON(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("systems"))
	require.Contains(t, b.out.String(), "orders  fake")
	require.Equal(t, ExitDone, b.run("systems", "--json"))
	var rows []systemRow
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &rows))
	require.Equal(t, systemRow{Name: "wide", Product: "fake", Sites: []string{"east", "west", "north"}, Workflow: "dr-wide", Approvers: 1}, rows[1])
	require.Equal(t, ExitDone, b.run("files", "orders"))
	require.Contains(t, b.out.String(), "roles.sql: on the primary")
	require.NotContains(t, b.out.String(), "\x1b")
}

func TestUnknownIsNeverHealthy(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("assess", "orders"), b.out)
	require.Contains(t, b.out.String(), "HEALTHY  one primary")
	for name, west := range map[string]dr.SiteSituation{
		"west does not answer":                       {Reachable: dr.No},
		"it is not known whether west answers":       {},
		"the role of west is unknown":                {Reachable: dr.Yes, AcceptsWrites: dr.No},
		"not known whether west accepts writes":      {Reachable: dr.Yes, Role: dr.RoleSecondary},
		"two primaries: east, west all accept write": primary(),
	} {
		b.product.sites["west"] = west
		require.Equal(t, ExitUnhealthy, b.run("assess", "orders"), name)
		require.Contains(t, b.out.String(), name)
	}
	require.Equal(t, ExitUnhealthy, b.run("assess", "orders", "--json"))
	var as assessment
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &as))
	require.False(t, as.Healthy)
	require.Equal(t, ExitUnhealthy, b.run("assess"), "one unhealthy system makes the answer for all")
}

func TestAssessWithoutTheWatchReadsTheFileOfItsMemoryWithItsAge(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("assess", "orders"))
	require.Contains(t, b.out.String(), "watch: unknown:")
	s, err := b.App.load(&input{})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Reports.KeepMemory(dr.Memory{Schema: dr.MemorySchema, System: "orders", At: noon.Add(-3 * time.Hour)}))
	require.Equal(t, ExitDone, b.run("assess", "orders"))
	require.Contains(t, b.out.String(), "watch: from the file, 3 h ago")
}

func TestAPreviewOffersNothingToApprove(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitDone, b.run("plan", "takeover", "orders"), b.err)
	require.Contains(t, b.out.String(), "west is primary already")
	require.NotContains(t, b.out.String(), "starter approve")
	require.Equal(t, ExitDone, b.run("plan", "takeover", "orders", "--json"), b.err)
	var p dr.Plan
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &p))
	require.Equal(t, "west", p.To)
	require.Equal(t, ExitDone, b.run("plan", "takeover", "orders", "--format", "markdown"), b.err)
	require.Contains(t, b.out.String(), "# Run-book")
}

func TestColourStandsOnlyOnATerminalAndYieldsToNoColor(t *testing.T) {
	b := newBench(t)
	b.atGate(t)
	colour := func() bool { b.run("status", "orders"); return strings.Contains(b.out.String(), "\x1b[") }
	require.False(t, colour())
	b.ShowsPeople = true
	require.True(t, colour())
	b.env["NO_COLOR"] = "1"
	require.False(t, colour())
	delete(b.env, "NO_COLOR")
	b.env["TERM"] = "dumb"
	require.False(t, colour())
}

func TestProgressIsOneLineThatSaysWhatItWaitsForAndHowLong(t *testing.T) {
	details, err := converter.GetDefaultDataConverter().ToPayloads(kit.Progress{Text: "waiting for log replay", Done: 1 << 20, Total: 4 << 20, Left: dr.Duration(4 * time.Minute), At: noon})
	require.NoError(t, err)
	w := workingOn([]*workflow.PendingActivityInfo{{ActivityType: &commonpb.ActivityType{Name: "postgres.wait"}, Attempt: 1, HeartbeatDetails: details}})
	line := progressLine(dr.Status{Sentence: "Wait for west"}, w, noon)
	require.Contains(t, line, "Wait for west: postgres.wait: waiting for log replay")
	require.Contains(t, line, "about 4 min")

	b := newBench(t)
	b.ShowsPeople, b.Width = true, 30
	s := newScreen(b.App, false)
	s.progress(line)
	s.progress("evil \x1b[2J text")
	s.line("for good")
	require.Equal(t, 0, strings.Count(b.out.String(), "\x1b[2J"))
	require.Equal(t, 1, strings.Count(b.out.String(), "\n"), "progress is written over")
	require.Less(t, len([]rune(fit(line, 30))), 30)
}

func TestPlainProgressIsToldOncePerChangeAndNotTooOften(t *testing.T) {
	b := newBench(t)
	at := noon
	b.Now = func() time.Time { return at }
	s := newScreen(b.App, false)
	for range 5 {
		s.progress("a")
	}
	s.progress("b")
	require.Equal(t, 1, strings.Count(b.out.String(), "\n"))
	at = at.Add(plainEvery)
	s.progress("b")
	require.Equal(t, 2, strings.Count(b.out.String(), "\n"))
}

func TestARunThatWasTerminatedIsAbandonedAndSaysWhatToDo(t *testing.T) {
	b := newBench(t)
	b.temporal.noRun, b.temporal.status, b.temporal.failure = false, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, &temporal.TerminatedError{}
	require.Equal(t, ExitAbandoned, b.run("follow", "orders"))
	require.Contains(t, b.err.String(), "nothing was undone; next: starter assess orders")
}
