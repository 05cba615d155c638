package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Channel is one way to reach people.
type Channel interface {
	// Deliver posts or edits one message and says where it is. The receipt is
	// the channel's own and comes back with the next edit.
	Deliver(ctx context.Context, p Post) (json.RawMessage, error)
	// Run serves what the channel listens to until ctx ends; it returns at once
	// when there is nothing to serve.
	Run(ctx context.Context) error
	// Routes are the paths that the gateway's HTTP server passes on to the
	// channel, as patterns of http.ServeMux ("POST /slack/actions").
	Routes() map[string]http.Handler
}

// Kind is an entry of the list of channels.
type Kind struct {
	// Name is the channel's name in chatops.yaml and in decisions.
	Name string
	// Account is the kind of account that it authenticates ("slack"); "" for a
	// channel that only tells.
	Account string
	New     func(node inventory.Node, g *Gateway) (Channel, error)
}

// Post is one message for one place.
type Post struct {
	// Place is where, in the channel's own words ("T1/C123").
	Place string
	// Key marks the message, so that it can be found again.
	Key  string
	Kind dr.ChatKind
	Card Card
	// Receipt is set when the message is there and shall be edited.
	Receipt json.RawMessage
	// Thread is the receipt of the topic's card in the same place, for a
	// reminder that belongs below it; it may be nil.
	Thread json.RawMessage
	// Tried says that an earlier attempt may have posted it unseen: look for Key
	// first.
	Tried bool
}

// Intent is a decision as it came from an authenticated person.
type Intent struct {
	// Channel is the channel's name, for the report ("slack").
	Channel string
	// Account is who it is ("slack:T1/U1"), as the chat authenticated it.
	Account string
	// Place is where it came from ("T1/C123"); "" where a channel has no places.
	Place string
	// ID is the same for every delivery of one click or command and different
	// for the next one: a repeated delivery is the same decision.
	ID     string
	Verb   dr.Verb
	Ref    Ref
	Reason string
}

// Answer is what the person is told.
type Answer struct {
	// Text is plain text.
	Text string
	// Counted says that the decision counted.
	Counted bool
	// Card is set when the answer is one (a plan, a status).
	Card *Card
}

// Asker is somebody who typed a command.
type Asker struct {
	Channel, Account, Place, ID string
}

// retryError is an error after which a chat asks to wait.
type retryError struct {
	what  *dr.Error
	after time.Duration
}

func (e retryError) Error() string { return e.what.Error() }

func (e retryError) Unwrap() error { return e.what }

// RetryAfter makes an error of a chat that says when to come back.
func RetryAfter(after time.Duration, format string, a ...any) error {
	return retryError{dr.Retry("chat", format, a...), after}
}
