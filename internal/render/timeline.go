package render

import (
	"fmt"
	"sort"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// timeline is a run drawn to a scale in per cent of the drawing's width. Time
// spent waiting for people has a fixed width (it would hide the work, which
// lasts seconds), every other time is to scale.
type timeline struct {
	People, Work time.Duration
	Bands        []bar
	Lanes        []lane
	Marks        []mark
	Ticks        []mark
}

// lane is one phase with its rows.
type lane struct {
	Name string
	Rows []row
}

// row is one step with the bars of its attempts.
type row struct {
	Name string
	Took string
	Bars []bar
}

// bar is a span in per cent, with its class and its words.
type bar struct{ Left, Width, Class, Text string }

// mark is a point in per cent.
type mark struct{ Left, Class, Text, Side string }

type span struct {
	from, to time.Time
	people   bool
	left     float64
	width    float64
}

// scale maps times to per cent.
type scale []span

// peopleShare is the width of one wait for people, in per cent; together they
// get at most peopleMost.
const (
	peopleShare = 12.0
	peopleMost  = 40.0
)

func newScale(from, to time.Time, people []span) scale {
	var out scale
	at := from
	for _, p := range people {
		if p.from.After(at) {
			out = append(out, span{from: at, to: p.from})
		}
		out = append(out, p)
		at = p.to
	}
	if to.After(at) {
		out = append(out, span{from: at, to: to})
	}
	var work time.Duration
	for _, s := range out {
		if !s.people {
			work += s.to.Sub(s.from)
		}
	}
	share := 0.0
	if n := len(people); n > 0 {
		share = min(peopleShare, peopleMost/float64(n))
		if work <= 0 {
			share = 100 / float64(n)
		}
	}
	rest := 100 - share*float64(len(people))
	left := 0.0
	for i := range out {
		s := &out[i]
		s.left, s.width = left, share
		if !s.people {
			s.width = rest * float64(s.to.Sub(s.from)) / float64(max(work, 1))
		}
		left += s.width
	}
	return out
}

func (sc scale) at(t time.Time) float64 {
	for _, s := range sc {
		if t.Before(s.from) {
			return s.left
		}
		if !t.After(s.to) {
			d := s.to.Sub(s.from)
			if d <= 0 {
				return s.left
			}
			return s.left + s.width*float64(t.Sub(s.from))/float64(d)
		}
	}
	return 100
}

// peopleSpans joins the waits for people into spans that do not overlap.
func peopleSpans(r dr.Report, end time.Time) []span {
	var all []span
	for _, e := range r.Events {
		if e.Kind != dr.EventPeople {
			continue
		}
		to := end
		if e.Until != nil {
			to = *e.Until
		}
		if from := later(e.At, r.StartedAt); to.After(from) {
			all = append(all, span{from: from, to: to, people: true})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].from.Before(all[j].from) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && !s.from.After(out[n-1].to) {
			out[n-1].to = later(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

func newTimeline(r dr.Report, end time.Time, steps map[string]dr.Step, point time.Time) timeline {
	people := peopleSpans(r, end)
	sc := newScale(r.StartedAt, end, people)
	var t timeline
	for _, p := range people {
		t.People += p.to.Sub(p.from)
	}
	t.Work = max(end.Sub(r.StartedAt)-t.People, 0)
	for _, s := range sc {
		if s.people {
			t.Bands = append(t.Bands, bar{pct(s.left), pct(s.width), "people", dr.SpanText(s.to.Sub(s.from))})
		}
	}
	t.Lanes = lanes(r, end, steps, sc)
	t.Marks = marks(r, sc, point)
	t.Ticks = ticks(sc, r.StartedAt)
	return t
}

func lanes(r dr.Report, end time.Time, steps map[string]dr.Step, sc scale) []lane {
	var out []lane
	for _, e := range r.Events {
		if e.Kind != dr.EventWork {
			continue
		}
		name := orElse(string(e.Phase), "assess")
		if n := len(out); n == 0 || out[n-1].Name != name {
			out = append(out, lane{Name: name})
		}
		l := &out[len(out)-1]
		title := e.Text
		if s, ok := steps[e.Step]; ok {
			title = s.Title
		}
		b, took := eventBar(e, end, steps, sc)
		if n := len(l.Rows); n > 0 && l.Rows[n-1].Name == title {
			l.Rows[n-1].Bars = append(l.Rows[n-1].Bars, b)
			l.Rows[n-1].Took += " + " + took
			continue
		}
		l.Rows = append(l.Rows, row{Name: title, Took: took, Bars: []bar{b}})
	}
	return out
}

func eventBar(e dr.Event, end time.Time, steps map[string]dr.Step, sc scale) (bar, string) {
	to := e.At
	took := "no time known"
	switch {
	case e.Until != nil:
		to = later(*e.Until, e.At)
		took = dr.SpanText(to.Sub(e.At))
	case e.State == dr.StepRunning:
		to, took = end, "still running"
	}
	left := min(sc.at(e.At), 99.4)
	width := max(sc.at(to)-left, 0.6)
	class := "read"
	switch steps[e.Step].Kind {
	case dr.KindChange:
		class = "change"
	case dr.KindIrreversible:
		class = "irreversible"
	case dr.KindRead:
	}
	switch e.State {
	case dr.StepHeld, dr.StepFailed:
		class += " held"
	case dr.StepUndone:
		class = "undone"
	case dr.StepSkipped, dr.StepAlready:
		class += " hollow"
	case dr.StepPending, dr.StepRunning, dr.StepDone:
	}
	return bar{pct(left), pct(width), class, dr.CleanLine(fmt.Sprintf("%s, %s, %s", dr.TimeText(e.At), took, e.State))}, took
}

func marks(r dr.Report, sc scale, point time.Time) []mark {
	var out []mark
	if !point.IsZero() {
		out = append(out, newMark(sc.at(point), "point", "point of no return"))
	}
	if at := r.Status.RestoredAt; at != nil {
		out = append(out, newMark(sc.at(*at), "restored", "service restored"))
	}
	return out
}

// newMark puts the words on the side where there is room.
func newMark(left float64, class, text string) mark {
	side := "right"
	if left > 50 {
		side = "left"
	}
	return mark{pct(left), class, text, side}
}

func ticks(sc scale, start time.Time) []mark {
	var out []mark
	last := -100.0
	for _, s := range sc {
		if s.left-last < 9 || s.left > 92 {
			continue
		}
		out = append(out, mark{Left: pct(s.left), Text: s.from.UTC().Format("15:04:05")})
		last = s.left
	}
	if len(out) == 0 {
		out = append(out, mark{Left: "0.00", Text: start.UTC().Format("15:04:05")})
	}
	return out
}

func pct(f float64) string { return fmt.Sprintf("%.2f", min(max(f, 0), 100)) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
