package hana

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func (p *planner) takeover() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	if r := p.rs[to]; r.OnlinePrimary() == dr.Yes && r.State.Suspended != dr.Yes {
		return p.alreadyPrimary(to)
	}
	old, err := p.oldPrimary(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = old, to
	if err := p.promotable(to); err != nil {
		return err
	}
	if p.in.Request.Mode == dr.ModePlanned {
		return p.planned(old, to, kit.TakeoverPhases)
	}
	return p.unplanned(old, to)
}

// oldPrimary finds who is, or was, the primary.
func (p *planner) oldPrimary(to string) (string, error) {
	if prim := p.in.Situation.Primaries(); len(prim) == 1 && prim[0] != to {
		return prim[0], nil
	}
	var former []string
	for _, s := range p.in.Situation.Sites {
		if s.Site != to && s.Role == dr.RolePrimary {
			former = append(former, s.Site)
		}
	}
	if len(former) == 1 {
		return former[0], nil
	}
	if m := p.in.Situation.Memory; m != nil && m.Primary != "" && m.Primary != to {
		if _, ok := p.s.site(m.Primary); ok {
			return m.Primary, nil
		}
	}
	if o := p.others(to, ""); len(o) == 1 {
		return o[0], nil
	}
	return "", dr.Refuse("no_primary", "no site of %s says that it is, or was, the primary", p.s.name).WithNext("find out by hand which site was the primary and make it readable")
}

// promotable refuses a site that must not become primary.
func (p *planner) promotable(to string) error {
	r, ok := p.rs[to]
	switch {
	case !ok:
		return dr.Refuse("unreadable", "%s could not be read, so it cannot take over", to).WithNext("bring its host back, or choose another site")
	case r.Mode() == "":
		return dr.Refuse("unclear", "the replication mode of %s is unknown: %s", to, dr.Clip(gapText(r), 300)).WithNext("run hdbnsutil -sr_state by hand on %s", p.place(to).main().Host)
	case !replModes[r.Mode()]:
		return dr.Refuse("no_secondary", "%s is no secondary: %s", to, summary(r)).WithNext("choose another site, or register it first")
	case r.State != nil && r.State.TakeoverActive == dr.Yes:
		return dr.Refuse("takeover_active", "a takeover is going on at %s", to).WithNext("wait for its end, then start again")
	}
	return nil
}

func gapText(r Reading) string {
	text := ""
	for _, k := range sortedKeys(r.Gaps) {
		text += k + ": " + r.Gaps[k] + "; "
	}
	if text == "" {
		return "topology and files contradict each other"
	}
	return text
}

// planned is a change of roles without loss: with handshake, or for older
// revisions by a clean stop of the primary whose secondary is in sync.
func (p *planner) planned(old, to string, ph kit.PhaseNames) error {
	l, err := p.plannable(old, to)
	if err != nil {
		return err
	}
	handshake := p.handshake(old, to)
	p.stepMark(ph.Prepare, to)
	p.stepAutostart(ph.Stop, old)
	if handshake {
		p.d.NeedFence(kit.FenceNeed{Site: old, ByAdapter: true, Why: "the takeover with handshake suspends it before " + to + " becomes primary, or changes nothing"})
		p.d.Empty(ph.Stop, "the takeover itself suspends %s: it aborts and changes nothing when a service is not in sync", old)
		p.d.Empty(ph.Prove, "the takeover with handshake waits for the rest of the log itself")
		p.stepTakeover(ph.Promote, old, to, heldByHandshake)
		p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: 0}, Why: "the takeover with handshake suspends writing transactions on " + old + " and goes on only when " + to + " holds all of the log"}
	} else {
		p.stepStop(ph.Stop, old, to, forHandover)
		p.d.NeedFence(kit.FenceNeed{Site: old, ByAdapter: true, Why: "it is stopped on every host, and that is proven"})
		p.d.Empty(ph.Prove, "HANA has no proof of a clean stop to read on a secondary")
		p.stepTakeover(ph.Promote, old, to, heldByStop)
		p.d.Loss = dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount(), Why: "without a handshake no tool proves that the stop shipped the rest of the log of " + old + "; every service must be active immediately before it"}
		if j := p.in.Situation.Judgement; j.Proof != nil && j.Proof.Site == to && j.Proof.Primary == old {
			p.d.Loss.Kind, p.d.Loss.Proof = dr.LossWindow, j.Proof
		}
		p.d.Consequence("No handshake (%s): clients cannot write from the stop of %s until %s is open.", p.whyNoHandshake(old, to), old, to)
	}
	p.logRoom(old)
	if l.Suspect {
		p.d.Consequence("The tools of %s contradict each other: %s", old, l.Text)
	}
	p.d.Empty(ph.Prepare, "nothing to prepare: names, modes and operation modes are in the record")
	p.d.Empty(ph.Redirect, "HANA itself redirects nobody: clients follow an address or a name of the inventory")
	p.stepsVerify(ph.Verify, old, to)
	p.d.Outage = "from the suspension of " + old + " until the tenants of " + to + " are open: seconds to minutes, longer with a large replay backlog"
	if ph.Stop == dr.PhaseIsolate {
		p.d.BackTo = dr.PhasePrepare
	}
	return p.protect(old, to, ph.Protect)
}

func (p *planner) whyNoHandshake(old, to string) string {
	if p.s.set.Handshake == "never" {
		return "the inventory says never"
	}
	return "versions " + orNone(p.rs[old].Version) + " and " + orNone(p.rs[to].Version)
}

// plannable wants a working primary with every service in sync.
func (p *planner) plannable(old, to string) (link, error) {
	r, ok := p.rs[old]
	if !ok || r.AcceptsWrites() == dr.Unknown {
		return link{}, dr.Refuse("primary_unreadable", "%s could not be read clearly: a planned takeover needs both sides (%s)", old, dr.Clip(p.summaryOf(old), 300)).
			WithNext(`use mode "unplanned" if %s is lost`, old)
	}
	if r.AcceptsWrites() != dr.Yes {
		return link{}, dr.Refuse("no_primary", "%s takes no writes: %s", old, summary(r)).WithNext(`use mode "unplanned"`)
	}
	st, _ := p.s.site(to)
	l := linkTo(r, st.Place.Name, st.Place.SQL.Tenants)
	if l.InSync != dr.Yes {
		return l, dr.Refuse("not_in_sync", "%s is not proven to be in sync with %s: %s", to, old, dr.Clip(l.Text, 400)).
			WithNext(`wait until every service is ACTIVE, or use mode "unplanned" and accept a loss`)
	}
	if n := l.Backlog; n > p.s.set.MaxReplayBacklogMB*1_000_000 {
		return l, dr.Refuse("replay_backlog", "%s has %s of log to replay, the limit is %s: the takeover would take long", to, dr.ByteText(n), dr.ByteText(p.s.set.MaxReplayBacklogMB*1_000_000)).
			WithNext("wait until it has caught up, or raise max_replay_backlog_mb")
	}
	if p.rs[to].Running() != dr.Yes {
		return l, dr.Refuse("not_running", "%s does not run completely: %s", to, processWords(p.rs[to])).WithNext("start it first")
	}
	return l, nil
}

func (p *planner) summaryOf(site string) string {
	v, _ := p.in.Situation.Site(site)
	return v.Summary
}

// protect makes the old primary the secondary of the new one, turns third sites
// and takes a full backup: the chain of log backups begins anew.
func (p *planner) protect(old, to string, ph dr.Phase) error {
	if err := p.stepsFollow(ph, ph, old, to, to, false, dr.SkipDecision); err != nil {
		return err
	}
	p.stepAutostartBack(ph, old)
	if err := p.thirdSites(ph, old, to); err != nil {
		return err
	}
	p.stepsBackup(ph, to, dr.SkipDecision, "after a takeover the chain of log backups goes on at another site and needs a new full backup")
	p.stepUnmark(ph, to)
	p.d.Consequence("%s is stopped, registered at %s and started again: until it is in sync the system is not protected.", old, to)
	return nil
}
