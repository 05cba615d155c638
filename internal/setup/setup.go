// Package setup builds, from the path of an inventory, what every program of
// ours needs to reach the world: the checked inventory, the pool of hosts, the
// redactor, the store of reports and the connection to Temporal. Worker and
// starter share it, so that both see the same systems in the same way.
package setup

import (
	"context"
	"net"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/remote"
	"github.com/switchback-dr/switchback/internal/reports"
)

// Setup is an inventory with the ways to the world that it describes.
type Setup struct {
	Inventory *inventory.Inventory
	Hosts     *remote.Pool
	// Redact takes the values of the inventory's credentials out of a text.
	Redact  func(string) string
	Reports reports.Store

	secret func(ctx context.Context, credential string) (string, error)
}

// Load reads the inventory at path with the products that this program has. It
// connects to nothing. The error is a refusal whose text has one complaint a
// line, each with file and line.
func Load(path string) (*Setup, error) { return LoadWith(path, Products()) }

// LoadWith is Load for the given products.
func LoadWith(path string, products []kit.Adapter) (*Setup, error) {
	inv, err := inventory.Load(path, products)
	if err != nil {
		return nil, err
	}
	secrets := newSecrets(inv)
	return &Setup{
		Inventory: inv,
		Hosts:     remote.NewPool(endpoints(inv), remote.Options{Secret: secrets.Secret}),
		Redact:    secrets.Redact,
		Reports:   reports.Store{Dir: inv.Reports.Dir},
		secret:    secrets.Secret,
	}, nil
}

// endpoints translates the inventory's hosts for the package that connects.
func endpoints(inv *inventory.Inventory) []remote.Endpoint {
	hosts := inv.HostList()
	out := make([]remote.Endpoint, 0, len(hosts))
	for _, h := range hosts {
		out = append(out, remote.Endpoint{
			Name: h.Name, Address: h.Address, Port: h.Port, User: h.User, KeyFiles: h.KeyFiles, UseAgent: h.UseAgent,
			PasswordCredential: h.PasswordCredential, KnownHosts: h.KnownHosts, Jump: h.Jump, JobDir: h.JobDir,
		})
	}
	return out
}

// Close ends all connections to hosts; jobs on the hosts go on.
func (s *Setup) Close() { s.Hosts.Close() }

// Secret gives the value of a credential and remembers it for Redact.
func (s *Setup) Secret(ctx context.Context, credential string) (string, error) {
	return s.secret(ctx, credential)
}

// Env gives what adapters need for observing: it has no job and reports no
// progress.
func (s *Setup) Env() kit.Env {
	return kit.Env{
		Hosts: s.Hosts, Secret: s.secret, Now: time.Now, Sleep: Sleep, Dial: Dial,
		Progress: func(kit.Progress) {},
	}
}

// Dial opens a TCP connection from this machine.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}
	return d.DialContext(ctx, network, address)
}

// connectTimeout bounds the opening of one connection: a server in the next
// building answers in milliseconds, a dead one never.
const connectTimeout = 10 * time.Second

// Pin gives a host's pin without connecting; a host whose key is not known is
// a refusal of code "host_key".
func (s *Setup) Pin(host string) (dr.HostPin, error) {
	h, err := s.Hosts.Host(host)
	if err != nil {
		return dr.HostPin{}, err
	}
	p := h.Pin()
	if p.Fingerprint == "" {
		return p, dr.Refuse("host_key", "the host %s (%s:%d) has no key in its known_hosts files", host, p.Address, p.Port).
			WithNext("add the host's key, checked by other means, to known_hosts")
	}
	return p, nil
}

// Sleep waits for d, or less when ctx ends; then it gives ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
