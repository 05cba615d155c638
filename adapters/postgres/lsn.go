package postgres

import (
	"fmt"
	"strconv"
	"strings"
)

// LSN is a write-ahead log position. Positions of different timelines must not
// be compared. Zero is PostgreSQL's own "invalid".
type LSN uint64

// ParseLSN reads "16/B374D848". The empty text and anything else are errors.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	if !ok || hi == "" || lo == "" || len(hi) > 8 || len(lo) > 8 {
		return 0, fmt.Errorf("%.40q is no log position", s)
	}
	h, err1 := strconv.ParseUint(hi, 16, 32)
	l, err2 := strconv.ParseUint(lo, 16, 32)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%.40q is no log position", s)
	}
	return LSN(h<<32 | l), nil
}

// String writes PostgreSQL's form.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint64(l)>>32, uint32(l)) }

// MarshalText writes the form of String.
func (l LSN) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the form of String.
func (l *LSN) UnmarshalText(b []byte) error {
	v, err := ParseLSN(string(b))
	*l = v
	return err
}

// timelineOf gives the timeline in the first eight hex digits of a WAL file's
// name; 0 when the name is not one.
func timelineOf(walfile string) uint32 {
	if len(walfile) < 8 {
		return 0
	}
	v, err := strconv.ParseUint(walfile[:8], 16, 32)
	if err != nil {
		return 0
	}
	return uint32(v)
}
