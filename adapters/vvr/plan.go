package vvr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions are all actions of the adapter.
func (Adapter) Actions() []kit.Action {
	return []kit.Action{
		waitClosed.Action(), waitUpToDate.Action(), waitDisconnected.Action(), checkPrimary.Action(), watchCheckpoint.Action(),
		migrate.Action(), takeoverAction.Action(), makesec.Action(), fbsync.Action(), resync.Action(),
		syncrvg.Action(), startrep.Action(), stoprep.Action(), checkdelete.Action(), snapshot.Action(),
	}
}

// planner makes one plan. It only reads its fields.
type planner struct {
	s  *system
	in kit.PlanInput
	d  *kit.Draft
	rs map[string]Reading
}

// Plan puts VVR's steps into the draft.
func (s *system) Plan(in kit.PlanInput, d *kit.Draft) error {
	p := &planner{s: s, in: in, d: d, rs: kit.Details[Reading](in.Situation)}
	if err := p.common(); err != nil {
		return err
	}
	return kit.Procedures{Takeover: p.takeover, Failback: p.failback, Reseed: p.reseed}.Plan("VVR", in.Request)
}

// common refuses what no procedure may go on with.
func (p *planner) common() error {
	if prim := p.in.Situation.Primaries(); len(prim) > 1 {
		return dr.Refuse("two_primaries", "two sites take writes: %s", strings.Join(prim, " and ")).
			WithNext("stop the application at the one that came back, unmount its volumes and see that it does not start by itself; then start again")
	}
	names := map[string]string{}
	for _, st := range p.s.sites {
		r, ok := p.rs[st.Name]
		if !ok {
			continue
		}
		if len(r.Managed) > 0 {
			return dr.Refuse("managed", "%s is in charge at %s and would undo these steps", strings.Join(r.Managed, ", "), st.Name).
				WithNext("freeze its service group on every system (hagrp -freeze GROUP -persistent), or change sides with VCS itself")
		}
		if r.RDS != nil && r.RDS.Bunker {
			return dr.Refuse("bunker", "the RDS of %s has a bunker, which this release does not handle", st.Name).
				WithNext("activate the bunker, replay it to the Secondary, deactivate it and change sides by hand; or remove it (vradmin delbunker)")
		}
		host := p.place(st.Name).VVRHost
		if other, twice := names[host]; twice {
			return dr.Refuse("vvr_host", "VVR calls the hosts of %s and %s by the same name %s", other, st.Name, dr.Clip(host, 80)).WithNext("correct host and vvr_host in the inventory")
		}
		names[host] = st.Name
	}
	return nil
}

// place gives a site's place with VVR's own name for its host.
func (p *planner) place(name string) Place { return p.s.placeOf(name, p.rs) }

// primaries are the sites whose RVG is a Primary, writing or not.
func (p *planner) primaries() []string {
	var out []string
	for _, st := range p.s.sites {
		if p.rs[st.Name].IsPrimary() {
			out = append(out, st.Name)
		}
	}
	return out
}

// others are the sites that are neither of the two.
func (p *planner) others(a, b string) []string {
	return slices.DeleteFunc(p.s.Sites(), func(n string) bool { return n == a || n == b })
}

// behind judges a Secondary by its Primary's RLINK.
func (p *planner) behind(primary, secondary string) behind {
	return behindOf(p.rs[primary], p.place(secondary))
}

// eitherAttached says whether one of the two ends of a link takes part.
func (p *planner) eitherAttached(primary, secondary string) bool {
	l, _ := p.rs[primary].LinkTo(p.place(secondary).VVRHost)
	m, _ := p.rs[secondary].LinkTo(p.place(primary).VVRHost)
	return l.Has(flagAttached) || m.Has(flagAttached)
}

// maxKB is how far a Secondary may be behind while applications write.
func (p *planner) maxKB() int64 { return p.s.set.MaxBehindMB * 1000_000 / 1024 }

// checkpoint names a checkpoint of this run: at most 19 characters, and no
// other run has the name. What is "f" for the failback, and the site's number
// for a further Secondary or a reseed.
func (p *planner) checkpoint(what string) string { return "sb" + p.in.RunID + what }

// siteMark gives a short word for a site's own checkpoint.
func (p *planner) siteMark(name string) string {
	return fmt.Sprintf("s%d", slices.Index(p.s.Sites(), name))
}

var ownCheckpoint = regexp.MustCompile(`^sb[0-9a-f]{1,8}(f|s[0-9]{1,2})$`)

// leftCheckpoints are those that runs of this program left on a Primary.
func (p *planner) leftCheckpoints(on string, keep ...string) []string {
	r := p.rs[on]
	if r.Checkpoints == nil {
		return nil
	}
	var out []string
	for _, c := range *r.Checkpoints {
		if ownCheckpoint.MatchString(c.Name) && !slices.Contains(keep, c.Name) {
			out = append(out, c.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// readable refuses a site whose RVG could not be read.
func (p *planner) readable(name string) (Reading, error) {
	r, ok := p.rs[name]
	v, _ := p.in.Situation.Site(name)
	switch {
	case !ok:
		return r, dr.Refuse("unreadable", "%s could not be read: %s", name, dr.Clip(v.Summary, 200)).WithNext("bring its host back, then start again")
	case r.Imported == dr.No:
		return r, dr.Refuse("not_imported", "the disk group %s is not imported at %s", p.place(name).DG, name).WithNext("vxdg import %s and start its RVG at %s, or correct the inventory", p.place(name).DG, name)
	case r.RVG == nil:
		return r, dr.Refuse("no_rvg", "%s: %s", name, summary(r)).WithNext("check disk_group, rvg, bin and sudo of %s", name)
	case r.Text["rlink"] != "":
		return r, dr.Refuse("rlinks", "the RLINKs of %s were not recognised: %s", name, r.Text["rlink"]).WithNext("look at vxprint -Pl on %s", name)
	case r.Vradmind != dr.Yes:
		return r, dr.Refuse("vradmind", "vradmind at %s gives no answer: %s", name, kit.OrNotRead(r.Text["rds"])).WithNext("start it (vras-vradmind.sh start), then start again")
	}
	return r, nil
}

func noFurtherLoss(to string) dr.Loss {
	return dr.Loss{Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: -1, Millis: -1}, Why: "everything that counts on " + to + " is on the Primary too"}
}
