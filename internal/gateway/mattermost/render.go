package mattermost

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// maxMessage bounds a post, in characters: Mattermost takes 16,383.
const maxMessage = 15000

// maxCommands bounds the commands in it, so that a post stays readable.
const maxCommands = 9000

// buttonsFor is how long a button can be pressed; an edit renews it.
const buttonsFor = 72 * time.Hour

// markdown writes a card. Everything from outside is escaped; addresses and
// mentions in it become code, which notifies nobody.
func markdown(card gateway.Card) string {
	for _, whole := range []bool{true, false} {
		if s := compose(card, whole); len([]rune(s)) <= maxMessage {
			return s
		}
	}
	short := card
	short.Facts, short.Sites, short.Consequences, short.Votes, short.Lead = nil, nil, nil, nil, dr.Clip(card.Lead, 1000)
	return dr.Clip(compose(short, false), maxMessage)
}

func compose(card gateway.Card, whole bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#### %s\n**%s**\n%s\n", dr.MD(dr.Clip(card.Title, 300)), dr.MD(card.Reality), dr.MD(card.Lead))
	facts := func(head string, list []gateway.Fact) {
		for _, f := range list {
			fmt.Fprintf(&b, "- **%s%s:** %s\n", head, dr.MD(f.Name), dr.MD(dr.Clip(f.Text, 1500)))
		}
	}
	lines := func(head string, list []string) {
		if len(list) > 0 {
			b.WriteString("\n**" + head + "**\n")
		}
		for _, l := range list {
			b.WriteString("- " + dr.MD(dr.Clip(l, 1500)) + "\n")
		}
	}
	b.WriteString("\n")
	facts("", card.Facts)
	facts("Site ", card.Sites)
	lines("By approving you state", card.Statements)
	lines("Consequences", card.Consequences)
	if len(card.Commands) > 0 {
		text := commands(card)
		if !whole || len(text) > maxCommands {
			text = "**The exact commands are too long to stand here:** read them on the run's page, or with `starter status`, before you decide. The plan's digest covers them: `" + dr.MD(card.Digest) + "`\n"
		}
		b.WriteString("\n" + text)
	}
	lines("Decisions so far", card.Votes)
	b.WriteString("\n" + dr.MD(card.Footer))
	if card.Link != "" && !strings.ContainsAny(card.Link, "<>() \n") {
		b.WriteString(" [Open the run](" + card.Link + ")")
	}
	return b.String()
}

func commands(card gateway.Card) string {
	var b strings.Builder
	b.WriteString("**Commands**\n")
	for _, ph := range card.Commands {
		fmt.Fprintf(&b, "\n**%s**", dr.MD(ph.Name))
		if len(ph.Steps) == 0 {
			b.WriteString(": no steps: " + dr.MD(ph.Empty))
		}
		b.WriteString("\n")
		for _, s := range ph.Steps {
			fmt.Fprintf(&b, "\n%s %s\n", s.Kind.Word(), dr.MD(s.Title))
			if len(s.Commands) > 0 {
				b.WriteString("\n" + dr.MDFence("sh", strings.Join(s.Commands, "\n")))
			}
		}
	}
	return b.String()
}

// attachment holds the buttons below a message.
type attachment struct {
	Fallback string   `json:"fallback"`
	Color    string   `json:"color"`
	Actions  []button `json:"actions"`
}

type button struct {
	// ID is of letters and digits alone: Mattermost routes by it.
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Style       string      `json:"style"`
	Integration integration `json:"integration"`
}

type integration struct {
	URL     string    `json:"url"`
	Context tokenOnly `json:"context"`
}

// tokenOnly is the context of a button: everything stands in the seal.
type tokenOnly struct {
	Token string `json:"token"`
}

// attachments gives the buttons for one post; none when nothing can be decided.
func (c *Channel) attachments(card gateway.Card, post, channel string) []attachment {
	if len(card.Buttons) == 0 {
		return []attachment{}
	}
	a := attachment{Fallback: "decide in Mattermost, on the web page or with starter", Color: "#3b4fd8"}
	for i, b := range card.Buttons {
		style := "default"
		switch {
		case b.Danger:
			style = "danger"
		case i == 0:
			style = "primary"
		}
		token := c.seal.Seal(clickPurpose, c.now().Add(buttonsFor), click{post, channel, b.Verb, b.Ref, b.Label, b.Confirm, b.NeedsReason})
		a.Actions = append(a.Actions, button{
			ID: strings.ReplaceAll(string(b.Verb), "-", ""), Name: b.Label, Type: "button", Style: style,
			Integration: integration{c.base + "/mattermost/action", tokenOnly{token}},
		})
	}
	return []attachment{a}
}
