package cli

import (
	"context"
	"os"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
	"github.com/switchback-dr/switchback/internal/reports"
)

func reportFlags(in *input) {
	in.inventoryFlag()
	in.jsonFlag()
	in.set.StringVar(&in.format, "format", "md", "md, html or json")
	in.set.StringVar(&in.run, "run", "", "`ID` of an earlier run (default: the present or last one)")
	in.set.StringVar(&in.out, "out", "", "write to this `file` instead of stdout")
}

func (a *App) report(ctx context.Context, in *input) (int, error) {
	system := in.args[0]
	if err := systemName(system); err != nil {
		return 0, err
	}
	format := in.format
	switch {
	case in.json && in.given("format") && format != "json":
		return 0, badUsage("--json and --format %s exclude one another", dr.Clip(format, 20))
	case in.json:
		format = "json"
	case format != "md" && format != "markdown" && format != "html" && format != "json":
		return 0, badUsage("there is no format %q", dr.Clip(format, 20)).WithNext("use md, html or json")
	}
	rep, err := a.findReport(ctx, in, system)
	if err != nil {
		return 0, err
	}
	body, err := renderReport(rep, format)
	if err != nil {
		return 0, dr.Hold("internal", "the report cannot be written as %s: %v", format, err)
	}
	if in.out == "" {
		a.printf("%s", body)
		return ExitDone, nil
	}
	if err := os.WriteFile(in.out, body, 0o640); err != nil {
		return 0, badUsage("the report cannot be written to %s: %v", in.out, err)
	}
	a.warn("wrote %s, SHA-256 %s", in.out, render.Digest(body))
	return ExitDone, nil
}

// findReport rebuilds the report from history; without Temporal, a worker or
// a history it reads the report files.
func (a *App) findReport(ctx context.Context, in *input, system string) (dr.Report, error) {
	rep, err := a.reportFromHistory(ctx, in, system)
	if err == nil || ctx.Err() != nil {
		return rep, err
	}
	s, lerr := a.load(in)
	if lerr != nil {
		return rep, err
	}
	defer s.Close()
	if s.Reports.Dir == "" {
		return rep, err
	}
	found, path, ferr := reports.Find(s.Reports, system, in.run)
	if ferr != nil {
		if dr.HasCode(ferr, "no_run") && dr.HasCode(err, "no_run") {
			return rep, err
		}
		return rep, ferr
	}
	a.warn("read from %s, because it could not be rebuilt from history: %s", path, dr.AsError(err, "internal").Text)
	return found, nil
}

func (a *App) reportFromHistory(ctx context.Context, in *input, system string) (dr.Report, error) {
	var rep dr.Report
	s, err := a.connect(ctx)
	if err != nil {
		return rep, err
	}
	defer s.c.Close()
	err = s.query(ctx, system, in.run, dr.QueryReport, &rep)
	if err == nil && rep.Schema != dr.ReportSchema {
		err = dr.Hold("internal", "the run's report has schema %d; this program reads %d", rep.Schema, dr.ReportSchema)
	}
	return rep, err
}

func renderReport(rep dr.Report, format string) ([]byte, error) {
	switch format {
	case "json":
		return render.ReportJSON(rep)
	case "html":
		return render.ReportHTML(rep)
	}
	return []byte(render.ReportMarkdown(rep)), nil
}
