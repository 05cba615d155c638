package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Progress is how far a wait or a copy has come; the fields have the meaning
// of kit.Progress.
type Progress struct {
	Text        string
	Done, Total int64
	Unit        string
	Left        time.Duration
	At          time.Time
}

// staleAfter is the age from which a progress line tells its age: heartbeats
// come more often than this.
const staleAfter = 15 * time.Second

// ProgressText writes one line: "waiting for log replay: 1.2 GB behind, about
// 4 min". Amount and time left stand only where they are known.
func ProgressText(p Progress, now time.Time) string {
	parts := []string{orElse(dr.CleanLine(p.Text), "working")}
	if p.Total > 0 {
		parts = append(parts, amount(p.Done, p.Unit)+" of "+amount(p.Total, p.Unit)+percent(p.Done, p.Total))
	} else if p.Done > 0 {
		parts = append(parts, amount(p.Done, p.Unit)+" so far")
	}
	if p.Left > 0 {
		parts = append(parts, "about "+roundLeft(p.Left))
	}
	if age := now.Sub(p.At); !p.At.IsZero() && age > staleAfter {
		parts = append(parts, "last heard "+dr.SpanText(age)+" ago")
	}
	return strings.Join(parts, ", ")
}

func amount(n int64, unit string) string {
	if unit == "" || unit == "bytes" || unit == "B" {
		return dr.ByteText(n)
	}
	return strconv.FormatInt(n, 10) + " " + dr.CleanLine(unit)
}

// percent never says 100 before the end.
func percent(done, total int64) string {
	p := int(float64(done) / float64(total) * 100)
	if p >= 100 && done < total {
		p = 99
	}
	return " (" + strconv.Itoa(max(p, 0)) + "%)"
}

// roundLeft rounds an estimate: seconds are false precision in minutes.
func roundLeft(d time.Duration) string {
	switch {
	case d > time.Hour:
		d = d.Round(5 * time.Minute)
	case d > 2*time.Minute:
		d = d.Round(time.Minute)
	default:
		d = max(d.Round(time.Second), time.Second)
	}
	return dr.SpanText(d)
}
