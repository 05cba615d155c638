package vvr

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// system is one replicated data set of the inventory.
type system struct {
	name  string
	set   systemNode
	sites kit.SiteList[site]
}

// site is one host of a system.
type site struct {
	Name     string
	Snapshot *snapshotNode
	Place    Place
}

// SiteName is the site's name in the inventory.
func (v site) SiteName() string { return v.Name }

// Sites lists the sites in the inventory's order.
func (s *system) Sites() []string { return s.sites.Names() }

func (s *system) site(name string) (site, bool) { return s.sites.Find(name) }

// placeOf gives a site's place with the name that VVR itself uses for its host,
// where the host told it; else the inventory's.
func (s *system) placeOf(name string, rs map[string]Reading) Place {
	st, _ := s.site(name)
	if own := rs[name].LocalName(); own != "" {
		st.Place.VVRHost = own
	}
	return st.Place
}

// Needs lists the programs that the adapter runs on each host.
func (s *system) Needs() []kit.Need {
	var out []kit.Need
	for _, v := range s.sites {
		n := kit.Need{Site: v.Name, Host: v.Place.Host}
		for _, t := range []string{"vradmin", "vxprint", "vxrlink", "vxrvg", "vxdg"} {
			n.Tools = append(n.Tools, kit.Tool{Name: t, Path: v.Place.Bin + "/" + t, Hint: "part of InfoScale (packages VRTSvxvm and VRTSvvr); `bin` names its directory"})
		}
		for _, t := range []string{"sed", "awk", "grep", "ps", "timeout"} {
			n.Tools = append(n.Tools, kit.Tool{Name: t, Path: t, Hint: "part of every Linux distribution"})
		}
		if s.set.Sudo {
			n.Tools = append(n.Tools, kit.Tool{Name: "sudo", Path: "sudo", Hint: "the setting `sudo` asks for it"})
		}
		out = append(out, n)
	}
	return out
}

// Files offers the sudo rules that the adapter's commands need.
func (s *system) Files() []kit.File {
	if !s.set.Sudo {
		return nil
	}
	body := "# /etc/sudoers.d/switchback; write the login user of the inventory in place of dr\n" +
		"Cmnd_Alias SWITCHBACK_VVR = "
	for i, t := range []string{"vradmin", "vxprint", "vxrlink", "vxrvg", "vxdg"} {
		if i > 0 {
			body += ", "
		}
		body += s.set.Bin + "/" + t
	}
	body += ", " + s.set.VCSBin + "/hares, " + s.set.VCSBin + "/hagrp, /usr/bin/fuser, /bin/kill\n" +
		"dr ALL = (root) NOPASSWD: SWITCHBACK_VVR\n"
	return []kit.File{{Name: "sudoers", Where: "install as /etc/sudoers.d/switchback on every host, mode 0440; snapshot commands of the inventory need a line of their own", Body: body}}
}

// ObserveSite reads one site in one round trip.
func (s *system) ObserveSite(ctx context.Context, env kit.Env, name string) dr.SiteSituation {
	return kit.Look[site, Reading]{
		Product: Adapter{}.Product(), Source: site.source,
		Read: func(v site) (Reading, error) {
			r, _, err := v.Place.read(ctx, env, full)
			return r, err
		},
		Describe: describe,
	}.Observe(env, s.sites, name)
}

// source says where readings of the site come from.
func (v site) source() string { return "ssh " + v.Place.Host }

// Baseline records what each site was before the takeover.
func (s *system) Baseline(sit dr.Situation) []dr.BaselineSite {
	rs := kit.Details[Reading](sit)
	primary := ""
	if p := sit.Primaries(); len(p) == 1 {
		primary = p[0]
	}
	var out []dr.BaselineSite
	for _, st := range s.sites {
		v, _ := sit.Site(st.Name)
		b := dr.BaselineSite{Site: st.Name, Role: v.Role, Settings: map[string]string{"vvr_host": s.placeOf(st.Name, rs).VVRHost}}
		if _, ok := rs[st.Name]; !ok {
			b.Role = dr.RoleUnknown
		}
		if l, ok := rs[primary].LinkTo(b.Settings["vvr_host"]); ok && primary != st.Name && l.Has(flagAttached) {
			b.Upstream = primary
		}
		out = append(out, b)
	}
	return out
}
