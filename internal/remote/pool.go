package remote

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Pool is all hosts of an inventory, one connection for each. It implements
// kit.HostSet and is safe for concurrent use.
type Pool struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	hosts  map[string]*host
	bad    map[string]error
	redact redactor
}

var (
	_ kit.HostSet = (*Pool)(nil)
	_ kit.Host    = (*host)(nil)
)

// NewPool makes a pool; it connects to nothing yet. An endpoint that cannot be
// used makes only calls for that host fail.
func NewPool(endpoints []Endpoint, opts Options) *Pool {
	p := &Pool{opts: opts.withDefaults(), hosts: map[string]*host{}, bad: map[string]error{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for _, ep := range endpoints {
		checked, err := ep.check()
		if _, twice := p.hosts[ep.Name]; twice {
			err = dr.Refuse("endpoint", "the host %s stands there twice", ep.Name)
		}
		if err != nil {
			p.bad[ep.Name] = err
			continue
		}
		p.hosts[ep.Name] = &host{pool: p, ep: checked, link: &link{pool: p, ep: checked}}
	}
	for name, h := range p.hosts {
		if err := p.setJump(h); err != nil {
			p.bad[name] = err
		}
	}
	return p
}

// setJump finds the way through jump hosts; it must not go in a circle.
func (p *Pool) setJump(h *host) error {
	seen := map[string]bool{h.ep.Name: true}
	for at := h.ep; at.Jump != ""; {
		next, ok := p.hosts[at.Jump]
		if !ok {
			return dr.Refuse("endpoint", "host %s: its jump host %q is not a usable host of the inventory", at.Name, dr.Clip(at.Jump, 80))
		}
		if seen[at.Jump] {
			return dr.Refuse("endpoint", "host %s: its jump hosts go in a circle", h.ep.Name)
		}
		seen[at.Jump] = true
		at = next.ep
	}
	if h.ep.Jump != "" {
		h.link.jump = p.hosts[h.ep.Jump].link
	}
	return nil
}

// Host gives the host of that name. It does not connect.
func (p *Pool) Host(name string) (kit.Host, error) {
	h, err := p.find(name)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (p *Pool) find(name string) (*host, error) {
	if err := p.bad[name]; err != nil {
		return nil, err
	}
	h, ok := p.hosts[name]
	if !ok {
		return nil, dr.Refuse("unknown_host", "there is no host %q in the inventory", dr.Clip(name, 80))
	}
	return h, nil
}

// Close ends all connections. Jobs on the hosts go on.
func (p *Pool) Close() {
	p.cancel()
	for _, h := range p.hosts {
		h.link.close()
	}
}

// Ping proves that the host can be reached, that its key is the known one, and
// that the login gives a working shell.
func (p *Pool) Ping(ctx context.Context, name string) error {
	h, err := p.find(name)
	if err != nil {
		return err
	}
	_, err = h.call(ctx, false, ":")
	return err
}

// CheckTool says with an error of code "tool_missing" that a program is not on
// the host. It changes nothing.
func (p *Pool) CheckTool(ctx context.Context, name string, t kit.Tool) error {
	h, err := p.find(name)
	if err != nil {
		return err
	}
	paths := append([]string{t.Path}, t.Or...)
	for _, path := range paths {
		if path == "" || strings.ContainsAny(path, "\x00\n") || strings.HasPrefix(path, "-") {
			return dr.Refuse("tool", "the path %q of the tool %s is not allowed", dr.Clip(path, 80), t.Name)
		}
		r, err := h.call(ctx, t.Login, "sb_tool "+dr.Quote(path))
		if err != nil {
			return err
		}
		exit, err := exitOf(h.ep, r)
		if err != nil || exit == 0 {
			return err
		}
	}
	e := dr.Refuse("tool_missing", "host %s: %s (%s) is not there", h.ep.place(), t.Name, strings.Join(paths, " or "))
	if t.Hint != "" {
		e = e.WithNext("install it: %s", t.Hint)
	}
	return e
}
