package oceanbase

import (
	"context"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// system is one replicated tenant of the inventory.
type system struct {
	name  string
	set   systemNode
	sites kit.SiteList[site]
}

// site is one tenant of a system in its cluster.
type site struct {
	Name        string
	Sources     []string
	Pool        string
	PrimaryZone string
	Locality    string
	ArchiveDest string
	BackupDest  string
	Place       Place
}

// SiteName is the site's name in the inventory.
func (v site) SiteName() string { return v.Name }

// Sites lists the sites in the inventory's order.
func (s *system) Sites() []string { return s.sites.Names() }

func (s *system) site(name string) (site, bool) { return s.sites.Find(name) }

// Needs is empty: everything goes by SQL, over connections of the worker's own.
func (s *system) Needs() []kit.Need { return nil }

// Files offers the users that the adapter and replication log in with.
func (s *system) Files() []kit.File {
	out := []kit.File{{
		Name: "replication-user.sql", Where: "run in the tenant at its primary; standbys replicate it",
		Body: "-- the password: 1 to 128 printable characters without spaces, commas, quotes, semicolons, backslashes\n" +
			"CREATE USER " + orName(s.set.ReplicationUser, "repl") + " IDENTIFIED BY '<password>';\n" +
			"GRANT SELECT ON oceanbase.* TO " + orName(s.set.ReplicationUser, "repl") + ";\n" +
			"-- an Oracle-mode tenant: CREATE SESSION and the role STANDBY_REPLICATION instead\n",
	}}
	if s.set.Login == loginSys {
		out = append(out, kit.File{
			Name: "pool.sql", Where: "run as root@sys of every cluster, once; a rebuilt tenant gets this pool",
			Body: "-- sizes and zones are examples: a standby needs what the primary has\n" +
				"CREATE RESOURCE UNIT switchback_unit MAX_CPU 4, MEMORY_SIZE '16G', LOG_DISK_SIZE '48G';\n" +
				"CREATE RESOURCE POOL switchback_pool UNIT 'switchback_unit', UNIT_NUM 1, ZONE_LIST ('zone1', 'zone2', 'zone3');\n",
		})
	}
	return out
}

func orName(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// ObserveSite reads one site over one connection.
func (s *system) ObserveSite(ctx context.Context, env kit.Env, name string) dr.SiteSituation {
	return kit.Look[site, Reading]{
		Product: Adapter{}.Product(), Source: site.source,
		Read:     func(v site) (Reading, error) { return v.Place.read(ctx, env, partAll) },
		Describe: s.describe,
	}.Observe(env, s.sites, name)
}

// source says where readings of the site come from.
func (v site) source() string { return "sql " + v.Place.Addresses[0] }

// Baseline records what each site was before the takeover.
func (s *system) Baseline(sit dr.Situation) []dr.BaselineSite {
	rs := kit.Details[Reading](sit)
	var out []dr.BaselineSite
	for _, st := range s.sites {
		v, _ := sit.Site(st.Name)
		b := dr.BaselineSite{Site: st.Name, Role: v.Role, Settings: map[string]string{}}
		if r, ok := rs[st.Name]; ok {
			b.Upstream = s.upstream(st.Name, r, rs)
			if r.Tenant != nil {
				b.Settings["tenant_id"] = number(r.Tenant.ID)
				b.Settings["switchover_epoch"] = r.Tenant.Epoch
			}
		} else {
			b.Role = dr.RoleUnknown
		}
		out = append(out, b)
	}
	return out
}

// upstream names the site that a standby takes its log from.
func (s *system) upstream(name string, r Reading, rs map[string]Reading) string {
	for _, st := range s.sites {
		if st.Name != name && s.from(r, st, rs[st.Name]) {
			return st.Name
		}
	}
	return ""
}

// from says whether a standby's source is the given site.
func (s *system) from(r Reading, up site, upstream Reading) bool {
	src := r.Source
	if src == nil {
		return false
	}
	if src.Location != "" {
		return up.ArchiveDest != "" && src.Location == up.ArchiveDest
	}
	if src.Cluster != 0 && upstream.Cluster != 0 && src.Cluster != upstream.Cluster ||
		src.Tenant != 0 && upstream.Tenant != nil && src.Tenant != upstream.Tenant.ID {
		return false
	}
	return slices.ContainsFunc(src.Addresses, func(a string) bool {
		return slices.Contains(up.Sources, a) || slices.Contains(up.Place.Addresses, a)
	})
}

// source is what a standby's LOG_RESTORE_SOURCE shall be, to follow a site.
func (s *system) source(up site) Source {
	if s.set.Source == sourceArchive {
		return Source{Location: up.ArchiveDest, Key: s.set.StorageKey}
	}
	return Source{Addresses: up.Sources, User: s.set.ReplicationUser, Tenant: up.Place.Tenant, Password: s.set.ReplicationPassword}
}

func list(ids []string) string { return strings.Join(ids, ", ") }
