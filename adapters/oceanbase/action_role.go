package oceanbase

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// roleArgs are the arguments of a change of roles.
type roleArgs struct {
	On Place `json:"on"`
	// Other is the tenant on the other side.
	Other Place  `json:"other"`
	Epoch string `json:"epoch"`
	// Timeout is the statement's ob_query_timeout in milliseconds.
	Timeout int64 `json:"timeout"`
	// Held says, for a promotion, how the other side is kept from writing.
	Held string `json:"held,omitempty"`
	// Fence marks a switch to standby that isolates a primary which does not
	// replicate: what it wrote is not at the other side.
	Fence bool `json:"fence,omitempty"`
	// Verifies says that VERIFY really checks in this version.
	Verifies bool `json:"verifies,omitempty"`
	// Source is what the promoted standby's restore source must name.
	Source *Source `json:"source,omitempty"`
	// Lag is how far the standby may be behind when the primary gives up its
	// role, in milliseconds.
	Lag int64 `json:"lag,omitempty"`
}

// How the former primary is kept from taking writes.
const (
	heldByStandby = "standby" // its tenant is a standby, which refuses writes
	heldByNothing = "absent"  // there is no such tenant
)

// outsidePatience bounds the look at a former primary that is expected to be
// silent: it lengthens the outage.
const outsidePatience = 3 * time.Second

func (a roleArgs) check() error {
	if a.Timeout < 1000 || a.Timeout > 600_000 {
		return fmt.Errorf("the time-out of %d ms is not allowed", a.Timeout)
	}
	if a.Source != nil {
		if err := a.Source.Check(); err != nil {
			return err
		}
	}
	return kit.Checks(a.On.known(), a.Other.Check(), kit.Match(epoch, "epoch", a.Epoch))
}

func (a roleArgs) change(to string, q func(Place, bool) statement, verify bool, what string, resume ...string) change {
	if verify {
		what += " VERIFY"
	}
	return change{On: a.On, To: to, Epoch: a.Epoch, Timeout: a.Timeout, Statement: q(a.On, verify), What: what, Resume: resume}
}

func (a roleArgs) demotion(verify bool) change {
	return a.change(roleStandby, toStandby, verify, "SWITCHOVER TO STANDBY", prepStandby, becomingStby)
}

func (a roleArgs) promotion(verify bool) change {
	return a.change(rolePrimary, toPrimary, verify, "SWITCHOVER TO PRIMARY", prepPrimary, flashing, becomingPrim)
}

// back is a promotion that undoes a switch to standby, which has changed the
// epoch.
func (a roleArgs) back(verify bool) change {
	c := a.promotion(verify)
	c.Epoch = ""
	return c
}

func (a roleArgs) activation(verify bool) change {
	return a.change(rolePrimary, activate, verify, "ACTIVATE STANDBY", prepFlashback, flashing, becomingPrim)
}

// roleSpec is the part that all changes of roles share.
func roleSpec(name string, kind dr.Kind, doc string, of func(roleArgs, bool) change, guard func(context.Context, kit.Env, roleArgs) error, guardText func(roleArgs) string) kit.Spec[roleArgs] {
	return kit.Spec[roleArgs]{
		Name: name, Kind: kind, Doc: doc, Check: roleArgs.check,
		Commands: func(a roleArgs) []dr.Command { return a.On.command(of(a, false).Statement) },
		Probe:    func(ctx context.Context, env kit.Env, a roleArgs) kit.Effect { return of(a, false).probe(ctx, env) },
		Guard: func(ctx context.Context, env kit.Env, a roleArgs) (kit.HostTime, error) {
			return 0, guard(ctx, env, a)
		},
		Act:       func(ctx context.Context, env kit.Env, a roleArgs) error { return of(a, false).send(ctx, env) },
		Lock:      roleLock,
		ActWithin: roleWithin,
		ProofText: func(a roleArgs) string {
			return a.On.view(roleColumns, "DBA_OB_TENANTS") + " at " + a.On.Site + " gives " + of(a, false).To + ", NORMAL, NORMAL"
		},
		GuardText: guardText,
		Poll:      100 * time.Millisecond,
		Settle:    settleShort,
	}
}

// verifySpec is the VERIFY form of a change of roles.
func verifySpec(name, doc string, of func(roleArgs, bool) change) kit.Spec[roleArgs] {
	return kit.Spec[roleArgs]{
		Name: name, Kind: dr.KindRead, Doc: doc, Check: roleArgs.check,
		Commands:  func(a roleArgs) []dr.Command { return a.On.command(of(a, true).Statement) },
		Probe:     func(ctx context.Context, env kit.Env, a roleArgs) kit.Effect { return of(a, true).verify(ctx, env) },
		ProofText: func(roleArgs) string { return "the statement answers OK" },
		Poll:      200 * time.Millisecond,
	}
}

var switchToStandby = roleSpec("oceanbase.switch_to_standby", dr.KindChange,
	"ALTER SYSTEM SWITCHOVER TO STANDBY: the primary tenant becomes a standby and refuses writes from then on, also after a restart. Manual: physical standby database, perform a switchover.",
	roleArgs.demotion, guardDemotion, func(a roleArgs) string {
		text := a.On.Site + " is PRIMARY with RECOVERY_UNTIL_SCN unlimited; " + a.Other.Site + " is STANDBY"
		if !a.Fence {
			text += " and every log stream there fetches from it"
		}
		return text
	})

func guardDemotion(ctx context.Context, env kit.Env, a roleArgs) error {
	r, err := a.On.look(ctx, env, partStreams)
	if err != nil {
		return err
	}
	c := a.demotion(false)
	if err := c.allowed(r.Tenant); err != nil {
		return err
	}
	if r.Tenant.Role == rolePrimary && r.Tenant.Switchover == switchNormal && r.Tenant.Until != maxSCN {
		return kit.No("RECOVERY_UNTIL_SCN of the primary %s is %s, not unlimited", a.On.Site, r.Tenant.Until)
	}
	o, err := a.Other.look(ctx, env, partReady)
	if err != nil {
		return err
	}
	if !o.Tenant.is(roleStandby) {
		return kit.No("%s is no standby at rest: %s", a.Other.Site, o.summary())
	}
	if a.Fence {
		return nil
	}
	if h, text := o.fetching(); h != healthGood {
		return kit.No("%s: %s", a.Other.Site, text)
	}
	if err := a.Other.follows(o, a.Source); err != nil {
		return err
	}
	end, _ := r.endSCN()
	if c, ok := o.cut(); !ok || ahead(end, c) > time.Duration(a.Lag)*time.Millisecond {
		return kit.No("%s is %s behind, the limit is %d ms", a.Other.Site, dr.SpanText(ahead(end, c)), a.Lag).WithNext("wait until it has caught up, then retry")
	}
	return nil
}

var switchBack = roleSpec("oceanbase.switch_back", dr.KindChange,
	"ALTER SYSTEM SWITCHOVER TO PRIMARY at the former primary: takes a switch to standby back, only while the other tenant is read as a standby at rest. A revert that promotes before it looks makes two primaries.",
	roleArgs.back, guardBack, func(a roleArgs) string {
		return a.Other.Site + " is STANDBY, status NORMAL, switchover status NORMAL: it is not, and does not become, primary"
	})

func guardBack(ctx context.Context, env kit.Env, a roleArgs) error {
	o, err := a.Other.look(ctx, env, partTenant)
	if err != nil {
		return err
	}
	if !o.Tenant.is(roleStandby) {
		return kit.No("%s is no standby at rest, so that %s must not become primary again: %s", a.Other.Site, a.On.Site, o.summary())
	}
	r, err := a.On.look(ctx, env, partTenant)
	if err != nil {
		return err
	}
	return a.back(false).allowed(r.Tenant)
}

var switchToPrimary = roleSpec("oceanbase.switch_to_primary", dr.KindIrreversible,
	"ALTER SYSTEM SWITCHOVER TO PRIMARY: the standby fetches the rest of the log and becomes primary. Never sent without a restore source: the server would skip the catch-up check. Manual: physical standby database, perform a switchover.",
	roleArgs.promotion, guardPromotion, func(a roleArgs) string {
		return a.Other.Site + " is STANDBY; LOG_RESTORE_SOURCE of " + a.On.Site + " names it; the log of " + a.On.Site + " reaches its end; no server with units is temporarily offline, every log stream has a leader"
	})

func guardPromotion(ctx context.Context, env kit.Env, a roleArgs) error {
	r, err := a.On.look(ctx, env, partReady)
	if err != nil {
		return err
	}
	if err := a.promotion(false).allowed(r.Tenant); err != nil {
		return err
	}
	o, err := a.Other.look(ctx, env, partStreams)
	if s := r.Tenant.Switchover; err != nil && dr.ClassOf(err) == dr.ClassRetry && (s == flashing || s == becomingPrim) {
		// The server has done its check and cuts already; the other side was
		// a standby then, and a standby does not become primary by itself.
		return nil
	}
	switch {
	case err != nil:
		return err
	case o.Tenant.Role != roleStandby:
		return kit.No("%s is not a standby: %s", a.Other.Site, o.summary())
	case r.Tenant.Switchover != switchNormal:
		return nil
	}
	if err := a.On.follows(r, a.Source); err != nil {
		return err
	}
	if why := behind(a.On.Site, r, a.Other.Site, o); why != "" {
		return kit.No("%s", why)
	}
	return a.serves(r)
}

// follows says what is wrong with a standby's restore source.
func (p Place) follows(r Reading, want *Source) error {
	switch {
	case r.NoSource || r.Source == nil:
		return kit.No("%s: %s", p.Site, r.sourceText())
	case want == nil:
		return nil
	case want.Location != "" && r.Source.Location != want.Location, want.Location == "" && !share(want.Addresses, r.Source.Addresses):
		return kit.No("%s %s, not from the tenant of the plan", p.Site, r.sourceText())
	}
	return nil
}

func share(a, b []string) bool {
	for _, v := range a {
		if oneOf(v, b) {
			return true
		}
	}
	return false
}

// serves holds back a promotion that the server would refuse.
func (a roleArgs) serves(r Reading) error {
	ok, text, wait := r.serving()
	switch {
	case ok == dr.Yes, ok == dr.Unknown && a.On.Own && a.Verifies && r.Unread["servers"] == serversUnread:
		return nil
	case wait > 0:
		return kit.No("%s: %s", a.On.Site, text).WithNext("start the server again, or retry in %s", dr.SpanText(wait))
	}
	return kit.No("%s: %s", a.On.Site, text).WithNext("see to the server, then retry")
}

var activateStandby = roleSpec("oceanbase.activate_standby", dr.KindIrreversible,
	"ALTER SYSTEM ACTIVATE STANDBY: cuts the log at the tenant's SYNC_SCN and makes the standby primary. The server never looks at the former primary: it must be fenced. Manual: physical standby database, perform a failover.",
	roleArgs.activation, guardActivation, func(a roleArgs) string {
		held := a.Other.Site + " does not answer, or takes no writes"
		switch a.Held {
		case heldByStandby:
			held = a.Other.Site + " is STANDBY"
		case heldByNothing:
			held = a.Other.Site + " has no such tenant"
		}
		return a.On.Site + " is STANDBY; no server with units is temporarily offline, every log stream has a leader; " + held
	})

func guardActivation(ctx context.Context, env kit.Env, a roleArgs) error {
	type answer struct {
		r   Reading
		err error
	}
	ch := make(chan answer, 1)
	go func() {
		octx, cancel := ctx, context.CancelFunc(func() {})
		if kit.HeldFromOutside(a.Held) {
			octx, cancel = context.WithTimeout(ctx, outsidePatience)
		}
		defer cancel()
		r, err := a.Other.read(octx, env, partTenant)
		ch <- answer{r, err}
	}()
	r, err := a.On.look(ctx, env, partReady)
	other := <-ch
	if err != nil {
		return err
	}
	if err := a.activation(false).allowed(r.Tenant); err != nil {
		return err
	}
	if err := a.held(other.r, other.err); err != nil {
		return err
	}
	return a.serves(r)
}

// held judges the former primary again, directly before the activation.
func (a roleArgs) held(r Reading, err error) error {
	if kit.HeldFromOutside(a.Held) {
		return kit.StillHeld(a.Held, a.Other.Site, r.accepts(), r.summary(), err)
	}
	switch {
	case err != nil:
		return err
	case a.Held == heldByNothing && !r.Missing:
		return kit.No("%s has a tenant %s: %s", a.Other.Site, a.Other.Tenant, r.summary())
	case a.Held == heldByStandby && (r.Tenant == nil || r.Tenant.Role != roleStandby):
		return kit.No("%s is not read as a standby: %s", a.Other.Site, r.summary())
	}
	return nil
}

var (
	verifyToStandby = verifySpec("oceanbase.verify_to_standby", "ALTER SYSTEM SWITCHOVER TO STANDBY ... VERIFY: the server's own check of role, status and RECOVERY_UNTIL_SCN. Changes nothing; planned only for versions that really check.", roleArgs.demotion)
	verifyToPrimary = verifySpec("oceanbase.verify_to_primary", "ALTER SYSTEM SWITCHOVER TO PRIMARY ... VERIFY: the server's own check of servers, statuses, source and the system log stream. Changes nothing; planned only for versions that really check.", roleArgs.promotion)
	verifyActivate  = verifySpec("oceanbase.verify_activate", "ALTER SYSTEM ACTIVATE STANDBY VERIFY: the server's own check of statuses, servers and replicas. Changes nothing; planned only for versions that really check.", roleArgs.activation)
)
