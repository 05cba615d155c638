package postgres

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func fenceByShutdown(site string) kit.FenceNeed {
	return kit.FenceNeed{Site: site, ByAdapter: true, Why: "it is proven to be shut down, and standby.signal makes every later start of it read-only"}
}

// unplanned is a takeover without the old primary's help.
func (p *planner) unplanned(v sides) error {
	old, readable := p.rs[v.Old]
	if err := p.aliveRefusal(v, old, readable); err != nil {
		return err
	}
	held := p.fenceOld(v, old, readable)
	p.d.Empty(dr.PhasePrepare, "%s cannot help: there is nothing to prepare", v.Old)
	timeline := p.rs[v.New].Timeline()
	p.stepPromote(dr.PhasePromote, v.Old, v.New, held, timeline)
	p.d.Empty(dr.PhaseRedirect, "PostgreSQL itself redirects nobody")
	p.verify(dr.PhaseVerify, v.New, timeline)
	p.stepTimeline(dr.PhaseProtect, v.New)
	for _, sib := range v.Siblings {
		p.stepSlot(dr.PhaseProtect, v.New, sib, false)
	}
	p.repointSiblings(dr.PhaseProtect, v.Siblings, v.New)
	p.d.Loss = p.unplannedLoss(v, old, readable)
	p.d.Outage = "until the promotion of " + v.New + ", usually less than a second after the approval"
	if len(v.Siblings) == 0 {
		p.d.Leaves = &dr.Unprotected{Next: "failback", Why: v.New + " has no standby until " + v.Old + " is back"}
		p.d.Consequence("Unprotected from the promotion on: %s has no standby. Next: failback when %s is back, or reseed.", v.New, v.Old)
	}
	p.d.Consequence("What %s wrote and %s never got stays on its disk; a failback lists and keeps it before anything is overwritten.", v.Old, v.New)
	return nil
}

// aliveRefusal: a primary that answers and can hand over without loss must not
// be shot. One that accepts writes but does not replicate to the new site can
// only be fenced.
func (p *planner) aliveRefusal(v sides, old Reading, readable bool) error {
	if !readable || old.AcceptsWrites() != dr.Yes {
		return nil
	}
	row, ok := old.FindRepl(p.app(v.New))
	if ok && row.State == "streaming" {
		return dr.Refuse("primary_alive", "%s is alive, accepts writes and %s streams from it: an unplanned takeover would lose what a planned one keeps", v.Old, v.New).
			WithNext(`start again with mode "planned"`)
	}
	p.d.Consequence("%s is alive and accepts writes, but %s does not stream from it. It will be stopped (fast, then immediate); what it wrote since is not on %s.", v.Old, v.New, v.New)
	return nil
}

// fenceOld adds what keeps the old primary from taking writes and gives how
// the promotion's guard shall look at it.
func (p *planner) fenceOld(v sides, old Reading, readable bool) string {
	ph := dr.PhaseIsolate
	if old.Running != dr.No || !readable {
		a := receiverArgs{On: p.place(v.New), Run: p.in.RunID}
		u := resumeReceiver.Step(kit.At{Phase: ph, Slug: "undo-stop-receiver", Site: v.New, Title: "Let " + v.New + " receive again", Timeout: time.Minute}, a)
		p.add(ph, stopReceiver.Step(kit.At{
			Phase: ph, Slug: "stop-receiver", Site: v.New, Title: "Stop receiving on " + v.New, Timeout: time.Minute, Undo: &u,
			Why: "while it receives, and acknowledges, nobody can say what the last position is",
		}, a))
	}
	if to := p.rs[v.New]; to.Server.Synchronous != "" {
		p.stepSync(ph, v.New, "", "a name of a server that is not there would let every commit on "+v.New+" hang", true)
	}
	switch {
	case !readable:
		why := v.Old + " does not answer: nothing on its own host can prove that it takes no writes"
		if s, ok := p.in.Situation.Site(v.Old); ok && s.Reachable == dr.Yes {
			why = v.Old + " answers, but its state could not be read"
		}
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: why})
		return kit.HeldWithoutLook(p.in.Situation, v.Old)
	case old.DataExists == dr.No:
		// No fence: a file system that is not mounted now comes back with the
		// next boot, and the server with it.
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: "its host answers and has no directory " + p.place(v.Old).Data + " now: what is only not mounted would come back with its server"})
		return kit.HeldByOutside
	case old.InRecovery() == dr.Yes:
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "it runs in recovery and takes no writes"})
		return heldByStandby
	case old.NotOwner:
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: summary(old)})
		return kit.HeldByOutside
	case old.Control.System == "":
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: "its control file cannot be read, so that its own host cannot prove a fence"})
		return kit.HeldByOutside
	}
	a := fenceArgs{On: p.place(v.Old), Standby: p.place(v.New), Run: p.in.RunID, Start: old.Running == dr.Yes, Options: p.place(v.Old).options()}
	u := unfence.Step(kit.At{Phase: ph, Slug: "undo-fence", Site: v.Old, Title: "Take the fence of " + v.Old + " away", Timeout: 5 * time.Minute}, a)
	st := kit.At{
		Phase: ph, Slug: "fence", Site: v.Old, Title: "Fence " + v.Old, Timeout: 2 * time.Minute, Undo: &u, StopsClients: true,
		Why: "its start by a reboot, a colleague or a manager after the promotion would make a second primary",
	}
	p.add(ph, fence.Step(st, a))
	p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: "it is stopped on its own host and its control file is taken away: no start of it succeeds, also after a reboot"})
	return heldByFence
}

// unplannedLoss says what is known. A crashed primary's log on its disk gives
// a certain part; streaming or synchronous mode is never a proof of zero.
func (p *planner) unplannedLoss(v sides, old Reading, readable bool) dr.Loss {
	to := p.rs[v.New]
	held, _ := to.Held()
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount()}
	m := p.in.Situation.Memory
	if m != nil && m.Proof != nil && m.Proof.Primary == v.Old && m.Proof.Site == v.New {
		l.Kind, l.Proof = dr.LossWindow, m.Proof
	}
	last := ""
	if to.Server.ReplayTime != nil {
		last = "; the last transaction on " + v.New + " was committed at " + to.Server.ReplayTime.UTC().Format(time.RFC3339)
	}
	switch {
	case readable && old.Running == dr.No && old.Control.State == stateShutDown && old.Control.Timeline == to.Timeline() && held > old.Control.Checkpoint:
		return dr.Loss{
			Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: -1},
			Why: fmt.Sprintf("%s was shut down cleanly and %s holds its shutdown checkpoint %s", v.Old, v.New, old.Control.Checkpoint),
		}
	case readable && old.WALEnd != 0 && old.Timeline() == to.Timeline():
		behind := int64(0)
		if old.WALEnd > held {
			behind = int64(old.WALEnd - held)
		}
		l.Certain = dr.Bytes(behind)
		l.Why = fmt.Sprintf("the log of %s on its disk ends at %s, %s holds %s: %s of log%s", v.Old, old.WALEnd, v.New, held, dr.ByteText(behind), last)
	case readable && old.WALReached > held && old.Timeline() == to.Timeline():
		l.Certain = dr.Bytes(int64(old.WALReached - held))
		l.Why = fmt.Sprintf("the log of %s on its disk is readable up to %s and broken behind it, %s holds %s: at least %s of log%s",
			v.Old, old.WALReached, v.New, held, dr.ByteText(int64(old.WALReached-held)), last)
	case readable && old.Server != nil && old.Server.Current != nil && old.Timeline() == to.Timeline() && *old.Server.Current > held:
		// Not a certain part: it grows with every write until the fence, and
		// a bound that always moves could never be approved.
		l.Why = fmt.Sprintf("%s still writes; it has written up to %s, %s holds %s%s", v.Old, *old.Server.Current, v.New, held, last)
	case m != nil && m.Primary == v.Old && m.Positions["timeline"] == fmt.Sprint(to.Timeline()) && lsnOr(m.Positions["current"]) > held:
		l.Certain = dr.Bytes(int64(lsnOr(m.Positions["current"]) - held))
		l.Why = fmt.Sprintf("%s was last seen at %s, %s holds %s%s", v.Old, m.Positions["current"], v.New, held, last)
	default:
		l.Why = fmt.Sprintf("the end of the log of %s is not known (%s); %s holds %s on timeline %d%s", v.Old, endUnread(old, readable), v.New, held, to.Timeline(), last)
	}
	return l
}

// endUnread says why the end of an old primary's log is not known.
func endUnread(old Reading, readable bool) string {
	switch {
	case !readable:
		return "its host could not be read"
	case old.Running != dr.No:
		return summary(old)
	case old.WALEndText != "":
		return "pg_waldump: " + dr.Clip(old.WALEndText, 120)
	}
	return "pg_waldump said nothing"
}

func lsnOr(s string) LSN {
	l, err := ParseLSN(s)
	if err != nil {
		return 0
	}
	return l
}

// alreadyPrimary plans what is left when the site is primary: a takeover that
// was finished by hand, or a run that ended after its promotion.
func (p *planner) alreadyPrimary(to string) error {
	p.d.To = to
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the primary already: nothing is promoted"}
	others := []string{}
	for _, st := range p.s.sites {
		if st.Name != to {
			others = append(others, st.Name)
		}
	}
	p.d.From = others[0]
	if b := p.in.Baseline; b != nil && b.Primary != to && b.Primary != "" {
		p.d.From = b.Primary
	} else if v, err := p.sides(to); err == nil && v.Old != to {
		p.d.From = v.Old
	}
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote} {
		p.d.Empty(ph, "%s is primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "PostgreSQL itself redirects nobody")
	if p.protectLeft(to) {
		p.verify(dr.PhaseVerify, to, 0)
		return nil
	}
	if p.in.From != "" {
		p.verify(dr.PhaseVerify, to, 0)
	} else {
		p.d.Nothing = to + " is the primary already and every standby that can be attached streams from it"
	}
	return nil
}

// protectLeft adds what is missing of protection and says whether anything is.
func (p *planner) protectLeft(to string) bool {
	prim := p.rs[to]
	any := false
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if st.Name == to || !ok || r.Rewind != "" || r.Fenced {
			continue
		}
		row, found := prim.FindRepl(st.AppName)
		switch {
		case found && row.State == "streaming":
		case r.Running == dr.No && r.StandbySignal && compareEnds(r, prim).Verdict == endsWithin:
			any = true
			p.stepSlot(dr.PhaseProtect, to, st.Name, false)
			p.add(dr.PhaseProtect, attachStandby.Step(kit.At{Phase: dr.PhaseProtect, Slug: "attach-" + st.Name, Site: st.Name, Title: "Point " + st.Name + " to " + to, Timeout: time.Minute}, p.upstreamArgs(st.Name, to)))
			p.startAndWait(dr.PhaseProtect, st.Name, to, false)
		case r.InRecovery() == dr.Yes && p.needsCopy(r, prim) == "":
			any = true
			p.stepSlot(dr.PhaseProtect, to, st.Name, false)
			p.repointOne(dr.PhaseProtect, st.Name, to)
			p.stepWait(dr.PhaseProtect, st.Name, to, 0)
		default:
			p.d.Consequence("%s does not stream from %s (%s). Next: failback or reseed.", st.Name, to, summary(r))
		}
	}
	return any
}
