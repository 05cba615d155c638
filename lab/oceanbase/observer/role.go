package observer

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// change is one run of a role statement on a tenant. The statement is
// synchronous, bounded by ob_query_timeout, and resumes what an earlier one
// left (server source: the tenant role transition service).
type change struct {
	cluster   *Cluster
	tenant    *tenant
	kind      string // intoPrimary, intoStandby, failover
	statement string
	begun     time.Time
	deadline  time.Time
	timeout   time.Duration
	conn      net.Conn // of the client; nil in tests of the machine alone
	epoch     int64
	started   bool // an event START was written by this run
	from      int64
}

// margin is what a role statement leaves of the session's time.
const margin = 200 * time.Millisecond

// errTooLate is 4012 of this statement.
func (c *change) errTooLate() error { return timedOut.with(c.timeout.Microseconds()) }

// run goes from the state found to the role wanted.
func (c *change) run() error {
	if done, err := c.begin(); done || err != nil {
		return err
	}
	if err := c.moment(momentAccepted); err != nil {
		return err
	}
	c.cluster.mu.Lock()
	found := c.tenant.Change
	c.cluster.mu.Unlock()
	if err := c.stuck(found); err != nil {
		return err
	}
	for {
		next, err := c.step()
		if err != nil {
			c.finish(err)
			return err
		}
		if next == "" {
			c.finish(nil)
			return c.moment(momentDone)
		}
		if err := c.moment(next); err != nil {
			c.finish(err)
			return err
		}
	}
}

// begin checks everything that is checked before a tenant is touched.
func (c *change) begin() (done bool, err error) {
	o := c.cluster
	err = o.locked(func() error {
		if c.there() {
			done = true
			return nil
		}
		if err := o.checkChange(c.tenant, c.kind); err != nil {
			return err
		}
		c.epoch = c.tenant.Epoch
		return nil
	})
	return done, err
}

// there says whether the tenant already has the role.
func (c *change) there() bool {
	if c.kind == intoStandby {
		return c.tenant.is(roleStandby, stateNormal)
	}
	return c.tenant.is(rolePrimary, stateNormal)
}

// step does the work of the state that the tenant is in and moves it to the
// next one, which it returns; "" is the end.
func (c *change) step() (string, error) {
	c.cluster.mu.Lock()
	role, state := c.tenant.Role, c.tenant.Change
	c.cluster.mu.Unlock()
	if c.kind == intoStandby {
		return c.stepToStandby(role, state)
	}
	if role != roleStandby {
		return "", concurrent()
	}
	switch state {
	case stateNormal:
		if c.kind == failover {
			return c.prepareFlashback()
		}
		if err := c.waitStreams(1); err != nil {
			return "", err
		}
		return c.move(roleStandby, statePrimarySoon, nil)
	case stateFlashbackSoon:
		return c.move(roleStandby, stateFlashback, func(t *tenant) error {
			for _, s := range t.Streams {
				s.Access = accessFlashback
			}
			return nil
		})
	case statePrimarySoon:
		if err := c.waitStreams(0); err != nil {
			return "", err
		}
		return c.move(roleStandby, stateFlashback, func(t *tenant) error {
			for _, s := range t.Streams {
				s.Access = accessFlashback
			}
			return nil
		})
	case stateFlashback:
		return c.move(roleStandby, stateToPrimary, c.cutStreams)
	case stateToPrimary:
		return c.open()
	}
	return "", concurrent()
}

// prepareFlashback accepts a failover: the log's end is fixed.
func (c *change) prepareFlashback() (string, error) {
	return c.move(roleStandby, stateFlashbackSoon, func(t *tenant) error {
		t.Until = t.sync()
		t.Services = nil
		return nil
	})
}

// cutStreams removes what stands above the tenant's SYNC_SCN.
func (c *change) cutStreams(t *tenant) error {
	o := c.cluster
	to := t.sync()
	t.Base = max(t.Base, t.furthest()+1)
	for _, s := range t.Streams {
		if _, ok := o.leader(t, s.ID); !ok {
			return noLeader.with()
		}
		if err := s.cutTo(to); err != nil {
			return internalError.with()
		}
	}
	if c.kind == failover {
		o.state.Cuts = append(o.state.Cuts, cut{t.ID, micros(), t.Epoch, "FAILOVER TO PRIMARY", to})
	}
	o.rootEvent(t, "flashback end", 0, "flashback_scn", strconv.FormatInt(to, 10))
	return nil
}

// open makes the log streams writable and the tenant primary.
func (c *change) open() (string, error) {
	o := c.cluster
	_, err := c.move(rolePrimary, stateNormal, func(t *tenant) error {
		at := t.sync()
		for _, s := range t.Streams {
			if _, ok := o.leader(t, s.ID); !ok {
				return noLeader.with()
			}
		}
		t.refresh()
		t.Role = rolePrimary
		for _, s := range t.Streams {
			s.Access = accessAppend
			if n := s.end(); n > 0 && s.entries[n-1].Do.Cut == at {
				continue // an earlier run died here
			}
			if err := o.append(t, s, payload{Cut: at}); err != nil {
				return err
			}
		}
		t.Until = maxSCN
		return nil
	})
	return "", err
}

// move does the work and writes the tenant's next state in one piece. That the
// epoch moved means that somebody else changes this tenant.
func (c *change) move(role, state string, work func(t *tenant) error) (string, error) {
	o := c.cluster
	t := c.tenant
	err := o.changed(func() error {
		if t.Epoch != c.epoch {
			return concurrent()
		}
		if work != nil {
			if err := work(t); err != nil {
				return err
			}
		}
		if !c.started {
			c.started = true
			c.from = t.sync()
			o.roleEvent(t, c.kind, "START", c, nil)
		}
		t.Role, t.Change, t.Modified = role, state, micros()
		t.Epoch = max(t.Epoch+1, micros())
		c.epoch = t.Epoch
		o.rootEvent(t, c.kind, 0, "switchover_status", state)
		return nil
	})
	if err == nil {
		// One line for each state reached, written once it is on disk.
		o.log.line("role change: %s tenant=%s role=%s switchover_status=%s", c.kind, t.Name, role, state)
	}
	return state, err
}

func concurrent() error { return needRetry.with() }

// finish writes how the statement ended.
func (c *change) finish(failed error) {
	if !c.started {
		return
	}
	o := c.cluster
	_ = o.changed(func() error {
		o.roleEvent(c.tenant, c.kind, "END", c, failed)
		if failed != nil {
			o.log.line("role statement ended: %s tenant=%s: %v", c.kind, c.tenant.Name, failed)
		}
		return nil
	})
}

// moment is where fault switches act: the state has just been written.
func (c *change) moment(state string) error {
	o := c.cluster
	at := func(knob string) string { return knob + "-" + state }
	if _, ok := o.knobs.take(at(knobCrashAt)); ok {
		o.log.line("killed at %s", state)
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	}
	if _, ok := o.knobs.take(at(knobDropAt)); ok && c.conn != nil {
		_ = c.conn.Close()
	}
	if _, ok := o.knobs.take(at(knobTimeoutAt)); ok {
		return c.errTooLate()
	}
	if code, ok := o.knobs.take(at(knobErrorAt)); ok {
		return errorNumbered(code)
	}
	wait := time.Duration(o.Pace.Step) + o.knobs.duration(at(knobDelayAt))
	if state == momentAccepted || state == momentDone {
		wait -= time.Duration(o.Pace.Step)
	}
	if wait > 0 && !c.pause(wait) {
		return c.errTooLate()
	}
	return c.stuck(state)
}

// stuck stays in a state while a fault keeps the role change there, also one
// that a statement before has left in it.
func (c *change) stuck(state string) error {
	for c.cluster.knobs.on(knobStuckAt + "-" + state) {
		if !c.pause(5 * time.Millisecond) {
			return c.errTooLate()
		}
	}
	return nil
}

// pause waits; false when the statement's time is over before.
func (c *change) pause(d time.Duration) bool {
	left := time.Until(c.deadline)
	if left < d {
		c.cluster.sleep(max(left, 0))
		return false
	}
	return c.cluster.sleep(d)
}

// errorNumbered gives one of the server's own errors by number.
func errorNumbered(code string) error {
	for _, t := range []text{internalError, needRetry, tryAgain, stateNotMatch, notMaster, entryNotExist} {
		if strconv.Itoa(int(t.code)) == code {
			return t.with()
		}
	}
	return internalError.with()
}

// codeOf is a client error's number as the server's views print it.
func codeOf(err error) int64 {
	if err == nil {
		return 0
	}
	var e *obsql.Error
	if errors.As(err, &e) {
		return -int64(e.Code)
	}
	return -4016
}

// info is TENANT_INFO of an event: one text with everything.
func (t *tenant) info() string {
	return fmt.Sprintf(`{tenant_id:%d, switchover_epoch:%d, recovery_until_scn:%d, tenant_role:"%s", switchover_status:"%s", sync_scn:%d}`,
		t.ID, t.Epoch, t.Until, t.Role, t.Change, t.sync())
}
