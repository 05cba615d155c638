package oceanbase

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// A complete example of the adapter's part of the inventory:
//
//	credentials:
//	  ob-east-sys: {file: /etc/switchback/secrets/ob-east-sys}
//	  ob-west-sys: {file: /etc/switchback/secrets/ob-west-sys}
//	  ob-repl:     {file: /etc/switchback/secrets/ob-repl}
//	  ob-storage:  {file: /etc/switchback/secrets/ob-storage}
//
//	systems:
//	  orders:
//	    product: oceanbase
//	    home: east
//	    sites:
//	      east:
//	        addresses: [10.0.1.11:2881, 10.0.1.12:2881]  # SQL ports of this cluster's own observers
//	        cluster: obeast                   # optional: logs in as root@sys#obeast
//	        user: root                        # default: root
//	        password: ob-east-sys             # a credential
//	        tenant: orders                    # default: the system's tenant
//	        source_addresses: [10.0.1.11:2881]  # how the other clusters reach this one; default: addresses
//	        resource_pool: orders_pool        # for a rebuild: a pool that no other tenant uses
//	        primary_zone: zone1               # optional, for a rebuild
//	        locality: F@zone1                 # optional, for a rebuild
//	        archive_dest: file:///backup/east/orders/archive
//	        backup_dest: file:///backup/east/orders/data
//	      west:
//	        addresses: [10.0.2.11:2881]
//	        password: ob-west-sys
//	        resource_pool: orders_pool
//	        archive_dest: file:///backup/west/orders/archive
//	        backup_dest: file:///backup/west/orders/data
//	    oceanbase:
//	      tenant: orders
//	      login: sys                  # sys (the default) or tenant: MySQL-mode tenants only, no rebuild
//	      source: network             # network (the default) or archive
//	      replication_user: repl      # lives in the tenant; needed with network
//	      replication_password: ob-repl
//	      rebuild: auto               # auto (the default), create, restore
//	      old_tenant: rename          # rename (the default) keeps what is rebuilt; drop
//	      max_lag: 5s                 # default: 5s with network, 120s with archive
//	      statement_timeout: 120s     # ob_query_timeout of role statements
//	      flashback_log: false        # FLASHBACK STANDBY LOG for other standbys, where the version has it
//	      storage_key: ob-storage     # optional: what stands behind "?" in object storage URIs
//
// What the adapter sends is SELECT col, ... FROM oceanbase.VIEW [WHERE col = literal [AND ...]]
// on the views of the manual, besides SELECT VERSION(), SET SESSION
// ob_query_timeout and the role, source, archive, backup and restore statements.
// The cluster's identity is GV$OB_PARAMETERS with NAME = 'cluster_id'; the time
// after which a server counts as gone is server_permanent_offline_time there. A
// kept tenant is renamed by ALTER TENANT ... RENAME GLOBAL_NAME TO.

// siteNode is a site's settings in the inventory.
type siteNode struct {
	// Addresses are the SQL ports of the observers of the site's own cluster,
	// tried in this order. Nothing on them may need another site.
	Addresses []string `yaml:"addresses"`
	// Cluster is the cluster's name, where the login must carry it (OBProxy).
	Cluster string `yaml:"cluster"`
	// User administers: root of sys, or of the tenant with login: tenant.
	User string `yaml:"user"`
	// Password is a credential of the inventory.
	Password string `yaml:"password"`
	// Tenant is the tenant's name in this cluster.
	Tenant string `yaml:"tenant"`
	// Sources are the addresses by which the other clusters fetch log here.
	Sources []string `yaml:"source_addresses"`
	// Pool is the resource pool of a tenant that is rebuilt here.
	Pool        string `yaml:"resource_pool"`
	PrimaryZone string `yaml:"primary_zone"`
	Locality    string `yaml:"locality"`
	// ArchiveDest and BackupDest are where this tenant archives its log and
	// puts its backups, as a URI that all clusters reach.
	ArchiveDest string `yaml:"archive_dest"`
	BackupDest  string `yaml:"backup_dest"`
}

// systemNode is the node "oceanbase" of a system.
type systemNode struct {
	Tenant              string `yaml:"tenant"`
	Login               string `yaml:"login"`
	Source              string `yaml:"source"`
	ReplicationUser     string `yaml:"replication_user"`
	ReplicationPassword string `yaml:"replication_password"`
	Rebuild             string `yaml:"rebuild"`
	OldTenant           string `yaml:"old_tenant"`
	MaxLag              string `yaml:"max_lag"`
	StatementTimeout    string `yaml:"statement_timeout"`
	FlashbackLog        bool   `yaml:"flashback_log"`
	StorageKey          string `yaml:"storage_key"`

	maxLag, statement time.Duration
}

// The values of settings.
const (
	loginSys      = "sys"
	loginTenant   = "tenant"
	sourceNetwork = "network"
	sourceArchive = "archive"
	rebuildAuto   = "auto"
	rebuildCreate = "create"
	rebuildBackup = "restore"
	oldRename     = "rename"
	oldDrop       = "drop"
)

var (
	// identifier is what names of tenants, users, pools and clusters may be.
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	zoneList   = regexp.MustCompile(`^[A-Za-z0-9_]+([,;][A-Za-z0-9_]+)*$`)
	locality   = regexp.MustCompile(`^[A-Za-z]+(\{[0-9]+\})?@[A-Za-z0-9_]+(, ?[A-Za-z]+(\{[0-9]+\})?@[A-Za-z0-9_]+)*$`)
	// destination is a URI without its keys: no quote, space, comma or
	// ampersand can end it early.
	destination = regexp.MustCompile(`^(file://(/[A-Za-z0-9._+@-]+)+|(oss|s3|cos|obs)://[A-Za-z0-9._-]+(/[A-Za-z0-9._+@-]+)+\?host=[A-Za-z0-9.:-]+)$`)
)

// Adapter is the OceanBase adapter.
type Adapter struct{}

// New gives the adapter.
func New() kit.Adapter { return Adapter{} }

// Product is "oceanbase".
func (Adapter) Product() string { return "oceanbase" }

// Decode reads the system's nodes.
func (Adapter) Decode(e kit.Entry) (kit.System, error) {
	s := &system{name: e.Name}
	if err := s.decodeSettings(e); err != nil {
		return nil, err
	}
	if err := e.TwoSites(); err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, se := range e.Sites {
		st, err := s.decodeSite(e, se)
		if err != nil {
			return nil, err
		}
		for _, a := range st.Place.Addresses {
			if other, ok := seen[a]; ok {
				return nil, se.Node.Complain("addresses", "the sites %s and %s have the same address %s", other, se.Name, a)
			}
			seen[a] = se.Name
		}
		s.sites = append(s.sites, st)
	}
	return s, nil
}

func (s *system) decodeSettings(e kit.Entry) error {
	v := systemNode{}
	if err := e.Settings(&v); err != nil {
		return err
	}
	v.defaults()
	if v.Tenant != "" && !identifier.MatchString(v.Tenant) {
		return e.Complain("tenant", "tenant %q is no plain identifier: letters, digits and underscores, at most 63", dr.Clip(v.Tenant, 80))
	}
	for _, c := range []struct {
		field, value string
		allowed      []string
	}{
		{"login", v.Login, []string{loginSys, loginTenant}},
		{"source", v.Source, []string{sourceNetwork, sourceArchive}},
		{"rebuild", v.Rebuild, []string{rebuildAuto, rebuildCreate, rebuildBackup}},
		{"old_tenant", v.OldTenant, []string{oldRename, oldDrop}},
	} {
		if !oneOf(c.value, c.allowed) {
			return e.Complain(c.field, "%s is %q; it must be %s", c.field, dr.Clip(c.value, 40), strings.Join(c.allowed, " or "))
		}
	}
	if v.Source == sourceNetwork {
		if !identifier.MatchString(v.ReplicationUser) {
			return e.Complain("replication_user", "replication_user %q is no plain identifier; a network source needs one", dr.Clip(v.ReplicationUser, 80))
		}
		if !known(e.Credentials, v.ReplicationPassword) {
			return e.Complain("replication_password", "replication_password names the credential %q, which the inventory does not have", dr.Clip(v.ReplicationPassword, 80))
		}
	}
	if v.StorageKey != "" && !known(e.Credentials, v.StorageKey) {
		return e.Complain("storage_key", "storage_key names the credential %q, which the inventory does not have", dr.Clip(v.StorageKey, 80))
	}
	var err error
	if v.maxLag, err = span(v.MaxLag, time.Millisecond, time.Hour); err != nil {
		return e.Complain("max_lag", "max_lag %q is no time span from 1ms to 1h", dr.Clip(v.MaxLag, 40))
	}
	if v.statement, err = span(v.StatementTimeout, time.Second, 10*time.Minute); err != nil {
		return e.Complain("statement_timeout", "statement_timeout %q is no time span from 1s to 10m", dr.Clip(v.StatementTimeout, 40))
	}
	s.set = v
	return nil
}

func (v *systemNode) defaults() {
	kit.Default(&v.Login, loginSys)
	kit.Default(&v.Source, sourceNetwork)
	kit.Default(&v.Rebuild, rebuildAuto)
	kit.Default(&v.OldTenant, oldRename)
	kit.Default(&v.StatementTimeout, "120s")
	if v.Source == sourceArchive {
		kit.Default(&v.MaxLag, "120s")
	}
	kit.Default(&v.MaxLag, "5s")
}

func (s *system) decodeSite(e kit.Entry, se kit.SiteEntry) (site, error) {
	var v siteNode
	if err := e.SiteSettings(se, &v); err != nil {
		return site{}, err
	}
	kit.Default(&v.Tenant, s.set.Tenant)
	kit.Default(&v.User, "root")
	if len(v.Sources) == 0 {
		v.Sources = v.Addresses
	}
	if err := s.checkSite(se, v, e.Credentials); err != nil {
		return site{}, err
	}
	login := v.User + "@sys"
	if s.set.Login == loginTenant {
		login = v.User + "@" + v.Tenant
	}
	if v.Cluster != "" {
		login += "#" + v.Cluster
	}
	return site{
		Name: se.Name, Sources: v.Sources, Pool: v.Pool, PrimaryZone: v.PrimaryZone, Locality: v.Locality,
		ArchiveDest: v.ArchiveDest, BackupDest: v.BackupDest,
		Place: Place{Site: se.Name, Addresses: v.Addresses, Login: login, Password: v.Password, Tenant: v.Tenant, Own: s.set.Login == loginTenant},
	}, nil
}

func (s *system) checkSite(se kit.SiteEntry, v siteNode, credentials func(string) bool) error {
	for field, list := range map[string][]string{"addresses": v.Addresses, "source_addresses": v.Sources} {
		if len(list) == 0 || len(list) > 16 {
			return se.Node.Complain(field, "%s of the site %s must have 1 to 16 entries of the form host:port", field, se.Name)
		}
		for _, a := range list {
			if !address(a) {
				return se.Node.Complain(field, "%s of the site %s has %q, which is not host:port", field, se.Name, dr.Clip(a, 80))
			}
		}
	}
	for _, f := range []struct {
		field, value string
		need         bool
		pattern      *regexp.Regexp
		want         string
	}{
		{"tenant", v.Tenant, true, identifier, "letters, digits and underscores, at most 63; set it here or under oceanbase"},
		{"user", v.User, true, identifier, "letters, digits and underscores, at most 63"},
		{"cluster", v.Cluster, false, identifier, "letters, digits and underscores, at most 63"},
		{"resource_pool", v.Pool, false, identifier, "letters, digits and underscores, at most 63"},
		{"primary_zone", v.PrimaryZone, false, zoneList, "zones with commas or semicolons between"},
		{"locality", v.Locality, false, locality, "like F@zone1, F@zone2"},
		{"archive_dest", v.ArchiveDest, s.set.Source == sourceArchive, destination, "a URI like file:///backup/orders/archive or s3://bucket/path?host=name, without keys"},
		{"backup_dest", v.BackupDest, false, destination, "a URI like file:///backup/orders/data or s3://bucket/path?host=name, without keys"},
	} {
		if (f.need || f.value != "") && !f.pattern.MatchString(f.value) {
			return se.Node.Complain(f.field, "%s of the site %s is %q; it must be %s", f.field, se.Name, dr.Clip(f.value, 80), f.want)
		}
	}
	if v.ArchiveDest != "" && v.ArchiveDest == v.BackupDest {
		return se.Node.Complain("backup_dest", "backup_dest and archive_dest of the site %s are the same; the server wants two paths", se.Name)
	}
	if !known(credentials, v.Password) {
		return se.Node.Complain("password", "password of the site %s names the credential %q, which the inventory does not have", se.Name, dr.Clip(v.Password, 80))
	}
	return nil
}

func known(credentials func(string) bool, name string) bool {
	return dr.CheckName("credential", name) == nil && (credentials == nil || credentials(name))
}

func oneOf(v string, allowed []string) bool {
	for _, a := range allowed {
		if v == a {
			return true
		}
	}
	return false
}

func span(text string, least, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, strconv.ErrRange
	}
	return d, nil
}

// address says whether a text is host:port.
func address(a string) bool {
	host, port, err := net.SplitHostPort(a)
	if err != nil || !kit.Address.MatchString(host) {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535 && strconv.Itoa(n) == port
}
