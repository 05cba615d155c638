package labkit

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sort"
	"strconv"

	"github.com/switchback-dr/switchback/lab/address"
	"github.com/switchback-dr/switchback/lab/host"
)

// Host finds a host of the lab by name.
func (l *Lab) Host(name string) (*host.Host, error) {
	if h := l.hosts[name]; h != nil {
		return h, nil
	}
	return nil, fmt.Errorf("the lab has no host %q: it has %v", name, l.HostNames())
}

// HostNames lists the hosts in alphabetical order.
func (l *Lab) HostNames() []string {
	var all []string
	for n := range l.hosts {
		all = append(all, n)
	}
	sort.Strings(all)
	return all
}

// Client is the client address.
func (l *Lab) Client() *address.Proxy { return l.client }

// InnerHost is the address on which a host's servers themselves listen. A site
// has the name of its (first) host.
func (l *Lab) InnerHost(name string) string {
	return l.net.inner(firstHost + slices.Index(l.order, name))
}

// OuterHost is the address under which others know a host.
func (l *Lab) OuterHost(name string) string {
	return l.net.address(firstHost + slices.Index(l.order, name))
}

// OpenLink opens one more port of a host of the site to the other sites:
// OuterHost(name) leads to InnerHost(name). It is cut together with the site's
// link.
func (l *Lab) OpenLink(site, name string, port int) error {
	if !slices.Contains(l.Sites, site) || l.hosts[name] == nil {
		return fmt.Errorf("the lab has no site %q with a host %q", site, name)
	}
	p, err := address.Listen(net.JoinHostPort(l.OuterHost(name), strconv.Itoa(port)))
	if err != nil {
		return err
	}
	l.closers = append(l.closers, func() { _ = p.Close() })
	k := link{proxy: p, site: site, inner: net.JoinHostPort(l.InnerHost(name), strconv.Itoa(port))}
	l.links = append(l.links, k)
	k.join()
	return nil
}

// link is one port of a site as the other sites see it.
type link struct {
	proxy *address.Proxy
	site  string
	inner string
}

func (k link) join() { k.proxy.Point(k.site, k.inner) }
func (k link) cut()  { k.proxy.Point("cut", "") }

// Port is the port of the product's servers, on inner and outer addresses.
func (l *Lab) Port() int { return l.net.service }

// Inner and Outer are the addresses with the port. Between them is the site's
// link, which can be cut.
func (l *Lab) Inner(site string) string {
	return net.JoinHostPort(l.InnerHost(site), strconv.Itoa(l.net.service))
}

// Outer is the address with port under which other hosts know a site.
func (l *Lab) Outer(site string) string {
	return net.JoinHostPort(l.OuterHost(site), strconv.Itoa(l.net.service))
}

// KnownHosts is the file with the hosts' keys.
func (l *Lab) KnownHosts() string { return filepath.Join(l.Dir, "known_hosts") }

// ClientKey is the file with the private key that logs in on every host.
func (l *Lab) ClientKey() string { return filepath.Join(l.Dir, "keys", "client") }

// Inventory is the systems.yaml of this lab.
func (l *Lab) Inventory() string { return filepath.Join(l.Dir, "systems.yaml") }

func (l *Lab) record() string { return filepath.Join(l.Dir, "writes.log") }
