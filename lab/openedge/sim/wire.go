package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// message is what server and agent say to each other, a JSON line each, over
// TCP through the link between the sites:
//
//	server -> agent: hello, then notes, ping, normal, bye, prepare, go
//	agent -> server: hello (or refused), then ack, prepared, progress, went
type message struct {
	Op      string `json:"op"`
	Text    string `json:"text,omitempty"`
	Number  int    `json:"number,omitempty"`
	Name    string `json:"name,omitempty"`
	History string `json:"history,omitempty"`
	Trx     uint64 `json:"trx,omitempty"`
	Form    string `json:"form,omitempty"` // what both structures must share
	Count   int    `json:"count,omitempty"`
	On      bool   `json:"on,omitempty"`
	Synced  bool   `json:"synced,omitempty"`
	Broken  bool   `json:"broken,omitempty"`
	// Turned: the target was the source of the history before.
	Turned  bool           `json:"turned,omitempty"`
	Limits  map[string]int `json:"limits,omitempty"`
	Notes   []byte         `json:"notes,omitempty"`
	Pos     position       `json:"position,omitzero"`
	Lineage []line         `json:"lineage,omitempty"`
	At      time.Time      `json:"at,omitzero"`
}

// form is what source and target must have in common: user areas, block size,
// release. After-image areas may differ.
func (m *master) form() string {
	var areas []string
	for _, a := range m.area("d") {
		areas = append(areas, fmt.Sprintf("%d,%d;%d", a.Number, a.PerRec, a.Cluster))
	}
	slices.Sort(areas)
	return fmt.Sprintf("%s block size %d areas %s", m.Release, m.BlockSize, strings.Join(areas, " "))
}

// limited are start arguments of a broker that must be at least as large at the
// target as at the source.
var limited = []string{"-L", "-n", "-Mn", "-Maxxids"}

// smaller names the first of them that is not.
func smaller(target, source map[string]int) string {
	for _, name := range limited {
		if target[name] < source[name] {
			return name
		}
	}
	return ""
}

// reader reads a source's notes from its after-image extents in order.
type reader struct {
	refresh func() (*master, error)
	current aiState
	offset  int64
}

// next gives notes after a transaction, at most so many, and the place of the
// last one. No notes: there are none yet. The error says that they are gone.
func (r *reader) next(after uint64, most int) ([]note, position, error) {
	for range 3 {
		if r.current.Seq == 0 {
			if err := r.find(after + 1); err != nil {
				return nil, position{}, err
			}
		}
		notes, err := readNotesAt(r.current.Path, r.offset, most)
		if err != nil {
			return nil, position{}, err
		}
		if len(notes) > 0 && notes[0].Trx == after+1 {
			r.offset += int64(len(notes)) * NoteSize
			return notes, position{r.current.Area, r.current.Seq, r.offset}, nil
		}
		seq := r.current.Seq
		if err := r.find(after + 1); err != nil {
			return nil, position{}, err
		}
		if r.current.Seq == seq {
			return nil, position{}, nil
		}
	}
	return nil, position{}, nil
}

// find finds the extent that has, or will have, a transaction.
func (r *reader) find(trx uint64) error {
	m, err := r.refresh()
	if err != nil {
		return err
	}
	best := aiState{}
	for _, x := range m.AI.Extents {
		if x.Status != aiEmpty && x.First <= trx && x.Seq > best.Seq {
			best = x
		}
	}
	if best.Seq == 0 {
		return say(msgNotesGone, trx)
	}
	r.current, r.offset = best, HeaderSize+int64(trx-best.First)*NoteSize
	return nil
}
