package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
	"github.com/switchback-dr/switchback/internal/setup"
)

// gate shows the plan of the open gate and has it decided: here, or in the
// Temporal UI, whichever is first.
func (f *follower) gate(ctx context.Context, st dr.Status) error {
	p, err := f.run.planAtGate(ctx, st.Gate)
	if err != nil {
		return err
	}
	s := f.d.screen
	s.print("")
	s.print(render.PlanText(withoutFacts(p), time.Now(), s.style()))
	s.print("")
	f.card(p, st)
	verb, reason := dr.VerbApprove, ""
	if f.d.asks {
		verb, reason, err = f.ask(ctx, st)
		if err != nil || verb == "" {
			return err
		}
	} else {
		s.say("Nobody is asked: this run of the demo approves by itself, as " + approver + ".")
	}
	s.print("")
	if _, err := f.run.decide(ctx, verb, st, reason); err != nil {
		return err
	}
	f.decided = st.Gate.Digest
	if verb == dr.VerbReject {
		s.outcome(s.red("✗"), "gate", approver+" rejected plan "+dr.ShortDigest(p.Digest), "")
		return nil
	}
	s.outcome(s.green("✓"), "gate", approver+" approved plan "+dr.ShortDigest(p.Digest)+", signed with her SSH key", "")
	return nil
}

// withoutFacts leaves the single facts of the situation and the forms of the
// approval out of what is shown: the report and the Temporal UI have them.
func withoutFacts(p dr.Plan) dr.Plan {
	sites := make([]dr.SiteSituation, len(p.Situation.Sites))
	for i, site := range p.Situation.Sites {
		site.Facts = nil
		sites[i] = site
	}
	p.Situation.Sites = sites
	p.Situation.Judgement.Facts = nil
	p.Envelope.Gate = ""
	return p
}

// card is the plan on half a screen, with the ways to decide: the last thing
// that a person sees before the question.
func (f *follower) card(p dr.Plan, st dr.Status) {
	s := f.d.screen
	g := st.Gate
	s.print(s.rule("Gate "+string(g.Gate), "plan "+dr.ShortDigest(p.Digest)))
	s.print("")
	s.field("what", dr.RunTitle(p.Procedure, p.Mode, p.System, p.From, p.To)+": "+p.Reason)
	s.field("loss", p.Loss.Sentence(time.Now()))
	if p.Outage != "" {
		s.field("outage", p.Outage)
	}
	for _, w := range p.Waivers {
		s.field("you state", w.Text)
	}
	for _, ph := range p.Phases {
		f.cardPhase(ph)
	}
	s.field("again", g.Again)
	s.print("")
	body := fmt.Sprintf(`{"gate":%q,"digest":%q,"person":%q}`, g.Gate, dr.ShortDigest(g.Digest), approver)
	s.say("The exact commands stand above. Decide here, or in the Temporal UI: " + f.run.link())
	s.say("(Workflow Actions, Send a Signal, " + string(dr.VerbApprove) + ", with " + body + ")")
	s.print("")
}

// cardPhase tells what a phase does in one line or two.
func (f *follower) cardPhase(ph dr.PhasePlan) {
	if len(ph.Steps) == 0 || ph.Phase == dr.PhaseSafeStop {
		return
	}
	s := f.d.screen
	titles := make([]string, 0, len(ph.Steps))
	irreversible := false
	for _, step := range ph.Steps {
		titles = append(titles, step.Title)
		irreversible = irreversible || step.Kind == dr.KindIrreversible
	}
	text := strings.Join(titles, "; ")
	if irreversible {
		text += " (no way back from here)"
	}
	s.field(string(ph.Phase), text)
}

// ask asks on the terminal. verb is "" when the gate was decided elsewhere
// meanwhile.
func (f *follower) ask(ctx context.Context, st dr.Status) (verb dr.Verb, reason string, err error) {
	s := f.d.screen
	question := "  " + s.bold("Approve as "+approver+"?") + " y = yes, n = no: "
	s.ask(question)
	asked := time.Now()
	for {
		select {
		case line, open := <-f.d.lines:
			switch answer := strings.ToLower(strings.TrimSpace(line.text)); {
			case open && line.at.Before(asked):
				continue // typed before the plan was in sight: no answer to it
			case !open:
				return "", "", dr.Refuse("input", "the terminal was closed at the gate %s: nothing was approved", st.Gate.Gate)
			case answer == "y" || answer == "yes":
				return dr.VerbApprove, "", nil
			case answer == "n" || answer == "no":
				return dr.VerbReject, "rejected on the terminal of the demo", nil
			}
			s.ask(question)
		default:
		}
		now, err := f.look(ctx)
		if err != nil {
			return "", "", err
		}
		if now.Gate == nil || now.Gate.Digest != st.Gate.Digest {
			f.elsewhere(now)
			return "", "", nil
		}
		if err := setup.Sleep(ctx, lookEvery); err != nil {
			return "", "", err
		}
	}
}

// elsewhere says that the gate was decided in another place.
func (f *follower) elsewhere(st dr.Status) {
	s := f.d.screen
	s.print("")
	s.print("")
	s.outcome(s.green("✓"), "gate", "decided in the Temporal UI or by another program: "+st.Sentence, "")
}

// held tells of a step that needs a person's mind: the demo does not play on.
func (f *follower) held(st dr.Status) error {
	s := f.d.screen
	s.print("")
	s.print(render.StatusText(st, time.Now(), s.style()))
	return dr.Hold("demo", "the run is on hold at %q: %s", st.Hold.Title, st.Hold.Text).
		WithNext("the demo cannot answer this; %s", st.Hold.Next)
}
