package render_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "run the test with -update and read the difference")
}

var plain = render.Style{Width: 100}

func TestAPlanReadsAsRecorded(t *testing.T) {
	now := at(30 * time.Second)
	golden(t, "plan-planned.txt", render.PlanText(planned(), now, plain))
	golden(t, "plan-unplanned.txt", render.PlanText(unplanned(), now, plain))
	golden(t, "runbook-planned.md", render.PlanMarkdown(planned(), now))
	golden(t, "runbook-unplanned.md", render.PlanMarkdown(unplanned(), now))
}

func TestAReportReadsAsRecorded(t *testing.T) {
	for name, r := range map[string]dr.Report{"report-done": doneReport(), "report-aborted": abortedReport()} {
		html, err := render.ReportHTML(r)
		require.NoError(t, err)
		golden(t, name+".html", string(html))
		js, err := render.ReportJSON(r)
		require.NoError(t, err)
		golden(t, name+".json", string(js))
		golden(t, name+".md", render.ReportMarkdown(r))
	}
}

func TestAStatusReadsAsRecorded(t *testing.T) {
	now := at(5 * time.Minute)
	golden(t, "status-gate.txt", render.StatusText(gateStatus(), now, plain))
	golden(t, "status-hold.txt", render.StatusText(holdStatus(), now, plain))
	golden(t, "status-hold-color.txt", render.StatusText(holdStatus(), now, render.Style{Color: true, Width: 80}))
	p := planned()
	golden(t, "details-gate.md", render.DetailsMarkdown(gateStatus(), &p, now))
	golden(t, "details-hold.md", render.DetailsMarkdown(holdStatus(), &p, now))
	ended := doneReport().Status
	ended.System, ended.Procedure = "orders", dr.ProcTakeover
	golden(t, "details-ended.md", render.DetailsMarkdown(ended, &p, now))
	golden(t, "result.txt", render.ResultText(dr.Result{Schema: 1, Ending: *ended.Ending, Report: "file:///var/lib/switchback/orders.html", ReportDigest: "ab12"}, plain))
}
