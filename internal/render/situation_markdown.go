package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// situationMarkdown writes what was observed as Markdown under a heading of
// the given level.
func situationMarkdown(s dr.Situation, now time.Time, level string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s Situation\n\nObserved %s (%s).\n\n", level, dr.TimeText(s.At), dr.AgoText(s.At, now))
	for _, a := range s.Judgement.Alarms {
		b.WriteString("- **ALARM:** " + dr.MD(a) + "\n")
	}
	if len(s.Judgement.Alarms) > 0 {
		b.WriteString("\n")
	}
	var sites, facts [][]string
	for _, v := range s.Sites {
		summary := v.Summary
		if v.Managed != "" {
			summary += " MANAGED by " + v.Managed + ", which is not paused."
		}
		sites = append(sites, []string{dr.MD(v.Site), dr.MD(string(v.Role)), v.Reachable.String(), v.AcceptsWrites.String(), dr.AgoText(v.At, now), dr.MD(summary)})
		facts = append(facts, factRows(v.Site, v.Facts, now)...)
	}
	b.WriteString(dr.MDTable([]string{"site", "role", "reachable", "accepts writes", "read", "summary"}, sites) + "\n")
	facts = append(facts, factRows("", s.Judgement.Facts, now)...)
	if len(facts) > 0 {
		b.WriteString(dr.MDTable([]string{"site", "fact", "", "what was read", "when"}, facts) + "\n")
	}
	b.WriteString("In sync: **" + s.Judgement.InSync.String() + "**.")
	if s.Judgement.Lag != nil {
		b.WriteString(" Behind by " + s.Judgement.Lag.String() + ".")
	}
	if s.MemoryText != "" {
		b.WriteString(" Watch: " + dr.MD(s.MemoryText) + ".")
	}
	if s.Judgement.Recommendation != "" {
		b.WriteString(" Recommendation: " + dr.MD(s.Judgement.Recommendation))
	}
	return b.String() + "\n\n"
}

func factRows(site string, facts []dr.Fact, now time.Time) [][]string {
	var rows [][]string
	for _, f := range facts {
		text := dr.MD(f.Text)
		if f.Source != "" {
			text += " (" + dr.MD(f.Source) + ")"
		}
		rows = append(rows, []string{dr.MD(site), dr.MDCode(f.Name), f.Truth.String(), text, dr.AgoText(f.At, now)})
	}
	return rows
}
