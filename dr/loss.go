package dr

import (
	"fmt"
	"strings"
	"time"
)

// Amount is a quantity of data, in whichever units are known. A field below
// zero is not known; zero is a measured zero.
type Amount struct {
	Bytes        int64 `json:"bytes"`
	Transactions int64 `json:"transactions"`
	// Millis is a time span of writes, in milliseconds.
	Millis int64 `json:"millis"`
}

// UnknownAmount has no known unit.
func UnknownAmount() Amount { return Amount{Bytes: -1, Transactions: -1, Millis: -1} }

// Bytes gives an amount of which only the bytes are known.
func Bytes(n int64) Amount { return Amount{Bytes: n, Transactions: -1, Millis: -1} }

// Known says whether any unit is known.
func (a Amount) Known() bool { return a.Bytes >= 0 || a.Transactions >= 0 || a.Millis >= 0 }

// Zero says whether every known unit is zero and at least one is known.
func (a Amount) Zero() bool {
	return a.Known() && a.Bytes <= 0 && a.Transactions <= 0 && a.Millis <= 0
}

// Exceeds says whether a is larger than the approved bound in any unit. A unit
// that is known now and was not known then does not exceed; one that was known
// then and is not now, does.
func (a Amount) Exceeds(bound Amount) bool {
	over := func(now, then int64) bool { return then >= 0 && (now < 0 || now > then) }
	return over(a.Bytes, bound.Bytes) || over(a.Transactions, bound.Transactions) || over(a.Millis, bound.Millis)
}

// String writes "1.2 MB, 3 transactions, 4s", or "unknown".
func (a Amount) String() string {
	var parts []string
	if a.Bytes >= 0 {
		parts = append(parts, ByteText(a.Bytes))
	}
	if a.Transactions >= 0 {
		parts = append(parts, Count(a.Transactions, "transaction"))
	}
	if a.Millis >= 0 {
		parts = append(parts, (time.Duration(a.Millis) * time.Millisecond).String())
	}
	if len(parts) == 0 {
		return "unknown"
	}
	return strings.Join(parts, ", ")
}

// LossKind is how much can be said about a loss.
type LossKind string

// The kinds of loss. LossUnknown is never counted as zero.
const (
	// LossNone is proven: a completed handshake, a shutdown proof, or a mode
	// in which the primary could not acknowledge alone.
	LossNone LossKind = "none"
	// LossWindow is bounded by the last proof: at most everything that was
	// acknowledged since then.
	LossWindow LossKind = "window"
	// LossUnknown has no bound.
	LossUnknown LossKind = "unknown"
)

// Loss is what a procedure may lose, in three parts: certainly at least,
// at most since a proof, or unknown.
type Loss struct {
	Kind LossKind `json:"kind"`
	// Certain is lost in any case ("at least"); Known() is false when
	// nothing certain can be said.
	Certain Amount `json:"certain"`
	// Proof is the last proof of being in sync, for a window. It is the
	// bound that people approve: never a number of minutes.
	Proof *Proof `json:"proof,omitempty"`
	// Why is one sentence: what the kind rests on.
	Why string `json:"why"`
}

// Sentence tells the loss to people, with the age of the proof at now.
func (l Loss) Sentence(now time.Time) string {
	var s string
	switch l.Kind {
	case LossNone:
		s = "No acknowledged write is lost"
	case LossWindow:
		if l.Proof == nil {
			s = "The loss is unknown"
			break
		}
		s = fmt.Sprintf("At most the writes acknowledged since %s (%s ago)",
			l.Proof.At.UTC().Format(time.RFC3339), now.Sub(l.Proof.At).Round(time.Second))
	case LossUnknown:
		s = "The loss is unknown"
	default:
		s = "The loss is unknown"
	}
	if l.Certain.Known() && !l.Certain.Zero() {
		s += "; at least " + l.Certain.String()
	}
	if l.Why != "" {
		s += ": " + l.Why
	}
	return s
}

// Exceeds says, in one sentence, how l is worse than the approved bound; ""
// when it is within. The bound is exceeded only by an older proof, by losing
// the proof or by a larger certain loss, never by time that went by.
func (l Loss) Exceeds(bound Loss) string {
	rank := map[LossKind]int{LossNone: 0, LossWindow: 1, LossUnknown: 2}
	lk, ok := rank[l.Kind]
	if !ok {
		lk = 2
	}
	bk, ok := rank[bound.Kind]
	if !ok {
		bk = 2
	}
	if lk > bk {
		return fmt.Sprintf("the loss was %q and is now %q (%s)", bound.Kind, l.Kind, l.Why)
	}
	if l.Kind == LossWindow && bound.Kind == LossWindow {
		switch {
		case l.Proof == nil || bound.Proof == nil:
			return "the proof of being in sync is missing"
		case l.Proof.At.Before(bound.Proof.At):
			return fmt.Sprintf("the last proof of being in sync is now %s, it was %s",
				l.Proof.At.UTC().Format(time.RFC3339), bound.Proof.At.UTC().Format(time.RFC3339))
		}
	}
	if bound.Certain.Known() && l.Certain.Exceeds(bound.Certain) {
		return fmt.Sprintf("the certain loss was %s and is now %s", bound.Certain, l.Certain)
	}
	if !bound.Certain.Known() && l.Certain.Known() && !l.Certain.Zero() {
		return fmt.Sprintf("a certain loss of %s was found that was not known before", l.Certain)
	}
	return ""
}

// ByteText writes a count of bytes as people read it: "0 B", "1.5 kB", "2 GB".
func ByteText(n int64) string {
	const k = 1000
	if n < k {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	v := float64(n) / k
	i := 0
	for v >= k && i < len(units)-1 {
		v /= k
		i++
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + units[i]
}

// Count writes "1 standby" or "2 standbys".
func Count(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
