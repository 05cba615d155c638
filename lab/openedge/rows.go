package openedge

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/switchback-dr/switchback/lab/ledger"
)

// This file reads the records from the files of a database with no line of the
// programs that wrote them: what the ledger says must not repeat a mistake of
// the simulator.

// Offsets and sizes in the files.
const (
	recordSize   = 48
	biHeader     = 512
	blockRecords = 64 // where the records of a block begin
	clientRecord = 1  // the kind of a client's record
)

// controlArea is what is needed of the .db file.
type controlArea struct {
	BlockSize int    `json:"block_size"`
	State     string `json:"state"`
	Areas     []struct {
		Kind    string `json:"kind"`
		Extents []struct {
			Path   string `json:"path"`
			SizeKB int    `json:"size_kb"`
		} `json:"extents"`
	} `json:"areas"`
}

// Rows reads how often each of the writer's numbers is in a site's database,
// running or not.
func (s *system) Rows(_ context.Context, site string) (ledger.Rows, error) {
	h, err := s.lab.Host(site)
	if err != nil {
		return nil, err
	}
	rows, err := readRows(h.Path(database) + ".db")
	if err != nil {
		return nil, fmt.Errorf("the records on %s cannot be read: %w", site, err)
	}
	return rows, nil
}

func readRows(control string) (ledger.Rows, error) {
	b, err := os.ReadFile(control)
	if err != nil {
		return nil, err
	}
	var c controlArea
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if c.State != "good" {
		return nil, fmt.Errorf("the database is %s", c.State)
	}
	// Notes go from the before-image file into the data. Read in this order, no
	// record can slip through between the two.
	byTransaction := map[uint64]int64{}
	for _, kind := range []string{"b", "d"} {
		for _, a := range c.Areas {
			if a.Kind != kind {
				continue
			}
			for _, x := range a.Extents {
				file, err := os.ReadFile(x.Path)
				if err != nil {
					return nil, err
				}
				if kind == "b" {
					take(file[min(len(file), biHeader):], byTransaction)
					continue
				}
				for ; len(file) >= c.BlockSize; file = file[c.BlockSize:] {
					take(file[blockRecords:c.BlockSize], byTransaction)
				}
			}
		}
	}
	rows := ledger.Rows{}
	for _, number := range byTransaction {
		rows[number]++
	}
	return rows, nil
}

// take takes the records from the beginning of b up to the first that is none.
func take(b []byte, into map[uint64]int64) {
	for ; len(b) >= recordSize && string(b[:4]) == "NOTE"; b = b[recordSize:] {
		if binary.LittleEndian.Uint32(b[44:]) != crc32.ChecksumIEEE(b[:44]) {
			return
		}
		if binary.LittleEndian.Uint32(b[4:]) == clientRecord {
			into[binary.LittleEndian.Uint64(b[8:])] = int64(binary.LittleEndian.Uint64(b[16:]))
		}
	}
}
