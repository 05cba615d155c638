package hana

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// system is one HANA system of the inventory.
type system struct {
	name  string
	set   systemNode
	sites kit.SiteList[site]
}

// site is one site of a system.
type site struct {
	Place Place
	// BackupDir takes data backups; empty for HANA's own default.
	BackupDir string
	// Mode, Operation and Source are the site's as a secondary when no record
	// tells.
	Mode, Operation, Source string
}

// SiteName is the site's name in the inventory.
func (v site) SiteName() string { return v.Place.Site }

// Sites lists the sites in the inventory's order.
func (s *system) Sites() []string { return s.sites.Names() }

func (s *system) site(name string) (site, bool) { return s.sites.Find(name) }

// named finds a site by its replication name.
func (s *system) named(name string) (site, bool) {
	for _, v := range s.sites {
		if v.Place.Name == name {
			return v, true
		}
	}
	return site{}, false
}

// Needs lists the programs that the adapter runs on each host.
func (s *system) Needs() []kit.Need {
	var out []kit.Need
	for _, v := range s.sites {
		for i, h := range v.Place.Hosts {
			n := kit.Need{Site: v.Place.Site, Host: h.Host}
			hana := "the login environment of <sid>adm must have it: log in by hand and look at PATH"
			names := []string{"sapcontrol"}
			if i == 0 {
				names = append(names, "hdbnsutil", "HDB", "python")
			}
			for _, t := range names {
				n.Tools = append(n.Tools, kit.Tool{Name: t, Path: t, Login: true, Hint: hana})
			}
			for _, t := range []string{"timeout", "sed", "grep", "cat", "sha256sum"} {
				n.Tools = append(n.Tools, kit.Tool{Name: t, Path: t, Hint: "part of every Linux distribution"})
			}
			out = append(out, n)
		}
	}
	return out
}

// ObserveSite reads one site: the programs on its hosts and SQL, all at once.
func (s *system) ObserveSite(ctx context.Context, env kit.Env, name string) dr.SiteSituation {
	return kit.Look[site, Reading]{
		Product: Adapter{}.Product(), Source: site.source,
		Read:     func(v site) (Reading, error) { return v.Place.observe(ctx, env) },
		Describe: func(v site, r Reading, at time.Time) dr.SiteSituation { return describe(v.Place, r, at) },
	}.Observe(env, s.sites, name)
}

// source says where readings of the site come from.
func (v site) source() string { return "ssh " + v.Place.main().Host }
