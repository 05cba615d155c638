package kit

import (
	"cmp"

	"github.com/switchback-dr/switchback/dr"
)

// No is a guard's refusal: what it read is not what people approved.
func No(format string, a ...any) *dr.Error {
	return dr.Hold("guard", format, a...).WithNext("replan: the situation is not the approved one")
}

// NotRead is the effect of a probe that got no answer from a site. Another host
// key than the known one does not go away by waiting: it is the effect's Never.
func NotRead(site string, err error) Effect {
	e := NotKnown("%s could not be read: %s", site, dr.AsError(err, "read").Text)
	if dr.HasCode(err, "host_key") {
		e.Never = err
	}
	return e
}

// OrNotRead gives a value, or in its place the words for one that was not read.
func OrNotRead(s string) string { return cmp.Or(s, "not read") }
