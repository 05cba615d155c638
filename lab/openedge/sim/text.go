package sim

import (
	"fmt"
	"strings"
)

// confidence is the kind of source that confirms a message.
type confidence string

const (
	// documented: the vendor's manual or knowledge base shows number and
	// meaning.
	documented confidence = "documented"
	// observed: a public program that parses the real one's output, or a
	// published session, has it.
	observed confidence = "observed"
	// unconfirmed: no public source has these words. Nothing that decides
	// anything may depend on them.
	unconfirmed confidence = "unconfirmed"
)

// text is one message; number 0 is a message that has none.
type text struct {
	number int
	words  string
	sure   confidence
}

func (t text) plain(a ...any) string {
	if len(a) == 0 {
		return t.words
	}
	return fmt.Sprintf(t.words, a...)
}

// format is the message as tools print it, the number in brackets at the end.
func (t text) format(a ...any) string {
	if t.number == 0 {
		return t.plain(a...)
	}
	return fmt.Sprintf("%s (%d)", t.plain(a...), t.number)
}

// messageError is a message that ends what was asked for.
type messageError struct {
	text text
	args []any
}

func (e *messageError) Error() string { return strings.TrimSpace(e.text.format(e.args...)) }

// say makes an error of a message.
func say(t text, a ...any) error { return &messageError{t, a} }
