package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// epilogue draws up the account of the whole performance and, on a terminal,
// lets everything run until the person has seen enough.
func (d *demo) epilogue(ctx context.Context) error {
	s := d.screen
	last := d.played[len(d.played)-1]
	s.heading("What it cost")
	for i, p := range d.played {
		s.outcome(s.green("✓"), fmt.Sprintf("act %d", i+1), p.act.title+": "+ledgerText(p), "")
	}
	s.print("")
	s.say(verdict(last))
	s.print("")
	s.field("reports", strings.TrimSuffix(d.stage.lab.Dir, "/")+"/reports")
	s.field("Temporal UI", d.stage.temporal.UIURL())
	if !d.asks {
		return nil
	}
	s.print("")
	s.ask("  " + s.bold("Press Enter") + " to end the demo: ")
	select {
	case <-d.lines:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// verdict is the ledger's sentence about the whole demo.
func verdict(last played) string {
	l := last.after
	text := fmt.Sprintf("The ledger: %d writes acknowledged, %d lost, all of them on the killed primary behind the cut line", l.Acknowledged, *l.Lost)
	if m := last.report.Measured; m != nil && m.Kept != "" {
		text += fmt.Sprintf("; the failback found %d transactions there and kept them in %s", m.Amount.Transactions, dr.CleanLine(m.Kept))
	}
	return text + ". Two primaries: never."
}
