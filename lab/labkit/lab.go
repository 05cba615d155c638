package labkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/lab/address"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// Options are a lab's settings; the zero value is a pair with a writer.
type Options struct {
	// Sites is how many copies there are: 2 (east, west) or 3 (and north).
	Sites int
	// Sync makes the replication synchronous.
	Sync bool
	// WriteEvery is the time between two writes of the client; default
	// 20 ms. Negative: no writer.
	WriteEvery time.Duration
	// Shell is the hosts' login shell; default /bin/sh. Banner is printed at
	// the start of each of their commands.
	Shell, Banner string
	// Settings are the product's own, by name; the product refuses one that
	// it does not know.
	Settings map[string]string
}

// Set reads one setting of the product from "name=value".
func (o *Options) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("a setting is NAME=VALUE, not %q", text)
	}
	if o.Settings == nil {
		o.Settings = map[string]string{}
	}
	o.Settings[name] = value
	return nil
}

// sampleEvery is how often the sites are asked whether they take writes.
const sampleEvery = 20 * time.Millisecond

// siteNames are the sites of a lab, the first primary, in this order.
var siteNames = []string{"east", "west", "north"}

// Edge is the host that serves the client address.
const Edge = "edge"

// Lab is a running lab.
type Lab struct {
	Dir     string
	Options Options
	Product Product
	System  System
	// Sites are the names of the sites, each with a host of the same name and
	// the further hosts that the product asks for (see Hosts).
	Sites []string
	User  host.User

	net     network
	hosts   map[string]*host.Host
	order   []string // of the hosts: their addresses follow it
	links   []link
	client  *address.Proxy
	program *address.Program
	people  map[string]string
	writer  *writer.Writer
	watch   *ledger.Primaries
	control net.Listener
	faults  []Fault
	closers []func()
}

// Up starts a lab of the product in dir. When it returns without an error the
// pair replicates, the client writes, and dir has everything that a worker
// needs. Close ends it.
func Up(ctx context.Context, p Product, dir string, o Options) (*Lab, error) {
	l, err := prepare(p, dir, o)
	if err != nil {
		return nil, err
	}
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func prepare(p Product, dir string, o Options) (*Lab, error) {
	if o.Sites == 0 {
		o.Sites = 2
	}
	if o.Sites < 2 || o.Sites > len(siteNames) {
		return nil, fmt.Errorf("a lab has 2 or 3 sites, not %d", o.Sites)
	}
	if o.WriteEvery == 0 {
		o.WriteEvery = 20 * time.Millisecond
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	user, err := host.OrdinaryUser(p.Accounts()...)
	if err != nil {
		return nil, err
	}
	return &Lab{
		Dir: dir, Options: o, Product: p, Sites: siteNames[:o.Sites], User: user,
		hosts: map[string]*host.Host{}, people: map[string]string{}, order: hostOrder(p, siteNames[:o.Sites], o.Settings),
	}, prepareDir(dir)
}

// build makes the parts in the order in which they need each other. What it
// made is ended by Close, also when a later part fails.
func (l *Lab) build(ctx context.Context) error {
	var err error
	if l.net, err = findNetwork(5432); err != nil {
		return err
	}
	l.closers = append(l.closers, func() { _ = l.net.hold.Close() })
	if err := l.makeHosts(); err != nil {
		return err
	}
	if err := l.makeAddresses(); err != nil {
		return err
	}
	if l.System, err = l.Product.Start(ctx, l); err != nil {
		return err
	}
	l.closers = append(l.closers, l.System.Close)
	if err := l.makeClients(); err != nil {
		return err
	}
	l.faults = append(l.commonFaults(), l.System.Faults()...)
	if err := l.writeInventory(); err != nil {
		return err
	}
	if err := l.listen(); err != nil {
		return err
	}
	return l.writeLabFile()
}

// hostOrder lists the hosts of a lab: the sites', the edge, then those that the
// product asks for.
func hostOrder(p Product, sites []string, settings map[string]string) []string {
	order := append(append([]string{}, sites...), Edge)
	if more, ok := p.(Hosts); ok {
		order = append(order, more.Hosts(sites, settings)...)
	}
	return order
}

// login is who logs in on a host; "" is the usual one.
func (l *Lab) login(name string) string {
	if p, ok := l.Product.(Login); ok && name != Edge {
		return p.Login(l.Options.Settings)
	}
	return ""
}

func (l *Lab) makeHosts() error {
	client, err := newKey(filepath.Join(l.Dir, "keys", "client"), "switchback-lab")
	if err != nil {
		return err
	}
	root, remove, err := placeHosts(l.Dir, l.User)
	if err != nil {
		return err
	}
	l.closers = append(l.closers, remove)
	known := ""
	for i, name := range l.order {
		key, err := newKey(filepath.Join(l.Dir, "keys", "host-"+name), name)
		if err != nil {
			return err
		}
		h, err := host.New(host.Config{
			Name: name, Address: l.net.address(firstHost + i), Port: l.net.ssh, Root: filepath.Join(root, name),
			User: l.User, Login: l.login(name), Key: key, Clients: []ssh.PublicKey{client.PublicKey()}, Shell: l.Options.Shell, Banner: l.Options.Banner,
		})
		if err != nil {
			return err
		}
		l.hosts[name] = h
		l.closers = append(l.closers, func() { h.PowerOff() })
		if err := h.PowerOn(); err != nil {
			return err
		}
		known += "[" + h.Address + "]:" + strconv.Itoa(h.Port) + " " + authorized(key.PublicKey(), "") + "\n"
	}
	return os.WriteFile(l.KnownHosts(), []byte(known), 0o644)
}

// makeAddresses opens the clients' address and each site's link: the address
// under which the other sites know it.
func (l *Lab) makeAddresses() error {
	var err error
	for _, site := range l.Sites {
		if err := l.OpenLink(site, site, l.net.service); err != nil {
			return err
		}
	}
	if l.client, err = address.Listen(net.JoinHostPort(l.net.address(clientNumber), strconv.Itoa(l.net.service))); err != nil {
		return err
	}
	l.closers = append(l.closers, func() { _ = l.client.Close() })
	return nil
}

func (l *Lab) makeClients() error {
	targets := map[string]string{}
	ask := map[string]ledger.Writable{}
	for _, site := range l.Sites {
		targets[site] = l.System.Target(site)
		ask[site] = func(ctx context.Context) bool { return l.System.Writable(ctx, site) }
	}
	l.client.Point(l.Sites[0], targets[l.Sites[0]])
	var err error
	if l.program, err = address.Install(l.hosts[Edge], l.client, targets); err != nil {
		return err
	}
	l.closers = append(l.closers, func() { _ = l.program.Close() })
	l.watch = ledger.Watch(l.Sites, ask, sampleEvery)
	l.closers = append(l.closers, l.watch.Close)
	if l.Options.WriteEvery < 0 {
		return os.WriteFile(l.record(), nil, 0o644)
	}
	dial := func(ctx context.Context) (writer.Session, error) { return l.System.Dial(ctx, l.client.Addr()) }
	if l.writer, err = writer.Start(writer.Config{Dial: dial, Every: l.Options.WriteEvery, Record: l.record()}); err != nil {
		return err
	}
	l.closers = append(l.closers, func() { _ = l.writer.Close() })
	return nil
}

// Close ends the lab: no process, no listener is left. The files in Dir stay
// for those who want to read them. It may be called more than once.
func (l *Lab) Close() error {
	for i := len(l.closers) - 1; i >= 0; i-- {
		l.closers[i]()
	}
	l.closers = nil
	return nil
}
