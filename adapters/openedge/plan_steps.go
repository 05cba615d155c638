package openedge

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// What follows adds single steps. Each says why the step stands there.

func (p *planner) add(ph dr.Phase, st dr.Step) { p.d.Add(ph, kit.PlaceProduct, st) }

// stepsVerify prove that both hosts can play both roles.
func (p *planner) stepsVerify(ph dr.Phase, open bool, names ...string) {
	for _, n := range names {
		a := propertiesArgs{On: p.place(n), Tool: open}
		for _, o := range names {
			if o != n {
				a.Others = append(a.Others, p.place(o))
			}
		}
		p.add(ph, verifyProperties.Step(kit.At{
			Phase: ph, Slug: "verify-properties-" + n, Site: n, Title: "Prove that " + n + " can play both roles", Timeout: 2 * time.Minute, Skip: dr.SkipDecision,
			Why: "a missing section or another name shows only when the roles have changed, and then there is no way back",
		}, a))
	}
}

func (p *planner) stepInStep(ph dr.Phase, slug, source, target, why string, timeout time.Duration, seedFile string) {
	p.add(ph, synchronised.Step(kit.At{
		Phase: ph, Slug: slug + "-" + target, Site: target, Title: "Wait until " + target + " is in step with " + source, Timeout: timeout, Skip: dr.SkipDecision, Why: why,
	}, pairArgs{Source: p.place(source), Target: p.place(target), Seed: seedFile}))
}

// stepProve proves, before anything is stopped, that both are in step.
func (p *planner) stepProve(ph dr.Phase, source, target string) {
	p.add(ph, synchronised.Step(kit.At{
		Phase: ph, Slug: "prove-in-step", Site: target, Title: "Prove that " + target + " is in step with " + source, Timeout: 10 * time.Minute,
		Why: "the source's own \"normal\" does not say that the target has everything: both ends and the agent are asked",
	}, pairArgs{Source: p.place(source), Target: p.place(target)}))
}

// startStep serves a database in a role.
func (p *planner) startStep(ph dr.Phase, slug, on, role, why string, peers ...string) dr.Step {
	a := startArgs{On: p.place(on), Role: role, Run: p.in.RunID}
	for _, n := range peers {
		a.Peers = append(a.Peers, p.place(n))
	}
	return start.Step(kit.At{
		Phase: ph, Slug: slug + "-" + on, Site: on, Title: "Start " + on + " as a replication " + role, Timeout: 15 * time.Minute, Why: why,
	}, a)
}

func (p *planner) stepStart(ph dr.Phase, on, role, why string, peers ...string) {
	p.add(ph, p.startStep(ph, "start", on, role, why, peers...))
}

func (p *planner) stepFence(ph dr.Phase, old, to string, startAgain bool) {
	a := fenceArgs{On: p.place(old), Peer: p.place(to), Run: p.in.RunID, Start: startAgain}
	u := unfence.Step(kit.At{Phase: ph, Slug: "undo-fence", Site: old, Title: "Take the fence of " + old + " away", Timeout: 5 * time.Minute}, a)
	p.add(ph, fence.Step(kit.At{
		Phase: ph, Slug: "fence", Site: old, Title: "Fence " + old, Timeout: 5 * time.Minute, Undo: &u, StopsClients: true,
		Why: "a start of " + old + " by its host's start scripts or a colleague would make a second source",
	}, a))
}

// stepCheck reads the roles back on all sites that answer.
func (p *planner) stepCheck(ph dr.Phase, on, want string) {
	a := primaryArgs{On: p.place(on), Want: want}
	for _, o := range p.s.others(on) {
		if v, ok := p.in.Situation.Site(o.Name); ok && v.Reachable == dr.Yes {
			a.Peers = append(a.Peers, o.Place)
		}
	}
	p.add(ph, checkPrimary.Step(kit.At{
		Phase: ph, Slug: "check-primary", Site: on, Title: "Read that " + on + " takes updates and nobody else does", Timeout: 5 * time.Minute,
		Why: "the transition's output says nothing about the peer",
	}, a))
}

func (p *planner) stepRestartServer(ph dr.Phase, source, target string) {
	p.add(ph, restartServer.Step(kit.At{
		Phase: ph, Slug: "restart-server-" + target, Site: source, Title: "Let the server of " + source + " connect to " + target + " now", Timeout: 10 * time.Minute, Skip: dr.SkipDecision,
		Why: "by itself a server looks for its agents every 5 minutes, and not at all after its deferral",
	}, pairArgs{Source: p.place(source), Target: p.place(target)}))
}

// syncTime is how long a wait for synchronisation may last.
func (p *planner) syncTime() time.Duration { return time.Duration(p.s.set.SyncHours) * time.Hour }
