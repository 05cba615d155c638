package vvr

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// roleOf says what the site's own state says. An acting Secondary keeps the
// flag of a Primary and is none.
func roleOf(r Reading) dr.Role {
	switch {
	case r.IsPrimary():
		return dr.RolePrimary
	case r.IsSecondary(), r.Acting():
		return dr.RoleSecondary
	}
	return dr.RoleUnknown
}

// describer collects the facts of one site.
type describer struct {
	host string
	at   time.Time
	out  *dr.SiteSituation
}

func (d describer) add(name string, t dr.Tri, source, format string, a ...any) *dr.Fact {
	d.out.Facts = append(d.out.Facts, dr.Fact{Name: "vvr." + name, Truth: t, Text: fmt.Sprintf(format, a...), At: d.at, Source: source + " on " + d.host})
	return &d.out.Facts[len(d.out.Facts)-1]
}

// describe turns a reading into facts. Safety facts are those that an approval
// rests on.
func describe(st site, r Reading, at time.Time) dr.SiteSituation {
	out := dr.SiteSituation{Site: st.Name, Reachable: dr.Yes, Role: roleOf(r), AcceptsWrites: r.AcceptsWrites(), At: at, Summary: summary(r)}
	d := describer{st.Place.Host, at, &out}
	want := func(f *dr.Fact, w dr.Tri) { f.Safety, f.Want = true, w }

	want(d.add("imported", r.Imported, "vxdg -q list", "disk group %s", st.Place.DG), dr.Yes)
	if r.RVG == nil {
		d.add("rvg", dr.Unknown, "vxprint -l", "%s", kit.OrNotRead(r.Text["rvg"]))
	} else {
		d.add("enabled", dr.TriOf(r.RVG.Kernel == kernelEnabled), "vxprint -l", "RVG %s: kernel %s, flags %s %s", st.Place.RVG, r.RVG.Kernel, r.RVG.Role, strings.Join(r.RVG.Flags, " "))
		d.add("closed", r.Closed(), "vxprint -l", "%s", map[bool]string{true: "data volumes are open: " + holdersText(r), false: "all data volumes are closed"}[r.RVG.Open])
	}
	want(d.add("vradmind", r.Vradmind, "vradmin printrvg", "%s", vradmindText(r)), dr.Yes)
	d.links(r)
	d.srl(r)
	d.configuration(r)
	for _, v := range r.Rep {
		age := ""
		if r.IsSecondary() && !connectedToPrimary(r) {
			age = "old, because this Secondary is cut off from its Primary: "
		}
		d.add("repstatus_"+v.Host, dr.Unknown, "vradmin repstatus", "%sdata %s, replication %s, logging to %s", age, v.Data, v.Replication, kit.OrNotRead(v.Logging))
	}
	if len(r.Updates) > 0 {
		d.add("updates", dr.Unknown, "vxrlink updates", "%s", strings.Join(r.Updates, "; "))
	}
	out.Managed = strings.Join(r.Managed, ", ")
	if out.Managed != "" {
		want(d.add("managed", dr.Yes, "hares", "%s is in charge and its group is not frozen", out.Managed), dr.No)
	}
	return out
}

func vradmindText(r Reading) string {
	switch r.Vradmind {
	case dr.Yes:
		return "vradmind answers; it calls this host " + kit.OrNotRead(r.LocalName())
	case dr.No:
		return "vradmind does not run"
	case dr.Unknown:
	}
	return "vradmind gave no answer that is recognised: " + kit.OrNotRead(r.Text["rds"])
}

func (d describer) links(r Reading) {
	if t := r.Text["rlink"]; t != "" {
		d.add("rlinks", dr.Unknown, "vxprint -Pl", "%s", t)
		return
	}
	for _, l := range r.RLinks {
		status := ""
		if s, ok := r.Link(l.Name); ok {
			status = ", " + s.text()
		} else if r.IsPrimary() {
			status = ", vxrlink status not recognised"
		}
		d.add("rlink_"+l.Name, dr.TriOf(l.Has(flagAttached) && l.Has("connected") && l.Has("consistent")), "vxprint -Pl and vxrlink status",
			"RLINK to %s: %s%s", l.Remote, strings.Join(l.Flags, " "), status)
	}
}

func (s LinkStatus) text() string {
	switch s.Kind {
	case linkUpToDate:
		return "up to date"
	case linkOutstanding:
		return fmt.Sprintf("%s outstanding, %s (%d %% of the SRL)", dr.Count(s.Writes, "write"), dr.ByteText(s.KB*1024), s.Percent)
	case linkAutosync:
		return "automatic synchronisation, " + dr.ByteText(s.KB*1024) + " to go"
	case linkDCM:
		return "the DCM holds " + dr.ByteText(s.KB*1024)
	}
	return "not recognised"
}

func (d describer) srl(r Reading) {
	if p := r.SRLPercent(); p >= 0 {
		d.add("srl", dr.TriOf(p < 80), "vxrlink status and vxrvg cplist", "the SRL is %d %% full by its fullest RLINK or checkpoint", p)
	}
	if r.Checkpoints == nil {
		return
	}
	var list []string
	for _, c := range *r.Checkpoints {
		list = append(list, fmt.Sprintf("%s (%s, %d %%)", c.Name, c.State, c.Percent))
	}
	d.add("checkpoints", dr.TriOf(len(list) < maxCheckpoints), "vxrvg cplist", "%d of at most %d checkpoints: %s", len(list), maxCheckpoints, orNo(strings.Join(list, ", ")))
}

func orNo(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (d describer) configuration(r Reading) {
	if r.RDS == nil {
		return
	}
	d.add("configuration", dr.TriOf(len(r.RDS.Errors) == 0), "vradmin -l printrvg", "%s", configErrors(r))
	if r.Volumes == nil {
		return
	}
	d.add("dcm", r.DCMEverywhere(r.LocalName()), "vradmin printvol", "a DCM on every data volume of this host")
	for _, l := range r.RLinks {
		d.add("sizes_equal_"+l.Remote, r.SizesEqual(r.LocalName(), l.Remote), "vradmin printvol", "data volumes of the same size as at %s", l.Remote)
	}
}

// connectedToPrimary: a Secondary's repstatus is current only then.
func connectedToPrimary(r Reading) bool {
	for _, l := range r.RLinks {
		if l.Has(flagAttached) && l.Has("connected") {
			return true
		}
	}
	return false
}

func summary(r Reading) string {
	switch {
	case r.RVG == nil:
		return "the RVG was not read: " + kit.OrNotRead(r.Text["rvg"])
	case r.Acting():
		return "acting Secondary: an original Primary that has seen a takeover with fast failback"
	case r.RVG.Role == roleSecondary:
		return "Secondary; " + linksSummary(r)
	case r.RVG.Kernel != kernelEnabled:
		return "Primary whose volumes take no I/O (kernel " + dr.Clip(r.RVG.Kernel, 30) + ")"
	}
	text := "Primary; " + linksSummary(r)
	if r.RVG.Has(flagFailback) {
		text += "; it logs for a fast failback"
	}
	if name, ok := r.PrimaryPrimary(); ok {
		text += "; VVR calls it one of two Primaries (the other is " + kit.OrNotRead(name) + ")"
	}
	return text
}

func linksSummary(r Reading) string {
	if t := r.Text["rlink"]; t != "" {
		return "its RLINKs were not recognised"
	}
	var parts []string
	for _, l := range r.RLinks {
		word := "detached"
		if l.Has(flagAttached) {
			word = "attached, not connected"
			if l.Has("connected") {
				word = "connected"
			}
		}
		if l.Has("inconsistent") {
			word += ", inconsistent"
		}
		parts = append(parts, l.Remote+" "+word)
	}
	if len(parts) == 0 {
		return "no RLINK"
	}
	return "RLINKs: " + strings.Join(parts, "; ")
}
