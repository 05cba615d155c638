package oceanbase

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// followArgs are the arguments of what makes a standby follow a primary.
type followArgs struct {
	On      Place  `json:"on"`
	Primary Place  `json:"primary"`
	Source  Source `json:"source"`
	// From is the TENANT_ID that the source's row names for this source; it
	// tells a source of the same address but of another tenant apart.
	From int64 `json:"from,omitempty"`
}

func (a followArgs) check() error {
	return kit.Checks(a.On.Check(), a.Primary.known(), a.Source.Check())
}

// sqlWithin bounds one call of a short statement.
const sqlWithin = 60 * time.Second

// settingLock is why a setting that is set twice does no harm.
const settingLock = "the value set twice is the same value"

// run sends one statement with its secrets, after a look at the tenant on the
// same connection.
func (p Place) run(ctx context.Context, env kit.Env, what string, q statement, fine func(Reading) error) error {
	text, secrets, err := q.fill(ctx, env)
	if err != nil {
		return err
	}
	s, err := p.open(ctx, env, sqlWithin)
	if err != nil {
		return err
	}
	defer s.close()
	s.secrets = append(s.secrets, secrets...)
	if fine != nil {
		r, err := s.read(ctx, partTenant)
		if err == nil {
			err = fine(r)
		}
		if err != nil {
			return err
		}
	}
	err = s.exec(ctx, text)
	switch {
	case err == nil, meaningOf(err) == satisfied:
		return nil
	case meaningOf(err) == refused:
		return p.refusal(what, err)
	}
	// The probe decides; when the effect is not there, the next attempt looks
	// again before it sends.
	return dr.Retry("unclear", "the outcome of %s at %s is not clear: %s", what, p.Site, clip(err.Error(), 200)).Because(err)
}

// isStandby says what is wrong with a tenant that must be a standby of ours.
func (a followArgs) isStandby(r Reading) error {
	if err := a.On.isMine(r); err != nil {
		return err
	}
	if !r.Tenant.is(roleStandby) {
		return kit.No("%s is no standby at rest: %s", a.On.Site, r.summary())
	}
	return nil
}

func (a followArgs) guard(ctx context.Context, env kit.Env) (kit.HostTime, error) {
	p, err := a.Primary.look(ctx, env, partTenant)
	if err != nil {
		return 0, err
	}
	if !p.Tenant.is(rolePrimary) {
		return 0, kit.No("%s is not the primary at rest: %s", a.Primary.Site, p.summary())
	}
	r, err := a.On.look(ctx, env, partTenant)
	if err != nil {
		return 0, err
	}
	return 0, a.isStandby(r)
}

// names says whether a source row is the wanted source.
func (a followArgs) names(s *SourceRow) bool {
	if s == nil {
		return false
	}
	if a.Source.Location != "" {
		return s.Location == a.Source.Location
	}
	if a.From != 0 && s.Tenant != 0 && s.Tenant != a.From || a.Primary.Cluster != 0 && s.Cluster != 0 && s.Cluster != a.Primary.Cluster {
		return false
	}
	return sameSet(s.Addresses, a.Source.Addresses)
}

func sameSet(a, b []string) bool {
	for _, v := range a {
		if !oneOf(v, b) {
			return false
		}
	}
	return len(a) == len(b)
}

var setSource = kit.Spec[followArgs]{
	Name: "oceanbase.set_source", Kind: dr.KindChange,
	Doc:      "ALTER SYSTEM SET LOG_RESTORE_SOURCE at a standby: where it takes its log from. A wrong tenant is not noticed by the statement; the wait behind it sees STANDBY LOG NOT MATCH. Manual: physical standby database, log restore source.",
	Check:    followArgs.check,
	Commands: func(a followArgs) []dr.Command { return a.On.command(setSourceTo(a.On, a.Source)) },
	Probe: func(ctx context.Context, env kit.Env, a followArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partSource)
		if err != nil {
			return notRead(err)
		}
		switch {
		case a.names(r.Source):
			return kit.Done("%s %s", a.On.Site, r.sourceText())
		case r.NoSource || r.Source != nil:
			return kit.NotDone("%s %s", a.On.Site, r.sourceText())
		}
		return kit.NotKnown("the source of %s was not read: %s", a.On.Site, r.sourceText())
	},
	Guard: func(ctx context.Context, env kit.Env, a followArgs) (kit.HostTime, error) { return a.guard(ctx, env) },
	Act: func(ctx context.Context, env kit.Env, a followArgs) error {
		return a.On.run(ctx, env, "SET LOG_RESTORE_SOURCE", setSourceTo(a.On, a.Source), a.isStandby)
	},
	Lock: settingLock, ActWithin: sqlWithin,
	ProofText: func(a followArgs) string {
		return a.On.view("TYPE", "CDB_OB_LOG_RESTORE_SOURCE") + " at " + a.On.Site + " has a row whose VALUE names " + a.Primary.Site + " (a secret stands in it, so do not copy it)"
	},
	GuardText: func(a followArgs) string {
		return a.On.Site + " is STANDBY, NORMAL, NORMAL; " + a.Primary.Site + " is PRIMARY, NORMAL, NORMAL"
	},
	Settle: settleShort,
}

var recoverUnlimited = kit.Spec[followArgs]{
	Name: "oceanbase.recover_unlimited", Kind: dr.KindChange,
	Doc:      "ALTER SYSTEM RECOVER STANDBY ... UNTIL UNLIMITED: the standby follows without end. A restored tenant does not follow until this is run. Manual: physical standby database, recover a standby tenant.",
	Check:    followArgs.check,
	Commands: func(a followArgs) []dr.Command { return a.On.command(recoverStandby(a.On, "UNTIL UNLIMITED")) },
	Probe: func(ctx context.Context, env kit.Env, a followArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partTenant)
		if err != nil {
			return notRead(err)
		}
		if r.Tenant.Role == roleStandby && r.Tenant.Until == maxSCN {
			return kit.Done("RECOVERY_UNTIL_SCN of %s is unlimited", a.On.Site)
		}
		return kit.NotDone("RECOVERY_UNTIL_SCN of %s is %s", a.On.Site, r.Tenant.Until)
	},
	Guard: func(ctx context.Context, env kit.Env, a followArgs) (kit.HostTime, error) { return a.guard(ctx, env) },
	Act: func(ctx context.Context, env kit.Env, a followArgs) error {
		return a.On.run(ctx, env, "RECOVER STANDBY", recoverStandby(a.On, "UNTIL UNLIMITED"), a.isStandby)
	},
	Lock: settingLock, ActWithin: sqlWithin,
	ProofText: func(a followArgs) string {
		return a.On.view("RECOVERY_UNTIL_SCN", "DBA_OB_TENANTS") + " at " + a.On.Site + " gives " + fmt.Sprint(maxSCN)
	},
	GuardText: func(a followArgs) string {
		return a.On.Site + " is STANDBY, NORMAL, NORMAL; " + a.Primary.Site + " is PRIMARY, NORMAL, NORMAL"
	},
	Settle: settleShort,
}
