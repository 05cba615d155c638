package openedge

import (
	"path"
	"sort"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// unplanned is a takeover without the old source's help.
func (p *planner) unplanned(v sides) error {
	old, readable := p.rs[v.Old]
	to := p.rs[v.New]
	if err := p.takeable(v, old, to, readable); err != nil {
		return err
	}
	p.d.Empty(dr.PhasePrepare, "%s cannot help: there is nothing to prepare", v.Old)
	held := p.fenceOld(v, old, readable)
	online := to.InUse() == dr.Yes
	if online && to.Status.Code != codePreTransition {
		p.add(dr.PhaseIsolate, triggerTransition.Step(kit.At{
			Phase: dr.PhaseIsolate, Slug: "pre-transition", Site: v.New, Title: "Bring " + v.New + " into pre-transition", Timeout: 5 * time.Minute,
			Why: "an open target is transitioned only when its agent has left the server",
		}, triggerArgs{On: p.place(v.New), Old: p.place(v.Old)}))
	}
	if online {
		p.extents(v, old, readable)
	}
	want := to.Properties.AsRole()
	p.add(dr.PhasePromote, transition.Step(kit.At{
		Phase: dr.PhasePromote, Slug: "transition", Site: v.New, Title: "Make " + v.New + " the primary", Timeout: 2 * time.Hour,
		Why: "the point of no return: what " + v.New + " has not got by now is lost",
	}, transitionArgs{On: p.place(v.New), From: roleTarget, Want: want, Peer: p.place(v.Old), Held: held, Online: online, Run: p.in.RunID}))
	if want == roleSource {
		p.stepStart(dr.PhasePromote, v.New, roleSource, "only where the transition did not do it", v.Old)
	}
	p.d.Empty(dr.PhaseRedirect, "OpenEdge itself redirects nobody: clients must be led to %s", v.New)
	p.stepCheck(dr.PhaseVerify, v.New, want)
	p.d.Empty(dr.PhaseProtect, "%s can follow again only after a failback or a reseed", v.Old)
	p.protectSiblings(v, dr.PhaseProtect)
	p.d.Loss = p.unplannedLoss(v, old, readable)
	p.d.Outage = "until the transition of " + v.New + " has ended; it truncates the before-image file and restarts the database, usually minutes"
	p.unplannedConsequences(v, to, want)
	return nil
}

// takeable refuses a site that must not become the source, and an old source
// that can hand over without loss.
func (p *planner) takeable(v sides, old, to Reading, readable bool) error {
	switch {
	case to.Fenced == dr.Yes:
		return dr.Refuse("fenced", "%s is fenced by run %s: it was the source before another takeover", v.New, orNone(to.FenceRun)).WithNext("reseed %s", v.New)
	case to.Role() != roleTarget:
		return dr.Refuse("no_target", "%s is no target: %s", v.New, summary(to)).WithNext("choose another site")
	case to.InUse() == dr.Unknown:
		return dr.Refuse("unclear", "%s: %s", v.New, summary(to)).WithNext("wait until it is open or closed; look at its .lk and processes")
	case readable && inStep(old, to, p.place(v.New).Agent):
		return dr.Refuse("primary_alive", "%s is alive and in step with %s: an unplanned takeover would lose what a planned one keeps", v.Old, v.New).
			WithNext(`start again with mode "planned"`)
	case to.Properties.auto():
		p.d.Consequence("%s has transition=auto: it may change its role by itself at any time.", v.New)
	}
	return nil
}

// fenceOld adds what keeps the old source from taking updates and gives how
// the transition's guard shall look at it.
func (p *planner) fenceOld(v sides, old Reading, readable bool) string {
	ph := dr.PhaseIsolate
	own := func(why string) { p.d.NeedFence(kit.FenceNeed{Site: v.Old, ByAdapter: true, Why: why}) }
	switch {
	case !readable:
		why := v.Old + " does not answer: nothing on its own host can prove that it takes no updates"
		if s, ok := p.in.Situation.Site(v.Old); ok && s.Reachable == dr.Yes {
			why = v.Old + " answers, but its state could not be read"
		}
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: why})
		return kit.HeldWithoutLook(p.in.Situation, v.Old)
	case old.Fenced == dr.Yes && old.Exists == dr.No:
		p.d.Empty(ph, "%s is fenced already", v.Old)
		own("it is closed and fenced already, by run " + orNone(old.FenceRun))
		return heldByFence
	case old.Exists == dr.No:
		// No fence: a file system that is not mounted now comes back with the
		// next boot, and the database with it.
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: "its host answers and has no database " + p.place(v.Old).Database + " now: what is only not mounted would come back and be started"})
		return kit.HeldByOutside
	case old.Exists == dr.Unknown:
		p.d.NeedFence(kit.FenceNeed{Site: v.Old, Why: summary(old)})
		return kit.HeldByOutside
	case old.Role() == roleTarget:
		own("it is a target and takes no updates")
		return kit.HeldByOutside
	}
	if old.AcceptsWrites() == dr.Yes {
		p.d.Consequence("%s is alive and takes updates, but %s is not in step with it. It will be shut down; what it wrote since is not on %s.", v.Old, v.New, v.New)
	}
	p.stepFence(ph, v.Old, v.New, old.InUse() == dr.Yes)
	own("it is closed on its own host and its control area is taken away: no start of it succeeds, also after a reboot")
	return heldByFence
}

// extents applies what the old source wrote and its server had not sent, where
// the new one's host can read it and the order is known.
func (p *planner) extents(v sides, old Reading, readable bool) {
	st, _ := p.s.site(v.New)
	dir := st.Extents[v.Old]
	if dir == "" {
		p.d.Consequence("AI extents of %s are not applied: the inventory says no place where %s can read them.", v.Old, v.New)
		return
	}
	ack, _ := p.lastHeld(v)
	var need []AIExtent
	for _, e := range old.Extents {
		if e.Status != "EMPTY" && e.Sequence > 0 && ack.Seq > 0 && e.Sequence >= ack.Seq {
			need = append(need, e)
		}
	}
	if !readable || len(need) == 0 {
		p.d.Consequence("AI extents of %s below %s are not applied: their order is told only by %s itself, or the last acknowledged block is not known. They can be applied by hand before the approval (dsrutil -C applyextent).", v.Old, dir, v.Old)
		return
	}
	sort.Slice(need, func(i, j int) bool { return need[i].Sequence < need[j].Sequence })
	for _, e := range need {
		file := dir + "/" + path.Base(e.Path)
		p.add(dr.PhaseIsolate, applyExtent.Step(kit.At{
			Phase: dr.PhaseIsolate, Slug: "apply-extent-" + strconv.FormatInt(e.Sequence, 10), Site: v.New, Title: "Apply the AI extent " + file + " on " + v.New, Timeout: time.Hour, Skip: dr.SkipDecision,
			Why: "it holds what " + v.Old + " wrote after the last acknowledged block; an extent that is not applied is lost",
		}, extentArgs{On: p.place(v.New), Old: p.place(v.Old), Path: file, Sequence: e.Sequence, Run: p.in.RunID}))
	}
}

// unplannedLoss says what is known. Normal processing is never a proof of zero.
func (p *planner) unplannedLoss(v sides, old Reading, readable bool) dr.Loss {
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount()}
	_, l.Why = p.lastHeld(v)
	if readable && old.InUse() == dr.No && old.Role() == roleSource {
		if s := old.session(); s.last(msgTargetsInStep) > s.last(msgAllSent) && s.has(msgAllSent) && s.last(msgSessionEnd) > s.last(msgTargetsInStep) {
			return dr.Loss{
				Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1},
				Why: v.Old + " was closed after all connected targets were synchronised (20257 in its log); " + l.Why,
			}
		}
	}
	if proof := p.proofFor(v); proof != nil {
		l.Kind, l.Proof = dr.LossWindow, proof
		l.Why = "everything written before it is on " + v.New + "; of what came later the last block is known: " + l.Why
	}
	return l
}

// proofFor is the last proof that the new source holds everything that the old
// one had written by a time: the watch's, or a later one that the new source's
// own recovery information gives. Blocks are acknowledged in order, so an
// acknowledged block of a later AI file proves the whole file that was current
// when the watch last saw the old source.
func (p *planner) proofFor(v sides) *dr.Proof {
	m := p.in.Situation.Memory
	if m == nil {
		return nil
	}
	if r, ok := p.rs[v.New]; ok && len(r.AgentInfo) > 0 && m.Primary == v.Old && m.PrimarySeen != nil {
		if proof := proofAt(m, r.AgentInfo[0], v.New, "dsrutil -C recovery agent on "+v.New); proof != nil {
			return proof
		}
	}
	if m.Proof != nil && m.Proof.Primary == v.Old && m.Proof.Site == v.New {
		return m.Proof
	}
	return nil
}

func (p *planner) unplannedConsequences(v sides, to Reading, want string) {
	p.d.Consequence("What %s wrote and %s never got stays only in the old database; a reseed or failback with a copy overwrites it.", v.Old, v.New)
	if want != roleSource {
		p.d.Consequence("%s will be a normal database: its repl.properties has not database-role=reverse. Replication must be enabled anew (database closed) before a reseed.", v.New)
	} else if d := to.Properties.Deferral(); d > 0 {
		p.d.Consequence("The server of %s looks for its agents for %d minutes, then it ends (6060) while the database works; a reseed or failback starts it again.", v.New, d)
	}
	if r := to; r.Properties.get("transition", "recovery-backup-arguments") == "" {
		p.d.Consequence("If the transition fails, nothing restores %s by itself: its repl.properties has no recovery-backup-arguments.", v.New)
	}
	if len(v.Siblings) == 0 {
		p.d.Leaves = &dr.Unprotected{Next: "failback", Why: v.New + " has no target until " + v.Old + " is back"}
		p.d.Consequence("Unprotected from the transition on: %s has no target. Next: failback when %s is back, or reseed.", v.New, v.Old)
	}
}
