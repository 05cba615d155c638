package hana

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// A complete system in the inventory, with every field (defaults in comments):
//
//	systems:
//	  erp:
//	    product: hana
//	    home: north                     # the original primary
//	    sites:
//	      north:
//	        host: hana-n1               # a host of the inventory, user <sid>adm: hdbnsutil runs here
//	        name: dba01                 # its name in HANA (SAPLOCALHOST); the inventory's host name
//	        site_name: NORTH            # its name in system replication, as -sr_enable or -sr_register gave it
//	        sql_address: dba01.example.com # how the worker reaches SQL; name
//	        sql_port: 30013             # of SYSTEMDB; 3<instance>13
//	        tenant_ports: {DRT: 30015}  # SQL ports of tenants; without it HANA redirects
//	        usr_sap: /usr/sap           # /usr/sap
//	        shared: /hana/shared        # /hana/shared
//	        backup_dir: /hana/backup    # data backups; without it HANA's own default directory
//	        hook_dir: /hana/shared/DRT/switchback # of the HA/DR provider: mark and spool; <shared>/<SID>/switchback
//	        more:                       # scale-out: the site's other hosts
//	          - {host: hana-n2, name: dba02, sql_address: dba02.example.com, sql_port: 30013}
//	        replication_mode: sync      # sync, syncmem, async: of this site as a secondary when no record
//	        operation_mode: logreplay   #   tells: logreplay, logreplay_readaccess, delta_datashipping
//	        source: south               # the site that it is fed by when it is a secondary and no record
//	                                    #   tells; the primary
//	      south:
//	        host: hana-s1
//	        name: dbb01
//	        site_name: SOUTH
//	    hana:
//	      sid: DRT
//	      instance: "00"
//	      user: SWITCHBACK              # SQL user of SYSTEMDB; `starter files` lists its rights; SYSTEM
//	      credential: erp-systemdb      # its password
//	      tenants:                      # every tenant that clients use
//	        DRT: {user: SWITCHBACK, credential: erp-drt} # defaults: those of SYSTEMDB
//	      tls: verify                   # verify, off; verify
//	      tls_ca: /etc/switchback/hana-ca.pem # on the worker; the machine's own authorities
//	      tls_server_name: hana.example.com   # the name in the certificate; sql_address
//	      handshake: auto               # auto, never: planned takeovers with -sr_takeover --suspendPrimary; auto
//	      max_write_wait: 60s           # --maxWriteTransactionWaitTime; HANA's own default
//	      max_replay_backlog_mb: 4096   # a planned takeover refuses a secondary further behind; 4096
//	      hook: false                   # the HA/DR provider of `starter files` is installed on all sites; false
//	      timeouts: {start: 1h, stop: 30m, takeover: 1h, sync: 48h, backup: 24h}

// siteNode is a site's settings in the inventory.
type siteNode struct {
	// Host is the inventory's host of a nameserver master: hdbnsutil and the
	// python_support scripts run there.
	Host string `yaml:"host"`
	// Name is that host's name in HANA, as hdbnsutil prints it and the other
	// sites register with.
	Name string `yaml:"name"`
	// SiteName is the site's name in system replication.
	SiteName string `yaml:"site_name"`
	// SQLAddress and SQLPort lead to SYSTEMDB.
	SQLAddress string `yaml:"sql_address"`
	SQLPort    int    `yaml:"sql_port"`
	// TenantPorts are the tenants' SQL ports; a tenant without one is found by
	// HANA's redirection.
	TenantPorts map[string]int `yaml:"tenant_ports"`
	// UsrSap and Shared are the vendor's root directories.
	UsrSap string `yaml:"usr_sap"`
	Shared string `yaml:"shared"`
	// BackupDir takes data backups; empty for HANA's own default.
	BackupDir string `yaml:"backup_dir"`
	// HookDir holds the HA/DR provider's mark and spool.
	HookDir string `yaml:"hook_dir"`
	// More are the site's other hosts (scale-out).
	More []hostNode `yaml:"more"`
	// ReplicationMode, OperationMode and Source are this site's as a
	// secondary, used only when no record of the time before tells.
	ReplicationMode string `yaml:"replication_mode"`
	OperationMode   string `yaml:"operation_mode"`
	Source          string `yaml:"source"`
}

// hostNode is a further host of a site.
type hostNode struct {
	Host       string `yaml:"host"`
	Name       string `yaml:"name"`
	SQLAddress string `yaml:"sql_address"`
	SQLPort    int    `yaml:"sql_port"`
}

// systemNode is the node "hana" of a system.
type systemNode struct {
	SID      string `yaml:"sid"`
	Instance string `yaml:"instance"`
	// User and Credential log in to SYSTEMDB.
	User       string                `yaml:"user"`
	Credential string                `yaml:"credential"`
	Tenants    map[string]tenantNode `yaml:"tenants"`
	// TLS is "verify" (the default) or "off".
	TLS           string `yaml:"tls"`
	TLSCA         string `yaml:"tls_ca"`
	TLSServerName string `yaml:"tls_server_name"`
	// Handshake is "auto" (the default) or "never", for revisions before
	// 2.0 SPS04.
	Handshake string `yaml:"handshake"`
	// MaxWriteWait is --maxWriteTransactionWaitTime, whole seconds.
	MaxWriteWait       time.Duration `yaml:"max_write_wait"`
	MaxReplayBacklogMB int64         `yaml:"max_replay_backlog_mb"`
	Hook               bool          `yaml:"hook"`
	Timeouts           timeoutsNode  `yaml:"timeouts"`
}

// tenantNode is how to log in to one tenant database.
type tenantNode struct {
	User       string `yaml:"user"`
	Credential string `yaml:"credential"`
}

// timeoutsNode bounds the long steps.
type timeoutsNode struct {
	Start    time.Duration `yaml:"start"`
	Stop     time.Duration `yaml:"stop"`
	Takeover time.Duration `yaml:"takeover"`
	Sync     time.Duration `yaml:"sync"`
	Backup   time.Duration `yaml:"backup"`
}

// Adapter is the SAP HANA adapter.
type Adapter struct{}

// New gives the adapter.
func New() kit.Adapter { return Adapter{} }

// Product is "hana".
func (Adapter) Product() string { return "hana" }

// Decode reads the system's nodes.
func (Adapter) Decode(e kit.Entry) (kit.System, error) {
	s := &system{name: e.Name}
	if e.Node == nil {
		return nil, dr.Refuse("inventory", "the system %s has no settings under hana: sid, instance and credential are needed", e.Name)
	}
	if err := s.decodeSettings(e); err != nil {
		return nil, err
	}
	if err := e.TwoSites(); err != nil {
		return nil, err
	}
	for _, se := range e.Sites {
		st, err := s.decodeSite(e, se)
		if err != nil {
			return nil, err
		}
		s.sites = append(s.sites, st)
	}
	return s, s.distinct(e.Sites)
}
