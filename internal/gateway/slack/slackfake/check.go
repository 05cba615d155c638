package slackfake

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// block is what the bounds are about.
type block struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Elements []element       `json:"elements"`
}

type element struct {
	Type     string          `json:"type"`
	ActionID string          `json:"action_id"`
	Value    string          `json:"value"`
	Text     json.RawMessage `json:"text"`
	Confirm  *struct {
		Title, Text, Confirm, Deny object
	} `json:"confirm"`
	Elements []element `json:"elements"`
}

type object struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func length(s string) int { return utf8.RuneCountInString(s) }

// check says which bound of Block Kit a message breaks.
func check(form url.Values) string {
	if length(form.Get("text")) > 40000 {
		return "msg_too_long"
	}
	raw := form.Get("blocks")
	if raw == "" {
		return ""
	}
	var blocks []block
	if err := json.Unmarshal([]byte(raw), &blocks); err != nil {
		return "blocks are no JSON: " + err.Error()
	}
	if len(blocks) > 50 {
		return fmt.Sprintf("%d blocks; at most 50", len(blocks))
	}
	var tree any
	var all []string
	_ = json.Unmarshal([]byte(raw), &tree)
	collect(tree, &all)
	if n := length(strings.Join(all, "")); n > 13000 {
		return fmt.Sprintf("msg_blocks_too_long: %d characters", n)
	}
	ids := map[string]bool{}
	for _, b := range blocks {
		if why := b.check(ids); why != "" {
			return b.Type + ": " + why
		}
	}
	return ""
}

func (b block) check(ids map[string]bool) string {
	var text object
	if len(b.Text) > 0 {
		_ = json.Unmarshal(b.Text, &text)
	}
	switch b.Type {
	case "header":
		if text.Type != "plain_text" || length(text.Text) > 150 || text.Text == "" {
			return "a header is plain text of 1 to 150 characters"
		}
	case "section":
		if length(text.Text) > 3000 || text.Text == "" {
			return "a section's text has 1 to 3000 characters"
		}
	case "actions":
		if len(b.Elements) > 25 || len(b.Elements) == 0 {
			return "1 to 25 elements"
		}
		for _, e := range b.Elements {
			if why := e.checkButton(ids); why != "" {
				return why
			}
		}
	case "rich_text":
		return checkRich(b.Elements)
	case "context", "divider":
	default:
		return "unsupported type"
	}
	return ""
}

func (e element) checkButton(ids map[string]bool) string {
	var text object
	_ = json.Unmarshal(e.Text, &text)
	switch {
	case e.Type != "button":
		return "unsupported element " + e.Type
	case length(e.ActionID) > 255 || ids[e.ActionID]:
		return "action_id " + e.ActionID + " is too long or doubled"
	case length(e.Value) > 2000:
		return "a button's value has at most 2000 characters"
	case length(text.Text) > 75 || text.Text == "":
		return "a button's text has 1 to 75 characters"
	}
	ids[e.ActionID] = true
	if c := e.Confirm; c != nil {
		if length(c.Title.Text) > 100 || length(c.Text.Text) > 300 || length(c.Confirm.Text) > 30 || length(c.Deny.Text) > 30 || c.Text.Text == "" {
			return "a confirmation's texts are too long"
		}
	}
	return ""
}

// checkRich: rich text has no bound of its own in the reference; empty text
// elements are refused, and the bound of other texts is taken for a block.
func checkRich(elements []element) string {
	size := 0
	var walk func([]element) string
	walk = func(list []element) string {
		for _, e := range list {
			var s string
			if e.Type == "text" {
				if json.Unmarshal(e.Text, &s) != nil || s == "" {
					return "a text element is empty"
				}
				size += length(s)
			}
			if why := walk(e.Elements); why != "" {
				return why
			}
		}
		return ""
	}
	if len(elements) == 0 {
		return "rich text without elements"
	}
	if why := walk(elements); why != "" {
		return why
	}
	if size > 12000 {
		return fmt.Sprintf("%d characters of rich text", size)
	}
	return ""
}

// checkView says which bound a form breaks.
func checkView(raw json.RawMessage) string {
	var v struct {
		Type            string `json:"type"`
		Title           object `json:"title"`
		Submit          object `json:"submit"`
		Close           object `json:"close"`
		PrivateMetadata string `json:"private_metadata"`
		Blocks          []struct {
			Type string `json:"type"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return err.Error()
	}
	switch {
	case v.Type != "modal" || len(v.Blocks) == 0:
		return "no modal"
	case v.Title.Text == "" || length(v.Title.Text) > 24 || length(v.Submit.Text) > 24 || length(v.Close.Text) > 24:
		return "title, submit and close have at most 24 characters"
	case length(v.PrivateMetadata) > 3000:
		return "private_metadata has at most 3000 characters"
	}
	return ""
}
