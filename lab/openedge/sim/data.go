package sim

import (
	"encoding/binary"
	"hash/crc32"
	"os"
)

// blockHeader is what stands before the records of a data block:
//
//	0 "BLCK" 4 area (uint32) 8 block (uint64) 16 records (uint32) 20 CRC-32 of header (without it) and records
const blockHeader = 64

// perBlock is how many records fit into a block of an area.
func perBlock(m *master, a area) int {
	return max(1, min(a.PerRec, (m.BlockSize-blockHeader)/NoteSize))
}

func makeBlock(size, areaNumber int, number uint64, records []note) []byte {
	b := make([]byte, size)
	copy(b, "BLCK")
	binary.LittleEndian.PutUint32(b[4:], uint32(areaNumber))
	binary.LittleEndian.PutUint64(b[8:], number)
	binary.LittleEndian.PutUint32(b[16:], uint32(len(records)))
	copy(b[blockHeader:], encodeNotes(records))
	binary.LittleEndian.PutUint32(b[20:], blockSum(b))
	return b
}

func blockSum(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(b[:20]), crc32.IEEETable, b[blockHeader:])
}

// readBlock checks a block and gives its records; ok is false for a block that
// was never written.
func readBlock(b []byte, areaNumber int, number uint64) (records []note, ok bool, err error) {
	if string(b[:4]) != "BLCK" {
		for _, c := range b {
			if c != 0 {
				return nil, false, say(msgWrongBlock, 0, number, areaNumber)
			}
		}
		return nil, false, nil
	}
	if binary.LittleEndian.Uint64(b[8:]) != number || binary.LittleEndian.Uint32(b[4:]) != uint32(areaNumber) || binary.LittleEndian.Uint32(b[20:]) != blockSum(b) {
		return nil, false, say(msgWrongBlock, binary.LittleEndian.Uint64(b[8:]), number, areaNumber)
	}
	return parseNotes(b[blockHeader:]), true, nil
}

// areaFile reads and writes the blocks of an area across its extents.
type areaFile struct {
	area area
	size int // of a block
}

// place gives the extent and the offset of a block; the last extent takes all
// that is left when it is variable.
func (f areaFile) place(number uint64) (path string, offset int64, err error) {
	at := number
	for _, e := range f.area.Extents {
		blocks := uint64(e.SizeKB) * 1024 / uint64(f.size)
		if e.SizeKB == 0 || at < blocks {
			return e.Path, int64(at) * int64(f.size), nil
		}
		at -= blocks
	}
	return "", 0, say(msgExtendFailed)
}

// capacity is how many blocks fit, or -1 for any number.
func (f areaFile) capacity() int {
	n := 0
	for _, e := range f.area.Extents {
		if e.SizeKB == 0 {
			return -1
		}
		n += e.SizeKB * 1024 / f.size
	}
	return n
}

func (f areaFile) write(number uint64, block []byte) error {
	path, offset, err := f.place(number)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return say(msgCannotOpen, path, 2)
	}
	_, err = file.WriteAt(block, offset)
	if e := file.Close(); err == nil {
		err = e
	}
	return err
}

func (f areaFile) read(number uint64) (block []byte, ok bool, err error) {
	path, offset, err := f.place(number)
	if err != nil {
		return nil, false, nil //nolint:nilerr // beyond the last extent there is no block
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false, say(msgCannotOpen, path, 2)
	}
	defer func() { _ = file.Close() }()
	b := make([]byte, f.size)
	if n, _ := file.ReadAt(b, offset); n < f.size {
		return nil, false, nil
	}
	_, ok, err = readBlock(b, f.area.Number, number)
	return b, ok, err
}

// blocks counts the written blocks of the area and gives the last one.
func (f areaFile) blocks() (count uint64, last []byte, err error) {
	for {
		b, ok, err := f.read(count)
		if err != nil || !ok {
			return count, last, err
		}
		count, last = count+1, b
	}
}

// create makes the files of an area empty, for nothing of an older database
// may shine through.
func (f areaFile) create() error {
	for _, e := range f.area.Extents {
		if err := os.WriteFile(e.Path, nil, 0o644); err != nil {
			return say(msgCannotOpen, e.Path, 2)
		}
	}
	return nil
}

func (m *master) file(a area) areaFile { return areaFile{area: a, size: m.BlockSize} }
