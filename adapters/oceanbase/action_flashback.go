package oceanbase

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// flashArgs are the arguments of FLASHBACK STANDBY LOG, which makes a
// third-party standby fit a new primary.
type flashArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
	// Cut is the SCN of the failover.
	Cut SCN `json:"cut"`
}

func (a flashArgs) check() error {
	if a.Cut == 0 {
		return fmt.Errorf("the SCN of the failover is missing")
	}
	return kit.Checks(a.On.known(), a.Primary.known())
}

// fine: the standby is ours, at rest or half-way, and not further than the cut.
func (a flashArgs) fine(r Reading) error {
	if err := a.On.isMine(r); err != nil {
		return err
	}
	t := r.Tenant
	switch {
	case t.Role != roleStandby || t.Status != statusNormal || t.Switchover != switchNormal && t.Switchover != stayStandby:
		return kit.No("%s is no standby at rest: %s", a.On.Site, r.summary())
	case t.Sync > a.Cut:
		return kit.No("SYNC_SCN of %s is %s, past the cut at %s: only a new copy helps", a.On.Site, t.Sync, a.Cut)
	}
	return nil
}

func (a flashArgs) guard(ctx context.Context, env kit.Env) (kit.HostTime, error) {
	p, err := a.Primary.look(ctx, env, partTenant)
	if err == nil && !p.Tenant.is(rolePrimary) {
		err = kit.No("%s is not the primary at rest: %s", a.Primary.Site, p.summary())
	}
	if err != nil {
		return 0, err
	}
	r, err := a.On.look(ctx, env, partTenant)
	if err != nil {
		return 0, err
	}
	return 0, a.fine(r)
}

// flashSpec is the part that the three steps of a flashback share.
func flashSpec(name string, kind dr.Kind, doc string, q func(flashArgs) statement, done func(flashArgs, Reading) kit.Effect, proof func(flashArgs) string) kit.Spec[flashArgs] {
	return kit.Spec[flashArgs]{
		Name: name, Kind: kind, Doc: doc, Check: flashArgs.check,
		Commands: func(a flashArgs) []dr.Command { return a.On.command(q(a)) },
		Probe: func(ctx context.Context, env kit.Env, a flashArgs) kit.Effect {
			r, err := a.On.look(ctx, env, partStreams|partSource)
			if err != nil {
				return notRead(err)
			}
			return done(a, r)
		},
		Guard: func(ctx context.Context, env kit.Env, a flashArgs) (kit.HostTime, error) { return a.guard(ctx, env) },
		Act: func(ctx context.Context, env kit.Env, a flashArgs) error {
			return a.On.run(ctx, env, name, q(a), a.fine)
		},
		Lock: settingLock, ActWithin: 10 * time.Minute,
		ProofText: proof,
		GuardText: func(a flashArgs) string {
			return fmt.Sprintf("%s is STANDBY with SYNC_SCN not above %s; %s is PRIMARY, NORMAL, NORMAL", a.On.Site, a.Cut, a.Primary.Site)
		},
		Settle: 10 * time.Second,
	}
}

var pauseRecovery = flashSpec("oceanbase.pause_recovery", dr.KindChange,
	"ALTER SYSTEM RECOVER STANDBY ... CANCEL: recovery ends at the present SYNC_SCN.",
	func(a flashArgs) statement { return recoverStandby(a.On, "CANCEL") },
	func(a flashArgs, r Reading) kit.Effect {
		if r.Tenant.Until == r.Tenant.Sync || r.Tenant.Until != maxSCN && r.Tenant.Switchover == stayStandby {
			return kit.Done("recovery of %s has ended at %s", a.On.Site, r.Tenant.Until)
		}
		return kit.NotDone("RECOVERY_UNTIL_SCN of %s is %s, SYNC_SCN %s", a.On.Site, untilText(r.Tenant.Until), r.Tenant.Sync)
	},
	func(a flashArgs) string {
		return a.On.view("SYNC_SCN, RECOVERY_UNTIL_SCN", "DBA_OB_TENANTS") + " gives the same twice"
	})

var clearSource = flashSpec("oceanbase.clear_source", dr.KindChange,
	"ALTER SYSTEM SET LOG_RESTORE_SOURCE = '': the standby takes its log from nowhere.",
	func(a flashArgs) statement { return clearSourceOf(a.On) },
	func(a flashArgs, r Reading) kit.Effect {
		switch {
		case r.NoSource:
			return kit.Done("%s has no source", a.On.Site)
		case r.Source != nil:
			return kit.NotDone("%s %s", a.On.Site, r.sourceText())
		}
		return kit.NotKnown("the source of %s was not read", a.On.Site)
	},
	func(a flashArgs) string { return a.On.view("TYPE", "CDB_OB_LOG_RESTORE_SOURCE") + " has no row" })

var flashbackLog = flashSpec("oceanbase.flashback_standby_log", dr.KindIrreversible,
	"ALTER SYSTEM FLASHBACK STANDBY LOG TO SCN: cuts what single log streams have past the failover. It deletes the tenant's service names. Manual: physical standby database, flashback standby log (4.2.5 BP4, 4.4 and later).",
	func(a flashArgs) statement {
		return statement("ALTER SYSTEM FLASHBACK STANDBY LOG TO SCN = " + a.Cut.String() + a.On.of())
	},
	func(a flashArgs, r Reading) kit.Effect {
		switch {
		case r.Unread["streams"] != "":
			return kit.NotKnown("the log streams of %s were not read", a.On.Site)
		case r.Tenant.is(roleStandby) && r.most() <= a.Cut:
			return kit.Done("no log stream of %s is past %s", a.On.Site, a.Cut)
		}
		return kit.NotDone("the log streams of %s reach %s, SWITCHOVER_STATUS is %s", a.On.Site, r.most(), r.Tenant.Switchover)
	},
	func(a flashArgs) string {
		return fmt.Sprintf("%s gives no SYNC_SCN above %s", a.On.view("LS_ID, SYNC_SCN", "CDB_OB_LS"), a.Cut)
	})

// flashable says whether a standby past the cut can be brought back by
// FLASHBACK STANDBY LOG: where people want it, the version has it, the cut is
// known, and only single streams are past it.
func (p *planner) flashable(on, primary string) bool {
	r, n := p.rs[on], p.rs[primary]
	return p.s.set.FlashbackLog && p.in.From == "" && r.Tenant.is(roleStandby) && r.Version.flashes() && n.Tenant.is(rolePrimary) &&
		n.LastChange != nil && n.LastChange.Event == "FAILOVER TO PRIMARY" && n.LastChange.SCN != 0 && r.Tenant.Sync <= n.LastChange.SCN
}

// stepsFlash brings a third-party standby back to the cut.
func (p *planner) stepsFlash(ph dr.Phase, on, primary string) {
	a := flashArgs{On: p.place(on), Primary: p.place(primary), Cut: p.rs[primary].LastChange.SCN}
	p.add(ph, pauseRecovery.Step(kit.At{Phase: ph, Slug: "pause-" + on, Site: on, Title: "End the recovery of " + on, Timeout: 2 * time.Minute, Skip: dr.SkipDecision}, a))
	p.add(ph, clearSource.Step(kit.At{Phase: ph, Slug: "clear-" + on, Site: on, Title: "Take the source of " + on + " away", Timeout: 2 * time.Minute, Skip: dr.SkipDecision}, a))
	p.add(ph, flashbackLog.Step(kit.At{
		Phase: ph, Slug: "flashback-" + on, Site: on, Title: "Cut the log of " + on + " at the failover", Timeout: 15 * time.Minute, Skip: dr.SkipDecision,
		Why: "single log streams of it are past the point at which " + primary + " was activated",
	}, a))
}
