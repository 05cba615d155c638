package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// logBlock is how many bytes a redo row counts in log positions and sizes.
const logBlock = 64

// targets are the shipments of a volume to the sites that this one feeds, with
// their modes.
func (e *engine) targets(v *volume) map[*shipment]string {
	site := e.siteNow()
	all := map[*shipment]string{}
	for _, k := range site.Targets(site.ID) {
		all[e.shipment(k.Name, v)] = k.Mode
	}
	return all
}

// replicated waits until a commit is as safe as the replication modes demand:
// in sync and syncmem at every secondary that is in sync; with full sync at
// one, however long that takes. A secondary that does not answer in time is
// dropped, and the primary goes on alone.
func (e *engine) replicated(ctx context.Context, v *volume, p point) error {
	site := e.siteNow()
	for s, mode := range e.targets(v) {
		if mode == instance.ModeAsync {
			continue
		}
		if site.FullSync && mode == instance.ModeSync {
			s.waitFor(ctx, p.Pos, 0, true)
			continue
		}
		seconds, err := strconv.ParseFloat(site.Parameter("logshipping_timeout", "30"), 64)
		if err != nil {
			seconds = 30
		}
		s.waitFor(ctx, p.Pos, e.conf.Scale(seconds), false)
	}
	return ctx.Err()
}

// waitFor waits until the secondary has a position. Without always it does not
// wait for one that is not in sync, and gives up after the time-out.
func (s *shipment) waitFor(ctx context.Context, pos int64, timeout time.Duration, always bool) {
	var late <-chan time.Time
	if !always {
		t := time.NewTimer(timeout)
		defer t.Stop()
		late = t.C
	}
	for {
		s.mu.Lock()
		done := s.status == statusActive && s.kept.Pos >= pos || !always && s.status != statusActive
		moved := s.moved
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-late:
			s.drop(instance.Text("log-shipping-timeout"))
			return
		}
	}
}

// drop ends the connection to a secondary that does not answer.
func (s *shipment) drop(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
	if s.status != statusUnknown {
		s.status, s.details = statusError, why
	}
	s.progress = 0
	s.wake()
}
