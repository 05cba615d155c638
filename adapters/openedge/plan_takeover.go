package openedge

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func (p *planner) takeover() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	if prim := p.in.Situation.Primaries(); len(prim) == 1 && prim[0] == to {
		return p.alreadyPrimary(to)
	}
	v, err := p.sides(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = v.Old, v.New
	if _, err := p.readable(v.New); err != nil {
		return err
	}
	if p.in.Request.Mode == dr.ModePlanned {
		return p.planned(v, kit.TakeoverPhases)
	}
	return p.unplanned(v)
}

// sides finds who is, or was, the primary.
func (p *planner) sides(to string) (sides, error) {
	v := sides{Old: p.s.sites.OldPrimary(p.in.Situation, to, ""), New: to}
	if _, ok := p.s.site(v.Old); !ok {
		return v, dr.Refuse("no_primary", "no site of %s says that it is, or was, the source", p.s.name).WithNext("find out by hand which site was the source and make it readable")
	}
	v.Siblings = p.siblings(v.Old, v.New)
	return v, nil
}

// planned is a change of roles without loss.
func (p *planner) planned(v sides, ph kit.PhaseNames) error {
	if err := p.plannable(v); err != nil {
		return err
	}
	p.stepsVerify(ph.Prepare, true, v.Old, v.New)
	p.stepProve(ph.Stop, v.Old, v.New)
	if p.s.set.Takeover == takeoverControlled {
		p.controlled(v, ph)
	} else {
		p.failover(v, ph)
	}
	p.d.Empty(ph.Redirect, "OpenEdge itself redirects nobody: clients must be led to %s", v.New)
	p.stepCheck(ph.Verify, v.New, roleSource)
	p.stepStart(ph.Protect, v.Old, roleTarget, "a transition restarts a database only where restart-after-transition or online-transition say so")
	p.stepRestartServer(ph.Protect, v.New, v.Old)
	p.stepInStep(ph.Protect, "wait-synchronised", v.New, v.Old, "an exit code of 0 from a start is no proof of replication", p.syncTime(), "")
	p.protectSiblings(v, ph.Protect)
	p.d.Consequence("All sessions on %s end; transactions that are open then are rolled back.", v.Old)
	p.d.Consequence("The transition is partly irreversible. %s", p.recoveryText(v))
	return nil
}

// recoveryText says what would happen after a failed transition.
func (p *planner) recoveryText(v sides) string {
	for _, n := range []string{v.Old, v.New} {
		r := p.rs[n]
		if r.Properties.get("transition", "recovery-backup-arguments") == "" {
			return "If it fails, nothing restores " + n + " by itself: its repl.properties has no recovery-backup-arguments."
		}
	}
	return "If it fails, both databases are restored from the recovery backups that their repl.properties name, and are closed meanwhile."
}

// plannable refuses a pair that could lose something.
func (p *planner) plannable(v sides) error {
	old, err := p.readable(v.Old)
	if err != nil {
		return err
	}
	to := p.rs[v.New]
	switch {
	case old.Role() != roleSource || old.InUse() != dr.Yes:
		return dr.Refuse("no_source", "%s is no open source: %s", v.Old, summary(old)).WithNext(`start it, or use mode "unplanned" when it is lost`)
	case to.Role() != roleTarget:
		return dr.Refuse("no_target", "%s is no target: %s", v.New, summary(to)).WithNext("reseed %s", v.New)
	case !inStep(old, to, p.place(v.New).Agent):
		return dr.Refuse("not_in_step", "%s and %s are not in step: server %s, control agent %s, agent %s", v.Old, v.New, old.Status.Code, old.Agents[p.place(v.New).Agent], to.Status.Code).
			WithNext("repair replication (start %s with -DBService replagent, dsrutil -C restart server on %s), or reseed %s", v.New, v.Old, v.New)
	case to.Properties.AsRole() != roleSource:
		return dr.Refuse("role_after", "%s would not become a source: its repl.properties has not database-role=reverse", v.New).WithNext("set it in [transition] on both hosts")
	case old.Properties.AsRole() != roleSource:
		return dr.Refuse("role_after", "%s would not become a target: its repl.properties has not database-role=reverse", v.Old).WithNext("set it in [transition] on both hosts")
	}
	return p.ready(v.Old, v.New)
}

// failover is the product's one command over both databases.
func (p *planner) failover(v sides, ph kit.PhaseNames) {
	if ph.Prove != ph.Stop {
		p.d.Empty(ph.Prove, "dsrutil -C transition failover synchronises both databases itself")
	}
	p.add(ph.Promote, failover.Step(kit.At{
		Phase: ph.Promote, Slug: "failover", Site: v.New, Title: "Exchange the roles of " + v.Old + " and " + v.New, Timeout: 4 * time.Hour, StopsClients: true,
		Why: "the point of no return: one command for both databases, all or nothing",
	}, failoverArgs{Source: p.place(v.Old), Target: p.place(v.New), Run: p.in.RunID}))
	p.stepStart(ph.Promote, v.New, roleSource, "only where the transition did not do it", v.Old)
	p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "the transition itself makes it a target before the other database opens as the source, and both roles are read back"})
	p.d.Loss = dr.Loss{
		Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1},
		Why: "the transition synchronises both databases before the roles change, and does nothing when it cannot",
	}
	p.d.Outage = "from the shutdown of " + v.Old + " by the transition to the start of " + v.New + "; the manual's example takes about four minutes"
}

// controlled is two transitions of closed databases, after a shutdown that
// proves that the target has everything.
func (p *planner) controlled(v sides, ph kit.PhaseNames) {
	old, to := p.place(v.Old), p.place(v.New)
	stop := stopArgs{Source: old, Target: to, Minutes: p.s.set.ShutdownMinutes}
	u := p.startStep(ph.Stop, "undo-stop", v.Old, roleSource, "only while "+v.New+" is proven to take no updates", v.New)
	p.add(ph.Stop, stopSource.Step(kit.At{
		Phase: ph.Stop, Slug: "stop", Site: v.Old, Title: "Stop " + v.Old + " when " + v.New + " has everything", Timeout: time.Duration(p.s.set.ShutdownMinutes+5) * time.Minute, Undo: &u, StopsClients: true,
		Why: "-replSync ends the session only when every connected target is synchronised",
	}, stop))
	p.add(ph.Prove, proveShutdown.Step(kit.At{
		Phase: ph.Prove, Slug: "prove-shutdown", Site: v.Old, Title: "Prove that " + v.New + " had everything when " + v.Old + " closed", Timeout: time.Minute,
		Why: "only then nothing that was acknowledged is lost; without the proof there is no transition",
	}, stop))
	p.stepFence(ph.Prove, v.Old, v.New, false)
	ut := p.startStep(ph.Prove, "undo-stop-target", v.New, roleTarget, "the target goes on following")
	p.add(ph.Prove, stopTarget.Step(kit.At{
		Phase: ph.Prove, Slug: "stop-target", Site: v.New, Title: "Stop the target " + v.New, Timeout: 10 * time.Minute, Undo: &ut, Why: "the controlled form transitions closed databases",
	}, targetArgs{On: to}))
	p.add(ph.Promote, transition.Step(kit.At{
		Phase: ph.Promote, Slug: "transition-" + v.New, Site: v.New, Title: "Make " + v.New + " the source", Timeout: 2 * time.Hour, Why: "the point of no return",
	}, transitionArgs{On: to, From: roleTarget, Want: roleSource, Peer: old, Held: heldByFence, Run: p.in.RunID}))
	p.add(ph.Promote, transition.Step(kit.At{
		Phase: ph.Promote, Slug: "transition-" + v.Old, Site: v.Old, Title: "Make " + v.Old + " the target", Timeout: 2 * time.Hour, Skip: dr.SkipDecision,
		Why: "as a target it opens read-only; if this fails, " + v.New + " can be opened as the source and this repeated later",
	}, transitionArgs{On: old, From: roleSource, Want: roleTarget, Peer: to, Held: heldByRole, Unfence: true, Run: p.in.RunID}))
	p.stepStart(ph.Promote, v.New, roleSource, "", v.Old)
	p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "it is closed, its control area is taken away until it is a target"})
	p.d.Loss = dr.Loss{
		Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1},
		Why: "the transition waits for the proof (20257) that " + v.New + " had everything when " + v.Old + " closed; without it " + v.Old + " is started again",
	}
	p.d.Outage = "from the stop of " + v.Old + " to the start of " + v.New + ": two transitions of closed databases"
}

// protectSiblings says what becomes of a replication set's other target.
func (p *planner) protectSiblings(v sides, ph dr.Phase) {
	for _, sib := range v.Siblings {
		r := p.rs[v.New]
		if r.Properties.Set() {
			p.stepInStep(ph, "wait-synchronised", v.New, sib, "replication-set=1: the other target follows the new source", p.syncTime(), "")
			continue
		}
		p.d.Consequence("%s does not follow %s, because repl.properties has not replication-set=1. Next: reseed %s.", sib, v.New, sib)
	}
}

// alreadyPrimary plans what is left when the site is primary: a takeover that
// was finished by hand, or a run that ended after its transition.
func (p *planner) alreadyPrimary(to string) error {
	p.d.To = to
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the source already: nothing is transitioned"}
	p.d.From = p.s.others(to)[0].Name
	if b := p.in.Baseline; b != nil && b.Primary != "" && b.Primary != to {
		p.d.From = b.Primary
	}
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote} {
		p.d.Empty(ph, "%s takes updates already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "OpenEdge itself redirects nobody")
	if p.protectLeft(to) || p.in.From != "" {
		r := p.rs[to]
		p.stepCheck(dr.PhaseVerify, to, r.Role())
		return nil
	}
	p.d.Nothing = to + " is the source already, and every target that can be is in step"
	return nil
}

// protectLeft adds what is missing of protection and says whether anything is.
func (p *planner) protectLeft(to string) bool {
	source, any := p.rs[to], false
	for _, o := range p.s.others(to) {
		r, ok := p.rs[o.Name]
		switch {
		case ok && inStep(source, r, o.Place.Agent):
		case ok && source.Role() == roleSource && r.Role() == roleTarget && r.HalfRestored() == "" && r.InUse() != dr.Unknown:
			any = true
			if r.InUse() == dr.No {
				p.stepStart(dr.PhaseProtect, o.Name, roleTarget, "it is a target and closed")
			}
			p.stepRestartServer(dr.PhaseProtect, to, o.Name)
			p.stepInStep(dr.PhaseProtect, "wait-synchronised", to, o.Name, "an exit code of 0 from a start is no proof of replication", p.syncTime(), "")
		default:
			text := "not read"
			if ok {
				text = summary(r)
			}
			p.d.Consequence("%s does not follow %s (%s). Next: failback or reseed.", o.Name, to, text)
		}
	}
	return any
}

// lastHeld tells the last acknowledged block, from the side that is left.
func (p *planner) lastHeld(v sides) (Acknowledged, string) {
	if r, ok := p.rs[v.New]; ok && len(r.AgentInfo) > 0 {
		return r.AgentInfo[0], fmt.Sprintf("%s acknowledged last: %s", v.New, r.AgentInfo[0])
	}
	if r, ok := p.rs[v.Old]; ok && len(r.ServerInfo) == 1 {
		return r.ServerInfo[0], fmt.Sprintf("the server of %s noted last: %s", v.Old, r.ServerInfo[0])
	}
	return Acknowledged{}, "the last acknowledged block could not be read"
}
