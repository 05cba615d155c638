package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// PlanMarkdown writes a plan as a run-book that a person can carry out by hand
// when Temporal is lost too: numbered steps with guard, commands, proof, stop
// conditions and undo.
func PlanMarkdown(p dr.Plan, now time.Time) string {
	var b strings.Builder
	b.WriteString("# Run-book: " + dr.MD(dr.RunTitle(p.Procedure, p.Mode, p.System, p.From, p.To)) + "\n\n")
	b.WriteString(runbookHead(p, now))
	b.WriteString(runbookRules())
	b.WriteString(situationMarkdown(p.Situation, now, "##"))
	b.WriteString(runbookDecision(p, now))
	if p.Nothing != "" {
		b.WriteString("## Nothing to do\n\n" + dr.MD(p.Nothing) + "\n\n")
	}
	n := 0
	noReturn := false
	for _, ph := range p.Phases {
		b.WriteString("## Phase: " + dr.MD(string(ph.Phase)) + "\n\n")
		if len(ph.Steps) == 0 {
			b.WriteString("No steps: " + dr.MD(ph.Empty) + "\n\n")
		}
		for _, s := range ph.Steps {
			n++
			if s.Kind == dr.KindIrreversible && !noReturn {
				noReturn = true
				b.WriteString("> **POINT OF NO RETURN.** From here on there is only forward. Do not begin the next step unless everything above is proven.\n\n")
			}
			b.WriteString(runbookStep(n, s))
		}
	}
	b.WriteString(runbookEnd(p))
	return b.String()
}

func runbookHead(p dr.Plan, now time.Time) string {
	rows := [][]string{
		{"System", dr.MD(p.System + " (" + p.Product + ")")},
		{"From, to", dr.MD(p.From + " → " + p.To)},
		{"Reason", dr.MD(p.Reason)},
		{"Made", dr.TimeText(p.MadeAt) + " (" + dr.AgoText(p.MadeAt, now) + ")"},
		{"Digest", dr.MDCode(p.Digest)},
		{"Inventory digest", dr.MDCode(p.InventoryDigest)},
	}
	for _, h := range p.Pins {
		rows = append(rows, []string{
			"Host " + dr.MD(h.Name),
			dr.MDCode(fmt.Sprintf("%s@%s:%d", h.User, h.Address, h.Port)) + " key " + dr.MDCode(h.Fingerprint),
		})
	}
	return dr.MDTable([]string{"", ""}, rows) + "\n"
}

func runbookRules() string {
	var b strings.Builder
	b.WriteString("## Before you begin\n\n")
	b.WriteString("- Make sure that nobody else works on this system: no other run, no other person, no cluster manager.\n")
	b.WriteString("- Carry out the steps in their order. Before each changing step check what stands under **Before**; after it, look for what stands under **Proof**. An exit status is no proof.\n")
	b.WriteString("- **Stop** when a check fails or its answer is unknown, and when you do not know whether a command worked. Look first; never send it twice blindly.\n")
	b.WriteString("- What stands before " + dr.MDCode("$") + " or " + dr.MDCode(">") + " in a command names the host (a shell there) or the database (a statement there); it is not typed.\n")
	b.WriteString("- Placeholders such as " + dr.MDCode("<credential NAME>") + " stand for secrets: take them from where the inventory says, never write them down here.\n")
	b.WriteString("- Note the time of every step and what it printed: it is the report.\n\n")
	return b.String()
}

func runbookDecision(p dr.Plan, now time.Time) string {
	var b strings.Builder
	gate := string(p.Envelope.Gate)
	if gate == "" {
		gate = "decide"
	}
	b.WriteString("## Decision: " + dr.MD(gate) + "\n\nPeople decide here, before the first changing step. Write down who, when and why.\n\n")
	b.WriteString("**Loss:** " + dr.MD(p.Loss.Sentence(now)) + "\n\n")
	if p.Outage != "" {
		b.WriteString("**Expected outage for writing clients:** " + dr.MD(p.Outage) + "\n\n")
	}
	if len(p.Waivers) > 0 {
		b.WriteString("**By approving you state:**\n\n")
		for _, w := range p.Waivers {
			b.WriteString("- " + dr.MD(w.Text) + " (" + dr.MD(w.ID) + ")\n")
		}
		b.WriteString("\n")
	}
	if len(p.Consequences) > 0 {
		b.WriteString("**Consequences:**\n\n")
		for _, c := range p.Consequences {
			b.WriteString("- " + dr.MD(c) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func runbookStep(n int, s dr.Step) string {
	var b strings.Builder
	where := s.Host
	if where == "" {
		where = s.Site
	}
	title := s.Title
	if where != "" {
		title += " (on " + where + ")"
	}
	fmt.Fprintf(&b, "### %d. %s — %s\n\n", n, dr.MD(title), s.Kind.Word())
	if s.Why != "" {
		b.WriteString(dr.MD(s.Why) + "\n\n")
	}
	b.WriteString("**Before:** " + orElse(dr.MD(s.Guard), guardDefault(s.Kind)) + "\n\n**Run:**\n\n")
	b.WriteString(commandsMarkdown(s.Commands))
	b.WriteString("**Proof:** " + orElse(dr.MD(s.Proof), "look at the state itself, not at the exit status") + "\n\n")
	b.WriteString("**Stop if:** " + stopIf(s) + "\n\n")
	if s.Undo != nil {
		b.WriteString("**Undo:** " + dr.MD(s.Undo.Title) + "\n\n" + commandsMarkdown(s.Undo.Commands))
		if s.Undo.Proof != "" {
			b.WriteString("**Undone when:** " + dr.MD(s.Undo.Proof) + "\n\n")
		}
	} else if s.Kind != dr.KindRead {
		b.WriteString("**Undo:** none\n\n")
	}
	return b.String()
}

func guardDefault(k dr.Kind) string {
	if k == dr.KindRead {
		return "nothing; this step changes nothing"
	}
	return "read the roles of all sites again; they must be as under Situation, changed only by the steps above"
}

func stopIf(s dr.Step) string {
	text := "the proof is not there"
	if s.Timeout > 0 {
		text += " after " + dr.SpanText(s.Timeout.D())
	}
	if s.Kind != dr.KindRead {
		text += ", or what stands under Before is not true or not known"
	}
	switch s.Skip {
	case dr.SkipFree:
		text += ". This step may be left out"
	case dr.SkipDecision:
		text += ". This step may be left out only when the people who decide say so"
	default:
		text += ". This step is never left out"
	}
	return text + "."
}

func commandsMarkdown(commands []string) string {
	if len(commands) == 0 {
		return "No command: a person looks.\n\n"
	}
	var b strings.Builder
	for _, c := range commands {
		b.WriteString(dr.MDFence("sh", c) + "\n")
		if dr.CleanText(c) != c {
			b.WriteString("*This command holds characters that cannot be shown; they stand as escapes above. Do not copy it.*\n\n")
		}
	}
	return b.String()
}

func runbookEnd(p dr.Plan) string {
	var b strings.Builder
	b.WriteString("## Afterwards\n\n")
	b.WriteString("- Read the roles of all sites and write them down. Exactly one site may accept writes.\n")
	b.WriteString("- If you stopped before the point of no return: carry out the undo of every finished step, last one first.\n")
	b.WriteString("- When Temporal is back, start the same procedure again: it reads what is done and completes the rest.\n")
	if len(p.Waivers) > 0 {
		b.WriteString("- What was waived above still has to be made true: prove it as soon as it can be proven.\n")
	}
	return b.String()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
