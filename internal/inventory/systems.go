package inventory

import (
	"errors"
	"fmt"
	"slices"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

type limitsFile struct {
	Observe dr.Duration `yaml:"observe"`
}

// commonFields are the fields of a system that do not belong to its adapter.
var commonFields = []string{"product", "home", "policy", "sites", "limits", "applications", "clients", "fence", "hooks"}

func (l *loader) loadSystems(n node) {
	for _, e := range l.section(n, "system") {
		if e.value.entries() == nil {
			l.add(e.value.line, "the system %s must be a mapping with product and sites", e.key)
			continue
		}
		l.loadSystem(e)
	}
}

func (l *loader) loadSystem(e entry) {
	s := &System{Name: e.key, entry: e.value}
	use := &usage{l: l, hosts: map[string]bool{}, credentials: map[string]bool{}}
	s.Product = l.text(e.value, "product")
	adapter, known := l.products[s.Product]
	switch {
	case !e.value.has("product"):
		l.add(e.value.line, "the system %s has no product; %s", e.key, suggest("", l.names))
	case !known && s.Product != "":
		l.add(e.value.at("product").line, "the product %q of system %s is not known; %s", dr.Clip(s.Product, 60), e.key, suggest(s.Product, l.names))
	}
	for _, f := range e.value.entries() {
		// Where the product is not known its own field cannot be told from a
		// misspelt one.
		if !slices.Contains(commonFields, f.key) && f.key != s.Product && (known || !slices.Contains(l.names, f.key)) {
			allowed := commonFields
			if known {
				allowed = append(slices.Clone(commonFields), s.Product)
			}
			l.add(f.value.line, "%s has no field %q; %s", e.value.path, dr.Clip(f.key, 60), suggest(f.key, allowed))
		}
	}
	sites := l.sites(e, s)
	if s.Home = l.text(e.value, "home"); s.Home != "" && !slices.Contains(s.Sites, s.Home) {
		l.add(e.value.at("home").line, "the home %q of system %s is not one of its sites; %s", dr.Clip(s.Home, 60), e.key, suggest(s.Home, s.Sites))
	}
	l.systemPolicy(e, s)
	s.Limits.Observe = dr.Duration(DefaultObserve)
	if e.value.has("limits") {
		f := limitsFile{Observe: s.Limits.Observe}
		decode(e.value.at("limits"), &f, l.complaints)
		s.Limits = Limits(f)
		if f.Observe == 0 {
			l.add(e.value.at("limits.observe").line, "%s.limits.observe is zero; nothing could be observed", e.value.path)
		}
	}
	l.contributors(e, s, use)
	if known {
		l.instance(e, s, adapter, sites, use)
	}
	s.hosts, s.credentials = use.hostList(), sortedKeys(use.credentials)
	l.inv.Systems = append(l.inv.Systems, s)
}

// text reads one field that must be a single text.
func (l *loader) text(n node, field string) string {
	if !n.has(field) {
		return ""
	}
	var s string
	decode(n.at(field), &s, l.complaints)
	return s
}

// sites reads the names and gives the adapter's nodes.
func (l *loader) sites(e entry, s *System) []kit.SiteEntry {
	at := e.value.at("sites")
	if !e.value.has("sites") {
		l.add(e.value.line, "the system %s has no sites; it needs two or more", e.key)
		return nil
	}
	var out []kit.SiteEntry
	for _, site := range l.section(at, "site") {
		s.Sites = append(s.Sites, site.key)
		out = append(out, kit.SiteEntry{Name: site.key, Node: site.value})
	}
	if at.absent() || (at.entries() != nil || len(at.y.Content) == 0) && len(at.entries()) < 2 {
		l.add(at.line, "the system %s has %s; it needs two or more", e.key, count(len(at.entries()), "site"))
	}
	return out
}

func (l *loader) systemPolicy(e entry, s *System) {
	s.Policies = DefaultPolicies()
	line := e.value.line
	if name := l.text(e.value, "policy"); name != "" {
		p, ok := l.policies[name]
		if !ok {
			l.add(e.value.at("policy").line, "the policy %q of system %s is not there; %s", dr.Clip(name, 60), e.key, suggest(name, l.policyNames))
			return
		}
		s.Policies, line = p.all, e.value.at("policy").line
	}
	if l.peopleBad {
		return // who may decide is not known
	}
	// A gate that nobody can pass must not be found out at night.
	for _, g := range gates {
		p := s.Policies.Gates[g]
		if may := l.inv.countWithRole(p.Roles); may < p.Quorum {
			l.add(line, "the gate %s of system %s asks for %s, but under people are only %d who may decide", g, e.key, count(p.Quorum, "approval"), may)
			return
		}
	}
}

func (inv *Inventory) countWithRole(roles []string) int {
	n := 0
	for _, p := range inv.People {
		if p.HasRole(roles) {
			n++
		}
	}
	return n
}

// HasRole says whether the person has one of the roles; no roles means that
// every person has.
func (p Person) HasRole(roles []string) bool {
	return len(roles) == 0 || slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) })
}

// instance lets the adapter decode its nodes.
func (l *loader) instance(e entry, s *System, adapter kit.Adapter, sites []kit.SiteEntry, use *usage) {
	in := kit.Entry{Name: e.key, Sites: sites, Hosts: use.host, Credentials: use.credential}
	if e.value.has(s.Product) {
		in.Node = e.value.at(s.Product)
	}
	instance, err := adapter.Decode(in)
	if err == nil && instance == nil {
		err = errors.New("the adapter of " + s.Product + " gave no system")
	}
	if err != nil {
		l.take(e.value.line, err)
		return
	}
	s.Adapter, s.Instance = adapter, instance
	for _, need := range instance.Needs() {
		if !use.host(need.Host) {
			l.add(e.value.line, "the system %s needs the host %q, which is not under hosts", e.key, dr.Clip(need.Host, 60))
		}
		for i, f := range s.Fences {
			if f.Site == need.Site && f.Host == need.Host {
				at := e.value.at(fmt.Sprintf("fence.%d.host", i))
				l.add(at.line, "%s is %s, which belongs to the site %s that it fences; name a host in a third place", at.path, f.Host, f.Site)
			}
		}
	}
}

// usage remembers which hosts and credentials a system refers to.
type usage struct {
	l           *loader
	hosts       map[string]bool
	credentials map[string]bool
}

func (u *usage) host(name string) bool {
	if !u.l.hostNames[name] {
		return false
	}
	u.hosts[name] = true
	return true
}

func (u *usage) credential(name string) bool {
	if !u.l.credNames[name] {
		return false
	}
	u.credentials[name] = true
	return true
}

// hostList gives the used hosts and those that they are reached through, and
// notes the credentials of all.
func (u *usage) hostList() []Host {
	for _, name := range sortedKeys(u.hosts) {
		for h := u.l.inv.Hosts[name]; h.Jump != "" && !u.hosts[h.Jump] && u.l.hostNames[h.Jump]; h = u.l.inv.Hosts[h.Jump] {
			u.hosts[h.Jump] = true
		}
	}
	var out []Host
	for _, name := range sortedKeys(u.hosts) {
		h := u.l.inv.Hosts[name]
		if h.PasswordCredential != "" {
			u.credential(h.PasswordCredential)
		}
		out = append(out, h)
	}
	return out
}

// Hosts gives the hosts that the system uses and those that they are reached
// through, by name.
func (s *System) Hosts() []Host { return slices.Clone(s.hosts) }

// Credentials names the credentials that the system uses, sorted.
func (s *System) Credentials() []string { return slices.Clone(s.credentials) }

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
