package sim

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// NoteSize is the size of a note in before-image and after-image extents, and
// of a record in a data block.
const NoteSize = 48

// Kinds of notes.
const (
	kindRecord = 1 // a client's numbered record
	kindFiller = 2 // an update that leaves no record of a client
)

// note is one committed transaction:
//
//	0 "NOTE" 4 kind (uint32) 8 transaction 16 number 24 time (ns) 32 zeros 44 CRC-32 of the 44 bytes before
type note struct {
	Kind   uint32
	Trx    uint64
	Number int64
	At     int64
}

func (n note) append(b []byte) []byte {
	var r [NoteSize]byte
	copy(r[:], "NOTE")
	binary.LittleEndian.PutUint32(r[4:], n.Kind)
	binary.LittleEndian.PutUint64(r[8:], n.Trx)
	binary.LittleEndian.PutUint64(r[16:], uint64(n.Number))
	binary.LittleEndian.PutUint64(r[24:], uint64(n.At))
	binary.LittleEndian.PutUint32(r[44:], crc32.ChecksumIEEE(r[:44]))
	return append(b, r[:]...)
}

func (n note) time() time.Time { return time.Unix(0, n.At) }

func parseNote(b []byte) (note, bool) {
	if len(b) < NoteSize || string(b[:4]) != "NOTE" || binary.LittleEndian.Uint32(b[44:]) != crc32.ChecksumIEEE(b[:44]) {
		return note{}, false
	}
	return note{
		Kind: binary.LittleEndian.Uint32(b[4:]), Trx: binary.LittleEndian.Uint64(b[8:]),
		Number: int64(binary.LittleEndian.Uint64(b[16:])), At: int64(binary.LittleEndian.Uint64(b[24:])),
	}, true
}

// parseNotes gives the whole notes at the beginning of b.
func parseNotes(b []byte) []note {
	var all []note
	for len(b) >= NoteSize {
		n, ok := parseNote(b)
		if !ok {
			break
		}
		all = append(all, n)
		b = b[NoteSize:]
	}
	return all
}

func encodeNotes(all []note) []byte {
	b := make([]byte, 0, len(all)*NoteSize)
	for _, n := range all {
		b = n.append(b)
	}
	return b
}

// HeaderSize is what stands before the notes of a before-image or after-image
// extent.
const HeaderSize = 512

// readNotesAt reads up to most notes of a file from an offset on.
func readNotesAt(path string, offset int64, most int) ([]note, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, most*NoteSize)
	n, err := f.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return parseNotes(b[:n]), nil
}
