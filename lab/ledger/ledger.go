// Package ledger says what a procedure did to a system's clients: which
// acknowledged writes are gone, how long nobody could write, whether two
// primaries ever took writes, and how often each changing command ran.
package ledger

import (
	"time"

	"github.com/switchback-dr/switchback/lab/writer"
)

// listed bounds the numbers and gaps that are listed one by one.
const listed = 100

// gapFrom is from when on a pause between acknowledged writes is listed.
const gapFrom = 100 * time.Millisecond

// Ledger is the lab's account since it was started.
type Ledger struct {
	// At is when it was drawn up; Primary is the site whose rows were
	// compared, "" when no single primary answered, and Complaint says why.
	At        time.Time `json:"at"`
	Primary   string    `json:"primary"`
	Complaint string    `json:"complaint,omitempty"`
	// Acknowledged counts writes that the client was told are committed;
	// Unclear those whose answer was lost; Refused those that certainly were
	// not committed.
	Acknowledged int `json:"acknowledged"`
	Unclear      int `json:"unclear"`
	Refused      int `json:"refused"`
	// UnclearPresent counts unclear writes that are on the primary.
	UnclearPresent int `json:"unclear_present"`
	// Lost counts acknowledged writes that the primary does not have, or is
	// nil when no primary could be asked. LostNumbers are the first of them.
	Lost        *int    `json:"lost"`
	LostNumbers []int64 `json:"lost_numbers,omitempty"`
	// LostFrom and LostTo are when the first and the last of all lost writes
	// were acknowledged; zero when none is lost.
	LostFrom time.Time `json:"lost_from,omitzero"`
	LostTo   time.Time `json:"lost_to,omitzero"`
	// Doubled counts numbers that the primary has more than once.
	Doubled        int     `json:"doubled"`
	DoubledNumbers []int64 `json:"doubled_numbers,omitempty"`
	// OutageMS is the longest time between two acknowledged writes, in
	// milliseconds, the time since the last one included.
	OutageMS float64 `json:"outage_ms"`
	// Gaps are all such times over 100 ms, the latest ones last.
	Gaps []Gap `json:"gaps,omitempty"`
	// TwoPrimaries are the times in which two sites could take writes.
	TwoPrimaries []Moment `json:"two_primaries"`
	// Commands counts the calls of each changing program: host -> program
	// with its verb -> calls.
	Commands map[string]map[string]int `json:"commands"`
}

// Gap is a time without an acknowledged write.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	MS   float64   `json:"ms"`
	// Open is set when no write has been acknowledged since.
	Open bool `json:"open,omitempty"`
}

// Rows are what the primary holds: how often each number is there.
type Rows map[int64]int

// Account draws up the part of a ledger that follows from the writer's record
// and from the rows on the primary (nil when nobody could be asked).
func Account(now time.Time, record []writer.Entry, rows Rows) Ledger {
	l := Ledger{At: now, TwoPrimaries: []Moment{}}
	lost := 0
	var last time.Time
	for _, e := range record {
		switch e.Outcome {
		case writer.Acknowledged:
			l.Acknowledged++
			if !last.IsZero() {
				l.gap(last, e.At, false)
			}
			last = e.At
			if rows != nil && rows[e.Number] == 0 {
				lost++
				if l.LostFrom.IsZero() {
					l.LostFrom = e.At
				}
				l.LostTo = e.At
				l.LostNumbers = appendUpTo(l.LostNumbers, e.Number)
			}
		case writer.Unclear:
			l.Unclear++
			if rows[e.Number] > 0 {
				l.UnclearPresent++
			}
		case writer.Refused:
			l.Refused++
		}
		if rows[e.Number] > 1 {
			l.Doubled++
			l.DoubledNumbers = appendUpTo(l.DoubledNumbers, e.Number)
		}
	}
	if !last.IsZero() {
		l.gap(last, now, true)
	}
	if rows != nil {
		l.Lost = &lost
	}
	return l
}

func (l *Ledger) gap(from, to time.Time, open bool) {
	d := to.Sub(from)
	ms := float64(d.Microseconds()) / 1000
	l.OutageMS = max(l.OutageMS, ms)
	if d <= gapFrom {
		return
	}
	l.Gaps = append(l.Gaps, Gap{From: from, To: to, MS: ms, Open: open})
	if len(l.Gaps) > listed {
		l.Gaps = l.Gaps[1:]
	}
}

func appendUpTo(all []int64, n int64) []int64 {
	if len(all) >= listed {
		return all
	}
	return append(all, n)
}
