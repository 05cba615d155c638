package inventory

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// The kinds of probes.
const (
	ProbePostgres = "postgres"
	ProbeMySQL    = "mysql"
	ProbeTCP      = "tcp"
	ProbeCommand  = "command"
)

// Probe proves that clients arrive at the primary by their own address.
type Probe struct {
	// Kind is postgres, mysql, tcp or command.
	Kind string
	// Address is the clients' own, with a port; Sites are the sites' own. They
	// are connected to from the worker.
	Address string
	Sites   map[string]string
	// Database, User, Credential and TLS are for SQL. TLS is verify or off; CA
	// is a file on the workers, empty for the machine's own authorities.
	Database, User, Credential, TLS, CA string
	// Host is where the commands run. Reaches ends with 0 when the clients'
	// address leads to the site and it takes writes, 1 when not; Writes ends
	// with 0 when the site takes writes at its own address, 1 when not.
	Host            string
	Reaches, Writes map[string][]string
}

type probeFile struct {
	Kind       string              `yaml:"kind"`
	Address    string              `yaml:"address"`
	Sites      map[string]string   `yaml:"sites"`
	Database   string              `yaml:"database"`
	User       string              `yaml:"user"`
	Credential string              `yaml:"credential"`
	TLS        string              `yaml:"tls"`
	CA         string              `yaml:"tls_ca"`
	Host       string              `yaml:"host"`
	Reaches    map[string][]string `yaml:"reaches"`
	Writes     map[string][]string `yaml:"writes"`
}

var probeKinds = []string{ProbePostgres, ProbeMySQL, ProbeTCP, ProbeCommand}

// probeFields are the fields of each kind beside kind itself.
var probeFields = map[string][]string{
	ProbePostgres: {"address", "sites", "database", "user", "credential", "tls", "tls_ca"},
	ProbeMySQL:    {"address", "sites", "database", "user", "credential", "tls", "tls_ca"},
	ProbeTCP:      {"address", "sites"},
	ProbeCommand:  {"host", "reaches", "writes"},
}

// probe checks a client's probe.
func (l *loader) probe(at node, f probeFile, s *System, use *usage) *Probe {
	p := Probe(f)
	allowed, known := probeFields[f.Kind]
	if !known {
		l.add(at.at("kind").line, "%s.kind is %q; %s", at.path, dr.Clip(f.Kind, 40), suggest(f.Kind, probeKinds))
		return &p
	}
	for _, e := range at.entries() {
		if e.key != "kind" && !slices.Contains(allowed, e.key) {
			l.add(e.value.line, "%s.%s is no field of a probe of kind %s; known: %s", at.path, e.key, f.Kind, strings.Join(allowed, ", "))
		}
	}
	if f.Kind == ProbeCommand {
		l.requireHost(at, f.Host, use)
		l.siteCommands(at, "reaches", f.Reaches, s)
		l.siteCommands(at, "writes", f.Writes, s)
		return &p
	}
	l.endpoint(at.at("address"), at.path+".address", f.Address)
	for _, site := range s.Sites {
		if _, ok := f.Sites[site]; !ok {
			l.add(at.at("sites").line, "%s.sites has no address for the site %s", at.path, site)
		}
	}
	for _, site := range sortedKeys(f.Sites) {
		item := at.at("sites." + site)
		l.siteRef(item, site, s)
		l.endpoint(item, item.path, f.Sites[site])
	}
	if f.Kind != ProbeTCP {
		l.probeLogin(at, &p, use)
	}
	return &p
}

func (l *loader) siteCommands(at node, field string, all map[string][]string, s *System) {
	for _, site := range s.Sites {
		if _, ok := all[site]; !ok {
			l.add(at.at(field).line, "%s.%s has no command for the site %s", at.path, field, site)
		}
	}
	for _, site := range sortedKeys(all) {
		l.siteRef(at.at(field+"."+site), site, s)
		l.argv(at.at(field), site, all[site])
	}
}

// hostPattern is what an address may be made of: a name or an IP address.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,254}$`)

func (l *loader) endpoint(at node, path, text string) {
	host, port, err := net.SplitHostPort(text)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || n < 1 || n > 65535 || !hostPattern.MatchString(host) {
		l.add(at.line, "%s is %q, not an address with a port such as orders.example.com:5432", path, dr.Clip(text, 60))
	}
}

// loginPattern is what a user or database may be called here.
var loginPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@#-]{0,62}$`)

func (l *loader) probeLogin(at node, p *Probe, use *usage) {
	if !at.has("tls") {
		p.TLS = "verify"
	}
	p.CA = l.localPath(at.at("tls_ca"), p.CA)
	switch {
	case !loginPattern.MatchString(p.User):
		l.add(at.at("user").line, "%s.user is %q, not a login", at.path, dr.Clip(p.User, 60))
	case p.Database != "" && !loginPattern.MatchString(p.Database):
		l.add(at.at("database").line, "%s.database is %q, not the name of a database", at.path, dr.Clip(p.Database, 60))
	case p.Database == "" && p.Kind == ProbePostgres:
		l.add(at.line, "%s has no database", at.path)
	case !use.credential(p.Credential):
		l.add(at.at("credential").line, "%s.credential is not the name of a credential under credentials", at.path)
	case p.TLS != "verify" && p.TLS != "off":
		l.add(at.at("tls").line, "%s.tls is %q, not verify or off", at.path, dr.Clip(p.TLS, 40))
	}
}
