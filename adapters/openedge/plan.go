package openedge

import (
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions are all actions of the adapter.
func (Adapter) Actions() []kit.Action {
	return []kit.Action{
		verifyProperties.Action(), synchronised.Action(), stopSource.Action(), proveShutdown.Action(), stopTarget.Action(),
		fence.Action(), unfence.Action(), triggerTransition.Action(), applyExtent.Action(), transition.Action(), failover.Action(),
		start.Action(), checkPrimary.Action(), restartServer.Action(),
		clearRecovery.Action(), returnRecovery.Action(), seed.Action(), hashBackup.Action(), copyBackup.Action(), compareBackup.Action(),
		proveFit.Action(), verifyBackup.Action(), restore.Action(), enableTarget.Action(), checkTarget.Action(),
	}
}

// planner makes one plan. It only reads its fields.
type planner struct {
	s  *system
	in kit.PlanInput
	d  *kit.Draft
	rs map[string]Reading
}

// sides are the two sites of a change of roles.
type sides struct {
	// Old gives up the primary role, New gets it.
	Old, New string
	Siblings []string
}

// Plan puts OpenEdge's steps into the draft.
func (s *system) Plan(in kit.PlanInput, d *kit.Draft) error {
	p := &planner{s: s, in: in, d: d, rs: kit.Details[Reading](in.Situation)}
	if err := p.common(); err != nil {
		return err
	}
	return kit.Procedures{Takeover: p.takeover, Failback: p.failback, Reseed: p.reseed}.Plan("OpenEdge", in.Request)
}

// common refuses what no procedure may go on with.
func (p *planner) common() error {
	if prim := p.in.Situation.Primaries(); len(prim) > 1 {
		return dr.Refuse("two_primaries", "two databases take updates: %s", strings.Join(prim, " and ")).
			WithNext("stop the clients of one of them now; decide by hand which data counts; then close the other and reseed it")
	}
	release, from := "", ""
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if !ok {
			continue
		}
		if r.Owner != "" && r.Me != "root" && r.Owner != r.Me {
			return dr.Refuse("owner", "%s on %s belongs to %s, but the login is %s: files and IPC of the database would get the wrong owner", st.Place.Database, st.Name, r.Owner, r.Me).
				WithNext("set user of the host of %s to %s", st.Name, r.Owner)
		}
		if r.Transiting() && !p.in.Did("openedge.failover") && !p.in.Did("openedge.transition") {
			return dr.Refuse("transition_running", "a transition of %s is under way (%s)", st.Name, r.Status.Code).WithNext("wait for its end, then start again")
		}
		if v := r.Describe.Version; v != "" && release != "" && v != release {
			return dr.Refuse("other_release", "%s has version %s and %s has %s: backup, restore and replication need the same", from, release, st.Name, v).
				WithNext("bring both to the same release")
		}
		if r.Describe.Version != "" {
			release, from = r.Describe.Version, st.Name
		}
	}
	return nil
}

// place gives a site's place.
func (p *planner) place(name string) Place {
	st, _ := p.s.site(name)
	return st.Place
}

// siblings are the other sites that are targets.
func (p *planner) siblings(from, to string) []string {
	var out []string
	for _, st := range p.s.sites {
		if st.Name != from && st.Name != to && p.rs[st.Name].Role() == roleTarget {
			out = append(out, st.Name)
		}
	}
	return out
}

// readable refuses a site that was not read, or whose restore broke off.
func (p *planner) readable(name string) (Reading, error) {
	r, ok := p.rs[name]
	switch {
	case !ok:
		return r, dr.Refuse("unreadable", "%s could not be read", name).WithNext("bring its host back")
	case r.HalfRestored() != "":
		return r, dr.Refuse("half_restored", "%s is half restored (%s): its data is not usable", name, r.HalfRestored()).WithNext("reseed %s", name)
	}
	return r, nil
}

// ready refuses sites whose properties do not serve both roles.
func (p *planner) ready(names ...string) error {
	for _, n := range names {
		var others []Place
		for _, o := range names {
			if o != n {
				others = append(others, p.place(o))
			}
		}
		r := p.rs[n]
		if lacks := r.Properties.lacks(p.place(n), others); len(lacks) > 0 {
			return dr.Refuse("properties", "%s.repl.properties of %s does not serve both roles: %s", p.place(n).base(), n, strings.Join(lacks, "; ")).
				WithNext("complete the file on %s; starter files %s shows one", n, p.s.name)
		}
	}
	return nil
}
