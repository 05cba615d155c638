package oceanbase

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// rebuildArgs are the arguments of what takes the old tenant away and makes a
// new one in its place.
type rebuildArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
	// Old is the TENANT_ID of the tenant that is replaced; 0 when there is
	// none. Aside is the name that it gets; it carries the run.
	Old   int64  `json:"old,omitempty"`
	Aside string `json:"aside,omitempty"`
	Run   string `json:"run"`
	// Pool, Zone and Locality are the new tenant's.
	Pool     string `json:"pool"`
	Zone     string `json:"zone,omitempty"`
	Locality string `json:"locality,omitempty"`
	// Source is for CREATE STANDBY TENANT, Data and Archive for RESTORE.
	Source  *Source `json:"source,omitempty"`
	Data    string  `json:"data,omitempty"`
	Archive string  `json:"archive,omitempty"`
	Key     string  `json:"key,omitempty"`
}

func (a rebuildArgs) check() error {
	err := kit.Checks(a.On.Check(), a.Primary.known(), kit.Match(kit.RunID, "run", a.Run), kit.Match(identifier, "resource pool", a.Pool))
	for _, v := range []struct {
		what, value string
		ok          func(string) bool
	}{
		{"name", a.Aside, identifier.MatchString},
		{"primary zone", a.Zone, zoneList.MatchString},
		{"locality", a.Locality, locality.MatchString},
		{"data destination", a.Data, destination.MatchString},
		{"archive destination", a.Archive, destination.MatchString},
		{"key", a.Key, func(s string) bool { return dr.CheckName("credential", s) == nil }},
	} {
		if v.value != "" && !v.ok(v.value) {
			err = kit.Checks(err, fmt.Errorf("the %s %q is not allowed", v.what, dr.Clip(v.value, 80)))
		}
	}
	if a.Source != nil {
		err = kit.Checks(err, a.Source.Check())
	}
	if a.On.Own || a.Old < 0 || (a.Old == 0) != (a.Aside == "") {
		err = kit.Checks(err, fmt.Errorf("a rebuild needs the sys tenant, and a name for the tenant that is replaced"))
	}
	return err
}

func (a rebuildArgs) rename(from, to string) statement {
	return statement("ALTER TENANT " + quoteName(from) + " RENAME GLOBAL_NAME TO " + quoteName(to))
}

// mark is how this run's restore is told from others.
func (a rebuildArgs) mark() string { return "switchback-" + a.Run }

func (a rebuildArgs) restore() statement {
	pool := "pool_list=" + a.Pool
	if a.Locality != "" {
		pool += "&locality=" + a.Locality
	}
	if a.Zone != "" {
		pool += "&primary_zone=" + a.Zone
	}
	return statement("ALTER SYSTEM RESTORE " + quoteName(a.On.Tenant) + " FROM " + quoteText(withKey(a.Data, a.Key)+","+withKey(a.Archive, a.Key)) +
		" WITH " + quoteText(pool) + " DESCRIPTION " + quoteText(a.mark()))
}

func (a rebuildArgs) create() statement {
	q := "CREATE STANDBY TENANT " + quoteName(a.On.Tenant) + " LOG_RESTORE_SOURCE = " + quoteText(a.Source.value()) + ", RESOURCE_POOL_LIST = (" + quoteText(a.Pool) + ")"
	if a.Locality != "" {
		q += ", LOCALITY = " + quoteText(a.Locality)
	}
	if a.Zone != "" {
		q += ", PRIMARY_ZONE = " + quoteText(a.Zone)
	}
	return statement(q)
}

// byID finds a tenant by its number: name "" when it is not there.
func (p Place) byID(ctx context.Context, env kit.Env, id int64) (name string, err error) {
	s, err := p.open(ctx, env, readPatience)
	if err != nil {
		return "", err
	}
	defer s.close()
	r, err := s.read(ctx, partTenant)
	if err != nil {
		return "", err
	}
	if r.Unread["tenant"] != "" || r.Unread["version"] != "" || r.Cluster != p.Cluster {
		return "", dr.Hold("unread", "the tenants at %s were not recognised: %s", p.Site, r.summary())
	}
	rows, err := s.query(ctx, "SELECT TENANT_ID, TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = "+number(id))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	c := &columns{r: rows[0]}
	name = c.text("TENANT_NAME")
	if c.number("TENANT_ID") != id || c.err != nil || len(rows) > 1 {
		return "", dr.Hold("unread", "the tenant %d at %s was not recognised", id, p.Site)
	}
	return name, nil
}

// primaryServes makes sure that what the rebuild copies from is the primary.
func (a rebuildArgs) primaryServes(ctx context.Context, env kit.Env) error {
	r, err := a.Primary.look(ctx, env, partTenant)
	if err == nil && !r.Tenant.is(rolePrimary) {
		err = kit.No("%s is not the primary at rest: %s", a.Primary.Site, r.summary())
	}
	return err
}

// nameIs probes the name of the old tenant.
func (a rebuildArgs) nameIs(want string) func(context.Context, kit.Env) kit.Effect {
	return func(ctx context.Context, env kit.Env) kit.Effect {
		name, err := a.On.byID(ctx, env, a.Old)
		switch {
		case err != nil:
			return notRead(err)
		case name == want:
			return kit.Done("the tenant %d at %s is named %s", a.Old, a.On.Site, want)
		case name == "" && want == a.Aside:
			return kit.Done("the tenant %d is not at %s any more", a.Old, a.On.Site)
		case name == a.Aside || name == a.On.Tenant:
			return kit.NotDone("the tenant %d at %s is named %s", a.Old, a.On.Site, name)
		}
		return kit.NotKnown("the tenant %d at %s is named %q", a.Old, a.On.Site, clip(name, 70))
	}
}

var retire = kit.Spec[rebuildArgs]{
	Name: "oceanbase.retire_tenant", Kind: dr.KindChange,
	Doc:      "ALTER TENANT ... RENAME GLOBAL_NAME TO: the old tenant gives up its name and keeps its data. Manual: tenant management, rename a tenant.",
	Check:    rebuildArgs.check,
	Commands: func(a rebuildArgs) []dr.Command { return a.On.command(a.rename(a.On.Tenant, a.Aside)) },
	Probe:    func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect { return a.nameIs(a.Aside)(ctx, env) },
	Guard: func(ctx context.Context, env kit.Env, a rebuildArgs) (kit.HostTime, error) {
		r, err := a.On.look(ctx, env, partTenant)
		switch {
		case err != nil:
			return 0, err
		case r.Tenant.ID != a.Old:
			return 0, kit.No("the tenant %s at %s has TENANT_ID %d, the plan replaces %d", a.On.Tenant, a.On.Site, r.Tenant.ID, a.Old)
		case r.accepts() == dr.Yes:
			return 0, kit.No("%s accepts writes: %s", a.On.Site, r.summary())
		}
		return 0, a.primaryServes(ctx, env)
	},
	Act: func(ctx context.Context, env kit.Env, a rebuildArgs) error {
		return a.On.run(ctx, env, "RENAME", a.rename(a.On.Tenant, a.Aside), func(r Reading) error {
			if r.Tenant == nil || r.Tenant.ID != a.Old {
				return kit.No("the tenant %s at %s is not number %d any more", a.On.Tenant, a.On.Site, a.Old)
			}
			return nil
		})
	},
	// Nothing on the server keeps a late second rename from the new tenant of
	// the name, once the old one is dropped: only time does, so no Lock.
	ActWithin: 15 * time.Second,
	ProofText: func(a rebuildArgs) string {
		return fmt.Sprintf("SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = %d at %s gives %s", a.Old, a.On.Site, a.Aside)
	},
	GuardText: func(a rebuildArgs) string {
		return fmt.Sprintf("the tenant %s at %s has TENANT_ID %d and takes no writes; %s is PRIMARY, NORMAL, NORMAL", a.On.Tenant, a.On.Site, a.Old, a.Primary.Site)
	},
	Settle: settleShort,
}

var unretire = kit.Spec[rebuildArgs]{
	Name: "oceanbase.unretire_tenant", Kind: dr.KindChange,
	Doc:      "ALTER TENANT ... RENAME GLOBAL_NAME TO: gives the old tenant its name back, while no other tenant has it.",
	Check:    rebuildArgs.check,
	Commands: func(a rebuildArgs) []dr.Command { return a.On.command(a.rename(a.Aside, a.On.Tenant)) },
	Probe: func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect {
		return a.nameIs(a.On.Tenant)(ctx, env)
	},
	Guard: func(ctx context.Context, env kit.Env, a rebuildArgs) (kit.HostTime, error) {
		r, err := a.On.read(ctx, env, partTenant)
		if err == nil && (!r.Missing || r.Cluster != a.On.Cluster) {
			err = kit.No("there is a tenant %s at %s already: %s", a.On.Tenant, a.On.Site, r.summary())
		}
		return 0, err
	},
	Act: func(ctx context.Context, env kit.Env, a rebuildArgs) error {
		return a.On.run(ctx, env, "RENAME", a.rename(a.Aside, a.On.Tenant), nil)
	},
	ActWithin: 15 * time.Second,
	ProofText: func(a rebuildArgs) string {
		return fmt.Sprintf("SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = %d at %s gives %s", a.Old, a.On.Site, a.On.Tenant)
	},
	GuardText: func(a rebuildArgs) string { return "no tenant at " + a.On.Site + " is named " + a.On.Tenant },
	Settle:    settleShort,
}

var dropTenant = kit.Spec[rebuildArgs]{
	Name: "oceanbase.drop_tenant", Kind: dr.KindIrreversible,
	Doc:   "DROP TENANT ... FORCE of the tenant that was renamed by this run: its data are gone at once, its resource pool is free. Manual: tenant management, delete a tenant.",
	Check: rebuildArgs.check,
	Commands: func(a rebuildArgs) []dr.Command {
		return a.On.command(statement("DROP TENANT " + quoteName(a.Aside) + " FORCE"))
	},
	Probe: func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect {
		name, err := a.On.byID(ctx, env, a.Old)
		switch {
		case err != nil:
			return notRead(err)
		case name == "":
			return kit.Done("the tenant %d is not at %s any more", a.Old, a.On.Site)
		}
		return progress(env, "the tenant %d at %s is still there as %s", a.Old, a.On.Site, clip(name, 70))
	},
	Guard: func(ctx context.Context, env kit.Env, a rebuildArgs) (kit.HostTime, error) {
		name, err := a.On.byID(ctx, env, a.Old)
		if err == nil && name != a.Aside {
			err = kit.No("the tenant %d at %s is named %q, not %s", a.Old, a.On.Site, clip(name, 70), a.Aside)
		}
		if err != nil {
			return 0, err
		}
		return 0, a.primaryServes(ctx, env)
	},
	Act: func(ctx context.Context, env kit.Env, a rebuildArgs) error {
		return a.On.run(ctx, env, "DROP TENANT", statement("DROP TENANT "+quoteName(a.Aside)+" FORCE"), nil)
	},
	Lock: "the name carries the run: no other tenant has it", ActWithin: sqlWithin,
	ProofText: func(a rebuildArgs) string {
		return fmt.Sprintf("oceanbase.DBA_OB_TENANTS at %s has no TENANT_ID %d", a.On.Site, a.Old)
	},
	GuardText: func(a rebuildArgs) string {
		return fmt.Sprintf("the tenant %d at %s is named %s; %s is PRIMARY, NORMAL, NORMAL", a.Old, a.On.Site, a.Aside, a.Primary.Site)
	},
	Settle: 30 * time.Second,
}

// guardEmpty: the name is free, and the copy comes from the primary.
func (a rebuildArgs) guardEmpty(ctx context.Context, env kit.Env) (kit.HostTime, error) {
	r, err := a.On.read(ctx, env, partTenant)
	switch {
	case err != nil:
	case r.Tenant != nil && strings.HasPrefix(r.Tenant.Status, "CREATING"):
		err = dr.Retry("creating", "the tenant %s at %s is being made", a.On.Tenant, a.On.Site)
	case !r.Missing || r.Cluster != a.On.Cluster:
		err = kit.No("there is a tenant %s at %s already: %s", a.On.Tenant, a.On.Site, r.summary()).WithNext("take it away by hand when it is a broken rest of an earlier restore; then retry")
	}
	if err != nil {
		return 0, err
	}
	return 0, a.primaryServes(ctx, env)
}

func (a rebuildArgs) emptyText() string {
	return "no tenant at " + a.On.Site + " is named " + a.On.Tenant + "; " + a.Primary.Site + " is PRIMARY, NORMAL, NORMAL"
}

// fresh judges the tenant that stands under the name now.
func (a rebuildArgs) fresh(ctx context.Context, env kit.Env) (Reading, kit.Effect) {
	r, err := a.On.read(ctx, env, partTenant)
	switch {
	case err != nil:
		return r, notRead(err)
	case r.Missing && r.Cluster == a.On.Cluster:
		return r, kit.NotDone("there is no tenant %s at %s", a.On.Tenant, a.On.Site)
	case r.Tenant == nil || r.Cluster != a.On.Cluster:
		return r, kit.NotKnown("%s: %s", a.On.Site, r.summary())
	case r.Tenant.ID == a.Old:
		return r, kit.NotDone("the tenant at %s is still the old one", a.On.Site)
	}
	return r, kit.Done("the tenant %s at %s has TENANT_ID %d: %s, %s", a.On.Tenant, a.On.Site, r.Tenant.ID, kit.OrNotRead(r.Tenant.Role), r.Tenant.Status)
}

const nameLock = "the tenant's name: a second tenant of the same name is refused (error 5156)"

var createStandby = kit.Spec[rebuildArgs]{
	Name: "oceanbase.create_standby", Kind: dr.KindIrreversible,
	Doc: "CREATE STANDBY TENANT from a network source that still has all its log since the tenant was created. The statement blocks until the tenant is NORMAL or has failed (error 4765). Manual: physical standby database, create an empty standby tenant.",
	Check: func(a rebuildArgs) error {
		if a.Source == nil || a.Source.Location != "" {
			return fmt.Errorf("CREATE STANDBY TENANT needs a network source")
		}
		return a.check()
	},
	Commands: func(a rebuildArgs) []dr.Command { return a.On.command(a.create()) },
	Probe: func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect {
		r, e := a.fresh(ctx, env)
		if e.State == kit.EffectDone && !r.Tenant.is(roleStandby) {
			return progress(env, "%s", e.Text)
		}
		return e
	},
	Guard: func(ctx context.Context, env kit.Env, a rebuildArgs) (kit.HostTime, error) {
		return a.guardEmpty(ctx, env)
	},
	Act: func(ctx context.Context, env kit.Env, a rebuildArgs) error {
		return a.On.run(ctx, env, "CREATE STANDBY TENANT", a.create(), nil)
	},
	Lock: nameLock, ActWithin: time.Hour,
	ProofText: func(a rebuildArgs) string {
		return a.On.view(roleColumns, "DBA_OB_TENANTS") + " at " + a.On.Site + " gives STANDBY, NORMAL, NORMAL"
	},
	GuardText: rebuildArgs.emptyText,
	Settle:    30 * time.Second,
}

var restoreTenant = kit.Spec[rebuildArgs]{
	Name: "oceanbase.restore_tenant", Kind: dr.KindIrreversible,
	Doc: "ALTER SYSTEM RESTORE ... FROM 'data,archive': starts to make a standby tenant out of the primary's backup. Its description carries the run. Manual: backup and restore, physical restore.",
	Check: func(a rebuildArgs) error {
		if a.Data == "" || a.Archive == "" {
			return fmt.Errorf("RESTORE needs the data and the archive destination")
		}
		return a.check()
	},
	Commands: func(a rebuildArgs) []dr.Command { return a.On.command(a.restore()) },
	Probe: func(ctx context.Context, env kit.Env, a rebuildArgs) kit.Effect {
		if _, e := a.fresh(ctx, env); e.State != kit.EffectNotDone {
			return e
		}
		status, err := a.restoring(ctx, env)
		switch {
		case err != nil:
			return notRead(err)
		case status != "":
			return kit.Done("the restore %s at %s is %s", a.mark(), a.On.Site, status)
		}
		return kit.NotDone("there is no tenant %s at %s and no restore of this run", a.On.Tenant, a.On.Site)
	},
	Guard: func(ctx context.Context, env kit.Env, a rebuildArgs) (kit.HostTime, error) {
		return a.guardEmpty(ctx, env)
	},
	Act: func(ctx context.Context, env kit.Env, a rebuildArgs) error {
		return a.On.run(ctx, env, "RESTORE", a.restore(), nil)
	},
	Lock: nameLock, ActWithin: sqlWithin,
	ProofText: func(a rebuildArgs) string {
		return "oceanbase.CDB_OB_RESTORE_PROGRESS at " + a.On.Site + " has a row with DESCRIPTION " + a.mark()
	},
	GuardText: rebuildArgs.emptyText,
	Settle:    5 * time.Second,
}
