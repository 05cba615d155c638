package remote

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// reportBytes is room for the lines before a job's output.
const reportBytes = 8 << 10

// report is what sb_report prints.
type report struct {
	verdict     string
	job         kit.Job
	credentials []string
}

// parseReport reads lines "key value" in their fixed order up to the line
// "output"; the rest is the tail of the job's output. Anything else is an
// error.
func parseReport(body []byte) (report, error) {
	var r report
	next := func(key string) (string, error) {
		line, rest, ok := bytes.Cut(body, []byte("\n"))
		value, found := strings.CutPrefix(string(line), key)
		if !ok || !found {
			return "", fmt.Errorf("the line %q is missing", strings.TrimSpace(key))
		}
		body = rest
		return value, nil
	}
	fields := make([]string, 5)
	for i, key := range []string{"verdict ", "state ", "exit ", "dir ", "text "} {
		var err error
		if fields[i], err = next(key); err != nil {
			return report{}, err
		}
	}
	for {
		name, err := next("credential ")
		if err != nil {
			break
		}
		r.credentials = append(r.credentials, name)
	}
	if rest, err := next("output"); err != nil || rest != "" {
		return report{}, fmt.Errorf("the line \"output\" is missing")
	}
	r.verdict = fields[0]
	r.job = kit.Job{State: kit.JobState(fields[1]), Dir: fields[3], Text: fields[4], Stdout: string(body)}
	exit, err := strconv.Atoi(fields[2])
	if err != nil || exit < 0 || exit > 255 {
		return report{}, fmt.Errorf("the exit code %q is not one", dr.Clip(fields[2], 20))
	}
	r.job.Exit = exit
	r.job.Started = r.verdict == "started"
	return r, r.check()
}

func (r report) check() error {
	switch r.verdict {
	case "started", "existing", "stale_guard", "cannot", "alive":
	default:
		return fmt.Errorf("the verdict %q is not known", dr.Clip(r.verdict, 20))
	}
	switch r.job.State {
	case kit.JobNone, kit.JobClaimed, kit.JobRunning, kit.JobFinished, kit.JobVoid, kit.JobLost:
		return nil
	default:
		return fmt.Errorf("the state %q is not known", dr.Clip(string(r.job.State), 20))
	}
}

// parseJobList reads lines "state TAB dir TAB text" that end with "end".
func parseJobList(host, body string) ([]dr.ForeignJob, error) {
	lines, ok := strings.CutSuffix(body, "end\n")
	if !ok {
		return nil, fmt.Errorf("the list has no end")
	}
	var jobs []dr.ForeignJob
	for line := range strings.Lines(lines) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("the line %q has not three fields", dr.Clip(line, 80))
		}
		switch kit.JobState(f[0]) {
		case kit.JobRunning, kit.JobClaimed, kit.JobLost:
		default:
			return nil, fmt.Errorf("the state %q is not known", dr.Clip(f[0], 20))
		}
		jobs = append(jobs, dr.ForeignJob{Host: host, State: f[0], Dir: f[1], Text: f[2]})
	}
	return jobs, nil
}
