package oceanbase

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions are all actions of the adapter.
func (Adapter) Actions() []kit.Action {
	return []kit.Action{
		switchToStandby.Action(), switchBack.Action(), switchToPrimary.Action(), activateStandby.Action(),
		verifyToStandby.Action(), verifyToPrimary.Action(), verifyActivate.Action(),
		proveCaughtUp.Action(), waitReady.Action(), checkPrimary.Action(), waitFetching.Action(),
		setSource.Action(), recoverUnlimited.Action(),
		startArchive.Action(), waitArchive.Action(), backup.Action(), waitBackup.Action(),
		retire.Action(), unretire.Action(), dropTenant.Action(), createStandby.Action(), restoreTenant.Action(), waitRestored.Action(),
		pauseRecovery.Action(), clearSource.Action(), flashbackLog.Action(),
	}
}

// planner makes one plan. It only reads its fields.
type planner struct {
	s  *system
	in kit.PlanInput
	d  *kit.Draft
	rs map[string]Reading
}

// Plan puts OceanBase's steps into the draft.
func (s *system) Plan(in kit.PlanInput, d *kit.Draft) error {
	p := &planner{s: s, in: in, d: d, rs: kit.Details[Reading](in.Situation)}
	if err := p.common(); err != nil {
		return err
	}
	return kit.Procedures{Takeover: p.takeover, Failback: p.failback, Reseed: p.reseed}.Plan("OceanBase", in.Request)
}

// common refuses what no procedure may go on with.
func (p *planner) common() error {
	if prim := p.in.Situation.Primaries(); len(prim) > 1 {
		return dr.Refuse("two_primaries", "two sites accept writes: %s", strings.Join(prim, " and ")).
			WithNext("stop the clients of one of them now and decide by hand which data counts; at the other, ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = its tenant makes it read-only and keeps its data; then fail back or reseed")
	}
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if !ok || r.VersionText == "" {
			continue
		}
		if r.Unread["version"] != "" || !r.Version.least(oldest) {
			return dr.Refuse("version", "%s runs %q; OceanBase 4.1 is the oldest supported", st.Name, r.VersionText).
				WithNext("upgrade, or change roles by hand")
		}
		if r.Unread["cluster_id"] != "" || r.Cluster == 0 {
			return dr.Refuse("no_identity", "the cluster_id of %s could not be read: %s", st.Name, kit.OrNotRead(r.Unread["cluster_id"])).
				WithNext("let the login read oceanbase.GV$OB_PARAMETERS")
		}
	}
	return nil
}

// place gives a site's place with the observed identities.
func (p *planner) place(name string) Place {
	st, _ := p.s.site(name)
	r := p.rs[name]
	st.Place.Cluster = r.Cluster
	if r.Tenant != nil {
		st.Place.TenantID = r.Tenant.ID
	}
	return st.Place
}

// verifies says whether VERIFY really checks in a site's tenant.
func (p *planner) verifies(name string) bool {
	r := p.rs[name]
	v := r.Version
	if r.Tenant != nil && r.Tenant.Compatible != nil && v.least(*r.Tenant.Compatible) {
		v = *r.Tenant.Compatible
	}
	return v.verifies()
}

// sides are the two sites of a change of roles.
type sides struct {
	// Old gives up the primary role, New gets it.
	Old, New string
	Others   []string
}

// find finds who is, or was, the primary.
func (p *planner) find(to string) (sides, error) {
	v := sides{Old: p.s.sites.OldPrimary(p.in.Situation, to, p.s.upstream(to, p.rs[to], p.rs)), New: to}
	if _, ok := p.s.site(v.Old); !ok || v.Old == to {
		return v, dr.Refuse("no_primary", "no site of %s says that it is, or was, the primary", p.s.name).
			WithNext("find out by hand which site was the primary and make it readable")
	}
	for _, st := range p.s.sites {
		if st.Name != v.Old && st.Name != to {
			v.Others = append(v.Others, st.Name)
		}
	}
	return v, nil
}

// promotable refuses a site that must not become primary.
func (p *planner) promotable(v sides, resume ...string) error {
	r, ok := p.rs[v.New]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read, so it cannot be promoted", v.New).WithNext("bring an observer of it back, or choose another site")
	}
	t := r.Tenant
	switch {
	case r.Missing:
		return dr.Refuse("no_tenant", "there is no tenant %s at %s", p.place(v.New).Tenant, v.New).WithNext("correct the tenant's name in the inventory, or reseed %s", v.New)
	case t == nil:
		return dr.Refuse("unreadable", "the tenant at %s was not recognised: %s", v.New, r.summary()).WithNext("look at it by hand, or choose another site")
	case t.Role != roleStandby || t.Recycled:
		return dr.Refuse("no_standby", "%s is no standby: %s", v.New, r.summary()).WithNext("choose another site, or reseed %s", v.New)
	case t.Status != statusNormal:
		return dr.Refuse("not_normal", "the tenant at %s has the status %s", v.New, t.Status).WithNext("wait until it is NORMAL, or choose another site")
	case t.Locked:
		return dr.Refuse("locked", "the tenant at %s is locked: its clients could not log in", v.New).WithNext("ALTER TENANT %s UNLOCK at %s", t.Name, v.New)
	case t.Switchover == switchNormal || oneOf(t.Switchover, resume):
	case t.Switchover == prepPrimary:
		return dr.Refuse("stuck_switchover", "%s waits in PREPARE SWITCHING TO PRIMARY: the server refuses ACTIVATE STANDBY there, and only SWITCHOVER TO PRIMARY goes on", v.New).
			WithNext("bring %s back read-only and use mode \"planned\", which resumes; if it is lost, call the vendor's support, or take over to another site", v.Old)
	default:
		return dr.Refuse("half_way", "%s is within another change of roles: SWITCHOVER_STATUS is %s", v.New, kit.OrNotRead(t.Switchover)).
			WithNext("let the statement that was started there finish, by sending the same again; then start anew")
	}
	if _, ok := r.cut(); !ok || r.Unread["streams"] != "" {
		return dr.Refuse("no_position", "the SYNC_SCN of %s could not be read: %s", v.New, kit.OrNotRead(r.Unread["streams"])).WithNext("look at CDB_OB_LS at %s, or choose another site", v.New)
	}
	return nil
}

// role gives the arguments of a change of roles.
func (p *planner) role(on, other string) roleArgs {
	a := roleArgs{
		On: p.place(on), Other: p.place(other), Timeout: p.s.set.statement.Milliseconds(), Lag: p.s.set.maxLag.Milliseconds(), Verifies: p.verifies(on),
	}
	if t := p.rs[on].Tenant; t != nil {
		a.Epoch = t.Epoch
	}
	return a
}

func (p *planner) add(ph dr.Phase, st dr.Step) { p.d.Add(ph, kit.PlaceProduct, st) }

// sqlWhere tells where statements of a step run, for consequences.
func (p *planner) tenantAt(site string) string {
	return fmt.Sprintf("tenant %s at %s", p.place(site).Tenant, site)
}
