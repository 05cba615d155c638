package inventory

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// HAProxy is a backend of one or more HAProxy processes: at any time only the
// server of the primary's site takes clients.
type HAProxy struct {
	Backend string
	// Servers names the backend's server of each site.
	Servers map[string]string
	Proxies []Proxy
	// Drain is how long clients at work may finish before their sessions are
	// ended; 0 ends them at once.
	Drain dr.Duration
	// Release is how long clients are kept away at most before they are let in
	// to the old site again, whatever became of the procedure.
	Release dr.Duration
}

// Proxy is one process that takes commands.
type Proxy struct {
	// Host is where the commands run.
	Host string `yaml:"host"`
	// Site is where the proxy stands, so that a lost site's proxy is no step;
	// "" for a third place.
	Site string `yaml:"site"`
	// Socket is the process's stats socket on the host, Address its stats
	// socket on TCP as seen from there; exactly one is set.
	Socket  string `yaml:"socket"`
	Address string `yaml:"address"`
	// Sudo says that the login user needs sudo -n.
	Sudo bool `yaml:"sudo"`
}

type haproxyFile struct {
	Backend string            `yaml:"backend"`
	Servers map[string]string `yaml:"servers"`
	Proxies []Proxy           `yaml:"proxies"`
	Drain   dr.Duration       `yaml:"drain"`
	Release dr.Duration       `yaml:"release"`
}

// DefaultRelease is Release when the inventory says nothing.
const DefaultRelease = 60 * time.Second

// maxRelease keeps clients from being kept away for longer than anybody waits.
const maxRelease = time.Hour

var (
	// haproxyName is what HAProxy accepts as the name of a proxy or server
	// (Configuration Manual, 4), without the slash that commands separate by.
	haproxyName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	socketPath  = regexp.MustCompile(`^/[A-Za-z0-9._/-]{1,100}$`)
)

func newHAProxyFile() haproxyFile { return haproxyFile{Release: dr.Duration(DefaultRelease)} }

// haproxy checks the client kind of that name.
func (l *loader) haproxy(at node, s *System, use *usage) *HAProxy {
	f := newHAProxyFile()
	decode(at, &f, l.complaints)
	h := HAProxy(f)
	if !haproxyName.MatchString(f.Backend) {
		l.add(at.at("backend").line, "%s.backend is %q, not the name of a backend of HAProxy", at.path, dr.Clip(f.Backend, 60))
	}
	l.everySite(at, "servers", "server", sortedKeys(f.Servers), s)
	taken := map[string]string{}
	for _, site := range sortedKeys(f.Servers) {
		item, name := at.at("servers."+site), f.Servers[site]
		if !haproxyName.MatchString(name) {
			l.add(item.line, "%s is %q, not the name of a server of HAProxy", item.path, dr.Clip(name, 60))
		}
		if other, ok := taken[name]; ok {
			l.add(item.line, "%s is %s, which is the server of %s already", item.path, dr.Clip(name, 60), other)
		}
		taken[name] = site
	}
	if len(f.Proxies) == 0 {
		l.add(at.line, "%s has no proxies", at.path)
	}
	for i, p := range f.Proxies {
		l.proxy(at.at("proxies").item(i), p, s, use)
	}
	l.release(at, f.Release, f.Drain, "drain")
	return &h
}

func (l *loader) proxy(at node, p Proxy, s *System, use *usage) {
	l.place(at, p.Host, p.Site, s, use)
	switch {
	case (p.Socket == "") == (p.Address == ""):
		l.add(at.line, "%s must have either socket: PATH or address: HOST:PORT", at.path)
	case p.Socket != "" && !socketPath.MatchString(p.Socket):
		l.add(at.at("socket").line, "%s.socket is %q, not an absolute path of letters, digits and ._-", at.path, dr.Clip(p.Socket, 80))
	case p.Address != "" && !goodEndpoint(p.Address):
		l.add(at.at("address").line, "%s.address is %q, not HOST:PORT", at.path, dr.Clip(p.Address, 80))
	}
}

// place checks where a proxy stands and where its commands run.
func (l *loader) place(at node, host, site string, s *System, use *usage) {
	l.requireHost(at, host, use)
	if site != "" {
		l.siteRef(at.at("site"), site, s)
	}
}

// release checks how long clients may be kept away: longer than it takes to
// stop them, or they would be let in again before the procedure goes on.
func (l *loader) release(at node, release, before dr.Duration, name string) {
	line := at.at("release").line
	switch {
	case release.D() > maxRelease:
		l.add(line, "%s.release is %s; at most %s", at.path, release, dr.Duration(maxRelease))
	case release.D() < before.D()+10*time.Second:
		l.add(line, "%s.release is %s; it must be at least 10s longer than %s, which is %s", at.path, release, name, before)
	}
}

// everySite complains about sites without an entry and entries without a site.
func (l *loader) everySite(at node, field, what string, have []string, s *System) {
	for _, site := range s.Sites {
		if !slices.Contains(have, site) {
			l.add(at.at(field).line, "%s.%s has no %s for the site %s", at.path, field, what, site)
		}
	}
	for _, site := range have {
		l.siteRef(at.at(field+"."+site), site, s)
	}
}

// goodEndpoint says whether a is HOST:PORT, with an IPv6 address in brackets.
func goodEndpoint(a string) bool {
	host, port, err := net.SplitHostPort(a)
	n, bad := strconv.Atoi(port)
	return err == nil && bad == nil && n > 0 && n < 65536 && goodAddress(host)
}
