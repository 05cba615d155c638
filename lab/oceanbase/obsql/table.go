package obsql

import (
	"fmt"
	"strconv"
	"strings"
)

// Type is a column's type on the wire.
type Type int

// The types of columns. Every value may be NULL, which is nil.
const (
	Text      Type = iota // string
	Integer               // int64
	Unsigned              // int64 that is never negative: SCNs and LSNs stay below 2^62
	Timestamp             // string "2006-01-02 15:04:05.000000"
	Decimal               // float64
)

// TimeLayout is how a Timestamp is written.
const TimeLayout = "2006-01-02 15:04:05.000000"

// Column is a column of a table or of a result.
type Column struct {
	Name string
	Type Type
}

// Table is a table in memory. Values are nil, int64, float64 or string.
type Table struct {
	Columns []Column
	Rows    [][]any
}

// Format gives a value as text; NULL is false.
func Format(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', 4, 64), true
	case string:
		return v, true
	}
	return fmt.Sprint(v), true
}

// truth is MySQL's: NULL is neither true nor false.
func truth(v any) (yes, known bool) {
	switch v := v.(type) {
	case nil:
		return false, false
	case int64:
		return v != 0, true
	case float64:
		return v != 0, true
	case string:
		n, _ := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n != 0, true
	}
	return false, false
}

func boolean(b bool) any {
	if b {
		return int64(1)
	}
	return int64(0)
}

// compare orders two values that are not NULL. Texts compare as utf8mb4's
// general collation does: case does not count.
func compare(a, b any) int {
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return order(x, y)
		}
	}
	x, xs := a.(string)
	y, ys := b.(string)
	if xs && ys {
		return strings.Compare(strings.ToLower(x), strings.ToLower(y))
	}
	// A text that is a whole number compares as one: SCNs do not fit a float.
	if i, ok := whole(a); ok {
		if j, ok := whole(b); ok {
			return order(i, j)
		}
	}
	return order(float(a), float(b))
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func float(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		n, _ := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return n
	}
	return 0
}
