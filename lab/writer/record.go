package writer

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Outcome is what a client knows of one of its writes.
type Outcome string

// The outcomes of a write.
const (
	// Acknowledged: the system said that the row is committed.
	Acknowledged Outcome = "acknowledged"
	// Unclear: the answer was lost; the row may be there or not.
	Unclear Outcome = "unclear"
	// Refused: the row certainly was not committed.
	Refused Outcome = "refused"
)

// Entry is one write of the record.
type Entry struct {
	Number  int64
	At      time.Time
	Outcome Outcome
}

// line is the entry as it stands in the record.
func (e Entry) line() string {
	return fmt.Sprintf("%d %d %s\n", e.Number, e.At.UnixNano(), e.Outcome)
}

// ReadRecord reads a writer's record. A last line that is still being written
// is left out.
func ReadRecord(path string) ([]Entry, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the writer's record cannot be read: %w", err)
	}
	all, err := parseRecord(string(b))
	if err != nil {
		return nil, fmt.Errorf("the writer's record %s has a line that is none: %w", path, err)
	}
	return all, nil
}

func parseRecord(text string) ([]Entry, error) {
	end := strings.LastIndexByte(text, '\n')
	if end < 0 {
		return nil, nil
	}
	var all []Entry
	for _, line := range strings.Split(text[:end], "\n") {
		e, ok := parseEntry(line)
		if !ok {
			return nil, fmt.Errorf("%q", line)
		}
		all = append(all, e)
	}
	return all, nil
}

func parseEntry(line string) (Entry, bool) {
	f := strings.Split(line, " ")
	if len(f) != 3 {
		return Entry{}, false
	}
	number, err1 := strconv.ParseInt(f[0], 10, 64)
	at, err2 := strconv.ParseInt(f[1], 10, 64)
	o := Outcome(f[2])
	known := o == Acknowledged || o == Unclear || o == Refused
	return Entry{number, time.Unix(0, at), o}, err1 == nil && err2 == nil && known
}
