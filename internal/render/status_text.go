package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// DetailsMarkdown is dr.DetailsMarkdown, here beside the other writers.
func DetailsMarkdown(s dr.Status, p *dr.Plan, now time.Time) string {
	return dr.DetailsMarkdown(s, p, now)
}

// StatusText writes a run's status on one screen: what it does or waits for,
// what people can do about it, and the phases.
func StatusText(s dr.Status, now time.Time, st Style) string {
	var b strings.Builder
	b.WriteString(st.bold(dr.CleanLine(dr.RunTitle(s.Procedure, s.Mode, s.System, s.From, s.To))) + "  " + st.dim(dr.CleanLine(s.Workflow+" run "+s.Run)) + "\n")
	b.WriteString(st.hang(stateText(s.State, st)+"  ", "  ", s.Sentence+" (since "+dr.TimeText(s.Since)+", "+dr.AgoText(s.Since, now)+")"))
	if s.NoReturn {
		b.WriteString(st.red("  PAST THE POINT OF NO RETURN") + ": only forward; abort does not count until the next gate\n")
	}
	if s.RestoredAt != nil {
		b.WriteString("  service restored " + dr.TimeText(*s.RestoredAt) + "\n")
	}
	b.WriteString(gateText(s, now, st) + holdText(s, now, st))
	if len(s.Phases) > 0 {
		b.WriteString("\n" + phasesText(s.Phases, now, st))
	}
	b.WriteString(refusedText(s, st))
	if s.Ending != nil {
		b.WriteString("\n" + EndingText(*s.Ending, st))
	} else if s.Unprotected != nil {
		b.WriteString("\n" + unprotectedText(*s.Unprotected, st))
	}
	return b.String()
}

// ResultText writes what a finished run returned.
func ResultText(r dr.Result, st Style) string {
	out := EndingText(r.Ending, st)
	if r.Report != "" {
		out += "  report " + dr.CleanLine(r.Report) + "\n"
	}
	if r.ReportDigest != "" {
		out += "  sha256 " + dr.CleanLine(r.ReportDigest) + "\n"
	}
	return out
}

// EndingText writes how a run ended, with the roles as last read.
func EndingText(e dr.Ending, st Style) string {
	var b strings.Builder
	kind := st.yellow(strings.ToUpper(string(e.Kind)))
	if endingTone(e) == "good" {
		kind = st.green(strings.ToUpper(string(e.Kind)))
	}
	b.WriteString(st.hang("ENDED "+kind+"  ", "  ", e.Text+" ("+dr.TimeText(e.At)+")"))
	for _, r := range e.Roles {
		b.WriteString(st.hang("  ", "    ", siteRoleText(r)))
	}
	for _, j := range e.RunningJobs {
		b.WriteString(st.hang("  "+st.yellow("STILL RUNNING")+" ", "    ", j))
	}
	if e.Unprotected != nil {
		b.WriteString(unprotectedText(*e.Unprotected, st))
	}
	return b.String()
}

// siteRoleText says a site's role; what was read says more than "unknown".
func siteRoleText(r dr.SiteRole) string {
	switch {
	case r.Text == "":
		return r.Site + ": " + string(r.Role)
	case r.Role == dr.RoleUnknown:
		return r.Site + ": no role now, " + r.Text
	}
	return r.Site + ": " + string(r.Role) + ", " + r.Text
}

func unprotectedText(u dr.Unprotected, st Style) string {
	return st.hang(st.red("UNPROTECTED")+"  ", "  ", "since "+dr.TimeText(u.Since)+": "+u.Why+"; next: "+u.Next)
}

func stateText(s dr.State, st Style) string {
	word := strings.ToUpper(dr.CleanLine(string(s)))
	switch s {
	case dr.StateHold, dr.StatePaused, dr.StateUndoing:
		return st.red(word)
	case dr.StateGate:
		return st.yellow(word)
	case dr.StateStarting, dr.StateAssessing, dr.StateRunning, dr.StateEnded:
	}
	return st.bold(word)
}

func gateText(s dr.Status, now time.Time, st Style) string {
	g := s.Gate
	if g == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s %s, occurrence %d, digest %s\n", st.bold("GATE"), dr.CleanLine(string(g.Gate)), g.Occurrence, st.bold(dr.CleanLine(dr.ShortDigest(g.Digest))))
	if g.Again != "" {
		b.WriteString(st.wrap("  ", "opened again: "+g.Again))
	}
	b.WriteString(st.wrap("  ", "loss: "+g.Loss))
	approved := 0
	for _, v := range g.Votes {
		if v.Verb == dr.VerbApprove {
			approved++
		}
	}
	line := fmt.Sprintf("approvals: %d of %d", approved, g.Quorum)
	if len(g.Roles) > 0 {
		line += " from " + strings.Join(g.Roles, ", ")
	}
	b.WriteString(st.wrap("  ", line))
	for _, v := range g.Votes {
		b.WriteString(st.wrap("    ", voteText(v)))
	}
	b.WriteString("  open until " + dr.TimeText(g.ExpiresAt) + " (" + dr.AgoText(g.ExpiresAt, now) + ")\n")
	if g.UsableUntil != nil {
		b.WriteString("  approval usable until " + dr.TimeText(*g.UsableUntil) + " (" + dr.AgoText(*g.UsableUntil, now) + ")\n")
	}
	for _, v := range []dr.Verb{dr.VerbApprove, dr.VerbReject} {
		b.WriteString(verbatim("  ", g.FormOf(v, s.Workflow, s.System).Starter))
	}
	return b.String()
}

func voteText(v dr.Vote) string {
	s := dr.TimeText(v.At) + " " + string(v.Verb) + " by " + v.Person
	s += ", " + v.How()
	if v.Channel != "" {
		s += ", by way of " + v.Channel
	}
	if v.Reason != "" {
		s += ": " + v.Reason
	}
	return s
}

func holdText(s dr.Status, now time.Time, st Style) string {
	h := s.Hold
	if h == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s %s (step %s, attempt %d, since %s)\n", st.red("HOLD"), dr.CleanLine(h.Title), dr.CleanLine(h.Step), h.Attempt, dr.AgoText(h.Since, now))
	b.WriteString(st.wrap("  ", h.Text))
	if h.Unknown {
		b.WriteString(st.hang("  "+st.red("OUTCOME UNKNOWN")+" ", "  ", "the command may have worked; look before you retry"))
	}
	if h.Next != "" {
		b.WriteString(st.wrap("  ", "next: "+h.Next))
	}
	for _, v := range h.Options {
		b.WriteString(verbatim("  ", dr.HoldForm(v, s.Workflow, s.System, h.Step, h.Attempt).Starter))
	}
	return b.String()
}

func phasesText(phases []dr.PhaseStatus, now time.Time, st Style) string {
	var rows [][]string
	for _, ph := range phases {
		text := ph.Empty
		done := 0
		for _, s := range ph.Steps {
			switch s.State {
			case dr.StepDone, dr.StepAlready, dr.StepSkipped, dr.StepUndone, dr.StepFailed:
				done++
			case dr.StepRunning, dr.StepHeld:
				text = s.Title
				if s.Attempt > 1 {
					text += fmt.Sprintf(" (attempt %d)", s.Attempt)
				}
				if s.Started != nil {
					text += ", for " + dr.SpanText(now.Sub(*s.Started))
				}
				if s.Text != "" {
					text += ": " + s.Text
				}
			case dr.StepPending:
			}
		}
		count := ""
		if len(ph.Steps) > 0 {
			count = fmt.Sprintf("%d/%d", done, len(ph.Steps))
		}
		rows = append(rows, []string{string(ph.Phase), string(ph.State), count, text})
	}
	return Table(st, []string{"PHASE", "STATE", "STEPS", ""}, rows)
}

// screenRefusals keeps the status on one screen.
const screenRefusals = 5

func refusedText(s dr.Status, st Style) string {
	if len(s.Refused) == 0 && s.RefusedMore == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n" + st.bold("REFUSED DECISIONS") + "\n")
	from := max(0, len(s.Refused)-screenRefusals)
	for _, r := range s.Refused[from:] {
		b.WriteString(st.hang("  ", "    ", dr.TimeText(r.At)+" "+string(r.Verb)+" by "+orElse(r.Person, "somebody")+": "+r.Why))
	}
	if more := from + s.RefusedMore; more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	return b.String()
}
