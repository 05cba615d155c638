package inventory

import (
	"regexp"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

type applicationFile struct {
	Name    string            `yaml:"name"`
	Hosts   map[string]string `yaml:"hosts"`
	Unit    string            `yaml:"unit"`
	Group   string            `yaml:"vcs_group"`
	Stop    []string          `yaml:"stop"`
	Start   []string          `yaml:"start"`
	Running []string          `yaml:"running"`
	Timeout dr.Duration       `yaml:"timeout"`
}

type clientFile struct {
	Name      string              `yaml:"name"`
	Host      string              `yaml:"host"`
	Point     map[string][]string `yaml:"point"`
	None      []string            `yaml:"none"`
	Show      []string            `yaml:"show"`
	VIP       *vipFile            `yaml:"vip"`
	DNS       *dnsFile            `yaml:"dns"`
	HAProxy   node                `yaml:"haproxy"`
	PgBouncer node                `yaml:"pgbouncer"`
	Probe     *probeFile          `yaml:"probe"`
	Timeout   dr.Duration         `yaml:"timeout"`
}

type fenceFile struct {
	Name           string      `yaml:"name"`
	Site           string      `yaml:"site"`
	Host           string      `yaml:"host"`
	On             []string    `yaml:"on"`
	Off            []string    `yaml:"off"`
	Proof          []string    `yaml:"proof"`
	Proven         string      `yaml:"proven"`
	SurvivesReboot bool        `yaml:"survives_reboot"`
	Timeout        dr.Duration `yaml:"timeout"`
}

// unitPattern is systemd's alphabet for the names of services, without the
// backslash.
var unitPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.(service|target|socket|timer)$`)

// groupPattern is VCS's alphabet for the names of service groups.
var groupPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,79}$`)

func (l *loader) contributors(e entry, s *System, use *usage) {
	for _, at := range l.parts(e, "applications") {
		f := applicationFile{Timeout: dr.Duration(DefaultTimeout)}
		decode(at, &f, l.complaints)
		l.application(at, f, s, use)
		s.Applications = append(s.Applications, Application(f))
	}
	for _, at := range l.parts(e, "clients") {
		f := clientFile{Timeout: dr.Duration(DefaultTimeout)}
		decode(at, &f, l.complaints)
		s.Clients = append(s.Clients, l.client(at, f, s, use))
	}
	for _, at := range l.parts(e, "fence") {
		f := fenceFile{Timeout: dr.Duration(DefaultTimeout)}
		decode(at, &f, l.complaints)
		l.fence(at, f, s, use)
		s.Fences = append(s.Fences, Fence(f))
	}
	l.hooks(e, s, use)
}

// parts lists the elements of one of the system's lists and complains about
// missing and doubled names.
func (l *loader) parts(e entry, field string) []node {
	if !e.value.has(field) {
		return nil
	}
	at := e.value.at(field)
	if at.absent() || kindOf(at.y) != "a list" {
		l.add(at.line, "%s must be a list", at.path)
		return nil
	}
	seen := map[string]int{}
	for _, item := range at.items() {
		name := ""
		if v, ok := item.child("name"); ok && !v.absent() {
			name = v.y.Value
		}
		named := item.at("name")
		if !l.name(named, strings.TrimSuffix(field, "s"), name) {
			continue
		}
		if first, ok := seen[name]; ok {
			l.add(named.line, "%s has the name %q twice; the first is in line %d", at.path, name, first)
		}
		seen[name] = named.line
	}
	return at.items()
}

func (l *loader) application(at node, f applicationFile, s *System, use *usage) {
	if len(f.Hosts) == 0 {
		l.add(at.line, "%s has no hosts; say at which site it runs on which host", at.path)
	}
	for _, site := range sortedKeys(f.Hosts) {
		item := at.at("hosts." + site)
		l.siteRef(item, site, s)
		l.hostRef(item, f.Hosts[site], use)
	}
	commands := len(f.Stop) + len(f.Start) + len(f.Running)
	switch {
	case f.Group != "" && (f.Unit != "" || commands > 0):
		l.add(at.at("vcs_group").line, "%s has a vcs_group and a unit or commands; write one of them", at.path)
	case f.Group != "":
		if !groupPattern.MatchString(f.Group) {
			l.add(at.at("vcs_group").line, "%s.vcs_group is %q, not the name of a service group", at.path, dr.Clip(f.Group, 60))
		}
	case f.Unit != "" && commands > 0:
		l.add(at.at("unit").line, "%s has both a unit and commands; write one of the two", at.path)
	case f.Unit != "":
		if !unitPattern.MatchString(f.Unit) {
			l.add(at.at("unit").line, "%s.unit is %q, not a systemd unit such as myapp.service", at.path, dr.Clip(f.Unit, 60))
		}
	case commands == 0:
		l.add(at.line, "%s has neither a unit, a vcs_group nor the commands stop, start and running", at.path)
	default:
		l.commands(at, map[string][]string{"stop": f.Stop, "start": f.Start, "running": f.Running})
	}
	l.timeout(at, f.Timeout)
}

func (l *loader) client(at node, f clientFile, s *System, use *usage) Client {
	c := Client{Name: f.Name, Host: f.Host, Point: f.Point, None: f.None, Show: f.Show, Timeout: f.Timeout}
	l.timeout(at, f.Timeout)
	if f.Probe != nil {
		c.Probe = l.probe(at.at("probe"), *f.Probe, s, use)
	}
	var kinds []string
	for _, k := range clientKinds {
		if at.has(k) {
			kinds = append(kinds, k)
		}
	}
	if at.has("host") || at.has("point") || at.has("none") || at.has("show") {
		kinds = append(kinds, "commands")
	}
	switch {
	case len(kinds) > 1:
		l.add(at.at(kinds[0]).line, "%s has both a %s and %s; write two clients", at.path, kinds[0], kinds[1])
	case f.VIP != nil:
		c.VIP = l.vip(at.at("vip"), *f.VIP, s, use)
	case f.DNS != nil:
		c.DNS = l.dns(at.at("dns"), *f.DNS, s, use)
	case at.has("haproxy"):
		c.HAProxy = l.haproxy(at.at("haproxy"), s, use)
	case at.has("pgbouncer"):
		c.PgBouncer = l.pgbouncer(at.at("pgbouncer"), s, use)
	case len(kinds) == 0 || kinds[0] == "commands":
		l.clientCommands(at, f, s, use)
	default:
		// What could not be read was complained about.
	}
	return c
}

// clientKinds are the fields of which a client that has no commands of its own
// has exactly one.
var clientKinds = []string{"vip", "dns", "haproxy", "pgbouncer"}

func (l *loader) clientCommands(at node, f clientFile, s *System, use *usage) {
	l.requireHost(at, f.Host, use)
	for _, site := range s.Sites {
		if _, ok := f.Point[site]; !ok {
			l.add(at.at("point").line, "%s.point has no command for the site %s", at.path, site)
		}
	}
	for _, site := range sortedKeys(f.Point) {
		item := at.at("point." + site)
		l.siteRef(item, site, s)
		l.argv(at.at("point"), site, f.Point[site])
	}
	l.commands(at, map[string][]string{"none": f.None, "show": f.Show})
	if slices.Contains(s.Sites, "none") {
		l.add(at.line, "%s cannot be used with a site called none: show could not tell them apart", at.path)
	}
}

func (l *loader) fence(at node, f fenceFile, s *System, use *usage) {
	if !at.has("site") {
		l.add(at.line, "%s has no site", at.path)
	} else if f.Site != "" {
		l.siteRef(at.at("site"), f.Site, s)
	}
	l.requireHost(at, f.Host, use)
	l.commands(at, map[string][]string{"on": f.On, "off": f.Off, "proof": f.Proof})
	switch {
	case f.Proven == "":
		l.add(at.at("proven").line, "%s has no proven: the exact first line of the proof's output", at.path)
	case strings.ContainsFunc(f.Proven, isControl) || strings.TrimSpace(f.Proven) != f.Proven:
		l.add(at.at("proven").line, "%s.proven must be one line without outer blanks", at.path)
	}
	l.timeout(at, f.Timeout)
}

// phases lists every phase once, in the order of first use.
func phases() []dr.Phase {
	var out []dr.Phase
	for _, p := range []dr.Procedure{dr.ProcTakeover, dr.ProcFailback, dr.ProcReseed} {
		for _, g := range gates {
			for _, phase := range dr.PhasesAfter(p, g) {
				if !slices.Contains(out, phase) {
					out = append(out, phase)
				}
			}
		}
	}
	return out
}

// commands checks commands that must all be there.
func (l *loader) commands(at node, all map[string][]string) {
	for _, field := range sortedKeys(all) {
		l.argv(at, field, all[field])
	}
}

func (l *loader) requireHost(at node, host string, use *usage) {
	if !at.has("host") {
		l.add(at.line, "%s has no host", at.path)
		return
	}
	if host != "" {
		l.hostRef(at.at("host"), host, use)
	}
}

func (l *loader) hostRef(at node, host string, use *usage) {
	if !use.host(host) {
		l.add(at.line, "%s names the host %q, which is not under hosts; %s", at.path, dr.Clip(host, 60), suggest(host, sortedKeys(l.hostNames)))
	}
}

func (l *loader) siteRef(at node, site string, s *System) {
	if !slices.Contains(s.Sites, site) {
		l.add(at.line, "%s names the site %q, which %s does not have; %s", at.path, dr.Clip(site, 60), s.Name, suggest(site, s.Sites))
	}
}

func (l *loader) timeout(at node, d dr.Duration) {
	if d == 0 {
		l.add(at.at("timeout").line, "%s.timeout is zero; no command could end in time", at.path)
	}
}
