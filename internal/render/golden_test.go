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
	for name, r := range map[string]dr.Report{"report-done": doneReport()} {
		html, err := render.ReportHTML(r)
		require.NoError(t, err)
		golden(t, name+".html", string(html))
		js, err := render.ReportJSON(r)
		require.NoError(t, err)
		golden(t, name+".json", string(js))
	}
}
