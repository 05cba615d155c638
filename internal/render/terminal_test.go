package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

func TestATableIsNeverWiderThanTheTerminal(t *testing.T) {
	out := render.Table(render.Style{Width: 50}, []string{"SYSTEM", "STATE", "TEXT"}, [][]string{
		{"orders", "running", strings.Repeat("long ", 40)},
		{"日本", "on\nhold", "x"},
		{"short"},
	})
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	require.Len(t, lines, 4)
	for _, l := range lines {
		require.LessOrEqual(t, render.Width(l), 50)
	}
	require.Equal(t, "日本    on hold  x", lines[2])
	require.True(t, strings.HasSuffix(lines[1], "…"))
}

func TestCommandsAreNeverWrapped(t *testing.T) {
	p := planned()
	long := "pg-east-1$ echo " + strings.Repeat("word ", 80) + "end"
	p.Phases[0].Steps[0].Commands = []string{long}
	require.Contains(t, render.PlanText(p, t0, render.Style{Width: 60}), long)
}

func TestColourOnlyRepeatsWhatWordsSay(t *testing.T) {
	colored := render.PlanText(unplanned(), t0, render.Style{Color: true})
	require.Contains(t, colored, "\x1b[1;31mIRREVERSIBLE\x1b[0m")
	bare := render.PlanText(unplanned(), t0, render.Style{})
	require.NotContains(t, bare, "\x1b")
	for _, code := range []string{"0", "1", "2", "1;31", "32", "33", "36"} {
		colored = strings.ReplaceAll(colored, "\x1b["+code+"m", "")
	}
	require.Equal(t, bare, colored)
}

func TestProgressTellsOnlyWhatIsKnown(t *testing.T) {
	now := t0
	for want, p := range map[string]render.Progress{
		"working": {},
		"waiting for log replay: 1.2 GB behind, about 4 min": {Text: "waiting for log replay: 1.2 GB behind", Left: 4*time.Minute + 10*time.Second, At: now},
		"copying, 1.2 GB of 4 GB (30%), about 1 min 5 s":     {Text: "copying", Done: 1_200_000_000, Total: 4_000_000_000, Left: 65 * time.Second},
		"copying, 999 files of 1000 files (99%)":             {Text: "copying", Done: 999, Total: 1000, Unit: "files"},
		"rewinding, 5 MB so far, last heard 20 s ago":        {Text: "rewinding", Done: 5_000_000, At: now.Add(-20 * time.Second)},
		"one line, about 1 h 30 min":                         {Text: "one\nline", Left: 91 * time.Minute},
	} {
		require.Equal(t, want, render.ProgressText(p, now))
	}
}

func TestTimeWaitingForPeopleIsShownApartFromWork(t *testing.T) {
	md := render.ReportMarkdown(doneReport())
	require.Contains(t, md, "| Working | **14 s** everything but waiting for people |")
	require.Contains(t, md, "| Waiting for people | **8 min 54 s** gates and holds |")
	require.Contains(t, md, "**POINT OF NO RETURN** IRREVERSIBLE west is primary on timeline 5")
	require.NotContains(t, render.ReportMarkdown(abortedReport()), "POINT OF NO RETURN**")
}

func TestAnUnmeasuredLossIsNeverShownAsNone(t *testing.T) {
	r := doneReport()
	r.Measured = nil
	r.Estimated = &dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount()}
	md := render.ReportMarkdown(r)
	require.Contains(t, md, "| Loss, measured | **not measured** unknown is not zero |")
	require.Contains(t, md, "| Loss, estimated | **unknown** before the decision |")
	require.Contains(t, md, "The loss was not measured.")
}
