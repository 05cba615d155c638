package vvr

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// SyncProgress is what the progress table of a synchronisation told last.
type SyncProgress struct {
	// DoneMB and TotalMB sum over the volumes that were shown; TotalMB is the
	// whole when the table's head told it.
	DoneMB, TotalMB int64
	// DiffMB is how much of DoneMB differed, from the per cents of volumes.
	DiffMB  int64
	Volume  string
	Elapsed time.Duration
	// Ended says that the tool told its end; it proves nothing.
	Ended bool
}

var (
	progressRow = regexp.MustCompile(`^([0-9]{2,3}):([0-9]{2}):([0-9]{2})\s+(\S+)\s+(\S+)\s+(\S+)\s+([0-9]{1,12})M/([0-9]{1,12})M\s+([0-9]{1,3})%\s+([0-9]{1,3})%$`)
	totalSize   = regexp.MustCompile(`Total size:\s+([0-9]{1,12}(?:\.[0-9]{1,6})?) ([KMGT])B?$`)
)

// ParseSyncProgress reads the progress that vradmin syncrvg prints. Lines may be
// missing, repeated, or redrawn with a carriage return; what is not a row of
// the table is passed over, because it is never more than progress. ok is
// false when no row was found.
func ParseSyncProgress(out string) (p SyncProgress, ok bool) {
	type volume struct{ done, total, diff int64 }
	seen := map[string]volume{}
	whole := int64(0)
	for _, l := range strings.FieldsFunc(out, func(r rune) bool { return r == '\n' || r == '\r' }) {
		l = strings.TrimSpace(l)
		if m := totalSize.FindStringSubmatch(l); m != nil {
			f, err := strconv.ParseFloat(m[1], 64)
			unit := map[string]float64{"K": 1.0 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}[m[2]]
			if err == nil {
				whole = int64(f * unit)
			}
			continue
		}
		if strings.Contains(l, "operation completed") {
			p.Ended = true
			continue
		}
		m := progressRow.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		n := func(i int) int64 { v, _ := strconv.ParseInt(m[i], 10, 64); return v }
		if n(7) > n(8) || n(9) > 100 || n(10) > 100 {
			continue
		}
		p.Elapsed = time.Duration(n(1))*time.Hour + time.Duration(n(2))*time.Minute + time.Duration(n(3))*time.Second
		p.Volume = dr.Clip(m[5], 40)
		seen[m[4]+" "+m[5]] = volume{n(7), n(8), n(7) * n(9) / 100}
	}
	for _, v := range seen {
		p.DoneMB, p.TotalMB, p.DiffMB = p.DoneMB+v.done, p.TotalMB+v.total, p.DiffMB+v.diff
	}
	p.TotalMB = max(p.TotalMB, whole)
	return p, len(seen) > 0
}

// syncProgress looks at what this step's own command has printed so far.
func syncProgress(ctx context.Context, env kit.Env, a syncArgs) *kit.Progress {
	out, running := jobOutput(ctx, env, a.Source)
	if !running {
		return nil
	}
	p, ok := ParseSyncProgress(out)
	if !ok {
		return &kit.Progress{Text: "comparing the volumes of " + a.Source.Site + " and " + a.Target.Site, At: env.Now()}
	}
	percent := int64(0)
	if p.TotalMB > 0 {
		percent = p.DoneMB * 100 / p.TotalMB
	}
	out2 := &kit.Progress{
		Text: fmt.Sprintf("synchronising %s with %s: %d %%, %s of %s compared, about %s of them differed (volume %s)",
			a.Target.Site, a.Source.Site, percent, dr.ByteText(p.DoneMB<<20), dr.ByteText(p.TotalMB<<20), dr.ByteText(p.DiffMB<<20), p.Volume),
		Done: p.DoneMB << 20, Total: p.TotalMB << 20, At: env.Now(),
	}
	if p.DoneMB > 0 && p.Elapsed > 0 {
		out2.Left = dr.Duration(time.Duration(float64(p.Elapsed) * float64(p.TotalMB-p.DoneMB) / float64(p.DoneMB)).Round(time.Second))
	}
	return out2
}

// syncEvidence keeps the last row of the progress for the report.
func syncEvidence(ctx context.Context, env kit.Env, a syncArgs) []dr.Evidence {
	out, _ := jobOutput(ctx, env, a.Source)
	p, ok := ParseSyncProgress(out)
	if !ok {
		return nil
	}
	return []dr.Evidence{{
		Step: env.Job.Step, At: env.Now(), Name: "vvr.synchronised",
		Text: fmt.Sprintf("%s of %s were compared with %s, about %s of them differed and were sent, by the tool's own account",
			dr.ByteText(p.DoneMB<<20), a.Target.Site, a.Source.Site, dr.ByteText(p.DiffMB<<20)),
	}}
}

// jobOutput gives what the step's own command printed; running says whether it
// still runs.
func jobOutput(ctx context.Context, env kit.Env, p Place) (out string, running bool) {
	if env.Job.Step == "" {
		return "", false
	}
	h, err := env.Hosts.Host(p.Host)
	if err != nil {
		return "", false
	}
	j, err := h.Look(ctx, env.Job)
	if err != nil {
		return "", false
	}
	return j.Stdout, j.State == kit.JobRunning || j.State == kit.JobClaimed
}
