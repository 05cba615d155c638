package dr

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// CleanText makes foreign text harmless to look at: every control and format
// character (ANSI escapes, bell, backspace, direction overrides, zero-width
// marks, line separators) and every broken byte becomes a visible escape such
// as \x1b or \u202e. Line feeds and tabs stay; CR LF becomes LF.
func CleanText(s string) string {
	if isClean(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || !deceptive(r):
			b.WriteString(s[i : i+n])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// CleanLine is CleanText on one line: runs of white space become one space, so
// that no text can begin a line of its own.
func CleanLine(s string) string { return strings.Join(strings.Fields(CleanText(s)), " ") }

func isClean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && deceptive(r) }) < 0
}

// deceptive says whether a rune is invisible or changes how others are shown.
func deceptive(r rune) bool {
	if r < 0x7f {
		return r < 0x20 // nearly all text; workflow code calls this often
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// TimeText writes a time for people, always in UTC: "2026-03-01 02:03:04 UTC".
// The zero time is "unknown".
func TimeText(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// SpanText writes a time span with at most two units: "350 ms", "4.2 s",
// "3 min 5 s", "2 h 4 min", "5 d 3 h". A negative span has a minus sign.
func SpanText(d time.Duration) string {
	if d < 0 {
		// The smallest span has no positive counterpart; differences of far
		// apart times saturate at it.
		return "-" + SpanText(-max(d, math.MinInt64+1))
	}
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Truncate(100*time.Millisecond).Seconds()), ".0") + " s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return twoUnits(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "min")
	}
	return twoUnits(d, 24*time.Hour, "d", time.Hour, "h")
}

func twoUnits(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := (d % big) / small; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return s
}

// AgoText says how long before now something was: "12 s ago", "in 3 min" for a
// time to come, "at an unknown time" for the zero time.
func AgoText(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "at an unknown time"
	case t.After(now):
		return "in " + SpanText(t.Sub(now))
	}
	return SpanText(now.Sub(t)) + " ago"
}
