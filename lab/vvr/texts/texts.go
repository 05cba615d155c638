// Package texts holds every message of the simulated VVR in one table, each
// with a mark that says how sure its wording is. A text that nobody outside
// the vendor has published carries the number 0, so that it is never mistaken
// for the vendor's.
package texts

import (
	"errors"
	"fmt"
	"strings"
)

// Mark says how sure the wording and the number of a text are.
type Mark string

// The marks.
const (
	// Published: read in a page or a script of the vendor.
	Published Mark = "published"
	// Known: from general knowledge of the published guides and release
	// notes; the meaning is trusted, the wording is not.
	Known Mark = "known"
	// Unknown: no public source; the sentence is the simulator's own.
	Unknown Mark = "unknown"
)

// Text is one message.
type Text struct {
	// Severity is INFO, WARNING or ERROR.
	Severity string
	// Number is the UMI number behind the component, 0 for none.
	Number int
	Format string
	Mark   Mark
}

// Refusal is an error with a text of the table, which travels between
// processes and hosts as its key and arguments.
type Refusal struct {
	Key  string   `json:"key"`
	Args []string `json:"args,omitempty"`
}

// Refuse makes a refusal; every argument is shown as text.
func Refuse(key string, args ...any) error {
	r := &Refusal{Key: key}
	for _, a := range args {
		r.Args = append(r.Args, fmt.Sprint(a))
	}
	return r
}

// Error is the message without its head.
func (r *Refusal) Error() string { return fmt.Sprintf(table[r.Key].Format, words(r.Args)...) }

// words makes every argument text: all formats have %s only.
func words[T any](args []T) []any {
	all := make([]any, len(args))
	for i, a := range args {
		all[i] = fmt.Sprint(a)
	}
	return all
}

// Lookup finds a text.
func Lookup(key string) (Text, bool) {
	t, ok := table[key]
	return t, ok
}

// components are the numbers behind V-5- of each tool.
var components = map[string]string{"vradmin": "52", "vxrsync": "52", "vxrlink": "1", "vxrvg": "1", "vxprint": "1", "vxdg": "1"}

// Line is a whole message line of a tool: "VxVM VVR tool SEVERITY V-5-c-n text".
func Line(tool, key string, args ...any) string {
	t := table[key]
	head := "VxVM VVR"
	if tool == "vxprint" || tool == "vxdg" {
		head = "VxVM"
	}
	return fmt.Sprintf("%s %s %s V-5-%s-%d %s", head, tool, t.Severity, components[tool], t.Number, fmt.Sprintf(t.Format, words(args)...))
}

// Explain is the line of an error: a refusal's own text, or any other complaint
// under the number 0.
func Explain(tool string, err error) string {
	var r *Refusal
	if errors.As(err, &r) && table[r.Key].Format != "" {
		return Line(tool, r.Key, words(r.Args)...)
	}
	return Line(tool, "other", strings.TrimSpace(err.Error()))
}
