package postgres

import (
	"context"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// system is one PostgreSQL cluster of the inventory.
type system struct {
	name  string
	set   systemNode
	sites kit.SiteList[site]
}

// site is one server of a system.
type site struct {
	Name      string
	Listen    string
	BackupDir string
	// AppName is what the site calls itself when it is a standby.
	AppName string
	Place   Place
}

// SiteName is the site's name in the inventory.
func (v site) SiteName() string { return v.Name }

// Sites lists the sites in the inventory's order.
func (s *system) Sites() []string { return s.sites.Names() }

func (s *system) site(name string) (site, bool) { return s.sites.Find(name) }

// Needs lists the programs that the adapter runs on each host.
func (s *system) Needs() []kit.Need {
	var out []kit.Need
	for _, v := range s.sites {
		n := kit.Need{Site: v.Name, Host: v.Place.Host}
		for _, t := range []string{"psql", "pg_ctl", "pg_controldata", "pg_waldump", "pg_rewind", "pg_basebackup", "pg_verifybackup", "postgres"} {
			n.Tools = append(n.Tools, kit.Tool{
				Name: t, Path: v.Place.Bin + "/" + t,
				Hint: "part of the PostgreSQL server package (Debian: postgresql-15); `bin` of the site names its directory",
			})
		}
		for _, t := range []string{"sed", "awk", "grep", "df"} {
			n.Tools = append(n.Tools, kit.Tool{Name: t, Path: t, Hint: "part of every Linux distribution"})
		}
		out = append(out, n)
	}
	return out
}

// Files offers the role and access lines that replication needs.
func (s *system) Files() []kit.File {
	body := "-- on the primary, once; the password goes into the pass file of the hosts only\n" +
		"CREATE ROLE " + s.set.ReplicationUser + " LOGIN REPLICATION;\n" +
		"GRANT EXECUTE ON FUNCTION pg_ls_dir(text,boolean,boolean), pg_stat_file(text,boolean),\n" +
		"  pg_read_binary_file(text), pg_read_binary_file(text,bigint,bigint,boolean) TO " + s.set.ReplicationUser + ";\n"
	hba := "# pg_hba.conf of every site; write the real networks in place of samenet\n" +
		"host replication " + s.set.ReplicationUser + " samenet scram-sha-256\n" +
		"host " + s.set.Database + " " + s.set.ReplicationUser + " samenet scram-sha-256\n"
	return []kit.File{
		{Name: "roles.sql", Where: "run on the primary's database " + s.set.Database, Body: body},
		{Name: "pg_hba.conf", Where: "add to pg_hba.conf on every site", Body: hba},
	}
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
	var out []dr.BaselineSite
	for _, st := range s.sites {
		v, _ := sit.Site(st.Name)
		b := dr.BaselineSite{Site: st.Name, Role: v.Role, Settings: map[string]string{}}
		r, ok := rs[st.Name]
		if !ok {
			b.Role = dr.RoleUnknown
			out = append(out, b)
			continue
		}
		if r.Server != nil {
			b.Settings["synchronous_standby_names"] = r.Server.Synchronous
		}
		if up, ok := s.upstream(r); ok {
			b.Upstream = up
			b.Settings["slot"] = r.Server.Slot
		}
		out = append(out, b)
	}
	return out
}

// upstream names the site that a standby receives from.
func (s *system) upstream(r Reading) (string, bool) {
	if r.Receiver == nil || r.Receiver.Host == nil || r.Receiver.Port == nil || r.Server == nil {
		return "", false
	}
	for _, st := range s.sites {
		if st.Listen == *r.Receiver.Host && st.Place.Port == *r.Receiver.Port {
			return st.Name, true
		}
	}
	return "", false
}
