// Package render writes everything that people read: plans, run-books,
// statuses, situations and reports, for terminals, Markdown and HTML.
//
// Every function is pure: the time now is a parameter, equal arguments give
// equal text. Everything that comes from outside (inventory, tool output,
// chat) is treated as hostile: it cannot send escapes to a terminal, leave a
// code block or table, or become a link or HTML.
package render

import (
	"strings"
	"unicode"

	"github.com/switchback-dr/switchback/dr"
)

// Style says how a terminal shows text. The zero Style has no colour and
// DefaultWidth.
type Style struct {
	// Color allows ANSI colours. Nothing is said by colour alone.
	Color bool
	// Width is the terminal's width in columns; 0 means DefaultWidth.
	Width int
}

// DefaultWidth is the width of a Style that names none, in columns.
const DefaultWidth = 100

// minWidth keeps narrow terminals readable.
const minWidth = 40

func (s Style) width() int {
	if s.Width <= 0 {
		return DefaultWidth
	}
	return max(s.Width, minWidth)
}

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(t string) string   { return s.paint("1", t) }
func (s Style) dim(t string) string    { return s.paint("2", t) }
func (s Style) red(t string) string    { return s.paint("1;31", t) }
func (s Style) green(t string) string  { return s.paint("32", t) }
func (s Style) yellow(t string) string { return s.paint("33", t) }
func (s Style) cyan(t string) string   { return s.paint("36", t) }

func (s Style) kind(k dr.Kind) string {
	switch k {
	case dr.KindRead:
		return s.cyan(k.Word())
	case dr.KindChange:
		return s.yellow(k.Word())
	case dr.KindIrreversible:
		return s.red(k.Word())
	}
	return s.red(k.Word())
}

// tri paints a three-valued truth; want is the good value, Unknown if none is.
func (s Style) tri(t, want dr.Tri) string {
	switch {
	case t == dr.Unknown:
		return s.yellow(t.String())
	case want == dr.Unknown:
		return t.String()
	case t == want:
		return s.green(t.String())
	}
	return s.red(t.String())
}

// wrap breaks a sentence at spaces to the style's width. Every line begins
// with by; words longer than a line stand whole.
func (s Style) wrap(by, text string) string {
	return s.hang(by, by, text)
}

// hang is wrap with another beginning of the first line.
func (s Style) hang(first, by, text string) string {
	var b strings.Builder
	line, lineWidth := first, Width(first)
	empty := true
	for _, w := range strings.Fields(dr.CleanText(text)) {
		n := Width(w)
		if !empty && lineWidth+1+n > s.width() {
			b.WriteString(line + "\n")
			line, lineWidth, empty = by, Width(by), true
		}
		if !empty {
			line += " "
			lineWidth++
		}
		line += w
		lineWidth += n
		empty = false
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}

// verbatim shows a command or output: cleaned, never wrapped, each line
// behind by, so that copying gives exactly what is carried out.
func verbatim(by, text string) string {
	lines := strings.Split(strings.TrimSuffix(dr.CleanText(text), "\n"), "\n")
	return by + strings.Join(lines, "\n"+by) + "\n"
}

// Width counts the terminal columns of a text without escapes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
