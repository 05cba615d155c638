package reports

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// Find reads the newest report of a system, or with run (an original run ID)
// that run's, and gives the path of its file too. A file that is not what its
// SHA-256 says is a refusal of code "report_changed"; no report at all is one
// of code "no_run".
func Find(s Store, system, run string) (dr.Report, string, error) {
	if err := dr.CheckName("system", system); err != nil {
		return dr.Report{}, "", dr.Refuse("usage", "%s", err.Error())
	}
	dirs, err := filepath.Glob(filepath.Join(s.Dir, system, "*-*-*"))
	if err != nil {
		return dr.Report{}, "", dr.Refuse("reports", "the reports in %s cannot be listed: %v", s.Dir, err)
	}
	slices.Sort(dirs) // names begin with the time of the start
	for _, dir := range slices.Backward(dirs) {
		if run != "" && !strings.HasSuffix(dir, "-"+dr.ShortID(run)) {
			continue
		}
		path := filepath.Join(dir, "report.json")
		rep, err := readReport(path)
		if err != nil {
			return dr.Report{}, "", err
		}
		if run == "" || rep.OriginalRun == run || rep.Run == run {
			return rep, path, nil
		}
	}
	return dr.Report{}, "", dr.Refuse("no_run", "there is no such report of %s in %s", system, s.Dir)
}

// readReport reads a report and proves that it was not changed.
func readReport(path string) (dr.Report, error) {
	var rep dr.Report
	body, err := os.ReadFile(path)
	if err != nil {
		return rep, dr.Refuse("reports", "the report cannot be read: %v", err)
	}
	sum, err := os.ReadFile(path + ".sha256")
	if err != nil {
		return rep, dr.Refuse("reports", "the SHA-256 of the report cannot be read: %v", err)
	}
	if want, _, _ := strings.Cut(string(sum), " "); want != render.Digest(body) {
		return rep, dr.Refuse("report_changed", "%s is not what its SHA-256 says: it was changed after it was written", path)
	}
	if err := json.Unmarshal(body, &rep); err != nil || rep.Schema != dr.ReportSchema {
		return rep, dr.Refuse("reports", "%s is no report that this release reads (schema %d)", path, dr.ReportSchema)
	}
	return rep, nil
}
