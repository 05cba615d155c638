package hana

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func (s *system) decodeSettings(e kit.Entry) error {
	v := systemNode{}
	if err := e.Settings(&v); err != nil {
		return err
	}
	kit.Default(&v.User, "SYSTEM")
	kit.Default(&v.TLS, "verify")
	kit.Default(&v.Handshake, "auto")
	kit.Default(&v.MaxReplayBacklogMB, 4096)
	kit.Default(&v.Timeouts.Start, time.Hour)
	kit.Default(&v.Timeouts.Stop, 30*time.Minute)
	kit.Default(&v.Timeouts.Takeover, time.Hour)
	kit.Default(&v.Timeouts.Sync, 48*time.Hour)
	kit.Default(&v.Timeouts.Backup, 24*time.Hour)
	switch {
	case !sidText.MatchString(v.SID):
		return e.Complain("sid", "sid %q is no system ID: a capital letter and two capital letters or digits", dr.Clip(v.SID, 40))
	case !instanceText.MatchString(v.Instance):
		return e.Complain("instance", "instance %q is no instance number: two digits in quotes, as \"00\"", dr.Clip(v.Instance, 40))
	case v.TLS != "verify" && v.TLS != "off":
		return e.Complain("tls", "tls is %q, not \"verify\" or \"off\"", dr.Clip(v.TLS, 40))
	case v.TLSCA != "" && !cleanPath(v.TLSCA):
		return e.Complain("tls_ca", "tls_ca %q is no plain absolute path", dr.Clip(v.TLSCA, 80))
	case v.TLSServerName != "" && !kit.Address.MatchString(v.TLSServerName):
		return e.Complain("tls_server_name", "tls_server_name %q is not allowed", dr.Clip(v.TLSServerName, 80))
	case v.Handshake != "auto" && v.Handshake != "never":
		return e.Complain("handshake", "handshake is %q, not \"auto\" or \"never\"", dr.Clip(v.Handshake, 40))
	case v.MaxWriteWait < 0 || v.MaxWriteWait%time.Second != 0 || v.MaxWriteWait > time.Hour:
		return e.Complain("max_write_wait", "max_write_wait must be whole seconds, at most one hour")
	case v.MaxReplayBacklogMB < 0:
		return e.Complain("max_replay_backlog_mb", "max_replay_backlog_mb cannot be negative")
	}
	if err := positive(e, v.Timeouts); err != nil {
		return err
	}
	if err := login(e, "user", "credential", v.User, v.Credential); err != nil {
		return err
	}
	for _, name := range sortedKeys(v.Tenants) {
		t := v.Tenants[name]
		kit.Default(&t.User, v.User)
		kit.Default(&t.Credential, v.Credential)
		if !sqlName.MatchString(name) || name == "SYSTEMDB" {
			return e.Complain("tenants", "the tenant name %q is not allowed: capital letters, digits and _, and not SYSTEMDB", dr.Clip(name, 80))
		}
		if err := login(e, "tenants", "tenants", t.User, t.Credential); err != nil {
			return err
		}
		v.Tenants[name] = t
	}
	s.set = v
	return nil
}

func positive(e kit.Entry, t timeoutsNode) error {
	for name, d := range map[string]time.Duration{"start": t.Start, "stop": t.Stop, "takeover": t.Takeover, "sync": t.Sync, "backup": t.Backup} {
		if d < time.Second || d > 14*24*time.Hour {
			return e.Complain("timeouts", "the time-out %s is %s: it must be 1s to 14 days", name, d)
		}
	}
	return nil
}

// login checks a user and that its password's reference exists.
func login(e kit.Entry, userField, credentialField, user, credential string) error {
	if !sqlName.MatchString(user) {
		return e.Complain(userField, "the SQL user %q is no plain name: capital letters, digits and _", dr.Clip(user, 80))
	}
	if credential == "" {
		return e.Complain(credentialField, "the credential of the SQL user %s is missing: name one of the inventory's credentials", user)
	}
	if e.Credentials != nil && !e.Credentials(credential) {
		return e.Complain(credentialField, "the inventory has no credential %q", dr.Clip(credential, 80))
	}
	return nil
}

func (s *system) decodeSite(e kit.Entry, se kit.SiteEntry) (site, error) {
	var v siteNode
	if err := e.SiteSettings(se, &v); err != nil {
		return site{}, err
	}
	kit.Default(&v.Name, v.Host)
	kit.Default(&v.UsrSap, "/usr/sap")
	kit.Default(&v.Shared, "/hana/shared")
	kit.Default(&v.HookDir, v.Shared+"/"+s.set.SID+"/switchback")
	port := 0
	if _, err := fmt.Sscanf(s.set.Instance, "%d", &port); err != nil {
		return site{}, se.Node.Complain("", "the instance number cannot be read")
	}
	port = 30013 + 100*port
	out := site{BackupDir: v.BackupDir, Mode: v.ReplicationMode, Operation: v.OperationMode, Source: v.Source}
	out.Place = Place{Site: se.Name, Name: v.SiteName, SID: s.set.SID, Instance: s.set.Instance, UsrSap: v.UsrSap, Hook: v.HookDir, Provider: s.set.Hook, SQL: s.login(v.TenantPorts)}
	all := append([]hostNode{{Host: v.Host, Name: v.Name, SQLAddress: v.SQLAddress, SQLPort: v.SQLPort}}, v.More...)
	for _, h := range all {
		kit.Default(&h.Name, h.Host)
		kit.Default(&h.SQLAddress, h.Name)
		kit.Default(&h.SQLPort, port)
		if err := e.KnownHost(se, h.Host); err != nil {
			return site{}, err
		}
		out.Place.Hosts = append(out.Place.Hosts, HostPlace{Host: h.Host, Name: h.Name, Address: h.SQLAddress, Port: h.SQLPort})
	}
	return out, checkSite(se, v, out.Place, s.set)
}

func (s *system) login(ports map[string]int) Login {
	l := Login{User: s.set.User, Credential: s.set.Credential, TLS: s.set.TLS == "verify", CA: s.set.TLSCA, ServerName: s.set.TLSServerName}
	for _, name := range sortedKeys(s.set.Tenants) {
		t := s.set.Tenants[name]
		l.Tenants = append(l.Tenants, TenantLogin{Name: name, User: t.User, Credential: t.Credential, Port: ports[name]})
	}
	return l
}

// checkSite complains about one site by its fields.
func checkSite(se kit.SiteEntry, v siteNode, p Place, set systemNode) error {
	if err := checkSiteName(v.SiteName); err != nil {
		return se.Node.Complain("site_name", "site_name of the site %s: %v", se.Name, err)
	}
	for _, f := range []struct {
		field, value string
		need         bool
	}{{"usr_sap", v.UsrSap, true}, {"shared", v.Shared, true}, {"hook_dir", v.HookDir, true}, {"backup_dir", v.BackupDir, false}} {
		if (f.need || f.value != "") && !cleanPath(f.value) {
			return se.Node.Complain(f.field, "%s of the site %s is %q: it must be a plain absolute path", f.field, se.Name, dr.Clip(f.value, 80))
		}
	}
	if v.ReplicationMode != "" && !replModes[v.ReplicationMode] {
		return se.Node.Complain("replication_mode", "replication_mode is %q, not sync, syncmem or async", dr.Clip(v.ReplicationMode, 40))
	}
	if v.OperationMode != "" && !opModes[v.OperationMode] {
		return se.Node.Complain("operation_mode", "operation_mode is %q, not logreplay, logreplay_readaccess or delta_datashipping", dr.Clip(v.OperationMode, 40))
	}
	for name, port := range v.TenantPorts {
		if _, ok := set.Tenants[name]; !ok {
			return se.Node.Complain("tenant_ports", "tenant_ports of the site %s names %q, which is none of the tenants", se.Name, dr.Clip(name, 40))
		}
		if port < 1 || port > 65535 {
			return se.Node.Complain("tenant_ports", "the port of the tenant %s is %d: it must be 1 to 65535", name, port)
		}
	}
	if err := p.Check(); err != nil {
		return se.Node.Complain("", "the site %s: %v", se.Name, err)
	}
	return nil
}

// distinct refuses sites that cannot be told apart, as HANA does.
func (s *system) distinct(entries []kit.SiteEntry) error {
	names, hosts := map[string]string{}, map[string]string{}
	for i, st := range s.sites {
		n, node := strings.ToUpper(st.Place.Name), entries[i].Node
		if other, ok := names[n]; ok {
			return node.Complain("site_name", "the sites %s and %s have the same site_name %q", other, st.Place.Site, st.Place.Name)
		}
		names[n] = st.Place.Site
		for _, h := range st.Place.Hosts {
			for _, key := range []string{"host " + h.Host, "name " + strings.ToLower(h.Name)} {
				if other, ok := hosts[key]; ok {
					return node.Complain("host", "the sites %s and %s share a %s: each site needs host names of its own", other, st.Place.Site, key)
				}
				hosts[key] = st.Place.Site
			}
		}
		if st.Source != "" && (st.Source == st.Place.Site || !slices.Contains(s.Sites(), st.Source)) {
			return node.Complain("source", "source of the site %s is %q, which is no other site", st.Place.Site, dr.Clip(st.Source, 60))
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
