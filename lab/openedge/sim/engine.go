package sim

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"sync"
	"time"
)

// engine is an open database in the hands of the one process that holds its
// lock file. A commit is a note in the before-image file, then one in the
// after-image extent; records come into the data extents at checkpoints. What
// was acknowledged is therefore on the disk, and whatever a kill leaves behind
// is made whole by the next opening.
type engine struct {
	db  string
	cfg func() Config

	mu      sync.Mutex
	grown   *sync.Cond // the last transaction or the state changed
	m       *master
	trx     uint64
	bi      *os.File
	ai      *os.File
	aiUsed  int64
	pending []note // not yet in the data extents
	dirty   bool
	blocks  uint64 // full blocks of records
	tail    []note // records of the last, not full block
	stalled bool
	noRoom  func() // ends a database that may not stall for after-image space
	closed  bool
}

// newHistory names a history.
func newHistory() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// openEngine opens a database, whose lock the caller holds, and makes it whole.
func openEngine(db string, cfg func() Config) (*engine, error) {
	m, err := readMaster(db)
	if err != nil {
		return nil, err
	}
	if err := m.usable(db); err != nil {
		return nil, err
	}
	e := &engine{db: db, cfg: cfg, m: m, trx: m.Trx}
	e.grown = sync.NewCond(&e.mu)
	if err := e.load(); err != nil {
		return nil, err
	}
	return e, e.recover()
}

// load finds the end of the records and opens the note files.
func (e *engine) load() error {
	f := e.m.file(e.m.data())
	count, last, err := f.blocks()
	if err != nil {
		return err
	}
	e.blocks = count
	if count > 0 {
		records, _, _ := readBlock(last, f.area.Number, count-1)
		if len(records) < perBlock(e.m, f.area) {
			e.tail, e.blocks = records, count-1
		}
	}
	if e.bi, err = os.OpenFile(e.m.bi(), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return say(msgCannotOpen, e.m.bi(), 2)
	}
	return e.openAI()
}

// recover redoes the notes of the before-image file: into the data, and into
// the after-image extent when the crash came between the two.
func (e *engine) recover() error {
	notes, err := readNotesAt(e.m.bi(), HeaderSize, 1<<20)
	if err != nil {
		return say(msgCannotOpen, e.m.bi(), 2)
	}
	if len(notes) == 0 {
		return e.resetBI()
	}
	lg(e.db, asUtility, 'I', msgRedoBegin, len(notes))
	var inAI uint64
	if i := e.m.busy(); i >= 0 {
		inAI = e.m.AI.Extents[i].First - 1
		all, _ := readNotesAt(e.m.AI.Extents[i].Path, HeaderSize, 1<<20)
		if len(all) > 0 {
			inAI = all[len(all)-1].Trx
		}
	}
	for _, n := range notes {
		if n.Trx <= e.m.Trx {
			continue
		}
		e.trx = n.Trx
		e.pending = append(e.pending, n)
		if e.ai != nil && n.Trx > inAI {
			if err := e.appendAI([]note{n}); err != nil {
				return err
			}
		}
	}
	lg(e.db, asUtility, 'I', msgRedoEnd)
	if err := e.checkpoint(); err != nil {
		return err
	}
	// A kill right before the file was emptied leaves notes that are not
	// needed, and that the checkpoint therefore did not remove.
	return e.resetBI()
}

// commit makes one transaction of a client. It waits while the database is
// stalled for after-image space.
func (e *engine) commit(kind uint32, numbers ...int64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range numbers {
		if e.closed {
			return say(msgShuttingDown)
		}
		if err := e.room(); err != nil {
			return err
		}
		t := note{Kind: kind, Trx: e.trx + 1, Number: n, At: time.Now().UnixNano()}
		if err := e.keep([]note{t}); err != nil {
			return err
		}
	}
	return nil
}

// apply takes notes of the source into a target.
func (e *engine) apply(notes []note) (uint64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(notes) > 0 && notes[0].Trx <= e.trx {
		notes = notes[1:]
	}
	for i, n := range notes {
		if n.Trx != e.trx+uint64(i)+1 {
			return e.trx, say(msgGap, e.trx+uint64(i)+1, n.Trx)
		}
	}
	if e.closed {
		return e.trx, say(msgShuttingDown)
	}
	if len(notes) == 0 {
		return e.trx, nil
	}
	if e.ai == nil {
		return e.trx, e.keep(notes)
	}
	for _, n := range notes {
		if err := e.room(); err != nil {
			return e.trx, err
		}
		if err := e.keep([]note{n}); err != nil {
			return e.trx, err
		}
	}
	return e.trx, nil
}

// keep writes notes that are in order.
func (e *engine) keep(notes []note) error {
	if _, err := e.bi.Write(encodeNotes(notes)); err != nil {
		return err
	}
	e.trx = notes[len(notes)-1].Trx
	e.pending = append(e.pending, notes...)
	if e.ai != nil {
		if err := e.appendAI(notes); err != nil {
			return err
		}
	}
	e.grown.Broadcast()
	if len(e.pending) > 512 {
		return e.checkpoint()
	}
	return nil
}

// checkpoint brings pending records into the data extents, then the control
// area, then empties the before-image file: in this order a kill at any place
// loses nothing.
func (e *engine) checkpoint() error {
	if len(e.pending) == 0 && !e.dirty {
		return nil
	}
	if err := e.flush(); err != nil {
		return err
	}
	e.m.Trx = e.trx
	if err := e.m.write(e.db); err != nil {
		return err
	}
	e.dirty = false
	if len(e.pending) == 0 {
		return nil
	}
	e.pending = nil
	return e.resetBI()
}

func (e *engine) flush() error {
	a := e.m.data()
	f := e.m.file(a)
	per := perBlock(e.m, a)
	var newest uint64
	if len(e.tail) > 0 {
		newest = e.tail[len(e.tail)-1].Trx
	}
	changed := false
	for _, n := range e.pending {
		// A kill in the middle of a checkpoint leaves records behind whose
		// notes are still there.
		if n.Kind != kindRecord || n.Trx <= newest {
			continue
		}
		e.tail = append(e.tail, n)
		changed = true
		if len(e.tail) == per {
			if err := f.write(e.blocks, makeBlock(f.size, a.Number, e.blocks, e.tail)); err != nil {
				return err
			}
			e.blocks, e.tail, changed = e.blocks+1, nil, false
		}
	}
	if !changed {
		return nil
	}
	return f.write(e.blocks, makeBlock(f.size, a.Number, e.blocks, e.tail))
}

func (e *engine) resetBI() error {
	if err := e.bi.Truncate(0); err != nil {
		return err
	}
	if _, err := e.bi.WriteAt(make([]byte, HeaderSize), 0); err != nil {
		return err
	}
	_, err := e.bi.Seek(HeaderSize, 0)
	return err
}

// change alters the control area and writes it.
func (e *engine) change(f func(m *master) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := f(e.m); err != nil {
		return err
	}
	e.dirty = true
	e.grown.Broadcast()
	return e.checkpoint()
}

// view reads the control area.
func (e *engine) view(f func(m *master)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e.m)
}

// close makes a last checkpoint. Who waits is told that the database closes.
func (e *engine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.grown.Broadcast()
	err := e.checkpoint()
	e.closeFiles()
	return err
}

// closeFiles drops the files without a checkpoint.
func (e *engine) closeFiles() {
	for _, f := range []*os.File{e.bi, e.ai} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// waitBeyond waits until the last transaction is beyond trx, or the time is
// over, and gives it.
func (e *engine) waitBeyond(trx uint64, most time.Duration) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	// Set while the lock is held, so that the last call cannot come between the
	// look and the waiting.
	over := false
	defer time.AfterFunc(most, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		over = true
		e.grown.Broadcast()
	}).Stop()
	for e.trx <= trx && !e.closed && !over {
		e.grown.Wait()
	}
	return e.trx
}
