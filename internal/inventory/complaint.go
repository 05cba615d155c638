package inventory

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Complaint is one thing that is wrong in the inventory file.
type Complaint struct {
	File string
	// Line counts from 1; 0 when the complaint is about the whole file.
	Line int
	// Text is one sentence.
	Text string
}

// Error writes "systems.yaml:14: what is wrong".
func (c *Complaint) Error() string {
	if c.Line < 1 {
		return c.File + ": " + c.Text
	}
	return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Text)
}

// maxComplaints bounds how many complaints one error carries: a file of
// another kind would give thousands.
const maxComplaints = 50

// complaints collects what is wrong in one file.
type complaints struct {
	file string
	list []*Complaint
}

func (c *complaints) add(line int, format string, a ...any) {
	c.list = append(c.list, &Complaint{File: c.file, Line: line, Text: fmt.Sprintf(format, a...)})
}

// take adds the complaints in err, whatever it is made of. An error without a
// line of its own is put at the given line.
func (c *complaints) take(line int, err error) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			c.take(line, e)
		}
		return
	}
	var one *Complaint
	if errors.As(err, &one) {
		c.list = append(c.list, one)
		return
	}
	c.add(line, "%s", oneLine(err.Error()))
}

// err gives all complaints as one refusal, by line, or nil.
func (c *complaints) err() error {
	if len(c.list) == 0 {
		return nil
	}
	sort.SliceStable(c.list, func(i, j int) bool { return c.list[i].Line < c.list[j].Line })
	var lines []string
	seen := map[string]bool{}
	for _, e := range c.list {
		if s := e.Error(); !seen[s] {
			seen[s] = true
			lines = append(lines, s)
		}
	}
	if more := len(lines) - maxComplaints; more > 0 {
		lines = append(lines[:maxComplaints], fmt.Sprintf("%s: and %d further complaints", c.file, more))
	}
	return dr.Refuse("inventory", "%s", strings.Join(lines, "\n"))
}

// oneLine keeps a foreign error text within its line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
