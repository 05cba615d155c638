package dr

import (
	"encoding/json"
	"time"
)

// ChatTaskQueue is the queue that gateways serve. It is theirs alone: no outage
// of a chat can hold up a procedure.
const ChatTaskQueue = "dr-chat"

// WorkflowChat keeps people informed about one system.
const WorkflowChat = "Chat"

// QueryChat answers with ChatState: what was delivered and what was not.
const QueryChat = "chat"

// Activities of gateways.
const (
	ActChatFollow  = "dr.chat_follow"
	ActChatDeliver = "dr.chat_deliver"
)

const chatPrefix = "drchat-"

// ChatID is the workflow ID under which people are kept informed of a system.
func ChatID(system string) string { return chatPrefix + system }

// ChatTopic is one thing that people are told about: a gate's opening, a hold,
// the end of a run, a broken glass. It has one message in each target, which
// is edited while the topic changes.
type ChatTopic struct {
	// ID is unique in the run: "gate/decide/1", "hold/promote.promote/1", "end",
	// "glass".
	ID string `json:"id"`
	// Workflow and Run are what it is about; Run is the run ID.
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	// Mark changes when the message has to.
	Mark string `json:"mark"`
	// Open: it waits for people, and they are told even when nobody was before.
	Open bool `json:"open,omitempty"`
	// Announce: people are told although it waits for nobody.
	Announce bool `json:"announce,omitempty"`
	// OpenedAt, RemindEvery, EscalateAt are the clocks of an open topic.
	OpenedAt    time.Time  `json:"opened_at,omitzero"`
	RemindEvery Duration   `json:"remind_every,omitempty"`
	EscalateAt  *time.Time `json:"escalate_at,omitempty"`
}

// ChatView is what people must see of a system now.
type ChatView struct {
	// Run is the present run's ID; "" when there is none.
	Run    string      `json:"run,omitempty"`
	Topics []ChatTopic `json:"topics,omitempty"`
	// First and Next are names of targets: First are told at once, Next one
	// after the other when those before cannot be reached or nobody answers.
	First []string `json:"first,omitempty"`
	Next  []string `json:"next,omitempty"`
}

// ChatKind says why a message is sent.
type ChatKind string

// The kinds of messages.
const (
	ChatCard     ChatKind = "card"
	ChatRemind   ChatKind = "reminder"
	ChatEscalate ChatKind = "escalation"
)

// ChatMessage is one message in one target.
type ChatMessage struct {
	Topic  ChatTopic `json:"topic"`
	Kind   ChatKind  `json:"kind"`
	Number int       `json:"number,omitempty"`
	Target string    `json:"target"`
	// Wanted and Delivered are marks: while they differ there is something to
	// deliver.
	Wanted    string `json:"wanted"`
	Delivered string `json:"delivered,omitempty"`
	// Receipt is the channel's own record of where the message is.
	Receipt json.RawMessage `json:"receipt,omitempty"`
	// Tried says that it was tried before: a message may be there that nobody
	// knows of.
	Tried bool `json:"tried,omitempty"`
	// Failing is since when it cannot be delivered, and Error why.
	Failing *time.Time `json:"failing,omitempty"`
	Error   string     `json:"error,omitempty"`
	// GivenUp: the target will not take it, for example because it is not there.
	GivenUp bool `json:"given_up,omitempty"`
}

// ChatState is what a system's Chat workflow remembers.
type ChatState struct {
	Schema   int           `json:"schema"`
	System   string        `json:"system"`
	View     ChatView      `json:"view"`
	Messages []ChatMessage `json:"messages,omitempty"`
	// Undelivered are sentences about what people were not told.
	Undelivered []string `json:"undelivered,omitempty"`
}

// ChatSchema is the schema number of ChatState.
const ChatSchema = 1

// ChatInput is the argument of the workflow Chat.
type ChatInput struct {
	System string     `json:"system"`
	State  *ChatState `json:"state,omitempty"`
}

// ChatFollowCall asks for the next view that differs from Seen.
type ChatFollowCall struct {
	System string   `json:"system"`
	Seen   ChatView `json:"seen"`
}

// ChatDeliverCall asks for one message to be posted or edited.
type ChatDeliverCall struct {
	System  string      `json:"system"`
	Message ChatMessage `json:"message"`
	// Thread is the receipt of the topic's card in the same target, for what
	// belongs below it.
	Thread json.RawMessage `json:"thread,omitempty"`
}

// ChatDelivered says where the message is now and what it shows.
type ChatDelivered struct {
	Receipt json.RawMessage `json:"receipt,omitempty"`
	Mark    string          `json:"mark"`
}
