package openedge

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// Properties is the part of DATABASE.repl.properties that roles depend on.
// Other properties, passwords of key stores among them, are not kept.
type Properties struct {
	// Broken says why the file cannot be believed.
	Broken string `json:"broken,omitempty"`
	// Sections maps a section to its properties.
	Sections map[string]map[string]string `json:"sections,omitempty"`
}

var (
	sectionLine = regexp.MustCompile(`^\[([A-Za-z0-9._-]{1,60})\]$`)
	propertyOK  = regexp.MustCompile(`^[A-Za-z0-9 _./,:=@+-]{0,300}$`)
	// kept are the properties that are looked at.
	kept = []string{
		"control-agents", "database", "transition", "transition-timeout", "defer-agent-startup", "agent-shutdown-action",
		"name", "host", "port", "critical", "replication-method", "replication-set", "database-role", "transition-to-agents",
		"restart-after-transition", "online-transition", "auto-begin-ai", "backup-method", "recovery-backup-arguments",
		"source-startup-arguments", "target-startup-arguments", "normal-startup-arguments",
	}
)

// parseProperties reads the file. Comments stand on lines of their own; a
// section or property that is there twice has no meaning.
func parseProperties(lines []string) Properties {
	p := Properties{Sections: map[string]map[string]string{}}
	bad := func(format string, a ...any) Properties {
		return Properties{Broken: fmt.Sprintf(format, a...)}
	}
	var now map[string]string
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if m := sectionLine.FindStringSubmatch(l); m != nil {
			if p.Sections[m[1]] != nil || len(p.Sections) > 20 {
				return bad("line %d: the section %s is there twice", i+1, m[1])
			}
			now = map[string]string{}
			p.Sections[m[1]] = now
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || now == nil {
			return bad("line %d is no property of a section", i+1)
		}
		if !slices.Contains(kept, name) {
			continue
		}
		if _, twice := now[name]; twice {
			return bad("line %d: %s is there twice", i+1, name)
		}
		if !propertyOK.MatchString(value) {
			return bad("line %d: the value of %s was not recognised", i+1, name)
		}
		now[name] = value
	}
	return p
}

// get gives a property, "" when it is not there.
func (p *Properties) get(section, name string) string {
	if p == nil {
		return ""
	}
	return p.Sections[section][name]
}

// list splits a property that is a list.
func (p *Properties) list(section, name string) []string {
	return strings.FieldsFunc(p.get(section, name), func(r rune) bool { return r == ',' || r == ' ' })
}

// Deferral is how many minutes the server waits for its agents.
func (p *Properties) Deferral() int64 { return leadingNumber(p.get("server", "defer-agent-startup")) }

// AsRole is the role that a transition of a target gives: source or none.
func (p *Properties) AsRole() string {
	if p.get("transition", "database-role") == "reverse" {
		return roleSource
	}
	return roleNone
}

// Set says whether the databases are a replication set of two targets.
func (p *Properties) Set() bool { return p.get("transition", "replication-set") == "1" }

// lacks says what keeps the file from serving both roles with the given other
// sites; empty when nothing does. Each host's file needs every section, with
// the others as control agents. Manual: "Server properties", "Control agent
// properties", "Transition properties".
func (p *Properties) lacks(self Place, others []Place) []string {
	if p == nil {
		return []string{"there is no " + self.base() + ".repl.properties"}
	}
	if p.Broken != "" {
		return []string{p.Broken}
	}
	var out []string
	add := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }
	for _, s := range []string{"server", "agent", "transition"} {
		if p.Sections[s] == nil {
			add("the section [%s] is missing", s)
		}
	}
	if n := p.get("agent", "name"); n != self.Agent {
		add("[agent] has name=%s, the inventory says %s", orNone(n), self.Agent)
	}
	agents := p.list("server", "control-agents")
	for _, o := range others {
		sec := "control-agent." + o.Agent
		if !slices.Contains(agents, o.Agent) || p.Sections[sec] == nil {
			add("%s is no control agent", o.Agent)
			continue
		}
		if h, port := p.get(sec, "host"), p.get(sec, "port"); h != o.Address || port != strconv.Itoa(o.Port) {
			add("[%s] leads to %s:%s, the inventory says %s:%d", sec, orNone(h), orNone(port), o.Address, o.Port)
		}
	}
	if len(agents) > 2 {
		add("%d control agents are named, at most two are allowed", len(agents))
	}
	for name, service := range map[string]string{"source-startup-arguments": "replserv", "target-startup-arguments": "replagent"} {
		if v := p.get("transition", name); v != "" && !strings.Contains(v, "-DBService "+service) {
			add("%s does not start -DBService %s", name, service)
		}
	}
	slices.Sort(out)
	return out
}

// auto says whether a mere break of the network could make a second primary.
func (p *Properties) auto() bool { return p.get("server", "transition") == "auto" }

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return dr.Clip(s, 80)
}
