package inventory

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/nameserver"
)

// DNS is a name of the DNS by which clients find the primary, kept by dynamic
// updates (RFC 2136).
type DNS struct {
	Name string
	// Zone is the zone of the name.
	Zone string
	// Server is the zone's primary server, which takes updates; Servers are
	// the authoritative servers, Resolvers those that clients ask. All are IP
	// addresses with ports.
	Server    string
	Servers   []string
	Resolvers []string
	Key       DNSKey
	// TTL is the record's at other times; TTLMoving the one while the primary
	// role moves.
	TTL, TTLMoving dr.Duration
	// Withdraw takes the record away while the primary role moves.
	Withdraw bool
	// Sites say what the name has when the site is primary.
	Sites map[string]nameserver.Records
}

// DNSKey is a key of TSIG; its secret is a credential.
type DNSKey struct {
	Name       string `yaml:"name"`
	Algorithm  string `yaml:"algorithm"`
	Credential string `yaml:"credential"`
}

type dnsFile struct {
	Name      string                 `yaml:"name"`
	Zone      string                 `yaml:"zone"`
	Server    string                 `yaml:"server"`
	Servers   []string               `yaml:"servers"`
	Resolvers []string               `yaml:"resolvers"`
	Key       DNSKey                 `yaml:"key"`
	TTL       dr.Duration            `yaml:"ttl"`
	TTLMoving dr.Duration            `yaml:"ttl_moving"`
	Withdraw  bool                   `yaml:"withdraw"`
	Sites     map[string]dnsSiteFile `yaml:"sites"`
}

type dnsSiteFile struct {
	A     []string `yaml:"a"`
	AAAA  []string `yaml:"aaaa"`
	CNAME string   `yaml:"cname"`
}

// The times to live of a client's record when the inventory says nothing.
const (
	DefaultTTL       = 5 * time.Minute
	DefaultTTLMoving = 5 * time.Second
	maxTTL           = 24 * time.Hour
)

// dns checks a name of the DNS.
func (l *loader) dns(at node, f dnsFile, s *System, use *usage) *DNS {
	d := &DNS{
		Name: dnsName(f.Name), Zone: dnsName(f.Zone), Key: f.Key, TTL: f.TTL, TTLMoving: f.TTLMoving,
		Withdraw: f.Withdraw, Sites: map[string]nameserver.Records{},
	}
	l.dnsNames(at, d)
	d.Server = l.dnsServer(at, "server", f.Server)
	if at.has("servers") {
		d.Servers = l.dnsServers(at, "servers", f.Servers)
	} else {
		d.Servers = []string{d.Server}
	}
	d.Resolvers = l.dnsServers(at, "resolvers", f.Resolvers)
	l.dnsKey(at, d, use)
	if !at.has("ttl") {
		d.TTL = dr.Duration(DefaultTTL)
	}
	if !at.has("ttl_moving") {
		d.TTLMoving = min(d.TTL, dr.Duration(DefaultTTLMoving))
	}
	l.dnsTTL(at, d)
	l.dnsSites(at, f, d, s)
	return d
}

// dnsName gives a name as it is compared: without the final dot, in lower case.
func dnsName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

func (l *loader) dnsNames(at node, d *DNS) {
	for _, f := range []struct{ field, name string }{{"name", d.Name}, {"zone", d.Zone}} {
		if err := nameserver.CheckName(f.name); err != nil {
			l.add(at.at(f.field).line, "%s.%s: %v", at.path, f.field, err)
			return
		}
	}
	if !nameserver.InZone(d.Name, d.Zone) {
		l.add(at.at("name").line, "%s.name is %s, which is not in the zone %s", at.path, d.Name, d.Zone)
	}
}

// dnsServer gives a server's address with its port, 53 when none is written.
// A name would need the DNS to be found.
func (l *loader) dnsServer(at node, field, text string) string {
	if text == "" {
		l.add(at.at(field).line, "%s has no %s: the IP address of the zone's primary server", at.path, field)
		return ""
	}
	full := text
	if a, err := netip.ParseAddr(text); err == nil {
		full = net.JoinHostPort(a.String(), "53")
	}
	if err := nameserver.CheckAddress(full); err != nil {
		l.add(at.at(field).line, "%s.%s has %q, not the IP address of a server such as 192.0.2.53 or 192.0.2.53:53", at.path, field, dr.Clip(text, 60))
		return ""
	}
	return full
}

func (l *loader) dnsServers(at node, field string, texts []string) []string {
	var out []string
	if at.has(field) && len(texts) == 0 {
		l.add(at.at(field).line, "%s.%s is empty; leave it out", at.path, field)
	}
	for _, text := range texts {
		full := l.dnsServer(at, field, text)
		switch {
		case full == "":
		case slices.Contains(out, full):
			l.add(at.at(field).line, "%s.%s has %s twice", at.path, field, full)
		default:
			out = append(out, full)
		}
	}
	return out
}

func (l *loader) dnsKey(at node, d *DNS, use *usage) {
	if !at.has("key") {
		l.add(at.line, "%s has no key: updates are only sent signed", at.path)
		return
	}
	key := at.at("key")
	if d.Key.Algorithm == "" {
		d.Key.Algorithm = "hmac-sha256"
	}
	d.Key.Name = dnsName(d.Key.Name)
	switch {
	case nameserver.CheckKeyName(d.Key.Name) != nil:
		l.add(key.at("name").line, "%s.name is %q, not the name of a key", key.path, dr.Clip(d.Key.Name, 60))
	case !slices.Contains(nameserver.Algorithms(), d.Key.Algorithm):
		l.add(key.at("algorithm").line, "%s.algorithm is %q; known: %s", key.path, dr.Clip(d.Key.Algorithm, 40), strings.Join(nameserver.Algorithms(), ", "))
	case !use.credential(d.Key.Credential):
		l.add(key.at("credential").line, "%s.credential is not the name of a credential under credentials", key.path)
	}
}

func (l *loader) dnsTTL(at node, d *DNS) {
	for _, f := range []struct {
		field string
		v     dr.Duration
	}{{"ttl", d.TTL}, {"ttl_moving", d.TTLMoving}} {
		if f.v.D() < time.Second || f.v.D() > maxTTL || f.v.D()%time.Second != 0 {
			l.add(at.at(f.field).line, "%s.%s is %s, not whole seconds between 1s and %s", at.path, f.field, f.v, dr.Duration(maxTTL))
			return
		}
	}
	if d.TTLMoving > d.TTL {
		l.add(at.at("ttl_moving").line, "%s.ttl_moving is longer than ttl", at.path)
	}
}

func (l *loader) dnsSites(at node, f dnsFile, d *DNS, s *System) {
	for _, site := range s.Sites {
		if _, ok := f.Sites[site]; !ok {
			l.add(at.at("sites").line, "%s.sites has no record for the site %s", at.path, site)
		}
	}
	seen := map[string]string{}
	for _, site := range sortedKeys(f.Sites) {
		item, v := at.at("sites."+site), f.Sites[site]
		l.siteRef(item, site, s)
		r := nameserver.Records{A: v.A, AAAA: shortest(v.AAAA), CNAME: dnsName(v.CNAME)}
		switch err := r.Check(); {
		case err != nil:
			l.add(item.line, "%s: %v", item.path, err)
		case r.Empty():
			l.add(item.line, "%s has neither a, aaaa nor cname", item.path)
		case r.CNAME == d.Name:
			l.add(item.line, "%s.cname is the name itself", item.path)
		case seen[r.String()] != "":
			l.add(item.line, "%s is the same as that of %s: nobody could tell the two apart", item.path, seen[r.String()])
		}
		seen[r.String()] = site
		d.Sites[site] = r
	}
}

// shortest writes IPv6 addresses in the one form that is compared.
func shortest(texts []string) []string {
	var out []string
	for _, t := range texts {
		if a, err := netip.ParseAddr(t); err == nil {
			t = a.String()
		}
		out = append(out, t)
	}
	return out
}
