// Package srl is the storage of a simulated VVR host: the Storage Replicator
// Log, a circular file with a capacity, and the bitmaps of changed regions
// (DCM).
package srl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
)

// Record is one write to a data volume.
type Record struct {
	// Pos is the record's logical position in the log, in bytes since the
	// log was made; Next is the one of the record behind it.
	Pos  int64 `json:"pos"`
	Next int64 `json:"next"`
	// Seq numbers the writes.
	Seq int64 `json:"seq"`
	// Volume is the index of the data volume, Offset a byte offset in it.
	Volume int    `json:"volume"`
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
}

// ErrFull says that a record does not fit before old ones are released.
var ErrFull = errors.New("the SRL is full")

const (
	headerSize = 64
	recordHead = 40
	magic      = 0x53524c31
)

// Log is the circular log of writes of one RVG. It is not safe for concurrent
// use. What was appended survives the death of the process; a record that was
// only half written is found out by its checksum and is not there.
type Log struct {
	file     *os.File
	capacity int64
	// start and end are logical positions: what lies between is kept. seq is
	// the number of the last record; base that of the last one before start.
	start, end int64
	seq        int64
	// salt is in every record's checksum and new after each Reset: no record
	// of an earlier history is ever taken for one of this.
	salt  uint64
	saved header
}

type header struct{ start, seq int64 }

// Cost is the room that a write of n bytes takes in the log.
func Cost(n int) int64 { return recordHead + int64(n) }

// Open opens or makes the log and finds its end.
func Open(path string, capacity int64) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the SRL cannot be opened: %w", err)
	}
	l := &Log{file: f, capacity: capacity}
	head := make([]byte, headerSize)
	if n, err := f.ReadAt(head, 0); n == headerSize && err == nil && binary.LittleEndian.Uint32(head) == magic {
		l.start = int64(binary.LittleEndian.Uint64(head[8:]))
		l.seq = int64(binary.LittleEndian.Uint64(head[16:]))
		l.salt = binary.LittleEndian.Uint64(head[32:])
		if c := int64(binary.LittleEndian.Uint64(head[24:])); c > 0 {
			l.capacity = c
		}
	} else if err := l.Reset(0, 0); err != nil {
		return nil, err
	}
	l.saved = header{l.start, l.seq}
	l.end = l.start
	return l, l.recover()
}

// recover walks from the start to the last whole record.
func (l *Log) recover() error {
	for {
		r, err := l.at(l.end, l.start+l.capacity)
		if err != nil {
			return err
		}
		if r == nil || r.Seq != l.seq+1 {
			return nil
		}
		l.end, l.seq = r.Next, r.Seq
	}
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Reset empties the log at a position and sequence number: its writes belong
// to another history from now on.
func (l *Log) Reset(pos, seq int64) error {
	l.start, l.end, l.seq, l.salt = pos, pos, seq, rand.Uint64()
	return l.save()
}

func (l *Log) save() error {
	head := make([]byte, headerSize)
	binary.LittleEndian.PutUint32(head, magic)
	binary.LittleEndian.PutUint64(head[8:], uint64(l.start))
	binary.LittleEndian.PutUint64(head[16:], uint64(l.firstSeq()))
	binary.LittleEndian.PutUint64(head[24:], uint64(l.capacity))
	binary.LittleEndian.PutUint64(head[32:], l.salt)
	if _, err := l.file.WriteAt(head, 0); err != nil {
		return fmt.Errorf("the SRL cannot be written: %w", err)
	}
	l.saved = header{l.start, l.firstSeq()}
	return nil
}

// firstSeq is the number of the last record before the start.
func (l *Log) firstSeq() int64 {
	if l.start == l.end {
		return l.seq
	}
	r, err := l.at(l.start, l.end)
	if err != nil || r == nil {
		return l.seq
	}
	return r.Seq - 1
}

// Start is the position of the oldest record that is kept.
func (l *Log) Start() int64 { return l.start }

// End is the position behind the last record.
func (l *Log) End() int64 { return l.end }

// Seq is the number of the last record.
func (l *Log) Seq() int64 { return l.seq }

// Capacity is how many bytes the log can keep.
func (l *Log) Capacity() int64 { return l.capacity }

// Append writes a record, or gives ErrFull and writes nothing.
func (l *Log) Append(volume int, offset int64, data []byte) (Record, error) {
	size := Cost(len(data))
	if l.end+size-l.start > l.capacity {
		return Record{}, ErrFull
	}
	// What a recovery would walk over must not be overwritten.
	if l.end+size-l.saved.start > l.capacity {
		if err := l.save(); err != nil {
			return Record{}, err
		}
	}
	r := Record{Pos: l.end, Next: l.end + size, Seq: l.seq + 1, Volume: volume, Offset: offset, Data: data}
	b := make([]byte, size)
	binary.LittleEndian.PutUint32(b, magic)
	binary.LittleEndian.PutUint32(b[4:], uint32(volume))
	binary.LittleEndian.PutUint64(b[8:], uint64(r.Pos))
	binary.LittleEndian.PutUint64(b[16:], uint64(r.Seq))
	binary.LittleEndian.PutUint64(b[24:], uint64(offset))
	binary.LittleEndian.PutUint32(b[32:], uint32(len(data)))
	copy(b[recordHead:], data)
	binary.LittleEndian.PutUint32(b[36:], l.checksum(b))
	if err := l.write(r.Pos, b); err != nil {
		return Record{}, err
	}
	l.end, l.seq = r.Next, r.Seq
	return r, nil
}

// checksum covers the salt and everything but its own four bytes.
func (l *Log) checksum(b []byte) uint32 {
	salt := crc32.ChecksumIEEE(binary.LittleEndian.AppendUint64(nil, l.salt))
	return crc32.Update(crc32.Update(salt, crc32.IEEETable, b[:36]), crc32.IEEETable, b[recordHead:])
}

// Release gives up what lies before the position.
func (l *Log) Release(to int64) { l.start = max(l.start, min(to, l.end)) }

// Holds says whether the log still has everything from the position on.
func (l *Log) Holds(pos int64) bool { return pos >= l.start && pos <= l.end }

// Read gives records from a position on, up to the end or about limit bytes.
func (l *Log) Read(from int64, limit int) ([]Record, error) {
	if !l.Holds(from) {
		return nil, fmt.Errorf("the SRL has no position %d: it keeps %d to %d", from, l.start, l.end)
	}
	var all []Record
	for size := 0; from < l.end && size < limit; {
		r, err := l.at(from, l.end)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, fmt.Errorf("the SRL is damaged at position %d", from)
		}
		all = append(all, *r)
		size += len(r.Data)
		from = r.Next
	}
	return all, nil
}

// at reads the record at a position that ends before limit; nil when there is
// none that is whole.
func (l *Log) at(pos, limit int64) (*Record, error) {
	if pos+recordHead > limit {
		return nil, nil
	}
	head := make([]byte, recordHead)
	if err := l.read(pos, head); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[32:]))
	if binary.LittleEndian.Uint32(head) != magic || int64(binary.LittleEndian.Uint64(head[8:])) != pos || pos+recordHead+n > limit {
		return nil, nil
	}
	b := make([]byte, recordHead+n)
	if err := l.read(pos, b); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(b[36:]) != l.checksum(b) {
		return nil, nil
	}
	return &Record{
		Pos: pos, Next: pos + recordHead + n, Seq: int64(binary.LittleEndian.Uint64(b[16:])),
		Volume: int(binary.LittleEndian.Uint32(b[4:])), Offset: int64(binary.LittleEndian.Uint64(b[24:])), Data: b[recordHead:],
	}, nil
}

// read and write go around the end of the file.
func (l *Log) read(pos int64, b []byte) error {
	for len(b) > 0 {
		at := pos % l.capacity
		n := min(int64(len(b)), l.capacity-at)
		got, err := l.file.ReadAt(b[:n], headerSize+at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("the SRL cannot be read: %w", err)
		}
		// What was never written reads as zeroes.
		clear(b[got:n])
		b, pos = b[n:], pos+n
	}
	return nil
}

func (l *Log) write(pos int64, b []byte) error {
	for len(b) > 0 {
		at := pos % l.capacity
		n := min(int64(len(b)), l.capacity-at)
		if _, err := l.file.WriteAt(b[:n], headerSize+at); err != nil {
			return fmt.Errorf("the SRL cannot be written: %w", err)
		}
		b, pos = b[n:], pos+n
	}
	return nil
}

// Resize gives the log another capacity. What it keeps must fit.
func (l *Log) Resize(capacity int64) error {
	if l.end-l.start > capacity {
		return ErrFull
	}
	kept := make([]byte, l.end-l.start)
	if err := l.read(l.start, kept); err != nil {
		return err
	}
	l.capacity = capacity
	if err := l.write(l.start, kept); err != nil {
		return err
	}
	return l.save()
}
