package oceanbase

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// unplanned is a takeover without the old primary's help: the log is cut at the
// standby's SYNC_SCN.
func (p *planner) unplanned(v sides) error {
	if err := p.promotable(v, prepFlashback, flashing, becomingPrim); err != nil {
		return err
	}
	if err := p.ahead(v); err != nil {
		return err
	}
	old, readable := p.rs[v.Old]
	if err := p.aliveRefusal(v, old, readable); err != nil {
		return err
	}
	p.d.Empty(dr.PhasePrepare, "%s cannot help: there is nothing to prepare", v.Old)
	a := p.role(v.New, v.Old)
	a.Held = p.fence(v, old, readable)
	p.add(dr.PhasePromote, waitReady.Step(kit.At{
		Phase: dr.PhasePromote, Slug: "wait-ready", Site: v.New, Title: "Wait until the servers of " + v.New + " allow a promotion", Timeout: 3 * time.Hour,
		Why: "the server refuses while one of them is temporarily offline, or a log stream has no leader",
	}, pairArgs{On: a.On, Other: a.Other, Verifies: a.Verifies}))
	if a.Verifies {
		p.add(dr.PhasePromote, verifyActivate.Step(kit.At{
			Phase: dr.PhasePromote, Slug: "verify-activate", Site: v.New, Title: "Ask " + v.New + " whether it can be activated now", Timeout: time.Minute + p.s.set.statement, Skip: dr.SkipDecision,
			Why: "a refusal here has changed nothing",
		}, a))
	} else {
		p.d.Consequence("VERIFY of this version checks nothing (it answers OK without looking), so it is not used: the steps' own guards check instead.")
	}
	p.add(dr.PhasePromote, activateStandby.Step(kit.At{
		Phase: dr.PhasePromote, Slug: "activate", Site: v.New, Title: "Activate " + v.New, Timeout: p.roleTimeout(),
		Why: "the point of no return: the log is cut and " + v.New + " becomes primary",
	}, a))
	p.d.Empty(dr.PhaseRedirect, "OceanBase itself redirects nobody: clients, proxies and services are told by their own steps")
	p.stepCheckPrimary(dr.PhaseVerify, v.New)
	p.d.Loss = p.unplannedLoss(v, old, readable)
	p.d.Outage = "until the activation of " + v.New + ", usually seconds after the approval; longer while a server of it counts as temporarily offline"
	p.costs(v)
	p.protect(v.New, dr.PhaseProtect)
	return nil
}

// ahead refuses a standby that is behind another: the one with the latest
// consistent point loses least.
func (p *planner) ahead(v sides) error {
	mine, _ := p.rs[v.New].cut()
	for _, n := range v.Others {
		r := p.rs[n]
		c, ok := r.cut()
		if ok && r.Tenant.is(roleStandby) && c > mine {
			if served, _, _ := r.serving(); served != dr.No {
				return dr.Refuse("behind", "%s is behind %s: its SYNC_SCN is %s, that of %s is %s (%s later)", v.New, n, mine, n, c, dr.SpanText(ahead(c, mine))).
					WithNext("take over to %s", n)
			}
		}
	}
	return nil
}

// aliveRefusal: a primary that answers and can hand over without loss must not
// be cut off.
func (p *planner) aliveRefusal(v sides, old Reading, readable bool) error {
	if !readable || old.accepts() != dr.Yes {
		return nil
	}
	up, _ := p.s.site(v.Old)
	r := p.rs[v.New]
	if h, _ := r.fetching(); h == healthGood && p.s.from(r, up, old) && r.Tenant.Switchover == switchNormal {
		return dr.Refuse("primary_alive", "%s is alive, accepts writes and %s fetches its log: an unplanned takeover would lose what a planned one keeps", v.Old, v.New).
			WithNext(`start again with mode "planned"`)
	}
	if t := old.Tenant; !t.is(rolePrimary) && t.Switchover != prepStandby {
		return dr.Refuse("half_way", "%s is within another change of roles: %s", v.Old, old.summary()).WithNext("let the statement that was started there finish; then start anew")
	}
	p.d.Consequence("%s is alive and accepts writes, but %s does not follow it. It is switched to standby, which ends its writes; what it wrote since is not at %s.", v.Old, v.New, v.New)
	return nil
}

// fence says what keeps the old primary from taking writes, and how the guard of
// the activation shall look at it.
func (p *planner) fence(v sides, old Reading, readable bool) string {
	ph := dr.PhaseIsolate
	need := func(why string) string {
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: why})
		return kit.HeldWithoutLook(p.in.Situation, v.Old)
	}
	switch {
	case !readable:
		p.d.Empty(ph, "%s does not answer: the adapter can do nothing there", v.Old)
		return need(v.Old + " does not answer, and the server does not look at it: nothing proves that it takes no writes")
	case old.Missing:
		p.d.Empty(ph, "%s has no such tenant", v.Old)
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "its cluster answers and has no such tenant"})
		return heldByNothing
	case old.Tenant != nil && old.Tenant.Role == roleStandby:
		p.d.Empty(ph, "%s is a standby already", v.Old)
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "its tenant is a standby and refuses writes"})
		return heldByStandby
	case old.accepts() == dr.Yes:
		a := p.role(v.Old, v.New)
		a.Fence = true
		u := p.undoDemote(v, ph, "undo-fence")
		p.add(ph, switchToStandby.Step(kit.At{
			Phase: ph, Slug: "fence", Site: v.Old, Title: "Fence " + v.Old + " by switching it to standby", Timeout: p.roleTimeout(), Undo: &u, StopsClients: true,
			Why: "a standby refuses writes, also after a restart; the activation of " + v.New + " does not look at it",
		}, a))
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "its tenant is switched to standby and refuses writes"})
		return heldByStandby
	}
	p.d.Empty(ph, "the state of %s is not clear: %s", v.Old, old.summary())
	return need("the state of " + v.Old + " is not clear: " + old.summary())
}

// unplannedLoss says what is known of the loss: the cut, and how far the primary
// was when it was last seen.
func (p *planner) unplannedLoss(v sides, old Reading, readable bool) dr.Loss {
	r := p.rs[v.New]
	cut, _ := r.cut()
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount()}
	m := p.in.Situation.Memory
	if m != nil && m.Proof != nil && m.Proof.Primary == v.Old && m.Proof.Site == v.New {
		l.Kind, l.Proof = dr.LossWindow, m.Proof
	}
	where := fmt.Sprintf("the log is cut at SYNC_SCN %s (%s by the database's clock)", cut, dr.TimeText(cut.Time()))
	if readable && old.Tenant != nil && old.Tenant.Role == roleStandby {
		if behind(v.New, r, v.Old, old) == "" {
			return dr.Loss{
				Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: 0},
				Why: fmt.Sprintf("%s is switched to standby and the log of %s ends where its own ends, in every log stream", v.Old, v.New),
			}
		}
		l.Why = where + "; " + behind(v.New, r, v.Old, old)
		return l
	}
	if m != nil && m.Primary == v.Old {
		if end, err := ParseSCN(m.Positions[posEndSCN]); err == nil && m.PrimarySeen != nil {
			if end > cut {
				l.Certain.Millis = ahead(end, cut).Milliseconds()
			}
			l.Why = fmt.Sprintf("%s; %s was last seen at END_SCN %s: what it wrote after the cut and until %s is lost, what it wrote later may be", where, v.Old, end, dr.TimeText(*m.PrimarySeen))
			return l
		}
	}
	l.Why = where + "; nobody remembers how far " + v.Old + " was: at most everything between the cut and its end"
	return l
}

// costs tells what the failover costs afterwards.
func (p *planner) costs(v sides) {
	r := p.rs[v.New]
	p.d.Consequence("After this failover the %s can never be a standby of %s again: it is rebuilt by failback or reseed. Until then keep its clients away when it comes back: it comes back as a primary that accepts writes.", p.tenantAt(v.Old), v.New)
	if s := r.spread(); s > 0 {
		p.d.Consequence("The log streams of %s are not equally far: the most advanced one gives up what lies after the cut.", v.New)
	}
	if r.Version.least(Version{4, 2, 5, 0}) {
		p.d.Consequence("Service names of the tenant are stopped and deleted by the server: clients that use them need new ones.")
	}
	p.d.Consequence("Cluster and tenant parameters are not replicated: what was set at %s only is not set at %s.", v.Old, v.New)
}

// most is the highest SYNC_SCN over the streams.
func (r Reading) most() SCN {
	var m SCN
	if r.Tenant != nil {
		m = r.Tenant.Sync
	}
	for _, s := range r.Streams {
		if !s.Meta && s.counts() {
			m = max(m, s.Sync)
		}
	}
	return m
}

// cannotFollow says why a site cannot be a standby of the primary as it is; ""
// when it can.
func (p *planner) cannotFollow(on, primary string) string {
	r, ok := p.rs[on]
	n := p.rs[primary]
	switch {
	case !ok:
		return "it could not be read"
	case r.Missing:
		return "it has no tenant " + p.place(on).Tenant
	case r.Tenant == nil || r.Tenant.Recycled || r.Tenant.Role != rolePrimary && r.Tenant.Role != roleStandby:
		return r.summary()
	case n.Tenant.is(rolePrimary):
		return p.cannotFollowNow(on, primary)
	case p.in.Request.Procedure == dr.ProcTakeover && p.in.Request.Mode == dr.ModeUnplanned:
		if on == p.d.From {
			return "a former primary cannot follow after a failover"
		}
		if cut, _ := n.cut(); r.most() > cut {
			return fmt.Sprintf("its log goes %s past the cut at %s", dr.SpanText(ahead(r.most(), cut)), cut)
		}
	}
	if h, text := r.fetching(); r.Tenant.Role == roleStandby && h == healthLost {
		return text
	}
	return ""
}

// cannotFollowNow judges by the primary that there is.
func (p *planner) cannotFollowNow(on, primary string) string {
	r, n := p.rs[on], p.rs[primary]
	up, _ := p.s.site(primary)
	h, text := r.fetching()
	follows := p.s.from(r, up, n)
	switch {
	case r.Tenant.Role == rolePrimary:
		return r.summary()
	case follows && h == healthLost:
		return text
	case follows:
		return ""
	case p.in.Request.Mode == dr.ModeUnplanned && on == p.d.From:
		return "a former primary cannot follow after a failover"
	}
	return r.pastCut(n, primary)
}

// pastCut says how far a standby, which does not follow the primary yet, is past
// the point at which that was activated: with such log it can never follow.
func (r Reading) pastCut(n Reading, primary string) string {
	if e := n.LastChange; e != nil && e.Event == "FAILOVER TO PRIMARY" && r.most() > e.SCN {
		return fmt.Sprintf("its log goes %s past the point %s at which %s was activated", dr.SpanText(ahead(r.most(), e.SCN)), e.SCN, primary)
	}
	return ""
}
