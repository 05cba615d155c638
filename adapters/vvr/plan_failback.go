package vvr

import (
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// failback plans one gate: convert, and later cutover, when the facts that it
// needs are there.
func (p *planner) failback() error {
	to, err := p.s.sites.Home(p.s.name, p.in)
	if err != nil {
		return err
	}
	from, err := p.newest(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = from, to
	if from == to {
		if p.in.Gate == dr.GateCutover {
			return p.handedBack(to)
		}
		if err := p.onlyPrimary(to); err != nil {
			return err
		}
		p.d.Nothing = to + " is the Primary already"
		return nil
	}
	for _, n := range []string{from, to} {
		if _, err := p.readable(n); err != nil {
			return err
		}
	}
	p.d.BackTo = dr.PhasePrepare
	switch p.in.Gate {
	case dr.GateCutover:
		p.d.BackTo = dr.PhaseQuiesce
		return p.cutover(from, to)
	case dr.GateConvert:
		return p.convert(from, to)
	default:
		return dr.Refuse("gate", "a failback of VVR has no gate %q", p.in.Gate)
	}
}

// newest finds the Primary that counts: of two, the one that is not the site to
// go back to. An original Primary that somebody writes to is refused: which
// data counts is for people.
func (p *planner) newest(to string) (string, error) {
	prim := p.primaries()
	others := slices.DeleteFunc(slices.Clone(prim), func(n string) bool { return n == to })
	switch {
	case len(others) > 1:
		return "", dr.Refuse("primaries", "several sites are Primaries: %s", strings.Join(prim, ", ")).WithNext("find out by hand which one holds the data that counts")
	case len(others) == 1:
		if r := p.rs[to]; r.IsPrimary() && r.RVG.Open {
			return "", dr.Refuse("open_volumes", "programs have data volumes open at %s, the Primary that came back: %s", to, holdersText(r)).
				WithNext("stop them, unmount, and see that they do not start by themselves; what they wrote is thrown away by the failback")
		}
		return others[0], nil
	case len(prim) == 1:
		return prim[0], nil
	}
	return "", p.noPrimary(dr.Refuse("no_primary", "no site of %s is a Primary: there is nothing to fail back from", p.s.name).WithNext("take over first"))
}

// noPrimary tells of a site that could not be read before it says that there is
// no Primary: that site may be the one.
func (p *planner) noPrimary(e *dr.Error) error {
	if err := p.unread(); err != nil {
		return err
	}
	return e
}

// unread is the refusal for the first site whose RVG could not be read.
func (p *planner) unread() error {
	for _, n := range p.s.Sites() {
		if r, ok := p.rs[n]; !ok || r.RVG == nil {
			_, err := p.readable(n)
			return err
		}
	}
	return nil
}

// onlyPrimary refuses to call a site the Primary while a site that could not be
// read may be the one that took over, unless somebody receives from it.
func (p *planner) onlyPrimary(to string) error {
	for _, n := range p.others(to, "") {
		if p.behind(to, n).Why == "" {
			return nil
		}
	}
	return p.unread()
}

// convert makes the original Primary a Secondary in the way that its state asks
// for.
func (p *planner) convert(from, to string) error {
	r, b := p.rs[to], p.behind(from, to)
	p.dropLeft(dr.PhasePrepare, from)
	switch {
	case r.Acting():
		return p.convertByFbsync(from, to)
	case r.IsPrimary():
		return p.convertByMakesec(from, to)
	}
	p.d.Empty(dr.PhaseConvert, "%s is a Secondary already", to)
	p.d.Loss = noFurtherLoss(to)
	resyn := p.at(dr.PhaseResynchronise)
	switch {
	case b.Link.Name == "":
		return dr.Refuse("no_rlink", "%s has no RLINK to %s (%s)", from, to, p.place(to).VVRHost).
			WithNext("add it to the RDS by hand (vradmin addsec %s %s %s), then start again", p.place(from).RVG, p.place(from).VVRHost, p.place(to).VVRHost)
	case !b.Link.Has(flagAttached):
		p.at(dr.PhasePrepare).keep(to, "the synchronisation", false)
		if p.eitherAttached(from, to) {
			resyn.stop(from, to, "syncrvg wants both ends of the RLINK detached", dr.SkipNever)
		}
		p.synchronise(from, to)
	case b.overflowed():
		p.at(dr.PhasePrepare).keep(to, "the replay of the DCM", true)
		resyn.resync(from, to)
		resyn.wait(from, to, p.maxKB(), dr.SkipNever)
	default:
		resyn.wait(from, to, p.maxKB(), dr.SkipNever)
		p.dropOwn(resyn, from)
	}
	return nil
}

// convertByFbsync is the way back after a takeover with fast failback.
func (p *planner) convertByFbsync(from, to string) error {
	p.at(dr.PhasePrepare).keep(to, "fbsync", true)
	p.at(dr.PhasePrepare).waitClosed(to, false)
	p.at(dr.PhaseConvert).fbsync(from, to)
	p.at(dr.PhaseResynchronise).wait(from, to, p.maxKB(), dr.SkipNever)
	p.d.Loss = dr.Loss{
		Kind: dr.LossUnknown, Certain: p.outstanding(from, to), Why: "what " + to + " wrote and never sent was lost with the takeover; its regions are marked and overwritten now",
	}
	p.d.Consequence("makesec is left out: the takeover was made with fast failback, so %s is an acting Secondary and fbsync converts it.", to)
	p.d.Consequence("The data of %s is inconsistent from fbsync until the replay ends: %s is the only good copy meanwhile.", to, from)
	return nil
}

// outstanding is what a returned Primary still holds for the new one, by its
// own SRL.
func (p *planner) outstanding(from, to string) dr.Amount {
	if s, ok := p.unsent(from, to); ok {
		return dr.Bytes(s.KB * 1024)
	}
	return dr.UnknownAmount()
}

func (p *planner) unsent(from, to string) (LinkStatus, bool) {
	l, ok := p.rs[to].LinkTo(p.place(from).VVRHost)
	if !ok {
		return LinkStatus{}, false
	}
	s, ok := p.rs[to].Link(l.Name)
	return s, ok && (s.Kind == linkUpToDate || s.Kind == linkOutstanding)
}

// convertByMakesec is Example 3. -f is planned only when this run's own makesec
// was refused because the writes never left.
func (p *planner) convertByMakesec(from, to string) error {
	r := p.rs[to]
	if p.rs[from].RVG.Has(flagFailback) {
		return dr.Refuse("fast_failback", "%s logs for a fast failback and %s is no acting Secondary yet", from, to).
			WithNext("wait until %s has seen the takeover (the network between both, vradmind), then start again", to)
	}
	name, ok := r.PrimaryPrimary()
	switch {
	case !ok:
		return dr.Refuse("no_error", "%s is a Primary, and VVR there shows no Primary-Primary configuration: %s", to, configErrors(r)).
			WithNext("see that vradmind runs at both sites and the network between them works, then start again")
	case name == "":
		return dr.Refuse("name", "printrvg of %s does not say clearly with whom it is in a Primary-Primary configuration: %s", to, configErrors(r)).WithNext("look at vradmin -l printrvg on %s", to)
	case name != p.place(from).VVRHost:
		return dr.Refuse("name", "printrvg of %s names %s as the other Primary, and the host of %s calls itself %s", to, dr.Clip(name, 80), from, p.place(from).VVRHost).
			WithNext("correct vvr_host in the inventory, or find out which host that is")
	}
	a := makesecArgs{On: p.place(to), Primary: p.place(from), Name: name, Run: p.in.RunID}
	lost := dr.UnknownAmount()
	if s, known := p.unsent(from, to); known {
		lost = dr.Bytes(s.KB * 1024)
		a.DiscardKB, a.DiscardWrites = s.KB, s.Writes
	}
	text, refused := r.HasMark(refusedMark(p.s.name, p.in.RunID))
	a.Force = refused && saysNotUpToDate.MatchString(text)
	p.makesecLoss(from, to, a, lost)
	if !a.Force {
		a.DiscardKB, a.DiscardWrites = 0, 0
	} else if !lost.Known() {
		a.DiscardKB, a.DiscardWrites = -1, -1
	}
	p.at(dr.PhasePrepare).waitClosed(to, false)
	p.at(dr.PhasePrepare).keep(to, "the synchronisation", false)
	title := "Make " + to + " a Secondary of " + from
	if a.Force {
		title += " and throw away what never left it"
	}
	p.at(dr.PhaseConvert).add(makesec.Step(kit.At{
		Phase: dr.PhaseConvert, Slug: "makesec", Site: to, Title: title, Timeout: 10 * time.Minute,
		Why: "VVR shows two Primaries; " + name + " is the newest Primary by its own name",
	}, a))
	p.synchronise(from, to)
	p.d.Consequence("Keep the applications at %s from starting by themselves: open volumes stop the failback.", to)
	return nil
}

// makesecLoss says what is thrown away at the original Primary.
func (p *planner) makesecLoss(from, to string, a makesecArgs, lost dr.Amount) {
	what := "how much " + to + " holds that " + from + " never got is not known"
	switch {
	case lost.Zero():
		what = "vxrlink status at " + to + " says that nothing is outstanding"
	case lost.Known():
		what = dr.Count(a.DiscardWrites, "write") + " (" + lost.String() + ") in the SRL of " + to + " never reached " + from
	}
	if !a.Force {
		p.d.Loss = dr.Loss{Kind: dr.LossUnknown, Certain: lost, Why: what + "; makesec without -f is refused by VVR while there is any, and the gate opens again"}
		if lost.Zero() {
			p.d.Loss.Kind = dr.LossNone
		}
		return
	}
	p.d.Loss = dr.Loss{Kind: dr.LossUnknown, Certain: lost, Why: "makesec was refused as not up to date: " + what + "; -f throws them away"}
	p.d.Consequence("makesec -f discards at %s: %s. The synchronisation overwrites every block that differs from %s.", to, what, from)
}

// synchronise is the middle of Example 3, in the order that the inventory asks
// for.
func (p *planner) synchronise(from, to string) {
	cp := p.checkpoint("f")
	resyn := p.at(dr.PhaseResynchronise)
	resyn.sync(from, to, cp, false)
	p.d.Consequence("The volumes of %s are made equal to those of %s: what only %s has is gone. Its data is inconsistent until it has caught up.", to, from, to)
	if p.s.set.Order == orderProtect {
		p.catchUp(resyn, from, to, cp, p.maxKB())
		return
	}
	// The manual stops the application before startrep. People who do not hand
	// back after all are left in sync.
	safe := p.at(dr.PhaseSafeStop)
	safe.sync(from, to, cp, false)
	p.catchUp(safe, from, to, cp, p.maxKB())
	p.d.Consequence("In the manual's order replication starts only behind the cutover gate: until then the SRL of %s keeps every write since the checkpoint %s. Decide before it is full.", from, cp)
}

// catchUp starts from a checkpoint, waits until it is passed, and deletes it.
func (p *planner) catchUp(a adder, from, to, cp string, maxKB int64) {
	a.start(from, to, cp)
	a.wait(from, to, maxKB, dr.SkipNever)
	a.drop(from, cp)
}

// dropLeft deletes checkpoints of earlier runs on a Primary.
func (p *planner) dropLeft(ph dr.Phase, on string) {
	own := []string{p.checkpoint("f")}
	for _, n := range p.s.Sites() {
		own = append(own, p.checkpoint(p.siteMark(n)))
	}
	for _, c := range p.leftCheckpoints(on, own...) {
		p.at(ph).drop(on, c)
	}
}

// dropOwn deletes this run's checkpoint where replication no longer needs it.
func (p *planner) dropOwn(a adder, on string) {
	if _, found, _ := p.rs[on].Checkpoint(p.checkpoint("f")); found {
		a.drop(on, p.checkpoint("f"))
	}
}
