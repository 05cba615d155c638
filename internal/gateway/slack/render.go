package slack

import (
	"encoding/json"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// Bounds of Block Kit (docs.slack.dev, Block Kit reference) and our own for
// commands, so that a message stays readable on a telephone.
const (
	maxHeader   = 150
	maxBlock    = 2900
	maxCommands = 6000
	maxConfirm  = 300
)

// render draws a card. Everything from outside stands in rich text elements or
// plain text: Slack looks for no markup, links or mentions in them.
func render(card gateway.Card) []slackapi.Block {
	blocks := []slackapi.Block{slackapi.NewHeaderBlock(plain(card.Title, maxHeader))}
	top := []slackapi.RichTextSectionElement{bold(card.Reality + "\n"), text(dr.Clip(card.Lead, maxBlock-300))}
	for _, m := range card.Mention {
		for _, a := range m.Accounts {
			if team, user, ok := strings.Cut(strings.TrimPrefix(a, Name+":"), "/"); ok && strings.HasPrefix(a, Name+":") && team != "" {
				top = append(top, text(" "), slackapi.NewRichTextSectionUserElement(user, nil))
			}
		}
	}
	blocks = append(blocks, rich(slackapi.NewRichTextSection(top...)))
	blocks = append(blocks, facts("", card.Facts)...)
	blocks = append(blocks, facts("Observed", card.Sites)...)
	blocks = append(blocks, list("By approving you state", card.Statements)...)
	blocks = append(blocks, list("Consequences", card.Consequences)...)
	blocks = append(blocks, commands(card)...)
	blocks = append(blocks, list("Decisions so far", card.Votes)...)
	if len(card.Buttons) > 0 {
		blocks = append(blocks, buttons(card))
	}
	foot := []slackapi.RichTextSectionElement{text(dr.Clip(card.Footer, 1000) + " ")}
	if card.Link != "" {
		foot = append(foot, slackapi.NewRichTextSectionLinkElement(card.Link, "Open the run", nil))
	}
	return append(blocks, rich(slackapi.NewRichTextSection(foot...)))
}

// fallback is what notifications show. Slack parses it, so it is escaped by the
// client; it never holds commands.
func fallback(card gateway.Card) string {
	return dr.Clip(card.Title+". "+card.Reality+" "+card.Lead, 500)
}

// solid: Slack refuses empty texts.
func solid(s string) string {
	if s == "" {
		return " "
	}
	return s
}

func plain(s string, most int) *slackapi.TextBlockObject {
	s = solid(s)
	return slackapi.NewTextBlockObject(slackapi.PlainTextType, dr.Clip(s, most), false, false)
}

func text(s string) slackapi.RichTextSectionElement {
	return slackapi.NewRichTextSectionTextElement(solid(s), nil)
}

func bold(s string) slackapi.RichTextSectionElement {
	return slackapi.NewRichTextSectionTextElement(solid(s), &slackapi.RichTextSectionTextStyle{Bold: true})
}

func rich(elements ...slackapi.RichTextElement) *slackapi.RichTextBlock {
	return slackapi.NewRichTextBlock("", elements...)
}

// facts draws named lines, as many as a block holds.
func facts(head string, list []gateway.Fact) []slackapi.Block {
	if len(list) == 0 {
		return nil
	}
	var e []slackapi.RichTextSectionElement
	if head != "" {
		e = append(e, bold(head+"\n"))
	}
	left := maxBlock
	for i, f := range list {
		line := dr.Clip(f.Text, 900)
		if left -= len(f.Name) + len(line) + 3; left < 0 {
			e = append(e, text("… and more: see the run's page"))
			break
		}
		end := "\n"
		if i == len(list)-1 {
			end = ""
		}
		e = append(e, bold(f.Name+": "), text(line+end))
	}
	return []slackapi.Block{rich(slackapi.NewRichTextSection(e...))}
}

func list(head string, lines []string) []slackapi.Block {
	if len(lines) == 0 {
		return nil
	}
	var items []slackapi.RichTextElement
	left := maxBlock
	for _, l := range lines {
		if left -= len(l); left < 0 {
			items = append(items, slackapi.NewRichTextSection(text("… and more: see the run's page")))
			break
		}
		items = append(items, slackapi.NewRichTextSection(text(dr.Clip(l, 1500))))
	}
	return []slackapi.Block{rich(
		slackapi.NewRichTextSection(bold(head)),
		slackapi.NewRichTextList(slackapi.RTEListBullet, 0, items...),
	)}
}

// commands shows the exact commands by phase. When they are too long, first
// those that only read are left out, then all: a command is never cut. The
// digest and the link say where the rest is.
func commands(card gateway.Card) []slackapi.Block {
	if len(card.Commands) == 0 {
		return nil
	}
	for _, level := range []struct {
		shown  func(gateway.Step) bool
		notice string
	}{
		{func(gateway.Step) bool { return true }, ""},
		{func(s gateway.Step) bool { return s.Kind != dr.KindRead }, "Commands that only read are left out here. "},
		{func(s gateway.Step) bool { return s.Kind == dr.KindIrreversible }, "Only irreversible commands are shown here. "},
	} {
		if e, size := phases(card, level.shown); size <= maxCommands {
			return append(e, digest(card, level.notice))
		}
	}
	return []slackapi.Block{digest(card, "The commands are too long to be shown here. ")}
}

func digest(card gateway.Card, notice string) slackapi.Block {
	e := []slackapi.RichTextSectionElement{}
	if notice != "" {
		e = append(e, bold(notice), text("All of them are on the run's page, and in starter status "+card.System+". "))
	}
	return rich(slackapi.NewRichTextSection(append(e, bold("Digest of all commands: "), text(card.Digest))...))
}

// phases draws the steps, with the commands of those that shall be shown, and
// says how long that is.
func phases(card gateway.Card, shown func(gateway.Step) bool) (out []slackapi.Block, size int) {
	for _, ph := range card.Commands {
		var e []slackapi.RichTextElement
		if len(ph.Steps) == 0 {
			e = append(e, slackapi.NewRichTextSection(bold(ph.Name), text(": no steps: "+dr.Clip(ph.Empty, 300))))
		} else {
			e = append(e, slackapi.NewRichTextSection(bold(ph.Name)))
		}
		for _, s := range ph.Steps {
			e = append(e, slackapi.NewRichTextSection(bold(s.Kind.Word()+" "), text(s.Title)))
			size += len(s.Title) + 15
			if command := strings.Join(s.Commands, "\n"); command != "" && shown(s) {
				size += len(command)
				e = append(e, &slackapi.RichTextPreformatted{Type: slackapi.RTEPreformatted, Elements: []slackapi.RichTextSectionElement{text(command)}})
			}
		}
		out = append(out, rich(e...))
	}
	return out, size
}

// buttons draws the actions. One that needs a reason opens a form instead of a
// confirmation.
func buttons(card gateway.Card) slackapi.Block {
	var elements []slackapi.BlockElement
	for _, b := range card.Buttons {
		value, err := json.Marshal(b.Ref)
		if err != nil {
			continue
		}
		id := actionPrefix + string(b.Verb)
		if b.NeedsReason {
			id = reasonPrefix + string(b.Verb)
		}
		e := slackapi.NewButtonBlockElement(id, string(value), plain(b.Label, 75))
		switch {
		case b.Verb == dr.VerbApprove:
			e.Style = slackapi.StylePrimary
		case b.Danger:
			e.Style = slackapi.StyleDanger
		}
		if !b.NeedsReason {
			e.Confirm = slackapi.NewConfirmationBlockObject(plain("Are you sure?", 100), plain(b.Confirm, maxConfirm), plain(b.Label, 30), plain("Back", 30))
		}
		elements = append(elements, e)
	}
	return slackapi.NewActionBlock("dr", elements...)
}

// Action IDs carry the verb; the value carries what it is about.
const (
	actionPrefix = "dr."
	reasonPrefix = "drreason."
)
