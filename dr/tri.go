package dr

import (
	"fmt"
)

// Tri is a three-valued truth. The zero value is Unknown, so that a fact that
// nobody read is never mistaken for "no" or "yes".
type Tri int8

// The three values. Unknown is the zero value on purpose.
const (
	Unknown Tri = iota
	No
	Yes
)

// TriOf turns a value that was really read into Yes or No.
func TriOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// String gives "yes", "no" or "unknown".
func (t Tri) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	case Unknown:
	}
	return "unknown"
}

// Not gives the opposite; the opposite of unknown is unknown.
func (t Tri) Not() Tri {
	switch t {
	case Yes:
		return No
	case No:
		return Yes
	case Unknown:
	}
	return Unknown
}

// And is Yes only when both are Yes, No when either is No, else Unknown.
func (t Tri) And(o Tri) Tri {
	if t == No || o == No {
		return No
	}
	if t == Yes && o == Yes {
		return Yes
	}
	return Unknown
}

// Or is Yes when either is Yes, No only when both are No, else Unknown.
func (t Tri) Or(o Tri) Tri { return t.Not().And(o.Not()).Not() }

// MarshalText writes the word of String.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText accepts exactly the three words.
func (t *Tri) UnmarshalText(b []byte) error {
	switch string(b) {
	case "yes":
		*t = Yes
	case "no":
		*t = No
	case "unknown":
		*t = Unknown
	default:
		return fmt.Errorf("%q is none of yes, no, unknown", b)
	}
	return nil
}
