package gateway

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Usage is what a chat's command line takes; one line each.
const Usage = `systems
status SYSTEM
plan SYSTEM
takeover SYSTEM to SITE [unplanned] because REASON
failback SYSTEM [to SITE] because REASON
reseed SYSTEM to SITE because REASON
approve SYSTEM DIGEST [because REASON]
reject SYSTEM DIGEST because REASON
break-glass SYSTEM DIGEST because REASON
retry | skip | replan SYSTEM STEP ATTEMPT [because REASON]
pause | resume | abort | abandon SYSTEM [because REASON]
acknowledge SYSTEM [because REASON]`

// Command carries out a typed command of an authenticated person. People who
// are not in the inventory are told nothing.
func (g *Gateway) Command(ctx context.Context, by Asker, text string) Answer {
	who, err := g.Who()
	if err != nil {
		return g.failed("nothing was done", err)
	}
	person, ok := who.OfAccount(by.Account)
	if !ok {
		return Answer{Text: fmt.Sprintf("your account %s belongs to nobody in the inventory; nothing was done", dr.Clip(dr.CleanLine(by.Account), 100))}
	}
	words, reason := splitCommand(text)
	if len(words) == 0 || words[0] == "help" {
		return Answer{Text: Usage}
	}
	switch words[0] {
	case "systems":
		return g.systemsCommand(ctx)
	case "status", "plan":
		return g.showCommand(ctx, words)
	case string(dr.ProcTakeover), string(dr.ProcFailback), string(dr.ProcReseed):
		return g.startCommand(ctx, by, person.ID, words, reason)
	}
	verb := dr.Verb(words[0])
	if verb != dr.VerbAcknowledge && !slices.Contains(dr.Verbs(), verb) {
		return Answer{Text: fmt.Sprintf("there is no command %q; the commands are:\n%s", dr.Clip(dr.CleanLine(words[0]), 40), Usage)}
	}
	return g.decideCommand(ctx, by, verb, words, reason)
}

// splitCommand gives the words before "because" and the reason behind it.
func splitCommand(text string) (words []string, reason string) {
	all := strings.Fields(text)
	if i := slices.IndexFunc(all, func(w string) bool { return strings.EqualFold(w, "because") }); i >= 0 {
		return lower(all[:i]), strings.Join(all[i+1:], " ")
	}
	return lower(all), ""
}

func lower(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToLower(w)
	}
	return out
}

func (g *Gateway) systemOf(words []string) (string, string) {
	if len(words) < 2 {
		return "", fmt.Sprintf("say which system; there are: %s", strings.Join(g.Systems, ", "))
	}
	if !g.knows(words[1]) {
		return "", fmt.Sprintf("there is no system %q; there are: %s", dr.Clip(dr.CleanLine(words[1]), 60), strings.Join(g.Systems, ", "))
	}
	return words[1], ""
}

func (g *Gateway) systemsCommand(ctx context.Context) Answer {
	var lines []string
	for _, s := range g.Systems {
		lines = append(lines, s+": "+g.oneLine(ctx, s))
	}
	return Answer{Text: g.clean(strings.Join(lines, "\n"))}
}

// oneLine says what runs for a system.
func (g *Gateway) oneLine(ctx context.Context, system string) string {
	info, err := g.describe(ctx, dr.WorkflowID(system), "")
	switch {
	case dr.HasCode(err, "no_run"):
		return "nothing runs"
	case err != nil:
		return "unknown: " + err.Error()
	case !info.open:
		return "nothing runs; the last run is " + strings.ToLower(info.status.String())
	}
	st, err := g.Status(ctx, system, info.run)
	if err != nil {
		return "a procedure runs, but no worker answers: " + err.Error()
	}
	return string(st.Procedure) + ", " + st.Sentence
}

func (g *Gateway) showCommand(ctx context.Context, words []string) Answer {
	system, why := g.systemOf(words)
	if why != "" {
		return Answer{Text: why}
	}
	info, err := g.describe(ctx, dr.WorkflowID(system), "")
	if err != nil {
		return g.failed(system, err)
	}
	all, err := g.runCards(ctx, system, info)
	if err != nil {
		return g.failed(system, err)
	}
	text := g.clean(system + ": " + g.oneLine(ctx, system))
	if words[0] == "plan" && len(all) > 0 {
		card := all[len(all)-1].card
		// Buttons stay with the one message that everybody sees change.
		card.Buttons = nil
		return Answer{Text: text, Card: &card}
	}
	return Answer{Text: text}
}

// decideCommand turns words into an intent. A digest, step or attempt goes out
// as typed: the run judges it and shows its refusal to everybody.
func (g *Gateway) decideCommand(ctx context.Context, by Asker, verb dr.Verb, words []string, reason string) Answer {
	system, why := g.systemOf(words)
	if why != "" {
		return Answer{Text: why}
	}
	in := Intent{Channel: by.Channel, Account: by.Account, Place: by.Place, ID: by.ID, Verb: verb, Reason: reason, Ref: Ref{System: system}}
	rest := words[2:]
	switch {
	case verb.OnGate():
		if len(rest) != 1 || len(rest[0]) < dr.ShortDigestLen {
			return Answer{Text: fmt.Sprintf("say which plan is meant: %s %s DIGEST, at least %d hex digits; nothing is decided blindly", verb, system, dr.ShortDigestLen)}
		}
		st, err := g.Status(ctx, system, "")
		if err != nil {
			return g.failed("nothing was sent", err)
		}
		in.Ref.OriginalRun, in.Ref.Run, in.Ref.Digest = st.OriginalRun, st.Run, rest[0]
		if st.Gate != nil {
			in.Ref.Gate, in.Ref.Occurrence = st.Gate.Gate, st.Gate.Occurrence
		}
	case verb.OnHold():
		attempt := 0
		if len(rest) == 2 {
			attempt, _ = strconv.Atoi(rest[1])
		}
		if attempt < 1 && (verb != dr.VerbReplan || len(rest) > 0) {
			return Answer{Text: fmt.Sprintf("say which step on hold is meant: %s %s STEP ATTEMPT", verb, system)}
		}
		if len(rest) == 2 {
			in.Ref.Step, in.Ref.Attempt = rest[0], attempt
		}
	case verb == dr.VerbAcknowledge:
		return g.acknowledge(ctx, in)
	}
	return g.Decide(ctx, in)
}

// acknowledge finds the one broken glass that waits.
func (g *Gateway) acknowledge(ctx context.Context, in Intent) Answer {
	m, err := g.Memory(ctx, in.Ref.System)
	if err != nil {
		return g.failed("nothing was sent", err)
	}
	for _, f := range m.FollowUps {
		if f.Acknowledged == nil {
			in.Ref.OriginalRun, in.Ref.Run = f.OriginalRun, f.Run
			return g.Decide(ctx, in)
		}
	}
	return Answer{Text: "no broken glass of " + in.Ref.System + " waits for an acknowledgement"}
}
