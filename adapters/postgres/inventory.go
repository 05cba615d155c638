package postgres

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// siteNode is a site's settings in the inventory.
type siteNode struct {
	// Host is the inventory's name of the host.
	Host string `yaml:"host"`
	// Data is PGDATA, Bin the directory of the server's programs.
	Data string `yaml:"data"`
	Bin  string `yaml:"bin"`
	Port int    `yaml:"port"`
	// Listen is the address that the other sites use for replication.
	Listen string `yaml:"listen"`
	// Socket is the directory of the Unix socket.
	Socket string `yaml:"socket"`
	// StartConf is Debian's start.conf of the cluster; optional.
	StartConf string `yaml:"start_conf"`
	// ConfigDir is where postgresql.conf is when it is not in PGDATA.
	ConfigDir string `yaml:"config_dir"`
	// BackupDir holds base backups and kept log segments.
	BackupDir string `yaml:"backup_dir"`
	// Name is the standby's application_name; the site's name by default.
	Name string `yaml:"application_name"`
}

// systemNode is the node "postgres" of a system.
type systemNode struct {
	Database        string `yaml:"database"`
	User            string `yaml:"user"`
	ReplicationUser string `yaml:"replication_user"`
	// Passfile is a path on the hosts; never a password.
	Passfile string `yaml:"passfile"`
	// Synchronous is "keep" (the default: a system that was synchronous stays
	// so with the roles exchanged) or "off".
	Synchronous string `yaml:"synchronous"`
	SlotPrefix  string `yaml:"slot_prefix"`
	// MaxLag refuses a planned takeover of a standby further behind, in MB.
	MaxLagMB int64 `yaml:"max_lag_mb"`
	// MaxWALKeep warns when a slot retains more, in MB.
	MaxWALKeepMB int64 `yaml:"max_wal_keep_mb"`
}

var (
	identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	slotPrefix = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,20}$`)
	appName    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,63}$`)
)

// Adapter is the PostgreSQL adapter.
type Adapter struct{}

// New gives the adapter.
func New() kit.Adapter { return Adapter{} }

// Product is "postgres".
func (Adapter) Product() string { return "postgres" }

// Decode reads the system's nodes.
func (Adapter) Decode(e kit.Entry) (kit.System, error) {
	s := &system{name: e.Name}
	if err := s.decodeSettings(e); err != nil {
		return nil, err
	}
	if err := e.TwoSites(); err != nil {
		return nil, err
	}
	names := kit.Distinct{}
	for _, se := range e.Sites {
		st, err := s.decodeSite(e, se)
		if err != nil {
			return nil, err
		}
		if err := names.Add(se, "application_name", st.AppName); err != nil {
			return nil, err
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
	kit.Default(&v.Database, "postgres")
	kit.Default(&v.User, "postgres")
	kit.Default(&v.ReplicationUser, "replicator")
	kit.Default(&v.Synchronous, "keep")
	kit.Default(&v.SlotPrefix, "switchback")
	kit.Default(&v.MaxLagMB, 256)
	kit.Default(&v.MaxWALKeepMB, 10_000)
	for f, val := range map[string]string{"database": v.Database, "user": v.User, "replication_user": v.ReplicationUser} {
		if !identifier.MatchString(val) {
			return e.Complain(f, "%s %q is no plain identifier: lower-case letters, digits and underscores, at most 63", f, dr.Clip(val, 80))
		}
	}
	if !slotPrefix.MatchString(v.SlotPrefix) {
		return e.Complain("slot_prefix", "slot_prefix %q is not allowed: lower-case letters, digits and underscores, at most 21", dr.Clip(v.SlotPrefix, 80))
	}
	if v.Passfile != "" && !kit.PlainPath(v.Passfile) {
		return e.Complain("passfile", "passfile %q is no plain absolute path", dr.Clip(v.Passfile, 80))
	}
	if v.Synchronous != "keep" && v.Synchronous != "off" {
		return e.Complain("synchronous", "synchronous is %q, not \"keep\" or \"off\"", dr.Clip(v.Synchronous, 40))
	}
	if v.MaxLagMB < 0 || v.MaxWALKeepMB < 0 {
		return e.Complain("", "max_lag_mb and max_wal_keep_mb cannot be negative")
	}
	s.set = v
	return nil
}

func (s *system) decodeSite(e kit.Entry, se kit.SiteEntry) (site, error) {
	var v siteNode
	if err := e.SiteSettings(se, &v); err != nil {
		return site{}, err
	}
	if err := e.KnownHost(se, v.Host); err != nil {
		return site{}, err
	}
	if err := kit.Checks(
		se.NeedPath("data", v.Data), se.NeedPath("bin", v.Bin), se.NeedPath("socket", v.Socket), se.NeedPath("backup_dir", v.BackupDir),
		se.OptionalPath("start_conf", v.StartConf), se.OptionalPath("config_dir", v.ConfigDir),
	); err != nil {
		return site{}, err
	}
	if strings.HasPrefix(v.BackupDir+"/", v.Data+"/") {
		return site{}, se.Node.Complain("backup_dir", "backup_dir of the site %s is inside its data directory", se.Name)
	}
	if v.Port < 1 || v.Port > 65535 {
		return site{}, se.Node.Complain("port", "port of the site %s is %d: it must be 1 to 65535", se.Name, v.Port)
	}
	if !kit.Address.MatchString(v.Listen) {
		return site{}, se.Node.Complain("listen", "listen of the site %s is %q: it must be the address that the other sites connect to", se.Name, dr.Clip(v.Listen, 80))
	}
	kit.Default(&v.Name, se.Name)
	if !appName.MatchString(v.Name) {
		return site{}, se.Node.Complain("application_name", "application_name %q is not allowed", dr.Clip(v.Name, 80))
	}
	return site{
		Name: se.Name, Listen: v.Listen, BackupDir: v.BackupDir, AppName: v.Name,
		Place: Place{
			Site: se.Name, Host: v.Host, Bin: v.Bin, Data: v.Data, Socket: v.Socket, Port: v.Port,
			Database: s.set.Database, User: s.set.User, ConfigDir: v.ConfigDir, StartConf: v.StartConf,
		},
	}, nil
}

// Place is a server as an action is given it.
type Place struct {
	Site     string `json:"site"`
	Host     string `json:"host"`
	Bin      string `json:"bin"`
	Data     string `json:"data"`
	Socket   string `json:"socket"`
	Port     int    `json:"port"`
	Database string `json:"database"`
	User     string `json:"user"`
	// System is the cluster's identifier as it was when the plan was made.
	System    string `json:"system,omitempty"`
	ConfigDir string `json:"config_dir,omitempty"`
	StartConf string `json:"start_conf,omitempty"`
}

var digits = regexp.MustCompile(`^[0-9]{1,20}$`)

// Check says what is wrong with a place that came with a step.
func (p Place) Check() error {
	if err := dr.CheckName("site", p.Site); err != nil {
		return err
	}
	if err := dr.CheckName("host", p.Host); err != nil {
		return err
	}
	for _, v := range []string{p.Bin, p.Data, p.Socket} {
		if !kit.PlainPath(v) {
			return fmt.Errorf("%q is no plain absolute path", dr.Clip(v, 80))
		}
	}
	for _, v := range []string{p.ConfigDir, p.StartConf} {
		if v != "" && !kit.PlainPath(v) {
			return fmt.Errorf("%q is no plain absolute path", dr.Clip(v, 80))
		}
	}
	if p.Port < 1 || p.Port > 65535 || !identifier.MatchString(p.Database) || !identifier.MatchString(p.User) {
		return fmt.Errorf("the port, database or user of %s is not allowed", p.Site)
	}
	if p.System != "" && !digits.MatchString(p.System) {
		return fmt.Errorf("the system identifier %q is no number", dr.Clip(p.System, 40))
	}
	return nil
}

// aside is the directory beside PGDATA for markers and copies.
func (p Place) aside() string { return p.Data + ".switchback" }
