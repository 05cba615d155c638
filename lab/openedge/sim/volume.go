package sim

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// seed is what a backup holds besides the blocks.
type seed struct {
	Magic    string    `json:"magic"`
	Volume   int       `json:"volume"`
	Database string    `json:"database"`
	At       time.Time `json:"at"`
	Online   bool      `json:"online"`
	Incr     bool      `json:"incremental"`
	// Count numbers the full backups of the database it was taken from.
	Count    int     `json:"count"`
	Prepared bool    `json:"prepared"`
	Trx      uint64  `json:"trx"`
	Used     []int   `json:"used"` // blocks of each data area
	Tail     int     `json:"tail"` // records in the last block of the last one
	Master   *master `json:"master"`
}

const volumeMagic = "OpenEdge lab backup 1"

// total is how many blocks the backup has.
func (s *seed) total() int {
	n := 0
	for _, u := range s.Used {
		n += u
	}
	return n
}

// snapshot fixes what a backup will hold: everything up to the last
// transaction. With after-imaging on, the extent is switched.
func (e *engine) snapshot(prepared bool) (*seed, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ai != nil {
		if err := e.switchAI(e.trx + 1); err != nil {
			return nil, err
		}
	}
	if err := e.checkpoint(); err != nil {
		return nil, err
	}
	m := *e.m
	s := &seed{
		Magic: volumeMagic, Volume: 1, Database: e.db, At: time.Now(), Count: m.FullCount + 1, Prepared: prepared, Trx: e.trx,
		Tail: len(e.tail), Master: &m,
	}
	for _, a := range m.area("d") {
		n := e.blocks
		if len(e.tail) > 0 {
			n++
		}
		if a.Number != m.data().Number {
			var err error
			if n, _, err = m.file(a).blocks(); err != nil {
				return nil, err
			}
		}
		s.Used = append(s.Used, int(n))
	}
	return s, nil
}

// backedUp writes down that the backup is whole.
func (e *engine) backedUp(s *seed) error {
	return e.change(func(m *master) error {
		m.Marked = true
		if s.Incr {
			m.LastIncr = s.At
			return nil
		}
		m.FullCount, m.LastFull = s.Count, s.At
		if s.Prepared && m.Role == roleSource {
			m.ReplState.SeedCount = s.Count
			m.ReplState.LockFrom = e.seedLock(s)
			e.lockExtents()
		}
		return nil
	})
}

// seedLock is the first AI extent that is needed from now on: that of the seed,
// or an older one of the other target of a set.
func (e *engine) seedLock(s *seed) int {
	first := s.Master.AI.Seq
	props, err := readProperties(e.db)
	if err != nil {
		return first
	}
	if agents, err := props.agents(); err == nil && len(agents) > 1 && e.m.ReplState.LockFrom > 0 {
		return min(first, e.m.ReplState.LockFrom)
	}
	return first
}

// volumeWriter writes a backup volume: a header, blocks each with its place and
// checksum, an end mark.
type volumeWriter struct {
	w     *bufio.Writer
	count uint64
}

func newVolume(w io.Writer, s *seed) (*volumeWriter, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	v := &volumeWriter{w: bufio.NewWriterSize(w, 4096)}
	head := make([]byte, 8)
	copy(head, "OEBK")
	binary.LittleEndian.PutUint32(head[4:], uint32(len(b)))
	if _, err := v.w.Write(append(head, b...)); err != nil {
		return nil, err
	}
	return v, nil
}

const chunkHeader = 24

// chunkSum covers a block and its place.
func chunkSum(header, block []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(header[:20]), crc32.IEEETable, block)
}

func (v *volumeWriter) block(areaNumber int, number uint64, block []byte) error {
	h := make([]byte, chunkHeader)
	copy(h, "CHNK")
	binary.LittleEndian.PutUint32(h[4:], uint32(areaNumber))
	binary.LittleEndian.PutUint64(h[8:], number)
	binary.LittleEndian.PutUint32(h[16:], uint32(len(block)))
	binary.LittleEndian.PutUint32(h[20:], chunkSum(h, block))
	v.count++
	if _, err := v.w.Write(h); err != nil {
		return err
	}
	_, err := v.w.Write(block)
	return err
}

func (v *volumeWriter) end() error {
	h := make([]byte, chunkHeader)
	copy(h, "DONE")
	binary.LittleEndian.PutUint64(h[8:], v.count)
	if _, err := v.w.Write(h); err != nil {
		return err
	}
	return v.w.Flush()
}

// volumeReader reads a volume; what is not whole is an error.
type volumeReader struct {
	f     *os.File
	r     *bufio.Reader
	seed  *seed
	count uint64
}

func openVolume(path string) (*volumeReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, say(msgCannotOpen, path, 2)
	}
	v := &volumeReader{f: f, r: bufio.NewReader(f)}
	head := make([]byte, 8)
	if _, err := io.ReadFull(v.r, head); err != nil || string(head[:4]) != "OEBK" {
		_ = f.Close()
		return nil, say(msgNotABackup, path)
	}
	b := make([]byte, min(binary.LittleEndian.Uint32(head[4:]), 1<<20))
	if _, err := io.ReadFull(v.r, b); err != nil || json.Unmarshal(b, &v.seed) != nil || v.seed.Magic != volumeMagic || v.seed.Master == nil {
		_ = f.Close()
		return nil, say(msgNotABackup, path)
	}
	return v, nil
}

// next gives the next block; done says that the end mark came.
func (v *volumeReader) next() (areaNumber int, number uint64, block []byte, done bool, err error) {
	h := make([]byte, chunkHeader)
	if _, err := io.ReadFull(v.r, h); err != nil {
		return 0, 0, nil, false, say(msgVolumeEnds)
	}
	if string(h[:4]) == "DONE" {
		if binary.LittleEndian.Uint64(h[8:]) != v.count || int(v.count) != v.seed.total() {
			return 0, 0, nil, false, say(msgVolumeEnds)
		}
		return 0, 0, nil, true, nil
	}
	size := binary.LittleEndian.Uint32(h[16:])
	if string(h[:4]) != "CHNK" || size > 1<<16 {
		return 0, 0, nil, false, say(msgBadCRC, v.count)
	}
	block = make([]byte, size)
	if _, err := io.ReadFull(v.r, block); err != nil {
		return 0, 0, nil, false, say(msgVolumeEnds)
	}
	if chunkSum(h, block) != binary.LittleEndian.Uint32(h[20:]) {
		return 0, 0, nil, false, say(msgBadCRC, v.count)
	}
	v.count++
	return int(binary.LittleEndian.Uint32(h[4:])), binary.LittleEndian.Uint64(h[8:]), block, false, nil
}

func (v *volumeReader) close() { _ = v.f.Close() }
