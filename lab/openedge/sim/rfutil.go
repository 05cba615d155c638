package sim

import (
	"fmt"
	"strings"
	"time"
)

// rfutil db -C qualifier (manual, RFUTIL utility).
func rfutil(p *proc) int {
	if p.name == "rfutil" {
		p.banner()
	}
	if len(p.args) < 3 || p.args[1] != "-C" {
		return p.fail(msgUsage, "rfutil db -C qualifier")
	}
	db, err := p.existing(p.args[0])
	if err != nil {
		return p.failed(err)
	}
	switch words := strings.ToLower(strings.Join(p.args[2:], " ")); {
	case words == "mark backedup":
		err = p.utility(db, call{Op: "marked"}, msgMarked)
	case words == "aimage begin":
		err = p.utility(db, call{Op: "aibegin"}, msgAIBegun)
	case words == "aimage end":
		err = p.utility(db, call{Op: "aiend"}, msgAIEnded)
	case words == "aimage new":
		err = p.utility(db, call{Op: "ainew"}, msgAINew)
	case words == "aimage extent list":
		err = p.extents(db)
	case strings.HasPrefix(words, "aimage extent empty"):
		err = p.utility(db, call{Op: "aiempty", Seq: number(strings.TrimSpace(words[len("aimage extent empty"):]), 0)}, msgAIEmptyDone)
	case strings.HasPrefix(words, "aiarchiver enable"):
		dir, _ := p.takeValue("-aiarcdir")
		err = p.utility(db, call{Op: "archiver", On: true, Text: dir}, msgArchiverOn)
	case words == "aiarchiver end", words == "aiarchiver disable":
		err = p.utility(db, call{Op: "archiver"}, msgArchiverOff)
	case strings.HasPrefix(words, "aiarchiver setinterval"):
		err = p.utility(db, call{Op: "interval", Seq: number(p.args[len(p.args)-1], 0)}, msgInterval)
	default:
		err = say(msgUsage, "rfutil db -C "+words)
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

// utility asks the broker, or does it itself in a database that is free.
func (p *proc) utility(db string, c call, done text) error {
	var err error
	if mode := holder(db, p.cfg.Host); mode == modeMulti {
		_, err = p.askBroker(db, c)
	} else {
		err = p.offline(db, func(e *engine) error { return changeMaster(e, c) })
	}
	if err == nil {
		p.say(done)
	}
	return err
}

// emptyExtent empties full extents, one (by its number in the list) or, with 0,
// the oldest. A locked one cannot be emptied, nor when AI file management is on.
func (e *engine) emptyExtent(which int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.m.AI.Archiver {
		return say(msgArchiverManages)
	}
	best := -1
	for i, x := range e.m.AI.Extents {
		switch {
		case which == i+1 && x.Status == aiLocked:
			return say(msgAIIsLocked, x.Path)
		case which == i+1 && x.Status == aiFull, which == 0 && x.Status == aiFull && (best < 0 || x.Seq < e.m.AI.Extents[best].Seq):
			best = i
		}
	}
	if best < 0 {
		return say(msgNoFullExtent)
	}
	e.empty(&e.m.AI.Extents[best])
	e.dirty = true
	return e.checkpoint()
}

// extents lists the after-image extents (manual, RFUTIL AIMAGE EXTENT LIST).
func (p *proc) extents(db string) error {
	m, err := readMaster(db)
	if err != nil {
		return err
	}
	if err := m.usable(db); err != nil {
		return err
	}
	if len(m.AI.Extents) == 0 {
		return say(msgNoAIExtents)
	}
	for i, x := range m.AI.Extents {
		kind, start := "Fixed Length", "N/A"
		if x.SizeKB == 0 {
			kind = "Variable Length"
		}
		if !x.Start.IsZero() {
			start = x.Start.Format(time.ANSIC)
		}
		fmt.Fprintf(p.out, "Extent:  %d\nStatus:  %s\nType:    %s\nPath:    %s\nSize:    %d\nUsed:    %d\nStart:   %s\nSeqno:   %d\n\n",
			i+1, x.Status, kind, x.Path, max(x.SizeKB, used(x)), used(x), start, x.Seq)
	}
	return nil
}

// used is how many KB of an extent are written.
func used(x aiState) int {
	if x.Status == aiEmpty {
		return 0
	}
	n := 0
	for {
		notes, err := readNotesAt(x.Path, HeaderSize+int64(n)*NoteSize, 4096)
		n += len(notes)
		if err != nil || len(notes) < 4096 {
			return (HeaderSize + n*NoteSize + 1023) / 1024
		}
	}
}
