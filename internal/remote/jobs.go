package remote

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

const (
	// tailBytes is how much of a job's output is given.
	tailBytes = 64 << 10
	// longestWait bounds one round trip that follows a job, so that a
	// session is not held for minutes after its caller has gone.
	longestWait = 20 * time.Second
	// stopGrace is how long a job may take to end by itself.
	stopGrace = 5 * time.Second
)

// Look tells the state of a claim.
func (h *host) Look(ctx context.Context, key kit.JobKey) (kit.Job, error) {
	dir, err := h.dir(key)
	if err != nil {
		return kit.Job{}, err
	}
	return h.job(ctx, false, fmt.Sprintf("sb_job_look %s %d", dir, tailBytes))
}

// Start claims the key and starts the command, or gives the existing job.
func (h *host) Start(ctx context.Context, key kit.JobKey, cmd dr.Command, guardAt kit.HostTime, wait time.Duration) (kit.Job, error) {
	first := min(max(wait, 0), longestWait)
	script, err := h.starting(ctx, key, cmd, guardAt, first)
	if err != nil {
		return kit.Job{}, err
	}
	j, err := h.job(ctx, cmd.Login, script)
	if err != nil {
		return kit.Job{}, unknownOutcome(err)
	}
	if wait -= first; wait <= 0 || !open(j) {
		return j, nil
	}
	// From here on the outcome of the start itself is known.
	followed, err := h.Wait(ctx, key, wait)
	if err != nil {
		return j, nil //nolint:nilerr // the caller follows the job that it now knows of
	}
	followed.Started = j.Started
	return followed, nil
}

// starting is the script that claims a key and starts a command.
func (h *host) starting(ctx context.Context, key kit.JobKey, cmd dr.Command, guardAt kit.HostTime, wait time.Duration) (string, error) {
	dir, err := h.dir(key)
	if err != nil {
		return "", err
	}
	text, err := h.text(cmd)
	if err != nil {
		return "", err
	}
	names, err := credentialNames(cmd)
	if err != nil {
		return "", err
	}
	secrets, err := h.secrets(ctx, cmd)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%ssb_job_start %s %d %d %d %d %s %s", secrets, dir, tailBytes,
		wait.Milliseconds(), max(guardAt, 0), int(kit.MaxGuardAge/time.Second), dr.Quote(text), dr.Quote(names)), nil
}

// StartThen is Start, with reads that are carried out behind the command in the
// same round trip when it has ended within wait.
func (h *host) StartThen(ctx context.Context, key kit.JobKey, cmd dr.Command, guardAt kit.HostTime, wait time.Duration, reads []dr.Command) (kit.Job, []kit.Output, error) {
	script, err := h.starting(ctx, key, cmd, guardAt, min(max(wait, 0), longestWait))
	if err != nil {
		return kit.Job{}, nil, err
	}
	// The subshell's exit code, sb_rc, says whether there is an end to read behind.
	all := []asking{{script: script + `; [ "$sb_state" = finished ]`, limit: tailBytes + reportBytes}}
	for _, r := range reads {
		read, err := h.reading(ctx, r)
		if err != nil {
			return kit.Job{}, nil, err
		}
		all = append(all, asking{script: `[ "$sb_rc" = 0 ] || exit 0; ` + read, limit: h.pool.opts.MaxOutput})
	}
	replies, err := h.callAll(ctx, cmd.Login, all...)
	if len(replies) == 0 || !replies[0].whole {
		return kit.Job{}, nil, unknownOutcome(err)
	}
	// From here on the outcome of the start itself is known.
	j, jerr := h.report(ctx, replies[0])
	if jerr != nil {
		return kit.Job{}, nil, unknownOutcome(jerr)
	}
	if err != nil || j.State != kit.JobFinished {
		return j, nil, nil //nolint:nilerr // what the command did is read anew
	}
	var outs []kit.Output
	for _, r := range replies[1:] {
		out, err := h.output(r)
		if err != nil {
			return j, nil, nil //nolint:nilerr // as above
		}
		outs = append(outs, out)
	}
	return j, outs, nil
}

// unknownOutcome marks an error after which the command may have been sent.
func unknownOutcome(err error) error {
	e := *dr.AsError(err, "start")
	switch e.Code {
	case "cut_off", "deadline", "unreachable":
		e.Unknown = true
	}
	return &e
}

func open(j kit.Job) bool { return j.State == kit.JobRunning || j.State == kit.JobClaimed }

// Wait follows a job until it ends or until wait is over.
func (h *host) Wait(ctx context.Context, key kit.JobKey, wait time.Duration) (kit.Job, error) {
	dir, err := h.dir(key)
	if err != nil {
		return kit.Job{}, err
	}
	for {
		part := min(max(wait, 0), longestWait)
		j, err := h.job(ctx, false, fmt.Sprintf("sb_job_wait %s %d %d", dir, tailBytes, part.Milliseconds()))
		if wait -= part; err != nil || wait <= 0 || !open(j) {
			return j, err
		}
	}
}

// Void claims the key so that nothing can start under it any more.
func (h *host) Void(ctx context.Context, key kit.JobKey, why string) (kit.Job, error) {
	dir, err := h.dir(key)
	if err != nil {
		return kit.Job{}, err
	}
	why = dr.Clip(strings.Join(strings.Fields(strings.ReplaceAll(why, "\x00", " ")), " "), 500)
	why = h.pool.redact.clean(why, false, false)
	return h.job(ctx, false, fmt.Sprintf("sb_job_void %s %d %s", dir, tailBytes, dr.Quote(why)))
}

// Stop ends the job's process group: first by TERM, then by KILL. A job that
// outlives both is an error of code "not_stopped".
func (h *host) Stop(ctx context.Context, key kit.JobKey) (kit.Job, error) {
	dir, err := h.dir(key)
	if err != nil {
		return kit.Job{}, err
	}
	j, err := h.job(ctx, false, fmt.Sprintf("sb_job_stop %s %d %d", dir, tailBytes, int(stopGrace/time.Second)))
	if err != nil {
		return j, unknownOutcome(err)
	}
	return j, nil
}

// Jobs lists jobs of other runs of the workflow whose end is not known: state
// running, claimed or lost.
func (h *host) Jobs(ctx context.Context, workflow, exceptOriginalRun string) ([]dr.ForeignJob, error) {
	if err := checkWorkflow(workflow); err != nil {
		return nil, err
	}
	if exceptOriginalRun != "" && !runPattern.MatchString(exceptOriginalRun) {
		return nil, badKey("run ID", exceptOriginalRun)
	}
	// A run ID of "." names no directory, so that nothing is left out.
	if exceptOriginalRun == "" {
		exceptOriginalRun = "."
	}
	r, err := h.call(ctx, false, "sb_job_list "+dr.Quote(h.ep.JobDir+"/"+workflow)+" "+exceptOriginalRun)
	if err != nil {
		return nil, err
	}
	if r.stdout.truncated {
		return nil, garbled(h.ep, "the list of jobs")
	}
	jobs, err := parseJobList(h.ep.Name, string(r.stdout.body))
	if err != nil {
		return nil, garbled(h.ep, "the list of jobs")
	}
	for i := range jobs {
		jobs[i].Text = h.pool.redact.clean(jobs[i].Text, false, false)
	}
	return jobs, nil
}

// job runs one of the sb_job functions and reads its report.
func (h *host) job(ctx context.Context, login bool, script string) (kit.Job, error) {
	r, err := h.callWithin(ctx, login, script, tailBytes+reportBytes)
	if err != nil {
		return kit.Job{}, err
	}
	return h.report(ctx, r)
}

// report reads the report of one of the sb_job functions.
func (h *host) report(ctx context.Context, r reply) (kit.Job, error) {
	a, err := parseReport(r.stdout.body)
	if err != nil || r.stdout.truncated {
		return kit.Job{}, garbled(h.ep, "the job's state")
	}
	for _, name := range a.credentials {
		// Another worker may have started the job: learn what to redact.
		if _, err := h.secret(ctx, name); err != nil {
			a.job.Stdout, r.stderr.body = withheld(name), nil
		}
	}
	clean := h.pool.redact.clean
	a.job.Stdout = clean(a.job.Stdout, len(a.job.Stdout) >= tailBytes, false)
	a.job.Stderr = clean(string(r.stderr.body), len(r.stderr.body) >= tailBytes, r.stderr.truncated)
	return a.job, h.verdict(a)
}

func withheld(credential string) string {
	return "(the output is withheld: it may contain the credential " + credential + ", which cannot be read here to redact it)\n"
}

// verdict turns what the host's script refused into an error.
func (h *host) verdict(a report) error {
	switch a.verdict {
	case "stale_guard":
		return dr.Retry("stale_guard", "host %s: nothing was started: %s", h.ep.place(), a.job.Text)
	case "cannot":
		return dr.Hold("job_dir", "host %s: nothing was started, because the job directory could not be made: %s", h.ep.place(), dr.Clip(a.job.Text, 300)).
			WithNext("make room or correct the rights, then retry")
	case "alive":
		return dr.HoldUnknown("not_stopped", "host %s: the job in %s still runs after TERM and KILL", h.ep.place(), a.job.Dir).
			WithNext("end its processes by hand, or wait for them")
	default:
		return nil
	}
}

// credentialNames gives the names that are kept beside the job, one on a line.
func credentialNames(cmd dr.Command) (string, error) {
	var names []string
	for _, n := range sorted(cmd.SecretEnv) {
		c := cmd.SecretEnv[n]
		if c == "" || strings.ContainsAny(c, "\n\r\x00 ") {
			return "", dr.Refuse("credential", "the credential name %q is not allowed", dr.Clip(c, 60))
		}
		names = append(names, c)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n"), nil
}
