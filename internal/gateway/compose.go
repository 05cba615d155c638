package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// shown is a topic with its card.
type shown struct {
	topic dr.ChatTopic
	card  Card
}

// composer makes cards. It is a pure function of what it is given: no card
// depends on when it is made, so that a message is edited only when something
// has changed.
type composer struct {
	config    Config
	namespace string
	clean     func(string) string
}

// Topic IDs.
const (
	topicEnd   = "end"
	topicGlass = "glass"
)

func gateTopic(g dr.GateStatus) string { return fmt.Sprintf("gate/%s/%d", g.Gate, g.Occurrence) }

func holdTopic(h dr.HoldStatus) string { return fmt.Sprintf("hold/%s/%d", h.Step, h.Attempt) }

// run makes the cards of one run. The plan may be nil or another one than the
// open gate's; commands are shown only when it is the gate's own. ended says
// how Temporal closed the run when it could not say so itself.
func (c composer) run(st dr.Status, p *dr.Plan, ended string) []shown {
	var out []shown
	add := func(id string, card Card, t dr.ChatTopic) {
		t.ID, t.Workflow, t.Run = id, st.Workflow, st.Run
		card.Key = c.key(st.System, st.Run, id)
		c.finish(&card, st)
		t.Mark = mark(card)
		out = append(out, shown{t, card})
	}
	for i, g := range st.Closed {
		add(gateTopic(g), c.closedGate(st, g, i == len(st.Closed)-1 && st.Gate == nil), dr.ChatTopic{OpenedAt: g.OpenedAt})
	}
	open := ended == "" && st.Ending == nil
	if g := st.Gate; g != nil {
		t := dr.ChatTopic{Open: open, OpenedAt: g.OpenedAt, RemindEvery: g.RemindEvery, EscalateAt: g.EscalateAt}
		add(gateTopic(*g), c.openGate(st, *g, p, ended), t)
	}
	if h := st.Hold; h != nil {
		t := dr.ChatTopic{Open: open, OpenedAt: h.Since, RemindEvery: dr.Duration(holdReminder)}
		add(holdTopic(*h), c.hold(st, *h, ended), t)
	}
	switch {
	case st.Ending != nil:
		add(topicEnd, c.end(st), dr.ChatTopic{Announce: true, OpenedAt: st.Ending.At})
	case ended != "":
		add(topicEnd, c.cutOff(st, ended), dr.ChatTopic{Announce: true})
	}
	return out
}

func (c composer) key(system, run, topic string) string {
	return c.config.Name + "/" + system + "/" + run + "/" + topic
}

func mark(card Card) string {
	d, err := dr.Digest(card)
	if err != nil {
		return "unmarked"
	}
	return dr.ShortDigest(d)
}

// finish fills in what every card has.
func (c composer) finish(card *Card, st dr.Status) {
	card.System, card.Workflow, card.Run = st.System, st.Workflow, st.Run
	card.Reality = "REAL: this concerns production systems."
	if c.config.Rehearsal {
		card.Reality = "REHEARSAL: this concerns a lab."
	}
	if c.config.UI != "" && card.Link == "" {
		card.Link = strings.TrimSuffix(c.config.UI, "/") + "/namespaces/" + url.PathEscape(c.namespace) + "/workflows/" + url.PathEscape(st.Workflow) + "/" + url.PathEscape(st.Run)
	}
	for _, f := range st.Glass {
		card.Facts = append(card.Facts, Fact{"BREAK-GLASS", fmt.Sprintf("%s passed the gate %s alone at %s: %s", f.Person, f.Gate, dr.TimeText(f.At), f.Reason)})
	}
	c.wash(card)
}

func title(st dr.Status) string { return dr.RunTitle(st.Procedure, st.Mode, st.System, st.From, st.To) }

func (c composer) openGate(st dr.Status, g dr.GateStatus, p *dr.Plan, ended string) Card {
	card := Card{
		Level: LevelAsk, Title: fmt.Sprintf("Approval needed: %s", title(st)), Digest: g.Digest,
		Lead: fmt.Sprintf("The gate %s asks, opening %d: %s", g.Gate, g.Occurrence, gateQuestion(g.Gate)),
	}
	if ended != "" {
		card.Level, card.Title, card.Lead = LevelBad, "Over: "+title(st), "The run was "+ended+": nothing can be decided any more."
	}
	if g.Again != "" {
		card.Facts = append(card.Facts, Fact{"Opened again", g.Again})
	}
	requester := st.Requester
	if requester == "" {
		requester = "somebody unknown (the start was not signed)"
	}
	card.Facts = append(card.Facts, Fact{"Asked by", requester + ": " + st.Reason})
	if st.From != "" || st.To != "" {
		card.Facts = append(card.Facts, Fact{"From, to", orUnknown(st.From) + " to " + orUnknown(st.To)})
	}
	if p != nil && p.Digest != g.Digest {
		p = nil
	}
	loss := g.Loss
	if p != nil {
		loss = p.Loss.Sentence(p.Situation.At)
	}
	card.Facts = append(card.Facts, Fact{"Loss", loss})
	if p != nil {
		c.fromPlan(&card, *p)
	} else {
		card.Consequences = []string{"The plan is not shown here: read it before you decide."}
	}
	card.Facts = append(card.Facts, Fact{"Approvals", approvalsText(g)})
	card.Votes = votesText(g.Votes)
	card.Footer = fmt.Sprintf("Request open until %s. An approval, once complete, must be used in time. Plan %s.", dr.TimeText(g.ExpiresAt), dr.ShortDigest(g.Digest))
	if g.UsableUntil != nil {
		card.Footer = fmt.Sprintf("Request open until %s. Approval usable until %s. Plan %s.", dr.TimeText(g.ExpiresAt), dr.TimeText(*g.UsableUntil), dr.ShortDigest(g.Digest))
	}
	if ended == "" {
		card.Buttons = c.gateButtons(st, g)
	}
	return card
}

func gateQuestion(g dr.Gate) string {
	switch g {
	case dr.GateDecide:
		return "shall the other site become primary, with this loss?"
	case dr.GateConvert:
		return "may the old primary's data be changed so that it follows?"
	case dr.GateOverwrite:
		return "may the site's data be replaced by a copy?"
	case dr.GateCutover:
		return "shall the primary role go back now?"
	case dr.GateUndo:
		return "an undo cannot be proven safe: what now?"
	}
	return "may it go on?"
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func approvalsText(g dr.GateStatus) string {
	s := fmt.Sprintf("%d of %d", dr.Approvals(g.Votes), g.Quorum)
	if len(g.Roles) > 0 {
		s += " (roles " + strings.Join(g.Roles, ", ") + ")"
	}
	for _, n := range g.Also {
		s += fmt.Sprintf("; for the %s also %d", n.For, n.Quorum)
		if len(n.Roles) > 0 {
			s += " (roles " + strings.Join(n.Roles, ", ") + ")"
		}
	}
	if g.Lacks != "" && len(g.Also) > 0 {
		s += "; missing: " + g.Lacks
	}
	return s
}

func votesText(votes []dr.Vote) []string {
	var out []string
	for _, v := range votes {
		s := fmt.Sprintf("%s by %s at %s, %s", v.Verb, v.Person, dr.TimeText(v.At), v.How())
		if v.Verb == dr.VerbBreakGlass {
			s = "BREAK-GLASS: " + s
		}
		if v.Reason != "" {
			s += ": " + v.Reason
		}
		out = append(out, s)
	}
	return out
}

// fromPlan shows what the plan's digest covers, and what was observed.
func (c composer) fromPlan(card *Card, p dr.Plan) {
	if pr := lastProof(p); pr != "" {
		card.Facts = append(card.Facts, Fact{"Last in-sync proof", pr})
	}
	outage := p.Outage
	if outage == "" {
		outage = "unknown"
	}
	card.Facts = append(card.Facts, Fact{"Expected outage", outage})
	if s := noReturn(p); s != "" {
		card.Facts = append(card.Facts, Fact{"Point of no return", s})
	}
	for _, s := range p.Situation.Sites {
		age := ""
		if !s.At.IsZero() && !p.MadeAt.IsZero() {
			age = fmt.Sprintf(" (observed %s, %s before the plan)", dr.TimeText(s.At), dr.SpanText(max(p.MadeAt.Sub(s.At), 0)))
		}
		card.Sites = append(card.Sites, Fact{s.Site, roleText(s.Role, s.Summary) + age})
	}
	for _, w := range p.Waivers {
		card.Statements = append(card.Statements, w.Text)
	}
	card.Consequences = slices.Clone(p.Consequences)
	for _, ph := range p.Phases {
		out := Phase{Name: string(ph.Phase), Empty: ph.Empty}
		for _, s := range ph.Steps {
			out.Steps = append(out.Steps, Step{s.Kind, s.Title, slices.Clone(s.Commands)})
		}
		card.Commands = append(card.Commands, out)
	}
}

// roleText names the role, unless the adapter's summary begins with it.
func roleText(role dr.Role, summary string) string {
	if strings.HasPrefix(summary, string(role)) {
		return summary
	}
	return strings.TrimSpace(string(role) + " " + summary)
}

func lastProof(p dr.Plan) string {
	pr := p.Loss.Proof
	if pr == nil && p.Situation.Memory != nil {
		pr = p.Situation.Memory.Proof
	}
	if pr == nil {
		return "none is known"
	}
	return fmt.Sprintf("%s, %s before the plan: %s held what %s had acknowledged (%s)", dr.TimeText(pr.At), dr.SpanText(max(p.MadeAt.Sub(pr.At), 0)), pr.Site, pr.Primary, pr.Source)
}

func noReturn(p dr.Plan) string {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			if s.Kind == dr.KindIrreversible && ph.Phase != dr.PhaseSafeStop {
				return fmt.Sprintf("%s (in %s); from there only forward", s.Title, ph.Phase)
			}
		}
	}
	return "none: everything can be undone"
}

func (c composer) gateButtons(st dr.Status, g dr.GateStatus) []Button {
	ref := Ref{System: st.System, OriginalRun: st.OriginalRun, Run: st.Run, Gate: g.Gate, Occurrence: g.Occurrence, Digest: dr.ShortDigest(g.Digest)}
	short := dr.ShortDigest(g.Digest)
	b := []Button{
		{dr.VerbApprove, "Approve", false, fmt.Sprintf("Approve plan %s: %s? You state what the card says you state.", short, title(st)), g.NeedsReason, ref},
		{dr.VerbReject, "Reject", true, fmt.Sprintf("Reject plan %s? One rejection ends it.", short), true, ref},
	}
	if len(g.BreakGlass) > 0 {
		b = append(b, Button{dr.VerbBreakGlass, "Break glass", true, fmt.Sprintf("Pass the gate ALONE with plan %s? It is reported, and somebody else must acknowledge it.", short), true, ref})
	}
	return b
}

func (c composer) hold(st dr.Status, h dr.HoldStatus, ended string) Card {
	card := Card{
		Level: LevelAlarm, Title: "On hold: " + title(st), Lead: fmt.Sprintf("%s: %s", h.Title, h.Text),
		Facts:  []Fact{{"Step", h.Step + ", attempt " + strconv.Itoa(h.Attempt)}},
		Footer: "Since " + dr.TimeText(h.Since) + ". Look at the host first, with the step's proof.",
	}
	if h.Unknown {
		card.Facts = append(card.Facts, Fact{"Outcome", "unknown: the command may have worked; look before you retry"})
	}
	if h.Next != "" {
		card.Facts = append(card.Facts, Fact{"Next", h.Next})
	}
	if ended != "" {
		card.Lead = "The run was " + ended + ": nothing can be decided any more."
		return card
	}
	ref := Ref{System: st.System, OriginalRun: st.OriginalRun, Run: st.Run}
	onHold := ref
	onHold.Step, onHold.Attempt = h.Step, h.Attempt
	for _, v := range h.Options {
		b := Button{Verb: v, Label: label(v), Ref: ref, Danger: v == dr.VerbAbandon || v == dr.VerbSkip, NeedsReason: v == dr.VerbSkip || v == dr.VerbAbandon || v == dr.VerbAbort}
		if v.OnHold() {
			b.Ref = onHold
		}
		b.Confirm = fmt.Sprintf("%s %s of %s?", b.Label, h.Step, st.System)
		card.Buttons = append(card.Buttons, b)
	}
	return card
}

func label(v dr.Verb) string {
	s := strings.ReplaceAll(string(v), "-", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}
