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
	// Done and Total are bytes, summed over the volumes that were shown; Total
	// is the whole when the table's head told it.
	Done, Total int64
	// Differed is how much of Done differed, from the per cents of volumes.
	Differed int64
	Volume   string
	Elapsed  time.Duration
	// Ended says that the tool told its end; it proves nothing.
	Ended bool
}

var (
	progressRow = regexp.MustCompile(`^([0-9]{2,3}):([0-9]{2}):([0-9]{2})\s+(\S+)\s+(\S+)\s+(\S+)\s+([0-9]{1,9})([KMGT])/([0-9]{1,9})([KMGT])\s+([0-9]{1,3})%\s+([0-9]{1,3})%$`)
	totalSize   = regexp.MustCompile(`Total size:\s+([0-9]{1,12}(?:\.[0-9]{1,6})?) ([KMGT])B?$`)
)

// unit is the meaning of a size's last letter.
var unit = map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

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
			if err == nil && f < 1e9 {
				whole = int64(f * float64(unit[m[2]]))
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
		done, total := n(7)*unit[m[8]], n(9)*unit[m[10]]
		if done > total || total > 1<<50 || n(11) > 100 || n(12) > 100 {
			continue
		}
		p.Elapsed = time.Duration(n(1))*time.Hour + time.Duration(n(2))*time.Minute + time.Duration(n(3))*time.Second
		p.Volume = dr.Clip(m[5], 40)
		seen[m[4]+" "+m[5]] = volume{done, total, done / 100 * n(11)}
	}
	for _, v := range seen {
		p.Done, p.Total, p.Differed = p.Done+v.done, p.Total+v.total, p.Differed+v.diff
	}
	p.Total = max(p.Total, whole)
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
	if p.Total > 0 {
		percent = int64(float64(p.Done) * 100 / float64(p.Total))
	}
	told := &kit.Progress{
		Text: fmt.Sprintf("synchronising %s with %s: %d %%, %s of %s compared, about %s of them differed (volume %s)",
			a.Target.Site, a.Source.Site, percent, dr.ByteText(p.Done), dr.ByteText(p.Total), dr.ByteText(p.Differed), p.Volume),
		Done: p.Done, Total: p.Total, At: env.Now(),
	}
	if p.Done > 0 && p.Elapsed > 0 {
		told.Left = dr.Duration(time.Duration(float64(p.Elapsed) * float64(p.Total-p.Done) / float64(p.Done)).Round(time.Second))
	}
	return told
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
			dr.ByteText(p.Done), a.Target.Site, a.Source.Site, dr.ByteText(p.Differed)),
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
