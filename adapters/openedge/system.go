package openedge

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// system is one OpenEdge database of the inventory with its copies.
type system struct {
	name  string
	set   systemNode
	sites kit.SiteList[site]
}

// site is one copy of a system.
type site struct {
	Name string
	// SSH is how other sites' hosts reach this one; SSHConfig the file that
	// ssh reads on this host.
	SSH       string
	SSHConfig string
	// Extents says where this host reads other sites' AI extents.
	Extents map[string]string
	Place   Place
}

// SiteName is the site's name in the inventory.
func (v site) SiteName() string { return v.Name }

// Sites lists the sites in the inventory's order.
func (s *system) Sites() []string { return s.sites.Names() }

func (s *system) site(name string) (site, bool) { return s.sites.Find(name) }

// others are the sites but one.
func (s *system) others(name string) []site { return s.sites.Others(name) }

// places are the other sites' places.
func (s *system) places(except string) []Place {
	var out []Place
	for _, v := range s.others(except) {
		out = append(out, v.Place)
	}
	return out
}

// agents are the names of the other sites' control agents.
func (s *system) agents(except string) []string {
	var out []string
	for _, v := range s.others(except) {
		out = append(out, v.Place.Agent)
	}
	return out
}

// Needs lists the programs that the adapter runs on each host.
func (s *system) Needs() []kit.Need {
	var out []kit.Need
	for _, v := range s.sites {
		n := kit.Need{Site: v.Name, Host: v.Place.Host}
		for _, t := range []string{"proutil", "rfutil", "probkup", "prorest", "prostrct", "proserve", "proshut"} {
			n.Tools = append(n.Tools, kit.Tool{Name: t, Path: v.Place.DLC + "/bin/" + t, Hint: "part of OpenEdge RDBMS; `dlc` of the site names the installation"})
		}
		n.Tools = append(n.Tools, kit.Tool{Name: "dsrutil", Path: v.Place.DSRHome + "/bin/dsrutil", Hint: "part of OpenEdge Replication; `dsrhome` of the site names the installation"})
		plain := []string{"sed", "awk", "grep", "df", "du", "ps", "stat", "timeout", "sha256sum", "tail"}
		if s.set.Transfer == transferCopy {
			plain = append(plain, "ssh")
		}
		for _, t := range plain {
			n.Tools = append(n.Tools, kit.Tool{Name: t, Path: t, Hint: "part of every Linux distribution"})
		}
		out = append(out, n)
	}
	return out
}

// ObserveSite reads one site in one round trip.
func (s *system) ObserveSite(ctx context.Context, env kit.Env, name string) dr.SiteSituation {
	return kit.Look[site, Reading]{
		Product: Adapter{}.Product(), Source: site.source,
		Read: func(v site) (Reading, error) {
			r, _, err := v.Place.read(ctx, env, v.Place.observation(full, s.agents(name)))
			return r, err
		},
		Describe: s.describe,
	}.Observe(env, s.sites, name)
}

// source says where readings of the site come from.
func (v site) source() string { return "ssh " + v.Place.Host }

// Baseline records what each site was before the takeover.
func (s *system) Baseline(sit dr.Situation) []dr.BaselineSite {
	rs := kit.Details[Reading](sit)
	prim := sit.Primaries()
	var out []dr.BaselineSite
	for _, st := range s.sites {
		v, _ := sit.Site(st.Name)
		b := dr.BaselineSite{Site: st.Name, Role: v.Role, Settings: map[string]string{}}
		r, ok := rs[st.Name]
		if !ok {
			b.Role = dr.RoleUnknown
		} else {
			b.Settings["replication_role"] = r.Role()
			if r.Role() == roleTarget && len(prim) == 1 {
				b.Upstream = prim[0]
			}
		}
		out = append(out, b)
	}
	return out
}
