package inventory

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Bytes is a count of bytes that people can type: "64MB", "1.5 GiB", "4096".
type Bytes int64

var byteUnits = map[string]float64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// String writes the count as people read it.
func (b Bytes) String() string { return dr.ByteText(int64(b)) }

// UnmarshalText reads a number with an optional unit: B, kB, MB, GB, TB (powers
// of 1000) or KiB, MiB, GiB, TiB (powers of 1024).
func (b *Bytes) UnmarshalText(text []byte) error {
	s := string(text)
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(s)
	}
	unit, known := byteUnits[strings.ToLower(strings.TrimSpace(s[end:]))]
	v, err := strconv.ParseFloat(s[:end], 64)
	if err != nil || !known || v*unit >= math.MaxInt64 {
		return fmt.Errorf("%q is no size such as 64MB or 2GiB", dr.Clip(s, 40))
	}
	*b = Bytes(v * unit)
	return nil
}
