package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// Widths in columns: lines longer than maxWidth are hard to read.
const (
	minWidth = 60
	maxWidth = 110
)

// screen writes lines for good and, on a terminal, one line below them that is
// written over.
type screen struct {
	out io.Writer
	// tty allows the line that is written over; color allows colours.
	tty, color bool
	width      int
	// open says that a line is there to be written over, showing.
	open    bool
	showing string
	frame   int
}

func newScreen(o Options) *screen {
	fd := int(o.Stdout.Fd())
	s := &screen{out: o.Stdout, tty: term.IsTerminal(fd) && o.Getenv("TERM") != "dumb", width: render.DefaultWidth}
	s.color = (s.tty || o.Getenv("CLICOLOR_FORCE") == "1") && o.Getenv("NO_COLOR") == ""
	if columns, _, err := term.GetSize(fd); s.tty && err == nil {
		s.width = min(max(columns, minWidth), maxWidth)
	}
	return s
}

func (s *screen) style() render.Style { return render.Style{Color: s.color, Width: s.width} }

func (s *screen) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s *screen) bold(t string) string   { return s.paint("1", t) }
func (s *screen) dim(t string) string    { return s.paint("2", t) }
func (s *screen) red(t string) string    { return s.paint("1;31", t) }
func (s *screen) green(t string) string  { return s.paint("32", t) }
func (s *screen) yellow(t string) string { return s.paint("33", t) }
func (s *screen) cyan(t string) string   { return s.paint("36", t) }

// print writes a line, or several, for good.
func (s *screen) print(text string) {
	s.clear()
	fmt.Fprintln(s.out, strings.TrimSuffix(text, "\n"))
}

// clear takes the line that is written over away.
func (s *screen) clear() {
	if s.open {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.open = false
	}
}

// frames turn, so that one sees that a wait is alive.
var frames = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// live shows what is going on, on a terminal only.
func (s *screen) live(text string) {
	if !s.tty {
		return
	}
	s.frame++
	text = clip(dr.CleanLine(text), s.width-6)
	fmt.Fprint(s.out, "\r\x1b[K  "+s.cyan(frames[s.frame/2%len(frames)])+" "+text)
	s.open, s.showing = true, text
}

// ask shows a question behind which the person types.
func (s *screen) ask(question string) {
	s.clear()
	fmt.Fprint(s.out, question)
}

// heading opens an act.
func (s *screen) heading(text string) {
	s.print("")
	s.print(s.rule(text, ""))
	s.print("")
}

// rule is a line across the screen with a word at its beginning and another
// one at its end.
func (s *screen) rule(left, right string) string {
	fill := s.width - render.Width(left) - 6
	if right != "" {
		right = " " + right + " ──"
		fill -= render.Width(right)
	}
	return s.dim("── ") + s.bold(left) + s.dim(" "+strings.Repeat("─", max(fill, 1))) + s.dim(right)
}

// done tells of one thing that is done: where it belongs, what it was, and how
// long it took.
func (s *screen) done(where, what string, took time.Duration) {
	text := ""
	if took > 0 {
		text = dr.SpanText(took)
	}
	s.outcome(s.green("✓"), where, what, text)
}

// whereWidth is the width of the column of phases: "resynchronise".
const whereWidth = 13

func (s *screen) outcome(mark, where, what, took string) {
	room := s.width - whereWidth - 6 - render.Width(took) - 3
	what = clip(dr.CleanLine(what), room)
	gap := strings.Repeat(" ", max(room-render.Width(what), 0)+1)
	s.print("  " + mark + " " + s.dim(pad(where, whereWidth)) + " " + what + gap + s.dim(took))
}

// say writes a sentence, wrapped.
func (s *screen) say(text string) { s.print(s.wrap("  ", "  ", text)) }

// field writes a name with its value, wrapped behind it. A path that does not
// fit there stands whole on a line of its own.
func (s *screen) field(name, value string) {
	if value == "" {
		return
	}
	label := "  " + pad(name, whereWidth) + " "
	if !strings.Contains(value, " ") && render.Width(label)+render.Width(value) > s.width {
		s.print(s.dim(strings.TrimRight(label, " ")) + "\n    " + dr.CleanLine(value))
		return
	}
	body := s.wrap(label, strings.Repeat(" ", len(label)), value)
	s.print(s.dim(label) + strings.TrimPrefix(body, label))
}

// wrap breaks a text at spaces; words longer than a line stand whole.
func (s *screen) wrap(first, next, text string) string {
	var b strings.Builder
	line, empty := first, true
	for _, w := range strings.Fields(dr.CleanText(text)) {
		if !empty && render.Width(line)+1+render.Width(w) > s.width {
			b.WriteString(line + "\n")
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+w, false
	}
	return b.String() + line
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-render.Width(text), 0))
}

// clip cuts a text so that it stands on one line.
func clip(text string, width int) string {
	for render.Width(text) > max(width, 8) {
		text = dr.Clip(text, len([]rune(text))-1)
	}
	return text
}
