package teams

import (
	"encoding/json"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// maxMessage is the largest message, in bytes, with room for what Teams adds:
// incoming webhooks take 28 KB.
const maxMessage = 24 << 10

// object is a part of an Adaptive Card (adaptivecards.io, schema 1.4).
type object map[string]any

// message wraps a card as the workflow's trigger and incoming webhooks take it.
// What does not fit is left out whole, commands first, and the card says so.
func (c *Channel) message(card gateway.Card) object {
	for _, level := range []struct{ commands, details bool }{{true, true}, {false, true}, {false, false}} {
		m := wrap(c.card(card, level.commands, level.details))
		if raw, err := json.Marshal(m); err == nil && len(raw) <= maxMessage {
			return m
		}
	}
	short := card
	short.Facts, short.Votes, short.Lead = nil, nil, dr.Clip(card.Lead, 1000)
	return wrap(c.card(short, false, false))
}

func wrap(card object) object {
	return object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card,
	}}}
}

func (c *Channel) card(card gateway.Card, commands, details bool) object {
	body := []object{
		with(text(dr.Clip(card.Title, 300)), "weight", "Bolder", "size", "Large", "color", colour(card.Level)),
		with(text(card.Reality), "weight", "Bolder"), text(dr.Clip(card.Lead, 4000)),
	}
	body = append(body, facts(card.Facts)...)
	if details {
		body = append(body, facts(card.Sites)...)
	}
	// What people state by approving is never left out of an open question.
	body = append(body, list("By approving you state", card.Statements)...)
	if details {
		body = append(body, list("Consequences", card.Consequences)...)
	}
	if len(card.Commands) > 0 {
		body = append(body, commandsOf(card, commands)...)
	}
	body = append(body, list("Decisions so far", card.Votes)...)
	body = append(body, with(text(dr.Clip(card.Footer, 1000)), "isSubtle", true, "size", "Small"))
	out := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body, "msteams": object{"width": "Full"}}
	if actions := c.actions(card); len(actions) > 0 {
		out["actions"] = actions
	}
	return out
}

// actions lead to the page; none of them decides.
func (c *Channel) actions(card gateway.Card) []object {
	var out []object
	if len(card.Buttons) > 0 {
		out = append(out, object{"type": "Action.OpenUrl", "title": "Read and decide", "url": c.linker.Link(card.Buttons[0].Ref, c.now())})
	} else if card.System != "" {
		out = append(out, object{"type": "Action.OpenUrl", "title": "Read", "url": c.linker.Page(card.System)})
	}
	return out
}

func commandsOf(card gateway.Card, whole bool) []object {
	if !whole {
		return []object{with(text("The exact commands are too long to stand here: read them on the page before you decide. The plan's digest covers them: "+card.Digest), "weight", "Bolder")}
	}
	out := []object{with(text("Commands"), "weight", "Bolder")}
	for _, ph := range card.Commands {
		out = append(out, with(text(ph.Name), "weight", "Bolder", "isSubtle", true))
		if len(ph.Steps) == 0 {
			out = append(out, text("no steps: "+ph.Empty))
		}
		for _, s := range ph.Steps {
			out = append(out, text(s.Kind.Word()+" "+s.Title))
			for _, cmd := range s.Commands {
				out = append(out, with(text(cmd), "fontType", "Monospace"))
			}
		}
	}
	return out
}

func facts(all []gateway.Fact) []object {
	var out []object
	for _, f := range all {
		out = append(out, object{"type": "RichTextBlock", "inlines": []object{run(f.Name+": ", true), run(dr.Clip(f.Text, 1500), false)}})
	}
	return out
}

func list(head string, lines []string) []object {
	if len(lines) == 0 {
		return nil
	}
	out := []object{with(text(head), "weight", "Bolder")}
	for _, l := range lines {
		out = append(out, text("• "+dr.Clip(l, 1500)))
	}
	return out
}

// text is a paragraph without markup: a TextBlock would read Markdown in what
// comes from outside, a RichTextBlock does not (Adaptive Cards, RichTextBlock).
func text(s string) object {
	return object{"type": "RichTextBlock", "inlines": []object{run(s, false)}}
}

func run(s string, bold bool) object {
	if s == "" {
		s = " "
	}
	r := object{"type": "TextRun", "text": s}
	if bold {
		r["weight"] = "Bolder"
	}
	return r
}

// with sets properties of a paragraph's run.
func with(block object, pairs ...any) object {
	r := block["inlines"].([]object)[0]
	for i := 0; i+1 < len(pairs); i += 2 {
		r[pairs[i].(string)] = pairs[i+1]
	}
	return block
}

func colour(l gateway.Level) string {
	switch l {
	case gateway.LevelAsk:
		return "Accent"
	case gateway.LevelAlarm, gateway.LevelBad:
		return "Attention"
	case gateway.LevelGood:
		return "Good"
	case gateway.LevelInfo:
	}
	return "Default"
}
