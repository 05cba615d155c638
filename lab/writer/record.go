package writer

import (
	"bufio"
	"fmt"
	"os"
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

// ReadRecord reads a writer's record. A last line that is still being written
// is left out.
func ReadRecord(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the writer's record cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }()
	var all []Entry
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return all, nil
		}
		var number, at int64
		var outcome Outcome
		if _, err := fmt.Sscanf(line, "%d %d %s\n", &number, &at, &outcome); err != nil {
			return nil, fmt.Errorf("the writer's record %s has a line that is none: %q", path, line)
		}
		all = append(all, Entry{number, time.Unix(0, at), outcome})
	}
}
