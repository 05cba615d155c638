package oceanbase

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func (p *planner) takeover() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	if p.rs[to].Tenant.is(rolePrimary) {
		return p.alreadyPrimary(to)
	}
	v, err := p.find(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = v.Old, v.New
	if p.in.Request.Mode == dr.ModePlanned {
		return p.planned(v, kit.TakeoverPhases)
	}
	return p.unplanned(v)
}

// planned is a change of roles without loss: SWITCHOVER TO STANDBY, proof, then
// SWITCHOVER TO PRIMARY. Between the two both tenants are standbys: that moment
// is short, and is resumed, not restarted.
func (p *planner) planned(v sides, ph kit.PhaseNames) error {
	if err := p.promotable(v, prepPrimary, flashing, becomingPrim); err != nil {
		return err
	}
	if err := p.plannable(v); err != nil {
		return err
	}
	p.stepsDemote(v, ph)
	p.stepsPromote(v, ph)
	p.d.Empty(ph.Redirect, "OceanBase itself redirects nobody: clients, proxies and services are told by their own steps")
	p.stepCheckPrimary(ph.Verify, v.New)
	p.protect(v.New, ph.Protect)
	p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "its tenant is switched to standby by the server itself and refuses writes (error 4688), also after a restart"})
	if ph.Stop == dr.PhaseIsolate {
		p.d.BackTo = dr.PhasePrepare
	}
	p.d.Loss = dr.Loss{
		Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: 0},
		Why: "the promotion waits for the proof that the log of " + v.New + " ends where that of " + v.Old + " ends, in every log stream; without it " + v.Old + " is switched back",
	}
	p.d.Outage = "seconds, from the switch of " + v.Old + " to standby to the promotion of " + v.New
	p.d.Consequence("Transactions that are open at %s are rolled back; its sessions get error 4688 on writes until they reach %s.", v.Old, v.New)
	p.d.Consequence("Between the two switches both tenants are standbys: nobody accepts writes then. A run that is broken off there is resumed by starting it again.")
	p.d.Consequence("Cluster and tenant parameters are not replicated: what was set at %s only is not set at %s.", v.Old, v.New)
	if !p.verifies(v.Old) || !p.verifies(v.New) {
		p.d.Consequence("VERIFY of this version checks nothing (it answers OK without looking), so it is not used: the steps' own guards check instead.")
	}
	return nil
}

// plannable refuses what would make a planned change of roles lose or hang.
func (p *planner) plannable(v sides) error {
	old, ok := p.rs[v.Old]
	if !ok || old.Tenant == nil {
		return dr.Refuse("primary_unreadable", "%s could not be read: a planned takeover needs both sides", v.Old).WithNext(`use mode "unplanned" if %s is lost`, v.Old)
	}
	switch t := old.Tenant; {
	case t.Recycled || t.Role != rolePrimary && t.Role != roleStandby || t.Status != statusNormal:
		return dr.Refuse("no_primary", "%s is neither primary nor switched to standby: %s", v.Old, old.summary()).WithNext(`look at it by hand, or use mode "unplanned"`)
	case t.Locked:
		return dr.Refuse("locked", "the tenant at %s is locked, and the server then refuses the promotion of %s", v.Old, v.New).WithNext("ALTER TENANT %s UNLOCK at %s", t.Name, v.Old)
	case t.Switchover != switchNormal && t.Switchover != prepStandby && t.Switchover != becomingStby:
		return dr.Refuse("half_way", "%s is within another change of roles: SWITCHOVER_STATUS is %s", v.Old, kit.OrNotRead(t.Switchover)).WithNext("let the statement that was started there finish; then start anew")
	case t.Role == rolePrimary && t.Until != maxSCN:
		return dr.Refuse("recovery_until", "RECOVERY_UNTIL_SCN of the primary %s is %s, not unlimited", v.Old, t.Until).WithNext("call the vendor's support: a primary's is always unlimited")
	}
	if err := p.sourceOf(v); err != nil {
		return err
	}
	return p.servable(v)
}

// sourceOf refuses a standby that does not take its log from the primary. With
// no source at all the server would skip its catch-up check; we do not.
func (p *planner) sourceOf(v sides) error {
	r, old := p.rs[v.New], p.rs[v.Old]
	up, _ := p.s.site(v.Old)
	switch {
	case r.NoSource:
		return dr.Refuse("no_source", "%s has no LOG_RESTORE_SOURCE: the server would promote it without a catch-up check", v.New).
			WithNext(`set it again, or, when %s is lost, use mode "unplanned"`, v.Old)
	case r.Source == nil:
		return dr.Refuse("source_unread", "the LOG_RESTORE_SOURCE of %s could not be read: %s", v.New, r.sourceText()).WithNext("let the login read the view; before 4.2 change roles by hand")
	case !p.s.from(r, up, old):
		return dr.Refuse("other_source", "%s %s, which is not %s in the inventory", v.New, r.sourceText(), v.Old).WithNext("correct source_addresses or archive_dest of %s, or set the source of %s", v.Old, v.New)
	}
	h, text := r.fetching()
	switch {
	case r.Tenant.Switchover != switchNormal || h == healthGood:
	case h == healthLost:
		return dr.Refuse("diverged", "%s can never catch up with %s: %s", v.New, v.Old, text).WithNext("reseed %s", v.New)
	default:
		return dr.Refuse("not_fetching", "%s does not fetch the log of %s: %s", v.New, v.Old, text).WithNext("repair replication, or reseed %s", v.New)
	}
	end, _ := old.endSCN()
	if c, _ := r.cut(); old.Tenant.Role == rolePrimary && r.Tenant.Switchover == switchNormal && ahead(end, c) > p.s.set.maxLag {
		return dr.Refuse("lag", "%s is %s behind, the limit is %s", v.New, dr.SpanText(ahead(end, c)), dr.SpanText(p.s.set.maxLag)).WithNext("wait until it has caught up, or raise max_lag")
	}
	return p.archivable(v)
}

// archivable wants the standby's own archive on, where standbys live on archives:
// the former primary follows it afterwards.
func (p *planner) archivable(v sides) error {
	if p.s.set.Source != sourceArchive {
		return nil
	}
	if a := p.rs[v.New].Archive; a == nil || a.Status != "DOING" {
		return dr.Refuse("archive_off", "the log archive of %s is not DOING: %s could not follow it afterwards", v.New, v.Old).
			WithNext("ALTER SYSTEM SET LOG_ARCHIVE_DEST and ARCHIVELOG for the tenant at %s", v.New)
	}
	return nil
}

// servable refuses what the server itself would refuse, before anything is
// changed, and versions that do not fit.
func (p *planner) servable(v sides) error {
	for _, n := range []string{v.New, v.Old} {
		r := p.rs[n]
		ok, text, wait := r.serving()
		switch {
		case ok == dr.Yes:
		case ok == dr.Unknown && r.Unread["servers"] == serversUnread:
			p.d.Consequence("The servers of %s cannot be seen by the tenant's own login; the server's own checks decide.", n)
		case ok == dr.Unknown:
			return dr.Refuse("servers_unread", "%s: %s", n, text).WithNext("let the login read DBA_OB_SERVERS, DBA_OB_UNITS and GV$OB_LOG_STAT")
		case wait > 0:
			return dr.Refuse("server_offline", "%s: %s", n, text).WithNext("start the server again, or wait %s; server_permanent_offline_time says how long", dr.SpanText(wait))
		default:
			return dr.Refuse("server_offline", "%s: %s", n, text).WithNext("see to the server or its replicas, then start again")
		}
	}
	if a, b := p.rs[v.Old].Cluster, p.rs[v.New].Cluster; a == b && !share(p.place(v.Old).Addresses, p.place(v.New).Addresses) {
		return dr.Refuse("same_cluster_id", "%s and %s are two clusters with the same cluster_id %d: the server would not let %s follow %s afterwards", v.Old, v.New, a, v.Old, v.New).
			WithNext("give one of the clusters another cluster_id")
	}
	if a, b := p.rs[v.Old].Version, p.rs[v.New].Version; a != b {
		if !b.least(a) {
			return dr.Refuse("older_version", "%s runs %s and %s runs %s: a standby must not be older", v.Old, a, v.New, b).WithNext("upgrade the cluster of %s", v.New)
		}
		return dr.Refuse("newer_version", "%s runs %s and %s runs %s: %s could not follow afterwards", v.Old, a, v.New, b, v.Old).WithNext("upgrade the cluster of %s first", v.Old)
	}
	return nil
}

// stepsDemote switches the primary to standby, with the way back.
func (p *planner) stepsDemote(v sides, ph kit.PhaseNames) {
	src, _ := p.s.site(v.Old)
	from := p.s.source(src)
	a := p.role(v.Old, v.New)
	a.Source = &from
	if p.rs[v.Old].Tenant.Role == rolePrimary && p.verifies(v.Old) {
		p.add(ph.Prepare, verifyToStandby.Step(kit.At{
			Phase: ph.Prepare, Slug: "verify-to-standby", Site: v.Old, Title: "Ask " + v.Old + " whether it can become a standby now", Timeout: time.Minute,
			Why: "the server's own check, while nothing is changed yet",
		}, a))
	} else {
		p.d.Empty(ph.Prepare, "nothing can be done before the switch: this version has no check of its own, or %s is a standby already", v.Old)
	}
	u := p.undoDemote(v, ph.Stop, "undo-to-standby")
	p.add(ph.Stop, switchToStandby.Step(kit.At{
		Phase: ph.Stop, Slug: "to-standby", Site: v.Old, Title: "Switch " + v.Old + " to standby", Timeout: p.roleTimeout(), Undo: &u, StopsClients: true,
		Why: "from here on it refuses writes, and its log has an end that " + v.New + " can reach",
	}, a))
}

func (p *planner) undoDemote(v sides, ph dr.Phase, slug string) dr.Step {
	a := p.role(v.Old, v.New)
	return switchBack.Step(kit.At{
		Phase: ph, Slug: slug, Site: v.Old, Title: "Let " + v.Old + " be primary again", Timeout: p.roleTimeout(),
		Why: "only while " + v.New + " is read as a standby at rest",
	}, a)
}

// roleTimeout leaves room to resume a statement that timed out.
func (p *planner) roleTimeout() time.Duration { return 3*p.s.set.statement + time.Minute }

// stepsPromote proves that nothing is missing and promotes.
func (p *planner) stepsPromote(v sides, ph kit.PhaseNames) {
	src, _ := p.s.site(v.Old)
	from := p.s.source(src)
	p.add(ph.Prove, proveCaughtUp.Step(kit.At{
		Phase: ph.Prove, Slug: "prove-caught-up", Site: v.New, Title: "Prove that " + v.New + " has the whole log of " + v.Old, Timeout: p.roleTimeout(),
		Why: "only then nothing that was acknowledged is lost; the server's own check looks at the source, which may be wrong or empty",
	}, pairArgs{On: p.place(v.New), Other: p.place(v.Old), Archive: p.s.set.Source == sourceArchive}))
	a := p.role(v.New, v.Old)
	a.Source, a.Held = &from, heldByStandby
	if p.verifies(v.New) {
		p.add(ph.Prove, verifyToPrimary.Step(kit.At{
			Phase: ph.Prove, Slug: "verify-to-primary", Site: v.New, Title: "Ask " + v.New + " whether it can become primary now", Timeout: time.Minute + p.s.set.statement, Skip: dr.SkipDecision,
			Why: "a refusal here can still be undone",
		}, a))
	}
	p.add(ph.Promote, switchToPrimary.Step(kit.At{
		Phase: ph.Promote, Slug: "to-primary", Site: v.New, Title: "Switch " + v.New + " to primary", Timeout: p.roleTimeout(),
		Why: "the point of no return: " + v.New + " accepts writes from here on",
	}, a))
}

func (p *planner) stepCheckPrimary(ph dr.Phase, on string) {
	p.add(ph, checkPrimary.Step(kit.At{
		Phase: ph, Slug: "check-primary", Site: on, Title: "Read that " + on + " is primary and its log streams take writes", Timeout: 2 * time.Minute,
		Why: "the statement's OK is a hint; role, status and access mode decide",
	}, pairArgs{On: p.place(on), Other: p.place(on)}))
}

// protect makes every other standby that can follow the primary follow it.
func (p *planner) protect(primary string, ph dr.Phase) {
	any := false
	for _, st := range p.s.sites {
		if st.Name == primary {
			continue
		}
		switch why := p.cannotFollow(st.Name, primary); {
		case why == "":
			any = true
			p.stepsFollow(ph, ph, st.Name, primary, false)
		case p.flashable(st.Name, primary):
			any = true
			p.stepsFlash(ph, st.Name, primary)
			p.stepsFollow(ph, ph, st.Name, primary, false)
		default:
			p.d.Consequence("%s does not follow %s afterwards: %s. Next: failback or reseed.", st.Name, primary, why)
		}
	}
	if !any {
		p.d.Leaves = &dr.Unprotected{Next: "failback", Why: primary + " has no standby"}
		p.d.Empty(ph, "no other site can follow %s now", primary)
	}
}

// stepsFollow points a standby to a primary and waits until it follows. A fresh
// one is made by this very plan: its TENANT_ID is not known yet.
func (p *planner) stepsFollow(set, wait dr.Phase, on, primary string, fresh bool) {
	a := p.follow(on, primary, fresh)
	p.add(set, setSource.Step(kit.At{
		Phase: set, Slug: "source-" + on, Site: on, Title: "Let " + on + " take its log from " + primary, Timeout: 5 * time.Minute, Skip: dr.SkipDecision,
	}, a))
	p.add(wait, recoverUnlimited.Step(kit.At{
		Phase: wait, Slug: "recover-" + on, Site: on, Title: "Let " + on + " follow without end", Timeout: 2 * time.Minute, Skip: dr.SkipDecision,
		Why: "a standby whose recovery has an end stops there, and looks healthy",
	}, a))
	p.stepWait(wait, on, primary, fresh)
}

func (p *planner) follow(on, primary string, fresh bool) followArgs {
	up, _ := p.s.site(primary)
	a := followArgs{On: p.place(on), Primary: p.place(primary), Source: p.s.source(up)}
	a.From = a.Primary.TenantID
	if fresh {
		a.On.TenantID = 0
	}
	return a
}

func (p *planner) stepWait(ph dr.Phase, on, primary string, fresh bool) {
	a := p.follow(on, primary, fresh)
	p.add(ph, waitFetching.Step(kit.At{
		Phase: ph, Slug: "wait-" + on, Site: on, Title: "Wait until " + on + " follows " + primary, Timeout: 2 * time.Hour, Skip: dr.SkipDecision,
		Why: "role and status are the same for a diverged standby: only its log restore status tells",
	}, pairArgs{On: a.On, Other: a.Primary, Lag: p.s.set.maxLag.Milliseconds(), Source: &a.Source}))
}

// alreadyPrimary plans what is left when the roles are exchanged already.
func (p *planner) alreadyPrimary(to string) error {
	p.d.To = to
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is promoted"}
	for _, st := range p.s.sites {
		if st.Name != to && (p.d.From == "" || p.in.Baseline != nil && p.in.Baseline.Primary == st.Name) {
			p.d.From = st.Name
		}
	}
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "OceanBase itself redirects nobody: clients, proxies and services are told by their own steps")
	return p.rest(to)
}

// rest plans the verification and protection of a primary, or says that there
// is nothing to do.
func (p *planner) rest(to string) error {
	if p.in.From == "" && p.settled(to) {
		p.d.Nothing = to + " is the primary already and every standby that can follow it does" + p.lost(to)
		return nil
	}
	p.stepCheckPrimary(dr.PhaseVerify, to)
	p.protect(to, dr.PhaseProtect)
	return nil
}

// lost names the sites that cannot follow the primary, and why.
func (p *planner) lost(primary string) string {
	text := ""
	for _, st := range p.s.sites {
		if why := p.cannotFollow(st.Name, primary); st.Name != primary && why != "" {
			text += "; " + st.Name + " does not: " + why
		}
	}
	return text
}

// settled says whether every standby that can follow does.
func (p *planner) settled(primary string) bool {
	up, _ := p.s.site(primary)
	for _, st := range p.s.sites {
		r := p.rs[st.Name]
		if st.Name == primary {
			continue
		}
		if p.cannotFollow(st.Name, primary) != "" {
			if p.flashable(st.Name, primary) {
				return false
			}
			continue
		}
		if h, _ := r.fetching(); h != healthGood || !p.s.from(r, up, p.rs[primary]) {
			return false
		}
	}
	return true
}
