package engine

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// suspendArgs is what a secondary asks of its primary in a takeover with
// handshake.
type suspendArgs struct {
	Site string `json:"site"`
	// Wait bounds the wait for open transactions, in the lab's time.
	Wait time.Duration `json:"wait"`
}

// suspension is the answer: the ends of the logs, behind which nothing comes.
type suspension struct {
	Ends map[int]int64 `json:"ends"`
}

// handshake suspends the primary and waits until every service has all of its
// log. When anything fails the primary is told to go on, and nothing is
// changed.
func (e *engine) handshake(ctx context.Context, a instance.TakeoverArgs) error {
	address, err := e.sourceAddress()
	if err != nil {
		return instance.Fail(1, "%s", instance.Text("handshake-unreachable"))
	}
	site := e.siteNow()
	ctx, cancel := context.WithTimeout(ctx, e.conf.Scale(handshakePatience))
	defer cancel()
	wait := e.conf.Scale(float64(a.MaxWait))
	if a.MaxWait <= 0 {
		wait = e.conf.Scale(defaultWriteWait)
	}
	if e.statusOfSource() == statusError {
		return instance.Fail(1, "%s", instance.Text("handshake-not-in-sync"))
	}
	var s suspension
	if err := instance.Ask(ctx, address, "suspend", suspendArgs{site.Name, wait}, &s); err != nil {
		var refused *instance.Failure
		if errors.As(err, &refused) {
			return refused
		}
		return instance.Fail(1, "%s", instance.Text("handshake-unreachable"))
	}
	for _, v := range e.volumes {
		if err := v.reach(ctx, s.Ends[v.id]); err != nil {
			_ = instance.Ask(context.WithoutCancel(ctx), address, "resume", suspendArgs{Site: site.Name}, nil)
			return instance.Fail(1, "%s", instance.Text("handshake-not-in-sync"))
		}
	}
	for _, w := range e.workers() {
		if err := e.askWorker(ctx, w, "reach", s, nil); err != nil {
			_ = instance.Ask(context.WithoutCancel(ctx), address, "resume", suspendArgs{Site: site.Name}, nil)
			return instance.Fail(1, "%s", instance.Text("handshake-not-in-sync"))
		}
	}
	return nil
}

// Patience in HANA's seconds.
const (
	handshakePatience = 300
	defaultWriteWait  = 60
)

// reach waits until the volume's log on disk has a position.
func (v *volume) reach(ctx context.Context, pos int64) error {
	for {
		last, _, changed := v.state()
		if last.Pos >= pos {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// suspend stops every writing transaction of this primary for a secondary that
// is about to take over. It says yes only when every service of that secondary
// is in sync.
func (e *engine) suspend(ctx context.Context, a suspendArgs) (suspension, error) {
	site := e.siteNow()
	if site.Mode != instance.ModePrimary || e.phaseNow() != running {
		return suspension{}, instance.Fail(1, "%s", instance.Text("handshake-unreachable"))
	}
	if !e.inSync(ctx, a.Site) {
		return suspension{}, instance.Fail(1, "%s", instance.Text("handshake-not-in-sync"))
	}
	ctx, cancel := context.WithTimeout(ctx, a.Wait)
	defer cancel()
	if !e.holdWrites(ctx) {
		return suspension{}, instance.Fail(1, "%s", instance.Text("handshake-open-writes"))
	}
	// Decided before it is answered: whatever becomes of the secondary, this
	// primary does not write on by itself.
	if err := e.update(func(s *instance.Site) error {
		s.Suspended = true
		return nil
	}); err != nil {
		e.freeWrites()
		return suspension{}, err
	}
	ends := e.ends()
	for _, w := range e.workers() {
		var s suspension
		if err := e.askWorker(ctx, w, "hold", instance.Nothing{}, &s); err != nil {
			return suspension{}, errors.Join(err, e.goOn())
		}
		maps.Copy(ends, s.Ends)
	}
	return suspension{ends}, nil
}

// inSync says whether every service of a site is in sync, on all hosts.
func (e *engine) inSync(ctx context.Context, site string) bool {
	r, err := e.report(ctx, instance.Nothing{})
	if err != nil {
		return false
	}
	count := 0
	for _, row := range r.Rows {
		if row["SECONDARY_SITE_NAME"] != site {
			continue
		}
		count++
		if row["TRUE_STATUS"] != statusActive {
			return false
		}
	}
	return count == len(e.volumes)+len(e.workers())
}

// holdWrites takes the rights to write of all volumes and keeps them. It gives
// false, and holds none, when open transactions do not end in time.
func (e *engine) holdWrites(ctx context.Context) bool {
	e.mu.Lock()
	if e.holding {
		e.mu.Unlock()
		return true
	}
	e.mu.Unlock()
	for i, v := range e.volumes {
		if v.acquire(ctx) != nil {
			for _, held := range e.volumes[:i] {
				held.release()
			}
			return false
		}
	}
	e.mu.Lock()
	e.holding = true
	e.mu.Unlock()
	return true
}

func (e *engine) freeWrites() {
	e.mu.Lock()
	was := e.holding
	e.holding = false
	e.mu.Unlock()
	if was {
		for _, v := range e.volumes {
			v.release()
		}
	}
}

// resume is what a secondary asks whose takeover was given up.
func (e *engine) resume(context.Context, suspendArgs) (instance.Done, error) {
	return instance.Done{}, e.goOn()
}

// resumeSuspended is -sr_resumeSuspendedPrimary.
func (e *engine) resumeSuspended(context.Context, instance.Nothing) (instance.Done, error) {
	if !e.siteNow().Suspended {
		return instance.Done{}, instance.Fail(1, "%s", instance.Text("resume-not-suspended"))
	}
	return instance.Done{}, e.goOn()
}

func (e *engine) goOn() error {
	if err := e.update(func(s *instance.Site) error {
		s.Suspended = false
		return nil
	}); err != nil {
		return err
	}
	e.freeWrites()
	for _, w := range e.workers() {
		if err := e.askWorker(e.ctx, w, "free", instance.Nothing{}, nil); err != nil {
			trace("%s: %v", w, err)
		}
	}
	return nil
}
