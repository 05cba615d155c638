package dr

import (
	"fmt"
	"strings"
	"time"
)

func detailGate(s Status, p *Plan, now time.Time) []string {
	g := s.Gate
	if g == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### Gate open: %s, occurrence %d\n\n", MD(string(g.Gate)), g.Occurrence)
	if g.Again != "" {
		b.WriteString("**Opened again:** " + MD(Clip(g.Again, 600)) + "\n\n")
	}
	fmt.Fprintf(&b, "- **Loss:** %s\n", MD(Clip(gateLoss(*g, p, now), 800)))
	fmt.Fprintf(&b, "- **Digest:** %s (12 digits suffice; full: %s)\n", MDCode(ShortDigest(g.Digest)), MDCode(Clip(g.Digest, 64)))
	fmt.Fprintf(&b, "- **Approvals:** %d of %d%s\n", Approvals(g.Votes), g.Quorum, rolesText(g.Roles))
	fmt.Fprintf(&b, "- **Request open until:** %s (%s)\n", TimeText(g.ExpiresAt), AgoText(g.ExpiresAt, now))
	if g.UsableUntil != nil {
		fmt.Fprintf(&b, "- **Approval usable until:** %s (%s)\n", TimeText(*g.UsableUntil), AgoText(*g.UsableUntil, now))
	} else {
		b.WriteString("- **Approval usable until:** counts from the moment it is complete\n")
	}
	for i, v := range g.Votes {
		if i == 20 {
			fmt.Fprintf(&b, "- and %d more votes\n", len(g.Votes)-20)
			break
		}
		b.WriteString("- " + voteLine(v) + "\n")
	}
	blocks := []string{b.String()}
	if p != nil {
		blocks = append(blocks, detailStatements(*p)...)
	} else {
		blocks = append(blocks, "*The plan is not shown here: read it with the query `plan` before you decide.*\n")
	}
	for _, v := range []Verb{VerbApprove, VerbReject} {
		blocks = append(blocks, detailForm(g.FormOf(v, s.Workflow, s.System)))
	}
	return blocks
}

func gateLoss(g GateStatus, p *Plan, now time.Time) string {
	if p != nil {
		return p.Loss.Sentence(now)
	}
	return g.Loss
}

// Approvals counts the votes that approve.
func Approvals(votes []Vote) int {
	n := 0
	for _, v := range votes {
		if v.Verb == VerbApprove {
			n++
		}
	}
	return n
}

func rolesText(roles []string) string {
	if len(roles) == 0 {
		return ""
	}
	return ", from: " + MD(Clip(strings.Join(roles, ", "), 200))
}

func voteLine(v Vote) string {
	s := fmt.Sprintf("%s by %s at %s", MD(string(v.Verb)), MD(Clip(v.Person, 80)), TimeText(v.At))
	s += ", " + MD(v.How())
	if v.Channel != "" {
		s += ", by way of " + MD(Clip(v.Channel, 80))
	}
	if v.Reason != "" {
		s += ": " + MD(Clip(v.Reason, 200))
	}
	return s
}

// detailStatements are what an approval states: waivers and consequences. They
// come before the commands, so that no shortening takes them away first.
func detailStatements(p Plan) []string {
	var blocks []string
	if len(p.Waivers) > 0 {
		b := "**By approving you state:**\n\n"
		for _, w := range p.Waivers {
			b += "- " + MD(w.Text) + " (" + MD(w.ID) + ")\n" // in full or not at all
		}
		blocks = append(blocks, b)
	}
	if len(p.Consequences) > 0 {
		b := "**Consequences:**\n\n"
		for _, c := range p.Consequences {
			b += "- " + MD(Clip(c, 400)) + "\n"
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func detailPhases(s Status) []string {
	if len(s.Phases) == 0 {
		return nil
	}
	var rows [][]string
	for _, ph := range s.Phases {
		rows = append(rows, []string{MD(string(ph.Phase)), MD(string(ph.State)), phaseNow(ph)})
	}
	return []string{"### Phases\n\n" + MDTable([]string{"phase", "state", "steps"}, rows)}
}

// phaseNow says in one cell how far a phase is.
func phaseNow(ph PhaseStatus) string {
	if len(ph.Steps) == 0 {
		return MD(Clip(ph.Empty, 160))
	}
	finished := 0
	current := ""
	for _, st := range ph.Steps {
		switch st.State {
		case StepDone, StepAlready, StepSkipped, StepUndone, StepFailed:
			finished++
		case StepRunning, StepHeld:
			if current == "" {
				current = fmt.Sprintf("; %s: %s", st.State, st.Title)
				if st.Attempt > 1 {
					current += fmt.Sprintf(" (attempt %d)", st.Attempt)
				}
			}
		case StepPending:
		}
	}
	return MD(Clip(fmt.Sprintf("%d of %d%s", finished, len(ph.Steps), current), 160))
}

// shownRefusals bounds the refused decisions in the details.
const shownRefusals = 10

func detailRefused(s Status) []string {
	if len(s.Refused) == 0 && s.RefusedMore == 0 {
		return nil
	}
	b := "### Refused decisions\n\n"
	from := max(0, len(s.Refused)-shownRefusals)
	for _, r := range s.Refused[from:] {
		person := "somebody"
		if r.Person != "" {
			person = Clip(r.Person, 80)
		}
		b += fmt.Sprintf("- %s %s by %s: %s\n", TimeText(r.At), MD(string(r.Verb)), MD(person), MD(Clip(r.Why, 300)))
	}
	if more := from + s.RefusedMore; more > 0 {
		b += fmt.Sprintf("- and %d more\n", more)
	}
	return []string{b}
}

// detailCommands shows the plan's steps, one block for each step.
func detailCommands(p Plan, level detailLevel) []string {
	var blocks []string
	shortened := false
	for _, ph := range p.Phases {
		b := "**" + MD(string(ph.Phase)) + "**"
		if len(ph.Steps) == 0 {
			blocks = append(blocks, b+": no steps: "+MD(Clip(ph.Empty, 300))+"\n")
			continue
		}
		blocks = append(blocks, b+"\n")
		for _, st := range ph.Steps {
			text, cut := detailStep(st, level)
			blocks = append(blocks, text)
			shortened = shortened || cut
		}
	}
	head := "### Commands\n"
	if shortened {
		head += "\n*Commands are shortened here (marked …, or left out). The query `plan` and `starter status` show them whole; the digest covers them whole.*\n"
	}
	return append([]string{head}, blocks...)
}

func detailStep(st Step, level detailLevel) (text string, shortened bool) {
	text = fmt.Sprintf("- %s %s", st.Kind.Word(), MD(Clip(st.Title, 160)))
	text += "\n"
	if len(st.Commands) == 0 {
		return text, false
	}
	if level.command == 0 || (st.Kind == KindRead && !level.reads) {
		return text, true
	}
	var shown []string
	for _, c := range st.Commands {
		if len([]rune(c)) > level.command {
			shortened = true
		}
		shown = append(shown, Clip(c, level.command))
	}
	fence := MDFence("sh", strings.Join(shown, "\n"))
	return text + indent(fence, "  "), shortened
}

// indent puts a fence into a list item.
func indent(s, by string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	return by + strings.Join(lines, "\n"+by) + "\n"
}
