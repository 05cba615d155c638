package dr

import (
	"fmt"
	"strings"
	"time"
)

// MaxDetailsBytes is the largest text that Temporal takes as current details.
const MaxDetailsBytes = 20000

// DetailsMarkdown writes a run for the current details of its workflow: what
// it does, the open gate or hold with bodies to copy, the plan's commands and
// the phases. It is never longer than MaxDetailsBytes: first commands are
// shortened, then whole parts are left out, and both are said. The result
// depends on the arguments alone, so workflow code may call it.
func DetailsMarkdown(s Status, p *Plan, now time.Time) string {
	if p != nil && s.Gate != nil && p.Digest != s.Gate.Digest {
		p = nil // never show the commands of another plan beside this digest
	}
	for _, level := range detailLevels {
		if out := strings.Join(detailBlocks(s, p, now, level), "\n"); len(out) <= MaxDetailsBytes {
			return out
		}
	}
	return fitBlocks(detailBlocks(s, p, now, detailLevels[len(detailLevels)-1]))
}

// detailLevel says how far the plan's commands are shortened.
type detailLevel struct {
	// command is the longest command in characters; 0 shows none.
	command int
	// reads says whether the commands of reading steps are shown.
	reads bool
}

var detailLevels = []detailLevel{{4000, true}, {400, true}, {200, false}, {80, false}, {0, false}}

const leftOut = "*The rest is left out here: this text has a limit. The query `plan` and `starter status` show everything.*\n"

// fitBlocks keeps whole blocks while they fit. A block is never cut, so that
// no code block stays open.
func fitBlocks(blocks []string) string {
	var b strings.Builder
	for _, block := range blocks {
		if b.Len()+len(block)+1+len(leftOut) > MaxDetailsBytes {
			b.WriteString(leftOut)
			break
		}
		b.WriteString(block + "\n")
	}
	return b.String()
}

func detailBlocks(s Status, p *Plan, now time.Time, level detailLevel) []string {
	blocks := []string{detailHead(s, now)}
	blocks = append(blocks, detailEnding(s, now)...)
	blocks = append(blocks, detailGate(s, p, now)...)
	blocks = append(blocks, detailHold(s)...)
	blocks = append(blocks, detailPhases(s)...)
	blocks = append(blocks, detailRefused(s)...)
	if p != nil && s.State != StateEnded {
		blocks = append(blocks, detailCommands(*p, level)...)
	}
	return blocks
}

func detailHead(s Status, now time.Time) string {
	var b strings.Builder
	b.WriteString("## " + MD(Clip(RunTitle(s.Procedure, s.Mode, s.System, s.From, s.To), 200)) + "\n\n")
	fmt.Fprintf(&b, "**%s**: %s (since %s)\n", MD(strings.ToUpper(string(s.State))), MD(Clip(s.Sentence, 600)), TimeText(s.Since))
	if s.NoReturn {
		b.WriteString("\n**Past the point of no return:** only forward; abort and cancel do not count until the next gate.\n")
	}
	if s.RestoredAt != nil {
		b.WriteString("\nService restored " + TimeText(*s.RestoredAt) + ".\n")
	}
	if u := s.Unprotected; u != nil && s.Ending == nil {
		b.WriteString("\n" + detailUnprotected(*u) + "\n")
	}
	for _, f := range s.Glass {
		b.WriteString("\n" + f.Markdown() + "\n")
	}
	b.WriteString("\nAs of " + TimeText(now) + ".\n")
	return b.String()
}

func detailUnprotected(u Unprotected) string {
	return fmt.Sprintf("**Unprotected since %s:** %s. Next: %s.", TimeText(u.Since), MD(Clip(u.Why, 300)), MD(u.Next))
}

func detailEnding(s Status, _ time.Time) []string {
	e := s.Ending
	if e == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### Ended: %s\n\n%s (%s)\n", MD(string(e.Kind)), MD(Clip(e.Text, 600)), TimeText(e.At))
	for i, r := range e.Roles {
		if i == 20 {
			break
		}
		fmt.Fprintf(&b, "\n- %s: %s %s", MD(r.Site), MD(string(r.Role)), MD(Clip(r.Text, 200)))
	}
	for i, j := range e.RunningJobs {
		if i == 20 {
			fmt.Fprintf(&b, "\n- and %d more running commands", len(e.RunningJobs)-20)
			break
		}
		b.WriteString("\n- still running: " + MD(Clip(j, 200)))
	}
	if e.Unprotected != nil {
		b.WriteString("\n\n" + detailUnprotected(*e.Unprotected))
	}
	return []string{b.String() + "\n"}
}

func detailHold(s Status) []string {
	h := s.Hold
	if h == nil {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### On hold: %s\n\n", MD(Clip(h.Title, 200)))
	fmt.Fprintf(&b, "%s\n\nStep %s, attempt %d, since %s.\n", MD(Clip(h.Text, 1000)), MDCode(h.Step), h.Attempt, TimeText(h.Since))
	if h.Unknown {
		b.WriteString("\n**The outcome is unknown:** the command may have worked. Look before you retry.\n")
	}
	if h.Next != "" {
		b.WriteString("\nNext: " + MD(Clip(h.Next, 600)) + "\n")
	}
	blocks := []string{b.String()}
	for _, v := range h.Options {
		blocks = append(blocks, detailForm(HoldForm(v, s.Workflow, s.System, h.Step, h.Attempt)))
	}
	return blocks
}

func detailForm(f SendForm) string {
	return fmt.Sprintf("**%s**: signal or update %s with this body, or the line below it:\n\n", MD(string(f.Verb)), MDCode(string(f.Verb))) +
		MDFence("json", f.Body) + MDFence("sh", f.Starter)
}
