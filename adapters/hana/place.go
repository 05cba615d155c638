package hana

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Place is a site as an action is given it.
type Place struct {
	Site string `json:"site"`
	// Name is the site's name in system replication.
	Name     string `json:"name"`
	SID      string `json:"sid"`
	Instance string `json:"instance"`
	// Hosts are the site's hosts; hdbnsutil runs on the first.
	Hosts  []HostPlace `json:"hosts"`
	UsrSap string      `json:"usr_sap"`
	Hook   string      `json:"hook"`
	// Provider says that the HA/DR provider is installed.
	Provider bool  `json:"provider,omitempty"`
	SQL      Login `json:"sql"`
}

// HostPlace is one host of a site.
type HostPlace struct {
	// Host is the inventory's name, Name HANA's.
	Host    string `json:"host"`
	Name    string `json:"name"`
	Address string `json:"address"`
	Port    int    `json:"port"`
}

// Login is how to log in to the databases of a site. Passwords are references.
type Login struct {
	User       string        `json:"user"`
	Credential string        `json:"credential"`
	Tenants    []TenantLogin `json:"tenants,omitempty"`
	TLS        bool          `json:"tls,omitempty"`
	CA         string        `json:"ca,omitempty"`
	ServerName string        `json:"server_name,omitempty"`
}

// TenantLogin is how to log in to one tenant; Port 0 asks SYSTEMDB.
type TenantLogin struct {
	Name       string `json:"name"`
	User       string `json:"user"`
	Credential string `json:"credential"`
	Port       int    `json:"port,omitempty"`
}

var (
	sidText      = regexp.MustCompile(`^[A-Z][A-Z0-9]{2}$`)
	instanceText = regexp.MustCompile(`^[0-9]{2}$`)
	// A site's name may reach 256 characters in some revisions; 32 is what
	// every revision takes.
	siteNameText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,31}$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$`)
	plainPath    = regexp.MustCompile(`^/[A-Za-z0-9._/+@-]{1,240}$`)
	sqlName      = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,126}$`)
	replModes    = map[string]bool{"sync": true, "syncmem": true, "async": true}
	opModes      = map[string]bool{"logreplay": true, "logreplay_readaccess": true, "delta_datashipping": true}
)

func cleanPath(p string) bool { return plainPath.MatchString(p) && path.Clean(p) == p }

// Check says what is wrong with a place that came with a step.
func (p Place) Check() error {
	if err := dr.CheckName("site", p.Site); err != nil {
		return err
	}
	if err := checkSiteName(p.Name); err != nil {
		return err
	}
	if !sidText.MatchString(p.SID) || !instanceText.MatchString(p.Instance) {
		return fmt.Errorf("the SID or instance number of %s is not allowed", p.Site)
	}
	if len(p.Hosts) == 0 {
		return fmt.Errorf("the site %s has no host", p.Site)
	}
	for _, h := range p.Hosts {
		if err := dr.CheckName("host", h.Host); err != nil {
			return err
		}
		if !hostName.MatchString(h.Name) || !kit.Address.MatchString(h.Address) || h.Port < 1 || h.Port > 65535 {
			return fmt.Errorf("the name, address or port of the host %s is not allowed", h.Host)
		}
	}
	for _, v := range []string{p.UsrSap, p.Hook} {
		if !cleanPath(v) {
			return fmt.Errorf("%q is no plain absolute path", dr.Clip(v, 80))
		}
	}
	return p.SQL.check()
}

func (l Login) check() error {
	if !sqlName.MatchString(l.User) || dr.CheckName("credential", l.Credential) != nil {
		return fmt.Errorf("the SQL user or its credential is not allowed")
	}
	for _, t := range l.Tenants {
		if !sqlName.MatchString(t.Name) || !sqlName.MatchString(t.User) || dr.CheckName("credential", t.Credential) != nil || t.Port < 0 || t.Port > 65535 {
			return fmt.Errorf("the login of the tenant %q is not allowed", dr.Clip(t.Name, 40))
		}
	}
	return nil
}

// checkSiteName refuses what has reached real --name options: nothing at all,
// and the word of a state that could not be read.
func checkSiteName(n string) error {
	if !siteNameText.MatchString(n) || strings.EqualFold(n, "unknown") || strings.EqualFold(n, "none") {
		return fmt.Errorf("the replication site name %q is not allowed: 2 to 32 letters, digits, - and _, beginning with a letter or digit", dr.Clip(n, 80))
	}
	return nil
}

// main is the host on which hdbnsutil runs.
func (p Place) main() HostPlace { return p.Hosts[0] }

// hasName says whether HANA's host name belongs to the site.
func (p Place) hasName(n string) bool {
	for _, h := range p.Hosts {
		if strings.EqualFold(h.Name, n) {
			return true
		}
	}
	return false
}

// global is the directory of global.ini, profile that of instance profiles, and
// ssfs that of the secure store.
func (p Place) global() string  { return p.UsrSap + "/" + p.SID + "/SYS/global" }
func (p Place) profile() string { return p.UsrSap + "/" + p.SID + "/SYS/profile" }

// profileOf is the instance profile of one host.
func (p Place) profileOf(h HostPlace) string {
	return p.profile() + "/" + p.SID + "_HDB" + p.Instance + "_" + h.Name
}

// ssfsFiles are the secure store's two files, data and key.
func (p Place) ssfsFiles() (data, key string) {
	base := p.global() + "/security/rsecssfs"
	return base + "/data/SSFS_" + p.SID + ".DAT", base + "/key/SSFS_" + p.SID + ".KEY"
}

// mark is the file that says that a procedure owns the system.
func (p Place) mark() string { return p.Hook + "/mark" }

// spool is where the HA/DR provider writes its events.
func (p Place) spool() string { return p.Hook + "/events" }
