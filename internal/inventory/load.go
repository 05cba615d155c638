package inventory

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Version is the version of the format that this release reads.
const Version = 1

// file is the top level of systems.yaml.
type file struct {
	Version     int    `yaml:"version"`
	Defaults    defs   `yaml:"defaults"`
	People      node   `yaml:"people"`
	Gateways    node   `yaml:"gateways"`
	Policies    node   `yaml:"policies"`
	Credentials node   `yaml:"credentials"`
	Reports     report `yaml:"reports"`
	Hosts       node   `yaml:"hosts"`
	Systems     node   `yaml:"systems"`
}

type defs struct {
	Hosts node `yaml:"hosts"`
}

type report struct {
	Dir string `yaml:"dir"`
}

// loader is the state of reading one file.
type loader struct {
	*complaints
	inv      *Inventory
	dir      string
	products map[string]kit.Adapter
	names    []string
	// hosts and policies that were read with complaints are known, so that a
	// reference to them is no second complaint.
	hostNames   map[string]bool
	credNames   map[string]bool
	policyNames []string
	policies    map[string]namedPolicy
	// peopleBad is set when there are complaints about people.
	peopleBad bool
}

// Load reads and checks the inventory at path; products are the adapters that
// this program has. The error is a refusal of code "inventory" whose text has
// one complaint a line, each with file and line.
func Load(path string, products []kit.Adapter) (*Inventory, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, raw, products)
}

// Parse is Load for bytes that were read already. Relative paths in them are
// relative to path's directory.
func Parse(path string, raw []byte, products []kit.Adapter) (*Inventory, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, dr.Refuse("inventory", "the directory of the inventory %s cannot be found: %v", path, err)
	}
	l := &loader{
		complaints: &complaints{file: path},
		inv:        &Inventory{Path: path, People: map[string]Person{}, Gateways: map[string]Gateway{}, Hosts: map[string]Host{}, Credentials: map[string]Credential{}},
		dir:        filepath.Dir(abs), products: map[string]kit.Adapter{},
		hostNames: map[string]bool{}, credNames: map[string]bool{}, policies: map[string]namedPolicy{},
	}
	for _, p := range products {
		l.products[p.Product()] = p
		l.names = append(l.names, p.Product())
	}
	slices.Sort(l.names)
	if top, ok := parse(path, raw, l.complaints); ok {
		l.load(top)
	}
	if err := l.err(); err != nil {
		return nil, err
	}
	return l.inv, nil
}

func (l *loader) load(top node) {
	var f file
	decode(top, &f, l.complaints)
	switch {
	case !top.has("version"):
		l.add(top.line, "the inventory has no version; begin it with version: %d", Version)
	case f.Version != Version && f.Version != 0:
		l.add(top.at("version").line, "version %d is not known; this release reads version %d", f.Version, Version)
	case f.Version == 0 && !top.at("version").absent() && top.at("version").y.ShortTag() == "!!int":
		l.add(top.at("version").line, "version 0 is not known; this release reads version %d", Version)
	}
	l.loadGateways(f.Gateways, l.loadPeople(f.People))
	l.loadCredentials(f.Credentials)
	l.loadHosts(f.Hosts, f.Defaults.Hosts)
	l.loadPolicies(f.Policies)
	l.inv.Reports.Dir = l.localPath(top.at("reports.dir"), f.Reports.Dir)
	if f.Reports.Dir == "" {
		l.inv.Reports.Dir = filepath.Join(l.dir, "reports")
	}
	l.loadSystems(f.Systems)
}

// section lists the entries of a top-level mapping whose keys are names.
func (l *loader) section(n node, kind string) []entry {
	if n.y == nil {
		return nil
	}
	if n.absent() || len(n.entries()) == 0 && len(n.items()) == 0 && kindOf(n.y) == "a mapping" {
		return nil
	}
	if kindOf(n.y) != "a mapping" {
		l.add(n.line, "%s must be a mapping of names, not %s", n.path, kindOf(n.y))
		return nil
	}
	var good []entry
	for _, e := range n.entries() {
		if err := dr.CheckName(kind, e.key); err != nil {
			l.add(e.value.line, "%s", err)
			continue
		}
		good = append(good, e)
	}
	return good
}

// localPath makes a path on this machine absolute: relative ones begin at the
// inventory's directory, "~/" at the user's home.
func (l *loader) localPath(at node, p string) string {
	switch {
	case p == "":
		return ""
	case strings.ContainsAny(p, "\x00\n\r"):
		l.add(at.line, "%s is a path with a line break or a zero byte", at.path)
		return ""
	case p == "~" || strings.HasPrefix(p, "~/"):
		home, err := userHome()
		if err != nil {
			l.add(at.line, "%s begins with ~, but this user has no home directory", at.path)
			return ""
		}
		return filepath.Join(home, p[1:])
	case strings.HasPrefix(p, "~"):
		l.add(at.line, "%s names another user's home; write the path out", at.path)
		return ""
	case filepath.IsAbs(p):
		return filepath.Clean(p)
	default:
		return filepath.Join(l.dir, p)
	}
}

// System finds a system by name; the refusal names the known ones.
func (inv *Inventory) System(name string) (*System, error) {
	var known []string
	for _, s := range inv.Systems {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	slices.Sort(known)
	e := dr.Refuse("unknown_system", "there is no system %q in %s", dr.Clip(name, 80), inv.Path)
	if len(known) == 0 {
		return nil, e.WithNext("describe the system in %s", inv.Path)
	}
	return nil, e.WithNext("name one of: %s", strings.Join(known, ", "))
}

// argv checks the command at a field of a mapping: a program and its
// arguments, each one line.
func (l *loader) argv(parent node, field string, argv []string) {
	at, there := parent.child(field)
	switch {
	case !there:
		l.add(parent.line, "%s has no %s, which must be a list of program and arguments", parent.path, field)
		return
	case at.absent() || at.y.Kind != yaml.SequenceNode:
		return // decode has complained
	case len(argv) == 0:
		l.add(at.line, "%s is empty; it must be a list of program and arguments", at.path)
	}
	for i, a := range argv {
		item := at.at(fmt.Sprint(i))
		switch {
		case item.absent():
		case a == "":
			l.add(item.line, "%s is empty; every element of a command needs text", item.path)
		case strings.ContainsAny(a, "\x00\n\r"):
			l.add(item.line, "%s contains a line break or a zero byte, which no command may", item.path)
		}
	}
}
