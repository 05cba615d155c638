package srl

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
)

// Bitmap is a map of changed regions of one data volume, kept in a file. A bit
// that was set survives the death of the process.
type Bitmap struct {
	file *os.File
	bits []byte
	n    int
}

// OpenBitmap opens or makes a map of n regions.
func OpenBitmap(path string, n int) (*Bitmap, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("the DCM cannot be opened: %w", err)
	}
	m := &Bitmap{file: f, bits: make([]byte, (n+7)/8), n: n}
	if _, err := f.ReadAt(m.bits, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the DCM cannot be read: %w", err)
	}
	return m, nil
}

// Close closes the file.
func (m *Bitmap) Close() error { return m.file.Close() }

// Set marks the region, Clear unmarks it; Has asks.
func (m *Bitmap) Set(i int) error { return m.change(i, m.bits[i/8]|1<<(i%8)) }

// Clear unmarks a region.
func (m *Bitmap) Clear(i int) error { return m.change(i, m.bits[i/8]&^(1<<(i%8))) }

// Has says whether a region is marked.
func (m *Bitmap) Has(i int) bool { return m.bits[i/8]&(1<<(i%8)) != 0 }

func (m *Bitmap) change(i int, b byte) error {
	if m.bits[i/8] == b {
		return nil
	}
	m.bits[i/8] = b
	if _, err := m.file.WriteAt(m.bits[i/8:i/8+1], int64(i/8)); err != nil {
		return fmt.Errorf("the DCM cannot be written: %w", err)
	}
	return nil
}

// Count is how many regions are marked.
func (m *Bitmap) Count() int {
	n := 0
	for _, b := range m.bits {
		n += bits.OnesCount8(b)
	}
	return n
}

// Next finds the first marked region at or behind i, or -1.
func (m *Bitmap) Next(i int) int {
	for ; i < m.n; i++ {
		if m.Has(i) {
			return i
		}
	}
	return -1
}

// Fill marks every region, or unmarks every one.
func (m *Bitmap) Fill(on bool) error {
	for i := range m.n {
		b := m.bits[i/8] &^ (1 << (i % 8))
		if on {
			b |= 1 << (i % 8)
		}
		m.bits[i/8] = b
	}
	if _, err := m.file.WriteAt(m.bits, 0); err != nil {
		return fmt.Errorf("the DCM cannot be written: %w", err)
	}
	return nil
}

// Bytes gives a copy of the bits, Merge adds another map's.
func (m *Bitmap) Bytes() []byte { return append([]byte(nil), m.bits...) }

// Merge marks every region that is marked in another map of the same volume.
func (m *Bitmap) Merge(other []byte) error {
	for i := range min(m.n, len(other)*8) {
		if other[i/8]&(1<<(i%8)) != 0 {
			if err := m.Set(i); err != nil {
				return err
			}
		}
	}
	return nil
}
