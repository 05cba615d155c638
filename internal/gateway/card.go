package gateway

import (
	"github.com/switchback-dr/switchback/dr"
)

// Level says how a card should look.
type Level string

// The levels.
const (
	LevelAsk   Level = "ask"   // people must decide
	LevelAlarm Level = "alarm" // a hold, a broken glass
	LevelGood  Level = "good"
	LevelBad   Level = "bad"
	LevelInfo  Level = "info"
)

// Card is everything that people must see of one topic, in plain text. A
// channel decides how it looks, never what it says.
type Card struct {
	// Key is the same for the same topic for ever; two messages with one key in
	// one place are one too many.
	Key   string
	Level Level
	// System, Workflow and Run say what it is about.
	System, Workflow, Run string
	Title                 string
	// Reality says in words whether this is real or a rehearsal.
	Reality string
	// Lead is one sentence: what is asked, or what happened.
	Lead string
	// Facts are short lines with a name, most important first.
	Facts []Fact
	// Sites is the observed state with its age.
	Sites []Fact
	// Statements are what people state by approving.
	Statements   []string
	Consequences []string
	// Commands are the exact commands by phase.
	Commands []Phase
	// Digest is the plan's, in full.
	Digest string
	// Votes are what people have decided so far, as sentences.
	Votes []string
	// Buttons are what people can do; none when the topic is over.
	Buttons []Button
	// Mention are people who are asked by name.
	Mention []Mention
	// Link leads to the run's page.
	Link string
	// Footer says until when it holds and as of when.
	Footer string
}

// Fact is a named line.
type Fact struct{ Name, Text string }

// Phase is a part of the plan with its steps.
type Phase struct {
	Name  string
	Empty string
	Steps []Step
}

// Step is one step with the commands exactly as they will be sent.
type Step struct {
	Kind     dr.Kind
	Title    string
	Commands []string
}

// Mention is a person who is asked: Accounts are all their accounts.
type Mention struct {
	Person   string
	Accounts []string
}

// Button is one thing that people can do.
type Button struct {
	Verb  dr.Verb
	Label string
	// Danger marks what cannot be taken back.
	Danger bool
	// Confirm is what the person is asked before it counts.
	Confirm string
	// NeedsReason: the person must be asked for a reason in writing.
	NeedsReason bool
	Ref         Ref
}

// Ref ties a click to one run, gate, opening and plan, or to one hold. It
// travels through the chat and comes back with the click; it proves nothing by
// itself: the run compares every part.
type Ref struct {
	System      string  `json:"s"`
	OriginalRun string  `json:"o"`
	Run         string  `json:"r"`
	Gate        dr.Gate `json:"g,omitempty"`
	Occurrence  int     `json:"n,omitempty"`
	Digest      string  `json:"d,omitempty"`
	Step        string  `json:"t,omitempty"`
	Attempt     int     `json:"a,omitempty"`
}
