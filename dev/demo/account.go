package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// account asks the lab's ledger when the client's writes are acknowledged
// again, the last one after since.
func (s *stage) account(ctx context.Context, since time.Time) (ledger.Ledger, error) {
	deadline := time.Now().Add(limit)
	for {
		l, err := s.lab.Ledger(ctx)
		if err != nil {
			return l, dr.Hold("ledger", "the lab's ledger cannot be drawn up: %v", err)
		}
		if l.Lost != nil && l.Acknowledged > 0 && writing(l) && !l.At.Before(since) {
			return l, nil
		}
		if time.Now().After(deadline) {
			return l, dr.Hold("ledger", "the client could not write for %s: %s", dr.SpanText(limit), l.Complaint)
		}
		if err := setup.Sleep(ctx, lookEvery); err != nil {
			return l, err
		}
	}
}

// writing says whether the client's last write was acknowledged just now.
func writing(l ledger.Ledger) bool {
	return len(l.Gaps) == 0 || !l.Gaps[len(l.Gaps)-1].Open
}

// longestGap is the longest time without an acknowledged write since a moment.
func longestGap(l ledger.Ledger, since time.Time) time.Duration {
	longest := time.Duration(0)
	for _, g := range l.Gaps {
		if g.To.After(since) {
			longest = max(longest, g.To.Sub(g.From))
		}
	}
	return longest
}

// broken says in one sentence how an act broke its promise, or "".
func (p played) broken() string {
	switch {
	case p.result.Ending.Kind != dr.EndDone:
		return fmt.Sprintf("it ended as %q: %s", p.result.Ending.Kind, p.result.Ending.Text)
	case len(p.after.TwoPrimaries) > 0:
		return fmt.Sprintf("two sites took writes at the same time, at %s", dr.TimeText(p.after.TwoPrimaries[0].From))
	case p.after.Doubled > 0:
		return fmt.Sprintf("%d writes are there twice", p.after.Doubled)
	}
	return p.act.promise(p)
}

func losesNothing(p played) string {
	if n := p.lost(); n != 0 {
		return fmt.Sprintf("%d acknowledged writes are lost", n)
	}
	return ""
}

// losesWhatOnlyWestHad: the loss must not be hidden. The run could not know
// its size, and may not have called it zero.
func losesWhatOnlyWestHad(p played) string {
	switch {
	case p.lost() < 1:
		return "no write was lost although only the dead primary had some"
	case p.report.Estimated == nil || p.report.Estimated.Kind == dr.LossNone:
		return fmt.Sprintf("%d acknowledged writes are lost and the run expected none", p.lost())
	}
	return ""
}

// accountsForTheLoss: the failback must lose nothing more, and, where the
// product can tell, find at least what the ledger says is lost.
func (d *demo) accountsForTheLoss(p played) string {
	m := p.report.Measured
	switch {
	case p.lost() != 0:
		return fmt.Sprintf("%d further acknowledged writes are lost", p.lost())
	case !d.tale.Lists:
		return ""
	case m == nil || m.Amount.Transactions < int64(*p.after.Lost):
		return fmt.Sprintf("the ledger says that %d writes are lost and the failback did not find them all", *p.after.Lost)
	}
	return ""
}

// tell prints how an act ended and what it cost.
func (d *demo) tell(p played) {
	s := d.screen
	e := p.result.Ending
	kind := s.red(string(e.Kind))
	if e.Kind == dr.EndDone {
		kind = s.green(string(e.Kind))
	}
	s.print("")
	s.print("  " + s.dim(pad("ended", whereWidth)) + " " + kind + ": " + e.Text)
	for _, r := range e.Roles {
		text := r.Text
		if text == "" {
			text = string(r.Role)
		}
		s.field(r.Site, text)
	}
	people, work := spans(p.report)
	s.field("time", "worked "+dr.SpanText(work)+", waited "+dr.SpanText(people)+" for people")
	if m := p.report.Measured; m != nil {
		s.field("measured", m.Text)
	}
	s.field("ledger", ledgerText(p))
	s.field("report", p.result.Report+"/report.html")
}

// ledgerText is what the client saw.
func ledgerText(p played) string {
	text := fmt.Sprintf("%d writes acknowledged, %d of them lost", p.after.Acknowledged-p.before.Acknowledged, p.lost())
	if p.outage > 0 {
		text += ", longest pause " + dr.SpanText(p.outage)
	}
	if len(p.after.TwoPrimaries) == 0 {
		return text + ", never two primaries"
	}
	return text + fmt.Sprintf(", two primaries %d times", len(p.after.TwoPrimaries))
}

// spans are the times that a run spent on people and on work.
func spans(r dr.Report) (people, work time.Duration) {
	for _, e := range r.Events {
		if e.Until == nil {
			continue
		}
		switch e.Kind {
		case dr.EventPeople:
			people += e.Until.Sub(e.At)
		case dr.EventWork:
			work += e.Until.Sub(e.At)
		case dr.EventNote:
		}
	}
	return people, work
}
