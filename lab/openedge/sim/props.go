package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// properties are what a .repl.properties file says: section -> name -> value.
type properties map[string]map[string]string

// readProperties reads "name=value" lines under "[section]"; comments begin with
// # and have lines of their own.
func readProperties(db string) (properties, error) {
	b, err := os.ReadFile(db + ".repl.properties")
	if err != nil {
		return nil, say(msgNoProperties, db+".repl.properties")
	}
	p := properties{}
	section := ""
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = strings.ToLower(line[1 : len(line)-1])
			p[section] = map[string]string{}
		default:
			name, value, ok := strings.Cut(line, "=")
			if !ok || section == "" {
				return nil, say(msgBadProperty, i+1, db+".repl.properties")
			}
			p[section][strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return p, nil
}

func (p properties) get(section, name, def string) string {
	if v, ok := p[section][name]; ok && v != "" {
		return v
	}
	return def
}

func (p properties) number(section, name string, def int) int {
	n, err := strconv.Atoi(p.get(section, name, ""))
	if err != nil {
		return def
	}
	return n
}

// controlAgent is one target as its source knows it.
type controlAgent struct {
	name, address  string
	connectTimeout int // seconds
	critical       bool
}

// agents are the control agents of a source, in the order of the list.
func (p properties) agents() ([]controlAgent, error) {
	var all []controlAgent
	for _, name := range strings.Split(p.get("server", "control-agents", ""), ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		s := "control-agent." + strings.ToLower(name)
		host, port := p.get(s, "host", ""), p.number(s, "port", 0)
		switch {
		case len(name) > 15 || strings.EqualFold(name, "all"):
			return nil, say(msgBadAgent, name)
		case p[s] == nil || host == "" || port == 0 || p.get(s, "name", "") != name:
			return nil, say(msgNoAgentSection, name)
		}
		all = append(all, controlAgent{
			name: name, address: fmt.Sprintf("%s:%d", host, port),
			connectTimeout: p.number(s, "connect-timeout", 120), critical: p.get(s, "critical", "0") == "1",
		})
	}
	if len(all) == 0 {
		return nil, say(msgNoAgents)
	}
	if len(all) > 2 {
		return nil, say(msgTooManyAgents, len(all))
	}
	return all, nil
}

// deferral is how many minutes the server goes on to look for agents.
func (p properties) deferral() int {
	n := p.number("server", "defer-agent-startup", 0)
	if n != 0 && (n < 5 || n > 10080) {
		return 0
	}
	return n
}

func (p properties) reverse() bool {
	return p.get("transition", "database-role", "normal") == "reverse"
}

// complaints lists what keeps the file from serving both roles.
func (p properties) complaints() []string {
	var all []string
	if _, err := p.agents(); err != nil {
		all = append(all, err.Error())
	}
	for section, needed := range map[string][]string{
		"server": {"control-agents", "database"}, "agent": {"name", "database"},
		"transition": {"database-role", "source-startup-arguments", "target-startup-arguments"},
	} {
		if p[section] == nil {
			all = append(all, msgNoSection.format(section))
			continue
		}
		for _, name := range needed {
			if p.get(section, name, "") == "" {
				all = append(all, msgNoProperty.format(name, section))
			}
		}
	}
	auto := p.get("server", "transition", "manual") == "auto"
	if auto && p.get("agent", "critical", p.firstCritical()) != "1" {
		all = append(all, msgAutoNeedsCritical.format())
	}
	slices.Sort(all)
	return all
}

func (p properties) firstCritical() string {
	agents, err := p.agents()
	if err == nil && slices.ContainsFunc(agents, func(a controlAgent) bool { return a.critical }) {
		return "1"
	}
	return "0"
}

// arguments splits a line of start arguments.
func (p properties) arguments(name string) []string {
	return strings.Fields(p.get("transition", name, ""))
}
