package oceanbase

import (
	"context"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// restoring gives the state of this run's restore: "" when there is none.
func (a rebuildArgs) restoring(ctx context.Context, env kit.Env) (string, error) {
	s, err := a.On.open(ctx, env, readPatience)
	if err != nil {
		return "", err
	}
	defer s.close()
	for _, view := range []string{"CDB_OB_RESTORE_HISTORY", "CDB_OB_RESTORE_PROGRESS"} {
		rows, err := s.query(ctx, "SELECT TENANT_ID, STATUS FROM oceanbase."+view+" WHERE DESCRIPTION = "+quoteText(a.mark()))
		if err != nil {
			return "", err
		}
		for _, v := range rows {
			c := &columns{r: v}
			if c.number("TENANT_ID") == 1 {
				return c.word("STATUS"), c.err
			}
		}
	}
	return "", nil
}

var waitRestored = kit.Spec[rebuildArgs]{
	Name: "oceanbase.wait_restored", Kind: dr.KindRead,
	Doc:   "Waits until the restore of this run stands in CDB_OB_RESTORE_HISTORY as SUCCESS and the tenant is STANDBY, NORMAL. That its progress row has vanished is no success.",
	Check: rebuildArgs.check,
	Commands: func(a rebuildArgs) []dr.Command {
		return a.On.command(statement("SELECT TENANT_ID, STATUS FROM oceanbase.CDB_OB_RESTORE_HISTORY WHERE DESCRIPTION = " + quoteText(a.mark())))
	},
	Probe: func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect {
		status, err := a.restoring(ctx, env)
		if err != nil {
			return notRead(err)
		}
		r, e := a.fresh(ctx, env)
		if e.State == kit.EffectUnknown {
			return e
		}
		p := progress(env, "the restore at %s is %s; %s", a.On.Site, kit.OrNotRead(status), r.summary())
		switch {
		case strings.Contains(status, "FAIL"):
			p.Never = dr.Hold("restore_failed", "the restore of %s at %s failed (%s)", a.On.Tenant, a.On.Site, status).
				WithNext("read COMMENT in CDB_OB_RESTORE_HISTORY; ALTER SYSTEM CANCEL RESTORE or DROP TENANT the rest, which keeps the pool in use; then replan")
		case status == "SUCCESS" && e.State == kit.EffectDone && r.Tenant.is(roleStandby):
			return kit.Done("%s is restored: %s", a.On.Site, e.Text)
		}
		return p
	},
	ProofText: func(a rebuildArgs) string {
		return "CDB_OB_RESTORE_HISTORY at " + a.On.Site + " says SUCCESS for DESCRIPTION " + a.mark() + "; DBA_OB_TENANTS says STANDBY, NORMAL, NORMAL"
	},
	Poll: time.Second,
}
