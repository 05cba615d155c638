package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// PlanText writes a plan for a terminal: all that an approver must know, with
// the exact commands and, at its end, the lines that approve it.
func PlanText(p dr.Plan, now time.Time, st Style) string {
	var b strings.Builder
	b.WriteString(planHead(p, now, st))
	b.WriteString("\n" + SituationText(p.Situation, now, st))
	b.WriteString("\n" + st.bold("LOSS") + "\n" + st.wrap("  ", p.Loss.Sentence(now)))
	if p.Outage != "" {
		b.WriteString(st.wrap("  ", "Expected outage for writing clients: "+p.Outage))
	}
	b.WriteString(planStatements(p, st))
	if p.Nothing != "" {
		b.WriteString("\n" + st.hang(st.bold("NOTHING TO DO")+"  ", "  ", p.Nothing))
	}
	b.WriteString("\n" + st.bold("STEPS") + "\n")
	for _, ph := range p.Phases {
		b.WriteString(phaseText(ph, st))
	}
	b.WriteString(approveText(p, st))
	return b.String()
}

func planHead(p dr.Plan, now time.Time, st Style) string {
	var b strings.Builder
	b.WriteString(st.bold(dr.CleanLine(dr.RunTitle(p.Procedure, p.Mode, p.System, p.From, p.To))) + "\n")
	field := func(name, value string) {
		if value != "" {
			b.WriteString(st.hang(fmt.Sprintf("  %-10s ", name), strings.Repeat(" ", 13), value))
		}
	}
	field("procedure", string(p.Procedure))
	field("mode", string(p.Mode))
	field("system", p.System+" ("+p.Product+")")
	field("sites", p.From+" -> "+p.To)
	field("reason", p.Reason)
	if p.Envelope.Gate != "" {
		field("gate", fmt.Sprintf("%s, occurrence %d", p.Envelope.Gate, p.Envelope.Occurrence))
	}
	field("run", p.Envelope.Run)
	field("made", dr.TimeText(p.MadeAt)+" ("+dr.AgoText(p.MadeAt, now)+")")
	if p.Digest != "" {
		d := dr.CleanLine(p.Digest)
		short := dr.ShortDigest(d)
		b.WriteString("  digest     " + st.bold(short) + "\n")
		b.WriteString("             " + st.dim("full: "+d) + "\n")
	}
	return b.String()
}

func planStatements(p dr.Plan, st Style) string {
	var b strings.Builder
	if len(p.Waivers) > 0 {
		b.WriteString("\n" + st.red("BY APPROVING YOU STATE") + "\n")
		for _, w := range p.Waivers {
			b.WriteString(st.hang("  * ", "    ", w.Text+" ("+w.ID+")"))
		}
	}
	if len(p.Consequences) > 0 {
		b.WriteString("\n" + st.bold("CONSEQUENCES") + "\n")
		for _, c := range p.Consequences {
			b.WriteString(st.hang("  * ", "    ", c))
		}
	}
	return b.String()
}

func phaseText(ph dr.PhasePlan, st Style) string {
	name := strings.ToUpper(dr.CleanLine(string(ph.Phase)))
	if len(ph.Steps) == 0 {
		return "\n" + st.hang("  "+name+": ", "    ", "no steps: "+ph.Empty)
	}
	var b strings.Builder
	b.WriteString("\n  " + st.bold(name) + "\n")
	for i, s := range ph.Steps {
		b.WriteString(stepText(fmt.Sprintf("  %2d. ", i+1), s, st))
	}
	return b.String()
}

func stepText(number string, s dr.Step, st Style) string {
	var b strings.Builder
	// The host stands before each command; titles name sites.
	b.WriteString(number + st.kind(s.Kind) + "  " + dr.CleanLine(s.Title) + "\n")
	const in = "      "
	if s.Why != "" {
		b.WriteString(st.wrap(in, s.Why))
	}
	for _, c := range s.Commands {
		b.WriteString(st.bold(strings.TrimSuffix(verbatim(in+"  ", c), "\n")) + "\n")
	}
	b.WriteString(st.dim(strings.TrimSuffix(st.wrap(in, stepRules(s)), "\n")) + "\n")
	if s.Undo != nil {
		b.WriteString(st.wrap(in, "undo: "+s.Undo.Title))
		for _, c := range s.Undo.Commands {
			b.WriteString(verbatim(in+"  ", c))
		}
	}
	return b.String()
}

// stepRules tells a step's ID, time limit and skip rule in one line.
func stepRules(s dr.Step) string {
	parts := []string{s.ID}
	if s.Timeout > 0 {
		parts = append(parts, "at most "+dr.SpanText(s.Timeout.D()))
	}
	parts = append(parts, skipText(s.Skip))
	if s.StopsClients {
		parts = append(parts, "clients cannot write from here")
	}
	if s.Interruptible {
		parts = append(parts, "an abort may end it")
	}
	if s.Undo == nil && s.Kind == dr.KindChange {
		parts = append(parts, "no undo")
	}
	return strings.Join(parts, "; ")
}

func skipText(s dr.Skip) string {
	switch s {
	case dr.SkipFree:
		return "may be skipped"
	case dr.SkipDecision:
		return "may be skipped by decision"
	case dr.SkipNever:
	}
	return "never skipped"
}

func approveText(p dr.Plan, st Style) string {
	if p.Digest == "" || p.Nothing != "" || p.Envelope.Gate == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n" + st.bold("APPROVE") + "\n")
	e := p.Envelope
	for _, v := range []dr.Verb{dr.VerbApprove, dr.VerbReject} {
		f := dr.GateForm(v, e.Workflow, p.System, e.Gate, e.Occurrence, p.Digest)
		b.WriteString(formText(f))
	}
	return b.String()
}

func formText(f dr.SendForm) string {
	return "  " + dr.CleanLine(string(f.Verb)) + ":\n" + verbatim("    ", f.Starter) + verbatim("    ", f.Temporal) +
		"    Temporal UI: send the signal " + dr.CleanLine(string(f.Verb)) + " with the body\n" + verbatim("      ", f.Body)
}
