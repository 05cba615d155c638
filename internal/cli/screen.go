package cli

import (
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// plainEvery is how often a changing progress is told where lines cannot be
// written over.
const plainEvery = 10 * time.Second

// screen writes lines for good and, on a terminal, one line below them that is
// written over.
type screen struct {
	a *App
	// quiet writes nothing: the answer is JSON.
	quiet bool
	// open says that a line is there to be written over.
	open bool
	last string
	at   time.Time
}

func newScreen(a *App, quiet bool) *screen { return &screen{a: a, quiet: quiet} }

// clear takes the line that is written over away.
func (s *screen) clear() {
	if s.open {
		s.a.printf("\r\x1b[K")
		s.open = false
	}
}

// line writes one line of foreign text for good.
func (s *screen) line(text string) { s.block(dr.CleanLine(text) + "\n") }

// block writes rendered text for good.
func (s *screen) block(text string) {
	if s.quiet {
		return
	}
	s.clear()
	s.a.printf("%s", text)
}

// progress tells what is going on: over the last one on a terminal, else as a
// line of its own when it says something new and not too often.
func (s *screen) progress(text string) {
	text = dr.CleanLine(text)
	if s.quiet || text == "" {
		return
	}
	now := s.a.Now()
	if s.a.ShowsPeople {
		s.clear()
		s.a.printf("\r\x1b[K%s", fit(text, s.a.Width))
		s.open = true
		return
	}
	if text == s.last || (!s.at.IsZero() && now.Sub(s.at) < plainEvery) {
		return
	}
	s.last, s.at = text, now
	s.a.printf("%s  ... %s\n", clock(now), text)
}

// fit cuts a text so that it stands on one line of the terminal: a wrapped
// line could not be written over.
func fit(text string, width int) string {
	if width <= 0 {
		width = render.DefaultWidth
	}
	for render.Width(text) >= width {
		text = dr.Clip(text, len([]rune(text))-1)
	}
	return text
}
