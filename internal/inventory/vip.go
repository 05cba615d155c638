package inventory

import (
	"net/netip"
	"regexp"
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// VIP are virtual addresses: one host at a time has them, the one at the
// primary's site.
type VIP struct {
	// Addresses with the lengths of their networks' prefixes, IPv4 or IPv6.
	Addresses []netip.Prefix
	// Sites say for every site which host gets them, on which interface.
	Sites map[string]VIPSite
	// NoSudo says that the login user may change addresses itself.
	NoSudo bool
}

// VIPSite is where a site has the addresses.
type VIPSite struct {
	Host      string `yaml:"host"`
	Interface string `yaml:"interface"`
}

type vipFile struct {
	Addresses []string           `yaml:"addresses"`
	Sites     map[string]VIPSite `yaml:"sites"`
	NoSudo    bool               `yaml:"no_sudo"`
}

// interfacePattern is what Linux accepts as an interface's name, without the
// characters that only make mischief; 15 bytes at most.
var interfacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,14}$`)

// vip checks virtual addresses.
func (l *loader) vip(at node, f vipFile, s *System, use *usage) *VIP {
	v := &VIP{Sites: f.Sites, NoSudo: f.NoSudo}
	if len(f.Addresses) == 0 {
		l.add(at.line, "%s has no addresses", at.path)
	}
	for _, text := range f.Addresses {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			l.add(at.at("addresses").line, "%s.addresses has %q, not an address with a prefix length such as 192.0.2.50/24", at.path, dr.Clip(text, 60))
		case p.Addr().IsLoopback(), p.Addr().IsMulticast(), p.Addr().IsUnspecified(), p.Addr().Is4In6(), p.Addr().Zone() != "":
			l.add(at.at("addresses").line, "%s.addresses has %s, which no interface can serve clients with", at.path, p)
		case p.Bits() < 32 && p.Masked().Addr() == p.Addr():
			l.add(at.at("addresses").line, "%s.addresses has %s, which is the network itself", at.path, p)
		case slices.Contains(v.Addresses, p):
			l.add(at.at("addresses").line, "%s.addresses has %s twice", at.path, p)
		default:
			v.Addresses = append(v.Addresses, p)
		}
	}
	for _, site := range s.Sites {
		if _, ok := f.Sites[site]; !ok {
			l.add(at.at("sites").line, "%s.sites has no host for the site %s", at.path, site)
		}
	}
	for _, site := range sortedKeys(f.Sites) {
		item, w := at.at("sites."+site), f.Sites[site]
		l.siteRef(item, site, s)
		l.requireHost(item, w.Host, use)
		if !interfacePattern.MatchString(w.Interface) {
			l.add(item.line, "%s.interface is %q, not the name of an interface such as eth0", item.path, dr.Clip(w.Interface, 60))
		}
	}
	return v
}

// tools are the programs that move the addresses and search for another machine
// that has them. A login's PATH often lacks the directories of an administrator.
func (v *VIP) tools() []kit.Tool {
	tool := func(name, hint string) kit.Tool {
		return kit.Tool{Name: name, Path: name, Or: []string{"/usr/sbin/" + name, "/sbin/" + name}, Hint: hint}
	}
	out := []kit.Tool{tool("ip", "package iproute2")}
	v4 := slices.ContainsFunc(v.Addresses, func(p netip.Prefix) bool { return p.Addr().Is4() })
	v6 := slices.ContainsFunc(v.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
	if v4 {
		out = append(out, tool("arping", "package iputils-arping"))
	}
	if v6 {
		out = append(out, tool("ping", "package iputils-ping"), tool("sysctl", "package procps"))
	}
	if !v.NoSudo {
		out = append(out, tool("sudo", "package sudo"))
	}
	return out
}
