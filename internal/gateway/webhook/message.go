package webhook

import (
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/gateway"
)

// Schema is the schema number of the messages that this release sends.
const Schema = 1

// message is what is sent. Fields are added, never renamed.
type message struct {
	Schema int         `json:"schema"`
	Kind   dr.ChatKind `json:"kind"`
	// ID is the same for each attempt and each edit of one message.
	ID   string `json:"id"`
	Edit bool   `json:"edit"`
	Card card   `json:"card"`
}

type card struct {
	Level        gateway.Level `json:"level"`
	System       string        `json:"system"`
	Workflow     string        `json:"workflow"`
	Run          string        `json:"run"`
	Title        string        `json:"title"`
	Reality      string        `json:"reality"`
	Lead         string        `json:"lead"`
	Facts        []fact        `json:"facts"`
	Sites        []fact        `json:"sites"`
	Statements   []string      `json:"statements"`
	Consequences []string      `json:"consequences"`
	Commands     []phase       `json:"commands"`
	Digest       string        `json:"digest"`
	Votes        []string      `json:"votes"`
	Actions      []action      `json:"actions"`
	Mention      []mention     `json:"mention"`
	Link         string        `json:"link"`
	Footer       string        `json:"footer"`
}

type fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type phase struct {
	Name  string `json:"name"`
	Empty string `json:"empty,omitempty"`
	Steps []step `json:"steps"`
}

type step struct {
	Kind     dr.Kind  `json:"kind"`
	Title    string   `json:"title"`
	Commands []string `json:"commands"`
}

// action is something that people can do: its ref goes back unchanged.
type action struct {
	Verb        dr.Verb `json:"verb"`
	Label       string  `json:"label"`
	Confirm     string  `json:"confirm"`
	Danger      bool    `json:"danger"`
	NeedsReason bool    `json:"needs_reason"`
	Ref         ref     `json:"ref"`
}

type mention struct {
	Person   string   `json:"person"`
	Accounts []string `json:"accounts"`
}

// ref is gateway.Ref with the field names of this form.
type ref struct {
	System      string  `json:"system"`
	OriginalRun string  `json:"original_run,omitempty"`
	Run         string  `json:"run,omitempty"`
	Gate        dr.Gate `json:"gate,omitempty"`
	Occurrence  int     `json:"occurrence,omitempty"`
	Digest      string  `json:"digest,omitempty"`
	Step        string  `json:"step,omitempty"`
	Attempt     int     `json:"attempt,omitempty"`
}

func messageOf(p gateway.Post) message {
	return message{Schema: Schema, Kind: p.Kind, ID: p.Key, Edit: p.Receipt != nil, Card: cardOf(p.Card)}
}

func cardOf(c gateway.Card) card {
	out := card{
		Level: c.Level, System: c.System, Workflow: c.Workflow, Run: c.Run, Title: c.Title, Reality: c.Reality, Lead: c.Lead,
		Facts: facts(c.Facts), Sites: facts(c.Sites), Statements: orEmpty(c.Statements), Consequences: orEmpty(c.Consequences),
		Commands: []phase{}, Digest: c.Digest, Votes: orEmpty(c.Votes), Actions: []action{}, Mention: []mention{}, Link: c.Link, Footer: c.Footer,
	}
	for _, ph := range c.Commands {
		p := phase{Name: ph.Name, Empty: ph.Empty, Steps: []step{}}
		for _, s := range ph.Steps {
			p.Steps = append(p.Steps, step{s.Kind, s.Title, orEmpty(s.Commands)})
		}
		out.Commands = append(out.Commands, p)
	}
	for _, b := range c.Buttons {
		out.Actions = append(out.Actions, action{b.Verb, b.Label, b.Confirm, b.Danger, b.NeedsReason, ref(b.Ref)})
	}
	for _, m := range c.Mention {
		out.Mention = append(out.Mention, mention{m.Person, orEmpty(m.Accounts)})
	}
	return out
}

func facts(all []gateway.Fact) []fact {
	out := []fact{}
	for _, f := range all {
		out = append(out, fact(f))
	}
	return out
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
