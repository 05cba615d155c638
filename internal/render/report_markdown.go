package render

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// ReportMarkdown writes a report as Markdown with the same contents as the
// HTML page, its timeline as a table.
func ReportMarkdown(r dr.Report) string {
	v := newReportView(r)
	var b strings.Builder
	b.WriteString("# " + dr.MD(v.Title) + "\n\n**" + dr.MD(strings.ToUpper(v.Ending)) + "**: " + dr.MD(v.EndingText) + "\n\n")
	b.WriteString(reportHeadMarkdown(v))
	b.WriteString(bullets("## What to do next", v.Next))
	b.WriteString(reportOutageMarkdown(v))
	b.WriteString(reportLossMarkdown(v))
	b.WriteString(reportDecisionsMarkdown(r))
	b.WriteString(reportEventsMarkdown(v))
	b.WriteString(reportEvidenceMarkdown(r))
	b.WriteString(reportRolesMarkdown(v))
	b.WriteString(reportPlansMarkdown(r))
	return b.String()
}

func reportHeadMarkdown(v reportView) string {
	r := v.R
	run := dr.MDCode(r.Run)
	if r.Run != r.OriginalRun {
		run += " (reset from " + dr.MDCode(r.OriginalRun) + ")"
	}
	rows := [][]string{
		{"Started", dr.TimeText(r.StartedAt)},
		{"Ended", dr.TimeText(v.End)},
		{"Requested by", dr.MD(r.Requester)},
		{"Reason", dr.MD(r.Reason)},
		{"Product", dr.MD(r.Product)},
		{"Workflow", dr.MDCode(r.Workflow)},
		{"Run", run},
	}
	for _, c := range v.Cards {
		rows = append(rows, []string{c.Name, "**" + dr.MD(c.Value) + "** " + dr.MD(c.Note)})
	}
	rows = append(rows, []string{"Written", dr.TimeText(r.WrittenAt)})
	return dr.MDTable([]string{"", ""}, rows) + "\n"
}

func bullets(head string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	out := head + "\n\n"
	for _, l := range lines {
		out += "- " + dr.MD(l) + "\n"
	}
	return out + "\n"
}

func reportLossMarkdown(v reportView) string {
	var b strings.Builder
	b.WriteString("## Loss\n\n- Estimated before the decision: " + orElse(dr.MD(v.Estimated), "not estimated") + "\n")
	m := v.R.Measured
	if m == nil {
		b.WriteString("- Measured afterwards: not measured; that is not zero\n\n")
		return b.String()
	}
	b.WriteString("- Measured afterwards: **" + dr.MD(v.Measured) + "**. " + dr.MD(m.Text) + "\n")
	if m.Kept != "" {
		b.WriteString("- Kept at " + dr.MDCode(m.Kept) + "\n")
	}
	b.WriteString("\n")
	if len(m.Items) > 0 {
		b.WriteString(dr.MDFence("text", strings.Join(m.Items, "\n")) + "\n")
	}
	return b.String()
}

func reportDecisionsMarkdown(r dr.Report) string {
	var b strings.Builder
	b.WriteString("## Decisions\n\n")
	if len(r.Votes) == 0 {
		b.WriteString("No decision counted in this run.\n\n")
	} else {
		var rows [][]string
		for _, v := range r.Votes {
			rows = append(rows, []string{dr.TimeText(v.At), dr.MD(string(v.Verb)), dr.MD(v.Person), dr.MD(v.How()) + " " + dr.MD(v.Channel), dr.MD(v.Reason), dr.MD(v.Text)})
		}
		b.WriteString(dr.MDTable([]string{"time", "decision", "person", "how", "reason", "judgement"}, rows) + "\n")
	}
	if len(r.Refused) == 0 && r.Status.RefusedMore == 0 {
		return b.String()
	}
	b.WriteString("### Refused decisions\n\n")
	var rows [][]string
	for _, v := range r.Refused {
		rows = append(rows, []string{dr.TimeText(v.At), dr.MD(string(v.Verb)), dr.MD(orElse(v.Person, "unknown")), dr.MD(v.Why)})
	}
	b.WriteString(dr.MDTable([]string{"time", "decision", "person", "why it did not count"}, rows) + "\n")
	if n := r.Status.RefusedMore; n > 0 {
		fmt.Fprintf(&b, "And %d more.\n\n", n)
	}
	return b.String()
}

func reportEventsMarkdown(v reportView) string {
	var b strings.Builder
	b.WriteString("## Minute by minute\n\n")
	for _, e := range v.Events {
		parts := []string{"**" + v.Clock(e.At) + "** (" + e.Offset + ")"}
		if e.Mark != "" {
			parts = append(parts, "**"+strings.ToUpper(e.Mark)+"**")
		}
		if e.Kind == dr.EventPeople {
			parts = append(parts, "*people*")
		}
		if e.KindOf != "" {
			parts = append(parts, e.KindOf.Word())
		}
		b.WriteString("- " + strings.Join(parts, " ") + " " + dr.MD(e.Text) + eventTail(e) + "\n")
		for _, c := range e.Commands {
			b.WriteString("\n" + indented(dr.MDFence("sh", c)))
		}
		if e.Output != "" {
			b.WriteString("\n" + indented(dr.MDFence("text", e.Output)))
		}
	}
	return b.String() + "\n"
}

func eventTail(e eventView) string {
	if e.Meta == "" {
		return ""
	}
	return " — " + dr.MD(e.Meta)
}

// indented puts a code block into a list item.
func indented(block string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n  ") + "\n"
}

func reportEvidenceMarkdown(r dr.Report) string {
	if len(r.Evidence) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("## Evidence\n\n")
	for _, e := range r.Evidence {
		b.WriteString("- " + dr.TimeText(e.At) + " " + dr.MDCode(e.Step) + ": " + dr.MD(e.Name) + "\n\n" + indented(dr.MDFence("text", e.Text)))
	}
	return b.String() + "\n"
}

func reportRolesMarkdown(v reportView) string {
	var b strings.Builder
	if len(v.Roles) > 0 {
		var rows [][]string
		for _, r := range v.Roles {
			rows = append(rows, []string{dr.MD(r.Site), "**" + dr.MD(string(r.Role)) + "**", dr.MD(r.Text)})
		}
		b.WriteString("## Roles at the end\n\n" + dr.MDTable([]string{"site", "role", ""}, rows) + "\n")
	}
	if v.R.Final != nil {
		b.WriteString(situationMarkdown(*v.R.Final, v.R.WrittenAt, "###"))
	}
	return b.String()
}

func reportPlansMarkdown(r dr.Report) string {
	var b strings.Builder
	for _, p := range r.Plans {
		fmt.Fprintf(&b, "## Plan for gate %s, occurrence %d\n\n", dr.MD(string(p.Envelope.Gate)), p.Envelope.Occurrence)
		b.WriteString("Made " + dr.TimeText(p.MadeAt) + ", digest " + dr.MDCode(p.Digest) + ".\n\n" + dr.MD(p.Loss.Sentence(p.MadeAt)) + "\n\n")
		var waivers []string
		for _, w := range p.Waivers {
			waivers = append(waivers, w.Text+" ("+w.ID+")")
		}
		b.WriteString(bullets("**Stated by approving:**", waivers) + bullets("**Consequences:**", p.Consequences))
		for _, ph := range p.Phases {
			b.WriteString("### " + dr.MD(string(ph.Phase)) + "\n\n")
			if len(ph.Steps) == 0 {
				b.WriteString("No steps: " + dr.MD(ph.Empty) + "\n\n")
			}
			for _, s := range ph.Steps {
				b.WriteString("- " + s.Kind.Word() + " " + dr.MD(s.Title) + " (" + dr.MDCode(s.ID) + ")\n")
				for _, c := range s.Commands {
					b.WriteString("\n" + indented(dr.MDFence("sh", c)))
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
