package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// proveArgs are the two servers of the shutdown proof.
type proveArgs struct {
	Old      Place  `json:"old"`
	Standby  Place  `json:"standby"`
	Timeline uint32 `json:"timeline"`
}

func (a proveArgs) commands() []dr.Command {
	return []dr.Command{
		a.Old.script(`[ ! -e "$2/postmaster.pid" ] && exec "$1/pg_controldata" -D "$2"`, a.Old.Bin, a.Old.Data),
		a.Standby.psql("select (select system_identifier from pg_control_system()), pg_is_in_recovery(), coalesce(pg_last_wal_receive_lsn(), '0/0'), coalesce(pg_last_wal_replay_lsn(), '0/0')"),
	}
}

// proveShutdown is the proof of no loss: the standby holds the shutdown
// checkpoint record, the last that the old primary wrote.
var proveShutdown = kit.Spec[proveArgs]{
	Name: "postgres.prove_shutdown",
	Kind: dr.KindRead,
	Doc:  "Proves that the standby holds the old primary's shutdown checkpoint record: the positions that it received or replayed end behind the record's beginning, on the same timeline. It is the last record, so nothing is missing.",
	Check: func(a proveArgs) error {
		if a.Timeline == 0 {
			return fmt.Errorf("the timeline is missing")
		}
		return kit.Checks(a.Old.known(), a.Standby.known())
	},
	Commands: proveArgs.commands,
	Probe: func(ctx context.Context, env kit.Env, a proveArgs) kit.Effect {
		cmds := a.commands()
		type answer struct {
			out string
			err error
		}
		ch := make(chan answer, 1)
		go func() {
			out, err := a.Old.query(ctx, env, cmds[0])
			ch <- answer{out, err}
		}()
		row, err := a.Standby.query(ctx, env, cmds[1])
		old := <-ch
		if old.err != nil {
			return kit.NotRead(a.Old.Site, old.err)
		}
		if err != nil {
			return kit.NotRead(a.Standby.Site, err)
		}
		return a.judge(old.out, row, env.Now())
	},
	ProofText: func(a proveArgs) string {
		return fmt.Sprintf("%s says \"shut down\" with Latest checkpoint location C on timeline %d, and %s has received or replayed further than C", a.Old.Site, a.Timeline, a.Standby.Site)
	},
	Poll: 10 * time.Millisecond,
}

func (a proveArgs) judge(control, row string, at time.Time) kit.Effect {
	var c Control
	for _, l := range strings.Split(control, "\n") {
		_ = c.line(l) // pg_controldata prints many more fields
	}
	f, ok := fields(row, 4)
	if !ok || c.State == "" || c.System == "" {
		return kit.NotKnown("the answers were not recognised: %q, %q", dr.Clip(row, 80), c.State)
	}
	receive, err1 := ParseLSN(f[2])
	replay, err2 := ParseLSN(f[3])
	if err1 != nil || err2 != nil {
		return kit.NotKnown("the positions of %s were not recognised: %q", a.Standby.Site, dr.Clip(row, 80))
	}
	never := func(format string, v ...any) kit.Effect {
		err := dr.HoldReplan("no_proof", format, v...).WithNext("abort: the undo starts %s again", a.Old.Site)
		return kit.Effect{State: kit.EffectNotDone, Text: err.Text, Never: err}
	}
	switch {
	case c.System != a.Old.System || f[0] != a.Standby.System:
		return never("the system identifiers are %s and %s, the plan was made for %s", c.System, f[0], a.Old.System)
	case c.State != stateShutDown:
		return kit.NotDone("the control file of %s says %q", a.Old.Site, c.State)
	case c.Timeline != a.Timeline:
		return never("%s ended on timeline %d, the plan was made for %d", a.Old.Site, c.Timeline, a.Timeline)
	case f[1] != "t":
		return never("%s is not in recovery any more", a.Standby.Site)
	case max(receive, replay) <= c.Checkpoint:
		return kit.NotDone("%s holds %s, the shutdown checkpoint is at %s", a.Standby.Site, max(receive, replay), c.Checkpoint)
	}
	e := kit.Done("%s holds the shutdown checkpoint %s of %s: received %s, replayed %s, timeline %d", a.Standby.Site, c.Checkpoint, a.Old.Site, receive, replay, c.Timeline)
	e.Evidence = []dr.Evidence{{At: at, Name: "shutdown proof", Text: e.Text}}
	e.Loss = &dr.LossFound{Amount: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1}, Text: "no loss: " + e.Text}
	return e
}
