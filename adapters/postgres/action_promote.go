package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// How the old primary is kept from taking writes.
const (
	heldByShutdown = "shutdown" // stopped cleanly, standby.signal in place
	heldByFence    = "fence"    // stopped, control file taken away
	heldByStandby  = "standby"  // runs in recovery already
)

// promoteArgs are the arguments of the promotion.
type promoteArgs struct {
	On       Place  `json:"on"`
	Old      Place  `json:"old"`
	Held     string `json:"held"`
	Timeline uint32 `json:"timeline"`
}

// outsidePatience bounds the look at an old primary that is expected to be
// silent: it lengthens the outage.
const outsidePatience = 3 * time.Second

// promote is the point of no return.
var promote = kit.Spec[promoteArgs]{
	Name: "postgres.promote",
	Kind: dr.KindIrreversible,
	Doc:  "select pg_promote(false): makes the standby the primary on a new timeline. A lost answer is read back from the server; a second request on a promoted server only gives an error.",
	Check: func(a promoteArgs) error {
		switch a.Held {
		case heldByShutdown, heldByFence, heldByStandby, kit.HeldByOutside, kit.HeldBySilence:
		default:
			return fmt.Errorf("held is %q", dr.Clip(a.Held, 20))
		}
		if a.Timeline == 0 {
			return fmt.Errorf("the timeline is missing")
		}
		return kit.Checks(a.On.known(), a.Old.Check())
	},
	Commands: func(a promoteArgs) []dr.Command {
		return []dr.Command{a.On.change("select pg_promote(false)")}
	},
	Probe: func(ctx context.Context, env kit.Env, a promoteArgs) kit.Effect {
		out, err := a.On.query(ctx, env, a.On.psql("select (select system_identifier from pg_control_system()), pg_is_in_recovery()"))
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case out == a.On.System+"|f":
			return kit.Done("%s is primary", a.On.Site)
		case out == a.On.System+"|t":
			return kit.NotDone("%s is in recovery", a.On.Site)
		}
		return kit.NotKnown("%s: the answer %q was not recognised", a.On.Site, dr.Clip(out, 60))
	},
	Guard:     guardPromote,
	ProofText: func(a promoteArgs) string { return "select pg_is_in_recovery() on " + a.On.Site + " gives f" },
	GuardText: func(a promoteArgs) string {
		return fmt.Sprintf("%s is a standby on timeline %d; %s", a.On.Site, a.Timeline, a.oldText())
	},
	Poll:   10 * time.Millisecond,
	Settle: 60 * time.Second,
}

func (a promoteArgs) oldText() string {
	switch a.Held {
	case heldByShutdown:
		return a.Old.Site + " is shut down and has standby.signal"
	case heldByFence:
		return a.Old.Site + " is stopped and its control file is taken away"
	case heldByStandby:
		return a.Old.Site + " is in recovery"
	default:
		return a.Old.Site + " does not answer, or is not a running primary"
	}
}

func guardPromote(ctx context.Context, env kit.Env, a promoteArgs) (kit.HostTime, error) {
	type answer struct {
		r   Reading
		err error
	}
	ch := make(chan answer, 1)
	go func() {
		octx := ctx
		if kit.HeldFromOutside(a.Held) {
			var cancel context.CancelFunc
			octx, cancel = context.WithTimeout(ctx, outsidePatience)
			defer cancel()
		}
		r, _, err := a.Old.read(octx, env, brief)
		ch <- answer{r, err}
	}()
	r, at, err := a.On.read(ctx, env, brief)
	old := <-ch
	if err != nil {
		return 0, err
	}
	if err := a.On.isStandby(r); err != nil {
		return 0, err
	}
	if r.Timeline() != a.Timeline {
		return 0, kit.No("%s is on timeline %d, the plan was made for %d", a.On.Site, r.Timeline(), a.Timeline)
	}
	return at, a.oldIsHeld(old.r, old.err)
}

// oldIsHeld judges the old primary again, directly before the promotion.
func (a promoteArgs) oldIsHeld(r Reading, err error) error {
	if kit.HeldFromOutside(a.Held) {
		return kit.StillHeld(a.Held, a.Old.Site, r.AcceptsWrites(), summary(r), err)
	}
	if err != nil {
		return err
	}
	switch {
	case a.Held == heldByStandby && r.InRecovery() == dr.Yes:
		return nil
	case a.Held == heldByStandby:
		return kit.No("%s is not in recovery: %s", a.Old.Site, summary(r))
	case r.Running != dr.No:
		return kit.No("%s runs, or may run: %s", a.Old.Site, summary(r))
	case a.Held == heldByFence && (!r.Fenced || r.FenceBroken):
		return kit.No("the fence of %s is gone", a.Old.Site)
	case a.Held == heldByShutdown && (r.Control.State != stateShutDown || !r.StandbySignal):
		return kit.No("%s is %q and standby.signal there: %v", a.Old.Site, r.Control.State, r.StandbySignal)
	}
	return nil
}
