package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/recall"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// act is one part of the performance.
type act struct {
	title string
	// text says in plain words what happens now.
	text string
	// before sets the scene; may be nil.
	before  func(ctx context.Context, d *demo) error
	request dr.Request
	// promise says in one sentence how the act broke its promise, or "".
	promise func(p played) string
}

// played is an act that has ended.
type played struct {
	act    act
	result dr.Result
	report dr.Report
	// before and after are the lab's ledger around the act.
	before, after ledger.Ledger
	// outage is the longest time in the act without an acknowledged write.
	outage time.Duration
}

// lost counts the acknowledged writes that this act lost.
func (p played) lost() int { return *p.after.Lost - *p.before.Lost }

func (d *demo) acts() []act {
	return []act{
		{
			title: "a planned takeover",
			text: "East is the primary and has to be switched off for maintenance; west follows it. West shall take over " +
				"without losing a single acknowledged write. Ben asks for it, and nothing is changed before somebody approves the plan.",
			before:  awaitWatch,
			request: dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west", Reason: "power maintenance in east"},
			promise: losesNothing,
		},
		{
			title: "the primary is lost",
			text: "West is the primary now. First the line between the sites breaks, so that clients get writes acknowledged that east " +
				"never sees; then " + d.tale.Server + " on west is killed. East has to take over without asking west, and without ever making two primaries.",
			before:  losePrimary,
			request: dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "east", Reason: "west is down"},
			promise: losesWhatOnlyWestHad,
		},
		{
			title:   "failback",
			text:    "West can be reached again. " + d.tale.Failback,
			before:  mendLink,
			request: dr.Request{Procedure: dr.ProcFailback, Reason: "west is back"},
			promise: d.accountsForTheLoss,
		},
	}
}

// play plays one act from its heading to its account.
func (d *demo) play(ctx context.Context, number int, a act) error {
	s := d.screen
	s.heading(fmt.Sprintf("Act %d: %s", number, a.title))
	s.say(a.text)
	s.print("")
	p := played{act: a}
	var err error
	if p.before, err = d.stage.account(ctx, time.Time{}); err != nil {
		return err
	}
	if err := a.before(ctx, d); err != nil {
		return err
	}
	r, err := d.stage.start(ctx, a.request)
	if err != nil {
		return err
	}
	s.done("start", "started by "+requester+", signed: "+r.link(), 0)
	if p.result, err = d.follow(ctx, r); err != nil {
		return err
	}
	if p.after, err = d.stage.account(ctx, time.Now()); err != nil {
		return err
	}
	if p.report, err = r.report(ctx); err != nil {
		return err
	}
	p.outage = longestGap(p.after, p.before.At)
	d.played = append(d.played, p)
	d.tell(p)
	if broken := p.broken(); broken != "" {
		return dr.Hold("promise", "act %d did not end as promised: %s", number, broken)
	}
	return nil
}

// awaitWatch waits until the watch has its first proof that the sites are in
// sync: without one, a loss could not be bounded.
func awaitWatch(ctx context.Context, d *demo) error {
	began := time.Now()
	err := d.await(ctx, "the watch sees both sites in sync", func(ctx context.Context) (bool, error) {
		m, err := recall.From(ctx, d.stage.client, d.stage.system)
		return err == nil && m.InSyncSince != nil && m.Proof != nil, nil
	})
	if err == nil {
		d.screen.done("watch", "sees both sites in sync", time.Since(began))
	}
	return err
}

// writesBehindTheCut is how many writes only the old primary gets.
const writesBehindTheCut = 25

// losePrimary cuts west off from east, lets the client write on, and kills the
// primary.
func losePrimary(ctx context.Context, d *demo) error {
	if err := awaitWatch(ctx, d); err != nil {
		return err
	}
	if err := d.fault(ctx, "link-cut", true, "the line between west and east is cut"); err != nil {
		return err
	}
	cut, err := d.stage.lab.Ledger(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	err = d.await(ctx, "clients write on west behind the cut", func(ctx context.Context) (bool, error) {
		l, err := d.stage.lab.Ledger(ctx)
		return l.Acknowledged >= cut.Acknowledged+writesBehindTheCut, err
	})
	if err != nil {
		return err
	}
	d.screen.done("client", "clients go on: writes are acknowledged that only west has", time.Since(began))
	return d.fault(ctx, d.tale.Kill, true, d.tale.Server+" on west is killed")
}

// mendLink joins the sites again.
func mendLink(ctx context.Context, d *demo) error {
	return d.fault(ctx, "link-cut", false, "the line between west and east is mended")
}

// fault switches a fault of the lab at west.
func (d *demo) fault(ctx context.Context, name string, on bool, text string) error {
	if _, err := d.stage.lab.Fault(ctx, name, []string{"west"}, on); err != nil {
		return dr.Hold("fault", "the lab could not switch %s: %v", name, err)
	}
	mark := d.screen.red("✗")
	if !on {
		mark = d.screen.green("✓")
	}
	d.screen.outcome(mark, "lab", text, "")
	return nil
}

// await waits for a condition, showing what it waits for.
func (d *demo) await(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, dr.Hold("wait", "it did not come true in %s: %s", dr.SpanText(limit), what))
	defer cancel()
	for {
		ok, err := is(ctx)
		if err != nil || ok {
			return err
		}
		d.screen.live("waiting: " + what)
		if setup.Sleep(ctx, lookEvery) != nil {
			return context.Cause(ctx)
		}
	}
}
