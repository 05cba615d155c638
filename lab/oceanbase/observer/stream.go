package observer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// stream is a log stream's log on this cluster. The log itself is a file with
// an entry a line; a second, tiny file holds how far the stream is synced,
// which moves also when nothing is written.
type stream struct {
	ID     int64 `json:"id"`
	Create int64 `json:"create_scn"`
	// Begin is the LSN and BeginSCN the SCN from which on the log is kept: 0
	// when it is complete since the stream was created.
	Begin    int64  `json:"begin_lsn"`
	BeginSCN int64  `json:"begin_scn"`
	Access   string `json:"access_mode"`

	// Sync is the SCN up to which everything is here.
	Sync    int64 `json:"-"`
	entries []entry
	applied int
	log     *os.File
	mark    *os.File
}

// Access modes of a log.
const (
	accessAppend    = "APPEND"
	accessRaw       = "RAW_WRITE"
	accessFlashback = "FLASHBACK"
)

// entry is one log entry. Its LSN is its place: 0, 1, 2 ...
type entry struct {
	SCN int64 `json:"s"`
	// Chain is the checksum of this entry and all before it: two logs with the
	// same chain at a place are the same up to there.
	Chain uint64  `json:"h"`
	Do    payload `json:"d"`
}

// payload is what an entry does: exactly one of the fields.
type payload struct {
	Row      *rowChange `json:"row,omitempty"`
	Table    *tableDef  `json:"table,omitempty"`
	Database string     `json:"database,omitempty"`
	User     *user      `json:"user,omitempty"`
	DropUser string     `json:"drop_user,omitempty"`
	// Cut marks that a tenant became primary: what came after this SCN in
	// another copy of the log is not in this one.
	Cut int64 `json:"cut,omitempty"`
}

var crcTable = crc64.MakeTable(crc64.ECMA)

func chain(before uint64, scn int64, do payload) uint64 {
	b, err := json.Marshal(do)
	if err != nil {
		return 0
	}
	sum := crc64.Update(before, crcTable, []byte(strconv.FormatInt(scn, 10)))
	return crc64.Update(sum, crcTable, b)
}

func (s *stream) end() int64 { return int64(len(s.entries)) }

// chainAt is the checksum of everything before an LSN.
func (s *stream) chainAt(lsn int64) uint64 {
	if lsn < 1 || lsn > s.end() {
		return 0
	}
	return s.entries[lsn-1].Chain
}

// open reads the stream's files below dir. A last line that was not finished is
// cut off: it was never acknowledged.
func (s *stream) open(dir string) (err error) {
	base := filepath.Join(dir, "ls_"+strconv.FormatInt(s.ID, 10))
	if s.log, err = os.OpenFile(base+".log", os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return fmt.Errorf("no log: %w", err)
	}
	if s.mark, err = os.OpenFile(base+".sync", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("no log: %w", err)
	}
	b, err := io.ReadAll(s.log)
	if err != nil {
		return fmt.Errorf("the log %s cannot be read: %w", base, err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	for line := range bytes.Lines(b[:whole]) {
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("the log %s has a line that is none: %w", base, err)
		}
		if e.Chain != chain(s.chainAt(s.end()), e.SCN, e.Do) {
			return fmt.Errorf("the log %s is damaged at LSN %d", base, s.end())
		}
		s.entries = append(s.entries, e)
	}
	if whole < len(b) {
		if err := s.log.Truncate(int64(whole)); err != nil {
			return err
		}
	}
	mark, err := io.ReadAll(s.mark)
	if err != nil {
		return err
	}
	s.Sync, _ = strconv.ParseInt(strings.TrimSpace(string(mark)), 10, 64)
	if n := s.end(); n > 0 {
		s.Sync = max(s.Sync, s.entries[n-1].SCN)
	}
	s.Sync = max(s.Sync, s.Create, minSCN)
	return nil
}

func (s *stream) close() {
	if s.log != nil {
		_, _ = s.log.Close(), s.mark.Close()
		s.log, s.mark = nil, nil
	}
}

// write appends entries; they are on disk when it returns.
func (s *stream) write(all ...entry) error {
	var text []byte
	for _, e := range all {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		text = append(append(text, b...), '\n')
	}
	if _, err := s.log.Write(text); err != nil {
		return fmt.Errorf("the log of stream %d cannot be written: %w", s.ID, err)
	}
	s.entries = append(s.entries, all...)
	s.Sync = max(s.Sync, all[len(all)-1].SCN)
	return nil
}

// add appends one new entry of this cluster's own.
func (s *stream) add(scn int64, do payload) error {
	return s.write(entry{SCN: scn, Chain: chain(s.chainAt(s.end()), scn, do), Do: do})
}

// setSync notes how far the stream is synced: twenty bytes at a fixed place,
// which the kernel writes whole.
func (s *stream) setSync(scn int64) error {
	if scn == s.Sync {
		return nil
	}
	if _, err := s.mark.WriteAt(fmt.Appendf(nil, "%020d\n", scn), 0); err != nil {
		return fmt.Errorf("the mark of stream %d cannot be written: %w", s.ID, err)
	}
	s.Sync = scn
	return nil
}

// errBelow says that a log holds nothing that could be cut.
var errBelow = errors.New("the stream is not synced so far")

// cutTo removes what is above scn. It is safe to do it again.
func (s *stream) cutTo(scn int64) error {
	if s.Sync < scn {
		return errBelow
	}
	keep := len(s.entries)
	for keep > 0 && s.entries[keep-1].SCN > scn {
		keep--
	}
	if keep < len(s.entries) {
		size := int64(0)
		for _, e := range s.entries[:keep] {
			b, err := json.Marshal(e)
			if err != nil {
				return err
			}
			size += int64(len(b)) + 1
		}
		if err := s.log.Truncate(size); err != nil {
			return fmt.Errorf("the log of stream %d cannot be cut: %w", s.ID, err)
		}
		s.entries = s.entries[:keep:keep]
	}
	return s.setSync(scn)
}
