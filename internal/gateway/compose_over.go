package gateway

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// holdReminder is how often people are reminded of a hold: somebody may be
// without service meanwhile.
const holdReminder = 15 * time.Minute

// closedGate is what stands where a question stood: how it ended, without
// buttons. The last one also says how far the run is.
func (c composer) closedGate(st dr.Status, g dr.GateStatus, last bool) Card {
	card := Card{
		Level: LevelInfo, Title: fmt.Sprintf("Gate %s closed: %s", g.Gate, title(st)),
		Lead: "It ended as: " + g.Outcome, Digest: g.Digest, Votes: votesText(g.Votes),
		Facts: []Fact{{"Approvals", approvalsText(g)}},
	}
	if g.ClosedAt != nil {
		card.Footer = "Closed " + dr.TimeText(*g.ClosedAt) + ". Plan " + dr.ShortDigest(g.Digest) + "."
	}
	if last && st.Ending == nil {
		card.Facts = append(card.Facts, Fact{"Now", progress(st)})
	}
	return card
}

// progress says by phases how far a run is, so that a message is not edited for
// every step.
func progress(st dr.Status) string {
	done, total, now := 0, 0, ""
	for _, ph := range st.Phases {
		total++
		switch ph.State {
		case dr.StepDone, dr.StepAlready, dr.StepSkipped:
			done++
		case dr.StepRunning:
			now = string(ph.Phase)
		default:
		}
	}
	s := fmt.Sprintf("%s: %d of %d phases are done", st.State, done, total)
	if now != "" {
		s += ", " + now + " is under way"
	}
	if st.NoReturn {
		s += "; past the point of no return"
	}
	if st.RestoredAt != nil {
		s += "; service restored " + dr.TimeText(*st.RestoredAt)
	}
	return s
}

func (c composer) end(st dr.Status) Card {
	e := st.Ending
	card := Card{
		Level: LevelInfo, Title: fmt.Sprintf("Ended: %s: %s", e.Kind, title(st)), Lead: e.Text, Footer: "Ended " + dr.TimeText(e.At) + ".",
	}
	switch e.Kind {
	case dr.EndDone, dr.EndNothing:
		card.Level = LevelGood
	case dr.EndAbandoned, dr.EndAborted, dr.EndRefused, dr.EndExpired:
		card.Level = LevelBad
	default:
	}
	for _, r := range e.Roles {
		card.Sites = append(card.Sites, Fact{r.Site, roleText(r.Role, r.Text)})
	}
	if u := e.Unprotected; u != nil {
		card.Facts = append(card.Facts, Fact{"Unprotected", fmt.Sprintf("since %s: %s; next: %s", dr.TimeText(u.Since), u.Why, u.Next)})
	}
	if n := len(st.Refused) + st.RefusedMore; n > 0 {
		card.Facts = append(card.Facts, Fact{"Refused decisions", fmt.Sprintf("%d; the report lists them", n)})
	}
	return card
}

// cutOff is the end of a run that could not say how it ends.
func (c composer) cutOff(st dr.Status, ended string) Card {
	return Card{
		Level: LevelBad, Title: "Cut off: " + title(st),
		Lead: "The run was " + ended + " in the middle, without undo and report. Commands on hosts may go on: starter assess " + st.System + ", then start it again.",
	}
}

// glass asks somebody else to acknowledge that the glass was broken.
func (c composer) glass(system string, f dr.FollowUp) shown {
	t := dr.ChatTopic{ID: topicGlass, Workflow: f.Workflow, Run: f.Run, Open: f.Acknowledged == nil, OpenedAt: f.At, RemindEvery: dr.Duration(glassReminder)}
	card := Card{
		Level: LevelAlarm, Title: "BREAK-GLASS in " + system,
		Lead:  fmt.Sprintf("%s passed the gate %s with plan %s alone. Somebody else must acknowledge it.", f.Person, f.Gate, dr.ShortDigest(f.Digest)),
		Facts: []Fact{{"Reason given", f.Reason}, {"When", dr.TimeText(f.At)}},
	}
	if a := f.Acknowledged; a != nil {
		card.Level, card.Lead = LevelInfo, fmt.Sprintf("%s passed the gate %s alone; %s acknowledged it at %s.", f.Person, f.Gate, a.Person, dr.TimeText(a.At))
	} else {
		ref := Ref{System: system, OriginalRun: f.OriginalRun, Run: f.Run}
		card.Buttons = []Button{{Verb: dr.VerbAcknowledge, Label: "Acknowledge", Confirm: "Acknowledge that " + f.Person + " broke the glass?", Ref: ref}}
	}
	card.Key = c.key(system, f.Run, topicGlass)
	c.finish(&card, dr.Status{System: system, Workflow: f.Workflow, Run: f.Run})
	t.Mark = mark(card)
	return shown{t, card}
}

// gone is what stands where a topic stood that is over and about which nothing
// more is known.
func (c composer) gone(system string, t dr.ChatTopic) Card {
	card := Card{Level: LevelInfo, Title: "Over: " + system, Lead: "This question (" + t.ID + ") is over; nothing can be decided here any more."}
	card.Key = c.key(system, t.Run, t.ID)
	c.finish(&card, dr.Status{System: system, Workflow: t.Workflow, Run: t.Run})
	return card
}

// glassReminder is how often people are reminded of a glass that nobody has
// acknowledged.
const glassReminder = 4 * time.Hour

// reminder is a short message below a card.
func (c composer) reminder(card Card, kind dr.ChatKind, number int, mention []Mention) Card {
	out := Card{
		Level: card.Level, System: card.System, Workflow: card.Workflow, Run: card.Run, Title: card.Title, Reality: card.Reality,
		Lead: "Nobody has decided yet: " + card.Lead, Footer: card.Footer, Link: card.Link, Mention: mention, Digest: card.Digest,
		Key: fmt.Sprintf("%s/%s/%d", card.Key, kind, number),
	}
	if kind == dr.ChatEscalate {
		out.Lead = "Escalated, because nobody has decided: " + card.Lead
	}
	return out
}

// wash takes secrets and control characters out of everything that is shown.
func (c composer) wash(card *Card) {
	line := func(s string) string { return dr.CleanLine(c.clean(s)) }
	card.Title, card.Lead, card.Footer = line(card.Title), line(card.Lead), line(card.Footer)
	facts := func(list []Fact) {
		for i := range list {
			list[i] = Fact{line(list[i].Name), line(list[i].Text)}
		}
	}
	lines := func(list []string) {
		for i := range list {
			list[i] = line(list[i])
		}
	}
	facts(card.Facts)
	facts(card.Sites)
	lines(card.Statements)
	lines(card.Consequences)
	lines(card.Votes)
	for i := range card.Commands {
		card.Commands[i].Empty = line(card.Commands[i].Empty)
		for j := range card.Commands[i].Steps {
			s := &card.Commands[i].Steps[j]
			s.Title = line(s.Title)
			for k := range s.Commands {
				s.Commands[k] = c.clean(s.Commands[k])
			}
		}
	}
	for i := range card.Buttons {
		card.Buttons[i].Confirm = line(card.Buttons[i].Confirm)
	}
}
