package instance

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// configFile holds the host's Config, below its root.
const configFile = "etc/hana-lab.json"

// Config is what a real host would know from its installation: names,
// addresses and profile. The lab writes it once; nothing on the host changes it.
type Config struct {
	SID string `json:"sid"`
	// Number is the instance number, two digits.
	Number string `json:"number"`
	// Host is this host's name, Listen the address of its own servers.
	Host   string `json:"host"`
	Listen string `json:"listen"`
	// Hosts are the addresses of every host as seen from this one: what stands
	// in /etc/hosts. Those of other sites lead through the sites' links.
	Hosts map[string]string `json:"hosts"`
	// Members are the hosts of this site, the configured nameserver master
	// first; Standby is the one of them without a volume of its own, or "".
	Members []string `json:"members"`
	Standby string   `json:"standby,omitempty"`
	// Tenants are the tenant databases that the installation was made with.
	Tenants []string `json:"tenants"`
	// Schema is the tenants' schema for user tables.
	Schema string `json:"schema"`
	// Second is how long one of HANA's own seconds lasts here: time-outs of
	// its parameters are multiplied by it. Transfer is how long a full replica
	// of one volume takes.
	Second   time.Duration `json:"second"`
	Transfer time.Duration `json:"transfer"`
	Start    time.Duration `json:"start"`
	Version  string        `json:"version"`

	root string
}

// Write puts the configuration below a host's root.
func (c Config) Write(put func(relative, text string, mode os.FileMode) error) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return put(configFile, string(b)+"\n", 0o644)
}

// Read reads the configuration of the host with this root.
func Read(root string) (Config, error) {
	c := Config{root: root}
	b, err := os.ReadFile(filepath.Join(root, configFile))
	if err != nil {
		return c, fmt.Errorf("this is no host of SAP HANA: %w", err)
	}
	return c, json.Unmarshal(b, &c)
}

// Here reads the configuration of the host on which this process runs.
func Here() (Config, error) {
	root := os.Getenv("LAB_ROOT")
	if root == "" {
		return Config{}, fmt.Errorf("this program runs on hosts of the lab only")
	}
	return Read(root)
}

// Path gives a path below the host's root.
func (c Config) Path(elements ...string) string {
	return filepath.Join(append([]string{c.root}, elements...)...)
}

// Directories of the installation.

// Instance is the instance's directory, /usr/sap/SID/HDBnn.
func (c Config) Instance() string { return c.Path("usr/sap", c.SID, "HDB"+c.Number) }

// Work is the directory of the host's traces and of its process files.
func (c Config) Work() string { return filepath.Join(c.Instance(), c.Host) }

// Certificate is the file with the certificate and the key of the host's SQL
// ports, in its SECUDIR; without it they take no TLS.
func (c Config) Certificate() string { return filepath.Join(c.Work(), "sec/sapsrv.pem") }

// Global is the directory that all hosts of the site share.
func (c Config) Global() string { return c.Path("usr/sap", c.SID, "SYS/global") }

// GlobalIni is the site's customised global.ini.
func (c Config) GlobalIni() string {
	return filepath.Join(c.Global(), "hdb/custom/config/global.ini")
}

// Profile is this host's instance profile, which says whether it starts by
// itself.
func (c Config) Profile() string {
	return c.Path("usr/sap", c.SID, "SYS/profile", c.SID+"_HDB"+c.Number+"_"+c.Host)
}

// SSFS are the two files that all sites must have in common, data then key.
func (c Config) SSFS() []string {
	at := filepath.Join(c.Global(), "security/rsecssfs")
	return []string{filepath.Join(at, "data/SSFS_"+c.SID+".DAT"), filepath.Join(at, "key/SSFS_"+c.SID+".KEY")}
}

// Data is the directory of the volumes; all hosts of the site share it.
func (c Config) Data() string { return c.Path("hana/data", c.SID) }

// Master says whether this host is the configured nameserver master.
func (c Config) Master() bool { return c.Members[0] == c.Host }

// Ports of the instance.

// Port gives the port base*10000 + instance*100 + offset.
func (c Config) Port(base, offset int) int {
	n, _ := strconv.Atoi(c.Number)
	return base*10000 + n*100 + offset
}

// NameserverPort is 3nn01: programs of the host ask the nameserver there.
func (c Config) NameserverPort() int { return c.Port(3, 1) }

// ReplicationPort is 4nn02: the other sites' nameservers and services come here.
func (c Config) ReplicationPort() int { return c.Port(4, 2) }

// SystemSQLPort is 3nn13, the SQL port of the system database.
func (c Config) SystemSQLPort() int { return c.Port(3, 13) }

// TenantSQLPort is 3nn15 for the first tenant, 3nn41, 3nn44 ... for the others.
func (c Config) TenantSQLPort(n int) int {
	if n == 0 {
		return c.Port(3, 15)
	}
	return c.Port(3, 41+3*(n-1))
}

// TenantPort is the internal port of a tenant's indexserver.
func (c Config) TenantPort(n int) int {
	if n == 0 {
		return c.Port(3, 3)
	}
	return c.Port(3, 40+3*(n-1))
}

// StartPort is 5nn13, where sapstartsrv listens.
func (c Config) StartPort() int { return c.Port(5, 13) }

// At joins a host's address, as this host knows it, with a port.
func (c Config) At(host string, port int) (string, bool) {
	address, known := c.Hosts[host]
	return net.JoinHostPort(address, strconv.Itoa(port)), known
}

// Volumes is how many volumes the site has on all its hosts.
func (c Config) Volumes() int {
	workers := len(c.Members) - 1
	if c.Standby != "" {
		workers--
	}
	return 1 + len(c.Tenants) + workers
}

// Scale turns HANA's seconds into this lab's time.
func (c Config) Scale(seconds float64) time.Duration {
	return time.Duration(seconds * float64(c.Second))
}

// Below gives the configuration with another root.
func (c Config) Below(root string) Config {
	c.root = root
	return c
}
