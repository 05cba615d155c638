package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// epilogue draws up the account of the whole performance and, on a terminal,
// lets everything run until the person has seen enough.
func (d *demo) epilogue(ctx context.Context) error {
	s := d.screen
	last := d.played[len(d.played)-1]
	s.heading("What it cost")
	s.print(d.table())
	s.print("")
	s.say(verdict(last))
	s.print("")
	s.field("reports", strings.TrimSuffix(d.stage.lab.Dir, "/")+"/reports")
	s.field("Temporal UI", d.stage.temporal.UIURL())
	if !d.asks {
		return nil
	}
	s.print("")
	s.say("Everything still runs: look at the runs in the Temporal UI and open the reports.")
	return d.pause(ctx, "end the demo")
}

// pause lets a person read, on a terminal, until Enter is pressed.
func (d *demo) pause(ctx context.Context, next string) error {
	if !d.asks {
		return nil
	}
	d.screen.print("")
	d.screen.ask("  " + d.screen.bold("Press Enter") + " to " + next + ": ")
	asked := time.Now()
	for {
		select {
		case line, open := <-d.lines:
			if !open || line.at.After(asked) {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// table has a line for each act.
func (d *demo) table() string {
	var rows [][]string
	for i, p := range d.played {
		rows = append(rows, []string{
			fmt.Sprintf("act %d", i+1), p.act.title, fmt.Sprint(p.after.Acknowledged - p.before.Acknowledged),
			fmt.Sprint(p.lost()), dr.SpanText(p.outage), string(p.result.Ending.Kind),
		})
	}
	text := render.Table(d.screen.style(), []string{"", "", "ACKNOWLEDGED", "LOST", "LONGEST PAUSE", "ENDED"}, rows)
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ")
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
