package dr

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that people can type: it reads and writes
// "1m30s" in JSON and YAML instead of a count of nanoseconds.
type Duration time.Duration

// D gives the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String writes "1m30s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the form of String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of time.ParseDuration; a negative duration is
// refused, because no waiting time of this product can be negative.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 30s or 1h15m", b)
	}
	if v < 0 {
		return fmt.Errorf("the duration %q is negative", b)
	}
	*d = Duration(v)
	return nil
}
