package hana

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions are all actions of the adapter.
func (Adapter) Actions() []kit.Action {
	return []kit.Action{
		takeover.Action(), register.Action(), enableSource.Action(), stopSystem.Action(), startSystem.Action(), proveStopped.Action(),
		startService.Action(), setAutostartAction.Action(), copySSFS.Action(), backupDatabase.Action(), waitSync.Action(),
		checkRole.Action(), checkDatabases.Action(), checkTakeover.Action(), writeMark.Action(), removeMark.Action(),
	}
}

// planner makes one plan. It only reads its fields.
type planner struct {
	s  *system
	in kit.PlanInput
	d  *kit.Draft
	rs map[string]Reading
}

// Plan puts HANA's steps into the draft.
func (s *system) Plan(in kit.PlanInput, d *kit.Draft) error {
	p := &planner{s: s, in: in, d: d, rs: kit.Details[Reading](in.Situation)}
	if err := p.common(); err != nil {
		return err
	}
	return kit.Procedures{Takeover: p.takeover, Failback: p.failback, Reseed: p.reseed}.Plan("SAP HANA", in.Request)
}

// common refuses what no procedure may go on with.
func (p *planner) common() error {
	if online := p.s.onlinePrimaries(p.rs); len(online) > 1 {
		return dr.Refuse("two_primaries", "two sites are online as primary: %s; the newest takeover is that of %s", strings.Join(online, " and "), orNone(p.s.newest(p.rs))).
			WithNext("stop the clients of one of them now; decide by hand which data count; stop the other, then fail back or reseed it")
	}
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Place.Site]
		if !ok {
			continue
		}
		n := st.Place.Site
		switch {
		case r.Cluster == nil && !p.leftBehind(n):
			return dr.Refuse("cluster_unknown", "whether a cluster manager is in charge of %s is unknown: %s", n, orNone(r.Gaps["cluster"])).WithNext("try crm_mon -1 -r by hand on %s", st.Place.main().Host)
		case r.Cluster != nil && r.Cluster.Managed == dr.Yes:
			return dr.Refuse("managed", "%s on %s; it would undo these steps", r.Cluster.Text, n).
				WithNext("crm resource maintenance (or pcs property set maintenance-mode=true) for HANA's resources; or take over through the cluster")
		case r.Name() != "" && r.Name() != st.Place.Name && r.Mode() != "none":
			return dr.Refuse("wrong_name", "%s calls itself %s in system replication, the inventory says %s", n, dr.Clip(r.Name(), 60), st.Place.Name).WithNext("correct site_name of %s in the inventory", n)
		case r.SQL.Login == dr.Yes && !r.SQL.sameSID(st.Place.SID):
			return dr.Refuse("wrong_system", "the SQL port of %s leads to the system %s, not %s", n, dr.Clip(r.SQL.SID, 20), st.Place.SID).WithNext("correct sql_address and sql_port of %s in the inventory", n)
		}
	}
	return nil
}

// leftBehind says whether an unplanned takeover leaves the site, whose state
// may then be unknown.
func (p *planner) leftBehind(name string) bool {
	r := p.in.Request
	return r.Procedure == dr.ProcTakeover && r.Mode == dr.ModeUnplanned && r.To != name
}

func (p *planner) place(name string) Place {
	st, _ := p.s.site(name)
	return st.Place
}

func (p *planner) add(ph dr.Phase, s dr.Step) { p.d.Add(ph, kit.PlaceProduct, s) }

// handshake says whether a change of roles is made with --suspendPrimary. It
// rests on the versions that were read; a site that is stopped tells its own
// too.
func (p *planner) handshake(old, now string) bool {
	if p.s.set.Handshake == "never" {
		return false
	}
	return hasHandshake(p.rs[old].Version) == dr.Yes && hasHandshake(p.rs[now].Version) == dr.Yes
}

// takeoversAt is the number of rows that the takeover history has now, by the
// present primary or by what the watch remembers; -1 when nobody knows.
func (p *planner) takeoversAt(old string) int {
	if r := p.rs[old]; r.SQL.HistoryRead && r.AcceptsWrites() == dr.Yes {
		return len(r.SQL.Takeovers)
	}
	if m := p.in.Situation.Memory; m != nil && m.Primary == old {
		n := -1
		if _, err := fmt.Sscan(m.Positions[positionTakeovers], &n); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// record is how the system was before this run: this run's own baseline as soon
// as there is one, else what is read now.
func (p *planner) record(primary string) *dr.Baseline {
	if p.in.Request.Procedure == dr.ProcTakeover && len(p.in.Finished) == 0 {
		return &dr.Baseline{Primary: primary, Sites: p.s.Baseline(p.in.Situation)}
	}
	return p.in.Baseline
}

func (p *planner) recorded(b *dr.Baseline, site string) dr.BaselineSite {
	if b != nil {
		for _, v := range b.Sites {
			if v.Site == site {
				return v
			}
		}
	}
	return dr.BaselineSite{}
}

// others are the sites that are neither of the two.
func (p *planner) others(a, b string) []string {
	return slices.DeleteFunc(p.s.Sites(), func(n string) bool { return n == a || n == b })
}

// limits for the short steps.
const (
	shortStep = 2 * time.Minute
	waitOpen  = 30 * time.Minute
)
