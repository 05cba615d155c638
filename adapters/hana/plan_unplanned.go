package hana

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// unplanned is a takeover without the old primary's help.
func (p *planner) unplanned(old, to string) error {
	r, readable := p.rs[old]
	if err := p.aliveRefusal(old, to, r, readable); err != nil {
		return err
	}
	p.stepMark(dr.PhasePrepare, to)
	p.d.Empty(dr.PhasePrepare, "%s cannot help: there is nothing to prepare", old)
	held := p.fenceOld(old, to, r, readable)
	p.stepTakeover(dr.PhasePromote, old, to, held)
	if p.rs[to].Running() == dr.No {
		p.stepStart(dr.PhasePromote, to, old, forPromoted)
		p.d.Consequence("%s is stopped: the takeover changes its configuration, then it is started.", to)
	}
	p.d.Empty(dr.PhaseRedirect, "HANA itself redirects nobody")
	p.stepsVerify(dr.PhaseVerify, old, to)
	p.afterUnplanned(old, to)
	p.d.Loss = p.unplannedLoss(old, to)
	p.d.Outage = "until the tenants of " + to + " are open: minutes, longer with a large replay backlog"
	return nil
}

// afterUnplanned protects as far as it is possible without the old site.
func (p *planner) afterUnplanned(old, to string) {
	if err := p.thirdSites(dr.PhaseProtect, old, to); err != nil {
		p.d.Consequence("Third sites are not turned: %s.", dr.AsError(err, "third").Text)
	}
	p.stepsBackup(dr.PhaseProtect, to, dr.SkipDecision, "after a takeover the chain of log backups goes on at another site and needs a new full backup")
	p.stepUnmark(dr.PhaseProtect, to)
	if len(p.others(old, to)) == 0 {
		p.d.Leaves = &dr.Unprotected{Next: "failback", Why: to + " has no secondary until " + old + " is back"}
		p.d.Consequence("Unprotected from the takeover on: %s has no secondary. Next: failback when %s is back, or reseed.", to, old)
	}
	p.d.Consequence("%s must not be started before it is registered: it would come up as a second primary from its own files.", old)
}

// aliveRefusal: a primary that can hand over without loss must not be shot.
func (p *planner) aliveRefusal(old, to string, r Reading, readable bool) error {
	if !readable || r.AcceptsWrites() != dr.Yes {
		return nil
	}
	st, _ := p.s.site(to)
	l := linkTo(r, st.Place.Name, st.Place.SQL.Tenants)
	if l.InSync == dr.Yes {
		return dr.Refuse("primary_alive", "%s is alive, takes writes and %s is in sync: an unplanned takeover would lose what a planned one keeps", old, to).
			WithNext(`start again with mode "planned"`)
	}
	p.d.Consequence("%s is alive and takes writes, but %s is not proven to be in sync (%s). It will be stopped on every host; what it wrote since is not on %s.", old, to, l.Text, to)
	return nil
}

// fenceOld adds what keeps the old primary from taking writes and gives how the
// takeover's guard shall look at it.
func (p *planner) fenceOld(old, to string, r Reading, readable bool) string {
	ph := dr.PhaseIsolate
	if !readable {
		p.d.NeedFence(kit.FenceNeed{Site: old, Why: old + " does not answer: nothing on its own hosts can prove that it takes no writes"})
		return kit.HeldWithoutLook(p.in.Situation, old)
	}
	p.stepServices(ph, old)
	for i, h := range p.place(old).Hosts {
		if i >= len(r.Processes) || r.Processes[i].Running != dr.Unknown || r.Processes[i].NoService || r.Processes[i].Partial {
			continue
		}
		p.d.NeedFence(kit.FenceNeed{Site: old, Why: h.Name + " of " + old + " does not tell whether HANA runs there (" + r.Processes[i].Text + ")"})
		return kit.HeldByOutside
	}
	p.stepAutostart(ph, old)
	if p.stoppedNow(old) {
		p.stepProveStopped(ph, old, to, forFence)
	} else {
		p.stepStop(ph, old, to, forFence)
	}
	for _, h := range p.place(old).Hosts {
		if _, ok := r.Autostart[h.Name]; !ok {
			p.d.Waive(dr.Waiver{ID: "autostart:" + h.Host, Text: "Whether " + h.Name + " starts HANA at boot could not be read (" + orNone(r.Gaps["autostart "+h.Name]) +
				"). By approving I state that it does not, or that the host stays off until the failback."})
		}
	}
	p.d.NeedFence(kit.FenceNeed{Site: old, ByAdapter: true, Why: "it is stopped on every host, that is proven, and it does not start at boot"})
	return heldByStop
}

// unplannedLoss says what is known. Without the full sync option even a fresh
// proof is a window: the primary goes on alone after logshipping_timeout.
func (p *planner) unplannedLoss(old, to string) dr.Loss {
	l := dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount()}
	m := p.in.Situation.Memory
	if m == nil || m.Proof == nil || m.Proof.Primary != old || m.Proof.Site != to {
		l.Why = fmt.Sprintf("nothing proves when %s was last in sync with %s", to, old)
		return l
	}
	if m.Proof.Complete && m.InSyncSince != nil {
		return dr.Loss{
			Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: 0}, Proof: m.Proof,
			Why: "the full sync option was active on every service: " + old + " could not acknowledge without " + to,
		}
	}
	l.Kind, l.Proof = dr.LossWindow, m.Proof
	l.Why = fmt.Sprintf("%s was last seen in sync at %s; without the full sync option %s goes on alone when it loses %s", to, m.Proof.At.UTC().Format(time.RFC3339), old, to)
	if m.ClosedAt != nil {
		l.Why = fmt.Sprintf("%s was not in sync any more from %s on (%s)", to, m.ClosedAt.UTC().Format(time.RFC3339), m.ClosedWhy)
	}
	return l
}
