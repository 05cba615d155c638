package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// aiHeader stands at the beginning of an after-image extent, so that a copy of
// it can be applied elsewhere.
type aiHeader struct {
	Magic   string    `json:"magic"`
	Seq     int       `json:"seq"`
	First   uint64    `json:"first"`
	History string    `json:"history"`
	Area    int       `json:"area"`
	Start   time.Time `json:"start"`
}

const aiMagic = "OpenEdge lab after image 1"

// openAI opens the extent that is written, if after-imaging is on.
func (e *engine) openAI() error {
	i := e.m.busy()
	if !e.m.AI.On || i < 0 {
		e.ai = nil
		return nil
	}
	path := e.m.AI.Extents[i].Path
	notes, err := readNotesAt(path, HeaderSize, 1<<20)
	if err != nil {
		return say(msgCannotOpen, path, 2)
	}
	e.aiUsed = HeaderSize + int64(len(notes))*NoteSize
	if e.ai, err = os.OpenFile(path, os.O_RDWR, 0o644); err != nil {
		return say(msgCannotOpen, path, 2)
	}
	_, err = e.ai.Seek(e.aiUsed, 0)
	return err
}

// room waits until the next note fits. When no extent is empty, the database
// stalls (-aistall) or shuts down.
func (e *engine) room() error {
	for e.ai != nil && e.full(1) {
		err := e.switchAI(e.trx + 1)
		if err == nil {
			return nil
		}
		if !e.stalled {
			e.stalled = true
			lg(e.db, asBroker, 'W', msgAIStall)
			e.grown.Broadcast()
			if e.noRoom != nil {
				go e.noRoom()
			}
		}
		e.grown.Wait()
		if e.closed {
			return say(msgShuttingDown)
		}
	}
	e.stalled = false
	return nil
}

func (e *engine) full(notes int) bool {
	size := e.m.AI.Extents[e.m.busy()].SizeKB
	return size > 0 && e.aiUsed+int64(notes)*NoteSize > int64(size)*1024
}

func (e *engine) appendAI(notes []note) error {
	for _, n := range notes {
		if e.full(1) {
			if err := e.switchAI(n.Trx); err != nil {
				return err
			}
		}
		if _, err := e.ai.Write(n.append(nil)); err != nil {
			return err
		}
		e.aiUsed += NoteSize
	}
	return nil
}

// switchAI makes the next extent the busy one, for notes from first on. It
// fails when that is not empty.
func (e *engine) switchAI(first uint64) error {
	i := e.m.busy()
	next := (i + 1) % len(e.m.AI.Extents)
	if e.m.AI.Extents[next].Status != aiEmpty {
		return say(msgAINotEmpty, e.m.AI.Extents[next].Path)
	}
	e.m.AI.Extents[i].Status = aiFull
	e.lockExtents()
	if e.ai != nil {
		_ = e.ai.Close()
	}
	if err := e.startExtent(next, first); err != nil {
		return err
	}
	lg(e.db, asBroker, 'I', msgAISwitched, e.m.AI.Extents[next].Path)
	lg(e.db, asBroker, 'I', msgAIFile, e.m.AI.Seq)
	e.dirty = true
	if err := e.m.write(e.db); err != nil {
		return err
	}
	e.grown.Broadcast()
	return nil
}

func (e *engine) startExtent(i int, first uint64) error {
	m := e.m
	m.AI.Seq++
	m.AI.Switched = time.Now()
	x := &m.AI.Extents[i]
	x.Status, x.Seq, x.First, x.Start = aiBusy, m.AI.Seq, first, m.AI.Switched
	b, err := json.Marshal(aiHeader{aiMagic, x.Seq, x.First, m.history(), x.Area, x.Start})
	if err != nil {
		return err
	}
	head := make([]byte, HeaderSize)
	copy(head, b)
	if err := os.WriteFile(x.Path, head, 0o644); err != nil {
		return say(msgCannotOpen, x.Path, 2)
	}
	e.aiUsed = HeaderSize
	if e.ai, err = os.OpenFile(x.Path, os.O_RDWR, 0o644); err != nil {
		return say(msgCannotOpen, x.Path, 2)
	}
	_, err = e.ai.Seek(HeaderSize, 0)
	return err
}

// lockExtents locks full extents that a target still needs, and unlocks others.
func (e *engine) lockExtents() {
	from := e.m.ReplState.LockFrom
	for i := range e.m.AI.Extents {
		x := &e.m.AI.Extents[i]
		needed := e.m.Role == roleSource && from > 0 && x.Seq >= from
		switch {
		case x.Status == aiFull && needed:
			x.Status = aiLocked
		case x.Status == aiLocked && !needed:
			x.Status = aiFull
			lg(e.db, asBroker, 'I', msgAIUnlocked, x.Seq, from)
		}
	}
}

// archive copies one full extent away and empties it, as AI file management
// does. It says whether there was one.
func (e *engine) archive() (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lockExtents()
	if !e.m.AI.Archiver || e.closed {
		return false, nil
	}
	for i := range e.m.AI.Extents {
		x := &e.m.AI.Extents[i]
		if x.Status != aiFull && x.Status != aiArchived {
			continue
		}
		b, err := os.ReadFile(x.Path)
		if err != nil {
			return false, err
		}
		to := filepath.Join(e.m.AI.ArcDir, fmt.Sprintf("%s~%06d~%s", strings.ReplaceAll(strings.TrimPrefix(e.db, "/"), "/", "~"), x.Seq, filepath.Base(x.Path)))
		if err := replaceFile(to, b); err != nil {
			return false, err
		}
		lg(e.db, asArchive, 'I', msgAICopied, x.Path, to)
		lg(e.db, asArchive, 'I', msgAIArchived, x.Path)
		e.empty(x)
		return true, e.m.write(e.db)
	}
	return false, nil
}

func (e *engine) empty(x *aiState) {
	x.Status, x.Seq, x.First, x.Start = aiEmpty, 0, 0, time.Time{}
	lg(e.db, asArchive, 'I', msgAIEmptied, x.Path)
	e.grown.Broadcast()
}

// beginAI turns after-imaging on: the database must be marked as backed up and
// have an empty extent (RFUTIL AIMAGE BEGIN).
func (e *engine) beginAI() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.m
	switch {
	case m.AI.On:
		return say(msgAIOnAlready)
	case !m.Marked:
		return say(msgNotMarked)
	case len(m.AI.Extents) == 0:
		return say(msgNoAIExtents)
	}
	for i := range m.AI.Extents {
		m.AI.Extents[i] = aiState{Area: m.AI.Extents[i].Area, Path: m.AI.Extents[i].Path, SizeKB: m.AI.Extents[i].SizeKB, Status: aiEmpty}
	}
	m.AI.On, m.AI.Begun, m.AI.Seq = true, time.Now(), 0
	if err := e.startExtent(0, e.trx+1); err != nil {
		return err
	}
	e.dirty = true
	return e.checkpoint()
}

// endAI turns it off.
func (e *engine) endAI() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.m
	m.AI.On = false
	for i := range m.AI.Extents {
		e.empty(&m.AI.Extents[i])
	}
	if e.ai != nil {
		_ = e.ai.Close()
		e.ai = nil
	}
	e.stalled = false
	e.dirty = true
	return e.checkpoint()
}
