// Package shop is the application of the lab's VVR hosts: a program that keeps
// the data volumes open and puts one numbered row into them for each order.
package shop

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// RowSize is the size of one row on disk, SectorSize what is written at once.
const (
	RowSize    = 32
	SectorSize = 512
	perSector  = SectorSize / RowSize
)

// rowMagic begins every row.
var rowMagic = []byte("SHOPROW1")

// encode makes a row.
func encode(number int64) []byte {
	b := make([]byte, RowSize)
	copy(b, rowMagic)
	binary.LittleEndian.PutUint64(b[8:], uint64(number))
	binary.LittleEndian.PutUint32(b[16:], crc32.ChecksumIEEE(b[:16]))
	return b
}

// Decode reads a row; a slot without one, or with half of one, is none.
func Decode(b []byte) (number int64, ok bool) {
	if len(b) < RowSize || !bytes.Equal(b[:8], rowMagic) || binary.LittleEndian.Uint32(b[16:]) != crc32.ChecksumIEEE(b[:16]) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(b[8:])), true
}

// Table is the part of a volume of the given size that holds rows: the first
// half. The rest stands for other data.
func Table(size int64) int64 { return size / 2 / SectorSize * SectorSize }
