package oceanbase

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// SCN is a system change number: whole nanoseconds since 1970 by the database's
// own clock. It is never a float, and a string in JSON: its 62 bits do not fit
// the numbers of other languages.
type SCN uint64

// maxSCN is "unlimited" in RECOVERY_UNTIL_SCN: 2^62-1.
const maxSCN SCN = 1<<62 - 1

// ParseSCN reads an SCN as the views print it.
func ParseSCN(s string) (SCN, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil || SCN(v) > maxSCN || strconv.FormatUint(v, 10) != s {
		return 0, fmt.Errorf("%q is no SCN", clip(s, 40))
	}
	return SCN(v), nil
}

// String gives the decimal number.
func (s SCN) String() string { return strconv.FormatUint(uint64(s), 10) }

// Time gives the instant by the database's clock.
func (s SCN) Time() time.Time {
	return time.Unix(int64(s/1_000_000_000), int64(s%1_000_000_000)).UTC()
}

// MarshalJSON writes a string.
func (s SCN) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads a string of digits.
func (s *SCN) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("an SCN is a string of digits")
	}
	v, err := ParseSCN(text)
	*s = v
	return err
}

// ahead gives how far a is ahead of b, 0 when it is not. An SCN may lie in the
// future after a switchover: a difference below zero is no error.
func ahead(a, b SCN) time.Duration {
	if a <= b {
		return 0
	}
	if a-b > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(a - b)
}
