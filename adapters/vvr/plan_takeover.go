package vvr

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// phaseNames are where the parts of a planned change of roles stand: a takeover
// and the cutover of a failback are the same steps.
type phaseNames struct{ stop, drain, promote, redirect, verify, protect dr.Phase }

var (
	takeoverPhases = phaseNames{dr.PhaseIsolate, dr.PhaseIsolate, dr.PhasePromote, dr.PhaseRedirect, dr.PhaseVerify, dr.PhaseProtect}
	cutoverPhases  = phaseNames{dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack, dr.PhaseRedirect, dr.PhaseVerify, dr.PhaseProtect}
)

func (p *planner) takeover() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	prim := p.primaries()
	if p.rs[to].IsPrimary() && len(prim) == 1 {
		return p.alreadyPrimary(to)
	}
	old, err := p.old(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = old, to
	r, err := p.readable(to)
	if err != nil {
		return err
	}
	if !r.IsSecondary() {
		return dr.Refuse("no_secondary", "%s is no Secondary: %s", to, summary(r)).WithNext("choose another site, or bring %s back by a failback", to)
	}
	if p.in.Request.Mode == dr.ModePlanned {
		return p.planned(old, to)
	}
	return p.unplanned(old, to)
}

// old finds who is, or was, the Primary.
func (p *planner) old(to string) (string, error) {
	if prim := p.in.Situation.Primaries(); len(prim) == 1 && prim[0] != to {
		return prim[0], nil
	}
	if prim := p.primaries(); len(prim) == 1 && prim[0] != to {
		return prim[0], nil
	}
	// The Secondary's own RLINK says whom it receives from.
	for _, n := range p.others(to, "") {
		if l, ok := p.rs[to].LinkTo(p.place(n).VVRHost); ok && l.Has(flagAttached) {
			return n, nil
		}
	}
	if m := p.in.Situation.Memory; m != nil && m.Primary != "" && m.Primary != to {
		return m.Primary, nil
	}
	if o := p.others(to, ""); len(o) == 1 {
		return o[0], nil
	}
	return "", dr.Refuse("no_primary", "no site of %s says that it is, or was, the Primary", p.s.name).WithNext("find out by hand which site was the Primary and make it readable")
}

// planned is a change of roles by migrate.
func (p *planner) planned(old, to string) error {
	if err := p.plannable(old, to); err != nil {
		return err
	}
	p.d.Empty(dr.PhasePrepare, "migrate needs no preparation while applications run")
	p.change(old, to, takeoverPhases, "", "")
	for _, sib := range p.others(old, to) {
		if b := p.behind(old, sib); b.Why == "" && p.hasLink(to, sib) {
			p.at(dr.PhaseProtect).wait(to, sib, p.maxKB(), dr.SkipDecision)
			continue
		}
		p.d.Consequence("%s does not follow %s after this (%s): it needs a reseed.", sib, to, p.orphanWhy(old, to, sib))
	}
	return nil
}

// change is the exchange of roles itself: close, drain, migrate, read. With a
// checkpoint, replication starts from it once the volumes are closed, and it is
// deleted when it was passed.
func (p *planner) change(old, to string, ph phaseNames, startFrom, drop string) {
	p.at(ph.stop).waitClosed(old, true)
	drain := p.at(ph.drain)
	if startFrom != "" {
		drain.start(old, to, startFrom)
	}
	drain.wait(old, to, 0, dr.SkipNever)
	if drop != "" {
		drain.drop(old, drop)
	}
	for _, sib := range p.others(old, to) {
		if l, ok := p.rs[old].LinkTo(p.place(sib).VVRHost); ok && l.Has(flagAttached) {
			drain.wait(old, sib, 0, dr.SkipNever)
		}
	}
	p.at(ph.promote).migrate(old, to)
	p.d.Empty(ph.redirect, "VVR itself redirects nobody")
	p.at(ph.verify).checkPrimary(to)
	p.at(ph.protect).wait(to, old, p.maxKB(), dr.SkipDecision)
	p.d.NeedFence(kit.FenceNeed{Site: old, ByAdapter: true, Why: "migrate makes its RVG a Secondary in the same handshake; its volumes take no writes then, also after a reboot"})
	p.d.Loss = dr.Loss{
		Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1},
		Why: "the volumes of " + old + " are closed and " + to + " is read as up to date before migrate, which VVR refuses otherwise",
	}
	p.d.Outage = "from the stop of the applications to their start at " + to + ": the last writes, and one migrate"
	p.d.Consequence("Every program that has a data volume open at %s must end; what it has not written by then is its own loss.", old)
}

func (p *planner) plannable(old, to string) error {
	r, err := p.readable(old)
	if err != nil {
		e := dr.AsError(err, "unreadable")
		return e.WithNext(`%s; or use mode "unplanned" if %s is lost`, e.Next, old)
	}
	if !r.IsPrimary() || r.RVG.Kernel != kernelEnabled {
		return dr.Refuse("no_primary", "%s is no Primary that takes I/O: %s", old, summary(r)).WithNext(`use mode "unplanned" if it is lost`)
	}
	if _, found := r.ConfigError(p.place(old).VVRHost, p.place(to).VVRHost); found {
		return dr.Refuse("configuration", "VVR shows a configuration error at %s: %s", old, configErrors(r)).WithNext("repair the configuration, then start again")
	}
	b := p.behind(old, to)
	switch {
	case b.overflowed():
		return dr.Refuse("srl_overflow", "the SRL of %s overflowed: %s is at an old state until a resync", old, to).WithNext("reseed %s (it replays the DCM), then start again", to)
	case b.Why != "":
		return dr.Refuse("not_replicating", "%s", b.Why).WithNext("repair replication, or reseed %s", to)
	case b.KB > p.maxKB():
		return dr.Refuse("lag", "%s, the limit is %s", b.text(p.place(to)), dr.ByteText(p.maxKB()*1024)).WithNext("wait until it has caught up, or raise max_behind_mb")
	}
	for _, sib := range p.others(old, to) {
		s := p.behind(old, sib)
		if s.Link.Has(flagAttached) && s.Why != "" {
			return dr.Refuse("sibling", "migrate wants every attached Secondary up to date, and %s", s.Why).
				WithNext("repair it, or take it out (vradmin -g %s stoprep %s %s) and reseed it afterwards", p.place(old).DG, p.place(old).RVG, p.place(sib).VVRHost)
		}
	}
	return nil
}

// hasLink says whether a site has an RLINK to another, attached or not.
func (p *planner) hasLink(on, to string) bool {
	_, ok := p.rs[on].LinkTo(p.place(to).VVRHost)
	return ok
}

// orphanWhy says why a further Secondary does not join the new Primary.
func (p *planner) orphanWhy(old, to, sib string) string {
	if b := p.behind(old, sib); b.Why != "" {
		return b.Why
	}
	return fmt.Sprintf("%s and %s have no pair of RLINKs", to, sib)
}

// unplanned is a takeover without the old Primary's help.
func (p *planner) unplanned(old, to string) error {
	r := p.rs[to]
	if err := p.aliveRefusal(old, to); err != nil {
		return err
	}
	l, ok := r.LinkTo(p.place(old).VVRHost)
	switch {
	case !ok:
		return dr.Refuse("no_rlink", "%s has no RLINK to %s (%s)", to, old, p.place(old).VVRHost).WithNext("correct vvr_host of %s: it must be the name that vradmin printrvg shows", old)
	case !l.Has("consistent"):
		return dr.Refuse("inconsistent", "the data of %s is not consistent (%s): VVR cannot make it a Primary", to, strings.Join(l.Flags, " ")).
			WithNext("choose another site; a resynchronisation was under way: look for the snapshot that was taken before it")
	}
	p.d.Empty(dr.PhasePrepare, "%s cannot help: there is nothing to prepare", old)
	p.at(dr.PhaseIsolate).add(waitDisconnected.Step(kit.At{
		Phase: dr.PhaseIsolate, Slug: "wait-disconnected", Site: to, Title: "Wait until " + to + " has lost " + old, Timeout: 2 * time.Minute,
		Why: "VVR refuses a takeover before the heartbeats of the Primary have been missed (15 s by default)",
	}, linkArgs{Primary: p.place(old), Secondary: p.place(to)}))
	why := "its host does not answer: nothing there can prove that it takes no writes"
	if o, ok := p.rs[old]; ok {
		why = "its host answers and takes no writes now (" + summary(o) + "), which a reboot may change"
	}
	p.d.NeedFence(kit.FenceNeed{Site: old, Why: why})
	fast := p.fast(to)
	p.at(dr.PhasePromote).add(takeoverAction.Step(kit.At{
		Phase: dr.PhasePromote, Slug: "takeover", Site: to, Title: "Make " + to + " the Primary without " + old, Timeout: 10 * time.Minute,
		Why: "the point of no return: " + old + " leaves the RDS",
	}, takeoverArgs{On: p.place(to), Old: p.place(old), Fast: fast}))
	p.d.Empty(dr.PhaseRedirect, "VVR itself redirects nobody")
	p.at(dr.PhaseVerify).checkPrimary(to)
	p.fastConsequence(fast, old, to)
	p.d.Loss = p.unplannedLoss(old, to)
	p.d.Outage = "until the takeover of " + to + " is over, plus the crash recovery of the applications there"
	p.siblingsAfterTakeover(old, to)
	return nil
}

// siblingsAfterTakeover: further Secondaries may join the new Primary by
// themselves with data that nobody compared; they are detached so that nobody
// takes them for copies.
func (p *planner) siblingsAfterTakeover(old, to string) {
	next := "failback"
	for _, sib := range p.others(old, to) {
		if _, ok := p.rs[sib]; ok && p.hasLink(to, sib) {
			p.at(dr.PhaseProtect).stop(to, sib, "it may have joined "+to+" with data that nobody compared: it must be synchronised first", dr.SkipDecision)
			next = "reseed"
		}
		p.d.Consequence("%s is no copy of %s until it is synchronised with it: by a reseed of %s now, or at the end of the failback.", sib, to, sib)
	}
	if o := p.others(old, to); len(o) > 0 {
		p.d.Consequence("VVR cannot be asked in a recognised form which Secondary is newest: compare vxrlink updates of %s yourself before you approve (shown as the fact vvr.updates).", strings.Join(append([]string{to}, o...), " and "))
	}
	p.d.Leaves = &dr.Unprotected{Next: next, Why: to + " has no Secondary that holds its data until " + old + " is back, or another site was synchronised"}
	p.d.Consequence("Unprotected from the takeover on: no Secondary holds the data of %s.", to)
}

// aliveRefusal: a takeover is never made while the Primary answers.
func (p *planner) aliveRefusal(old, to string) error {
	o, read := p.rs[old]
	v, _ := p.in.Situation.Site(old)
	switch {
	case read && o.AcceptsWrites() == dr.Yes:
		return dr.Refuse("primary_alive", "%s answers and takes writes: a takeover of %s now would make two Primaries", old, to).
			WithNext(`start again with mode "planned"; or stop its applications and fence it (vxrvg stop, power) when it cannot hand over`)
	case read && o.AcceptsWrites() == dr.Unknown, !read && v.Reachable == dr.Yes:
		return dr.Refuse("primary_unclear", "the host of %s answers, and whether its RVG takes writes is not known: %s", old, dr.Clip(v.Summary, 200)).
			WithNext("repair what keeps it from being read, or power it off; then start again")
	}
	return nil
}

// fast gives the form of the takeover: fast failback needs a DCM on every data
// volume.
func (p *planner) fast(to string) string {
	if p.s.set.FastFailback != fastOff && p.rs[to].DCMEverywhere(p.place(to).VVRHost) != dr.Yes {
		return fastOff
	}
	return p.s.set.FastFailback
}

func (p *planner) fastConsequence(fast, old, to string) {
	switch fast {
	case fastOn:
		p.d.Consequence("Fast failback: %s logs changed regions in its DCM. When %s returns it becomes an acting Secondary by itself, and the failback sends only these regions (fbsync).", to, old)
	case fastAuto:
		p.d.Consequence("Automatic fast failback: when %s returns it becomes an acting Secondary and is overwritten with the regions that changed, without asking anybody.", old)
	default:
		if p.s.set.FastFailback != fastOff {
			p.d.Consequence("Fast failback is wanted, but not every data volume is known to have a DCM: the takeover is made with -N.")
		}
		p.d.Consequence("No fast failback (-N): %s returns as a second Primary with its volumes usable. Keep its applications from starting by themselves. The failback compares all blocks (makesec, syncrvg).", old)
	}
}

// unplannedLoss says what is known. "Up to date" at some time is no proof of
// what was acknowledged afterwards.
func (p *planner) unplannedLoss(old, to string) dr.Loss {
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount(), Why: "the end of the SRL of " + old + " cannot be read; what a Secondary says of itself while it is cut off is what it knew before"}
	if m := p.in.Situation.Memory; m != nil && m.Proof != nil && m.Proof.Primary == old && m.Proof.Site == to {
		l.Kind, l.Proof = dr.LossWindow, m.Proof
		l.Why = "after it " + old + " may have acknowledged writes that " + to + " never got"
	}
	return l
}

// alreadyPrimary plans what is left of a takeover that was made by hand or by a
// run that ended.
func (p *planner) alreadyPrimary(to string) error {
	p.d.To = to
	p.d.From = p.others(to, "")[0]
	if b := p.in.Baseline; b != nil && b.Primary != "" && b.Primary != to {
		p.d.From = b.Primary
	}
	p.d.Loss = dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: to + " is the Primary already: no role changes"}
	for _, n := range p.others(to, "") {
		if p.in.From == "" && p.behind(to, n).Why == "" {
			p.d.Nothing = to + " is the Primary already and " + n + " replicates from it"
			return nil
		}
	}
	for _, ph := range []dr.Phase{dr.PhasePrepare, dr.PhaseIsolate, dr.PhasePromote} {
		p.d.Empty(ph, "%s is Primary already", to)
	}
	p.d.Empty(dr.PhaseRedirect, "VVR itself redirects nobody")
	p.at(dr.PhaseVerify).checkPrimary(to)
	p.d.Leaves = &dr.Unprotected{Next: "failback", Why: "no Secondary is known to hold the data of " + to}
	return nil
}
