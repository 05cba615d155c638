package oceanbase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// change is one change of a tenant's role, as its statement is carried out.
type change struct {
	On Place
	// To is the role that the statement gives.
	To string
	// Epoch is the SWITCHOVER_EPOCH of the plan: when nothing is in progress
	// and it differs, somebody has changed roles since. "" is not compared.
	Epoch string
	// Resume are the states in which the same statement goes on.
	Resume []string
	// What names the statement, statement is its text.
	What      string
	Statement statement
	// Timeout is the statement's ob_query_timeout in milliseconds.
	Timeout int64
}

// roleLock is what keeps two statements of one step from doing harm.
const roleLock = "the server changes a tenant's role by SWITCHOVER_STATUS and SWITCHOVER_EPOCH: the same statement resumes what is half-way, answers OK when the role is reached, and gives way to a concurrent one"

// roleWithin bounds one call of Act; the step's own time-out is shorter.
const roleWithin = 2 * time.Hour

// resumePause is the pause before a statement is sent again.
const resumePause = 300 * time.Millisecond

// probe reads the view: role, status and switchover status together are the only
// proof of a change of roles.
func (c change) probe(ctx context.Context, env kit.Env) kit.Effect {
	r, err := c.On.look(ctx, env, partTenant)
	if err != nil {
		return notRead(err)
	}
	t := r.Tenant
	switch {
	case t.is(c.To):
		e := kit.Done("%s is %s, status NORMAL, switchover status NORMAL", c.On.Site, t.Role)
		e.Evidence = []dr.Evidence{{Name: c.On.Site, Text: t.evidence()}}
		return e
	case t.Role == rolePrimary || t.Role == roleStandby:
		return progress(env, "%s is %s, status %s, switchover status %s", c.On.Site, t.Role, t.Status, kit.OrNotRead(t.Switchover))
	}
	return kit.NotKnown("the role of %s is %s", c.On.Site, kit.OrNotRead(t.Role))
}

func (t Tenant) evidence() string {
	return fmt.Sprintf("TENANT_ID %d, TENANT_ROLE %s, SWITCHOVER_EPOCH %s, SYNC_SCN %s, RECOVERY_UNTIL_SCN %s", t.ID, t.Role, t.Epoch, t.Sync, untilText(t.Until))
}

// allowed says whether the statement may be sent in the tenant's present state.
func (c change) allowed(t *Tenant) error {
	switch {
	case t.is(c.To):
		return dr.Retry("already", "%s is %s already", c.On.Site, t.Role)
	case t.Locked:
		return dr.Hold("locked", "the tenant at %s is locked", c.On.Site).WithNext("ALTER TENANT %s UNLOCK at %s, then retry", t.Name, c.On.Site)
	case t.Status != statusNormal:
		return kit.No("the status of the tenant at %s is %s", c.On.Site, t.Status)
	case t.Switchover == switchNormal && c.Epoch != "" && t.Epoch != c.Epoch && t.Role != c.To:
		return dr.HoldReplan("epoch", "the roles at %s have been changed since the plan was made: SWITCHOVER_EPOCH is %s, it was %s", c.On.Site, t.Epoch, c.Epoch).WithNext("replan")
	case t.Switchover == switchNormal || slices.Contains(c.Resume, t.Switchover):
		return nil
	case t.Switchover == prepPrimary:
		return dr.Hold("stuck_switchover", "%s waits in PREPARE SWITCHING TO PRIMARY: the server refuses %s there, and only SWITCHOVER TO PRIMARY goes on", c.On.Site, c.What).
			WithNext("bring the former primary back, read-only, and retry the planned takeover; if it is lost, call the vendor's support: no statement leads out of this state")
	}
	return dr.Hold("half_way", "%s is in SWITCHOVER_STATUS %s, which belongs to another statement than %s", c.On.Site, kit.OrNotRead(t.Switchover), c.What).
		WithNext("finish the statement that was started there by sending the same again, then replan")
}

// send carries the statement out: on a connection of its own, with its own
// time-out, again and again while its outcome is unclear, because the same
// statement resumes. Nothing else is ever sent in its place.
func (c change) send(ctx context.Context, env kit.Env) error {
	var last error
	sent := 0
	for {
		done, err := c.once(ctx, env, &sent)
		if done || err != nil && dr.ClassOf(err) == dr.ClassHold && !isUnclear(err) {
			return err
		}
		if err != nil {
			last = err
		}
		if sent == 0 && dr.ClassOf(err) == dr.ClassRetry {
			return err // nothing has been sent
		}
		env.Progress(kit.Progress{Text: fmt.Sprintf("the outcome of %s at %s is not clear (%s); reading the view and sending the same statement again", c.What, c.On.Site, clip(last.Error(), 160)), At: env.Now()})
		if env.Sleep(ctx, resumePause) != nil {
			return dr.HoldUnknown("timeout", "%s at %s did not end in time; last answer: %s", c.What, c.On.Site, clip(last.Error(), 200)).
				WithNext("retry: it reads the view and resumes the same statement").Because(last)
		}
	}
}

// unclearError is an answer after which the view must be read.
type unclearError struct{ cause error }

func (e unclearError) Error() string { return e.cause.Error() }

func isUnclear(err error) bool {
	var u unclearError
	return errors.As(err, &u)
}

// once sends the statement one time, when the tenant's state allows it.
func (c change) once(ctx context.Context, env kit.Env, sent *int) (done bool, err error) {
	s, err := c.On.open(ctx, env, time.Duration(c.Timeout)*time.Millisecond+readPatience)
	if err != nil {
		return false, err
	}
	defer s.close()
	r, err := s.read(ctx, partTenant)
	if err == nil {
		err = c.On.isMine(r)
	}
	if err != nil {
		return false, err
	}
	if r.Tenant.is(c.To) {
		return true, nil
	}
	if err := c.allowed(r.Tenant); err != nil {
		return true, err
	}
	if err := s.limit(ctx, c.Timeout); err != nil {
		return false, dr.Retry("unreachable", "the time-out of the statement could not be set at %s", c.On.Site).Because(err)
	}
	*sent++
	err = s.exec(ctx, string(c.Statement))
	if err == nil {
		return true, nil
	}
	if m := meaningOf(err); m == refused || m == satisfied {
		return true, c.On.refusal(c.What, err)
	}
	return false, unclearError{err}
}

// limit sets ob_query_timeout on this very connection. It is 10 s otherwise, too
// short for a change of roles.
func (s *session) limit(ctx context.Context, millis int64) error {
	return s.exec(ctx, fmt.Sprintf("SET SESSION ob_query_timeout = %d", millis*1000))
}

// verify runs the statement's VERIFY form, which changes nothing.
func (c change) verify(ctx context.Context, env kit.Env) kit.Effect {
	s, err := c.On.open(ctx, env, time.Duration(c.Timeout)*time.Millisecond+readPatience)
	if err != nil {
		return notRead(err)
	}
	defer s.close()
	r, err := s.read(ctx, partTenant)
	if err == nil {
		err = c.On.isMine(r)
	}
	if err != nil {
		return notRead(err)
	}
	if r.Tenant.is(c.To) || slices.Contains(c.Resume, r.Tenant.Switchover) {
		return kit.Done("the statement has begun at %s already: %s, switchover status %s", c.On.Site, r.Tenant.Role, r.Tenant.Switchover)
	}
	if err := s.limit(ctx, c.Timeout); err != nil {
		return kit.NotKnown("the time-out of the statement could not be set at %s", c.On.Site)
	}
	err = s.exec(ctx, string(c.Statement))
	if err == nil {
		return kit.Done("the server at %s says that %s can be done now", c.On.Site, strings.TrimSuffix(c.What, " VERIFY"))
	}
	if meaningOf(err) != refused {
		return kit.NotKnown("the answer of %s to %s is not clear: %s", c.On.Site, c.What, clip(err.Error(), 200))
	}
	de := c.On.refusal(c.What, err)
	if waits(err) {
		return progress(env, "%s", de.Text)
	}
	e := kit.NotDone("%s", de.Text)
	e.Never = de
	return e
}
