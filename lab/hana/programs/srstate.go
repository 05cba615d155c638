package programs

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// begin and end of output for programs.
const (
	sapcontrolBegin = "SAPCONTROL-OK: <begin>"
	sapcontrolEnd   = "SAPCONTROL-OK: <end>"
)

func (c *command) sapcontrol() bool {
	v, _ := c.flag("sapcontrol")
	return v == "1"
}

// srState is -sr_state.
func (c *command) srState() int {
	site, err := c.conf.Load()
	if err != nil {
		return c.failed(err)
	}
	online := c.online()
	if c.sapcontrol() {
		c.stateForPrograms(site, online)
	} else {
		c.stateForPeople(site, online)
	}
	return 0
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// facts are the lines of the first part, "key: value"; blank ones are "".
func (c *command) facts(site instance.Site, online bool) [][2]string {
	lines := [][2]string{{"mode", site.Mode}}
	if site.Mode == instance.ModeNone {
		return lines
	}
	lines = append(lines, [2]string{"operation mode", site.OperationMode}, [2]string{"site id", fmt.Sprint(site.ID)}, [2]string{"site name", site.Name}, [2]string{"", ""})
	source, consumers := "unknown", "unknown"
	if online {
		source = yes(site.Mode == instance.ModePrimary || site.Source)
		consumers = yes(len(site.Targets(site.ID)) > 0)
	}
	lines = append(lines,
		[2]string{"is source system", source},
		[2]string{"is secondary/consumer system", yes(site.Secondary())},
		[2]string{"has secondaries/consumers attached", consumers},
		[2]string{"is a takeover active", yes(site.Pending != nil)})
	if !site.Secondary() {
		return append(lines, [2]string{"is primary suspended", yes(site.Suspended)})
	}
	lines = append(lines, [2]string{"is primary suspended", "false"}, [2]string{"is timetravel enabled", "false"}, [2]string{"replay mode", "auto"})
	if own := site.ByID(site.ID); own != nil {
		lines = append(lines, [2]string{"active primary site", fmt.Sprint(own.Source)})
	}
	return append(lines, [2]string{"", ""}, [2]string{"primary masters", masters(site)})
}

func masters(site instance.Site) string {
	var names []string
	for _, m := range site.Masters {
		host, _, _ := strings.Cut(m, ":")
		names = append(names, host)
	}
	return strings.Join(names, " ")
}

func (c *command) stateForPeople(site instance.Site, online bool) {
	if !online {
		c.notResponding()
	}
	c.say("\nSystem Replication State\n~~~~~~~~~~~~~~~~~~~~~~~~\n")
	c.say("online: %s", yes(online))
	if site.Suspended {
		c.say("SUSPEND PRIMARY ACTIVE")
	}
	c.say("")
	for _, f := range c.facts(site, online) {
		if f[0] == "" {
			c.say("")
		} else {
			c.say("%s: %s", f[0], f[1])
		}
	}
	if online && site.Mode != instance.ModeNone {
		c.mappings(site)
	}
	c.say("done.")
}

func (c *command) mappings(site instance.Site) {
	c.say("\nHost Mappings:\n~~~~~~~~~~~~~~\n")
	for _, line := range c.hostMappings(site) {
		c.say("%s -> [%s] %s", line[0], line[1], line[2])
	}
	c.say("\n\nSite Mappings:\n~~~~~~~~~~~~~~")
	for _, k := range site.Sites {
		if root(site, k) {
			c.tree(site, k, 0)
		}
	}
	c.say("")
	sites := live(site)
	for _, k := range sites {
		c.say("Tier of %s: %d", k.Name, site.Tier(k.ID))
	}
	c.say("")
	for _, k := range sites {
		c.say("Replication mode of %s: %s", k.Name, k.Mode)
	}
	c.say("")
	for _, k := range sites {
		c.say("Operation mode of %s: %s", k.Name, k.OperationMode)
	}
	c.say("")
	for _, k := range sites {
		for _, t := range site.Targets(k.ID) {
			c.say("Mapping: %s -> %s", k.Name, t.Name)
		}
	}
	c.say("\nHint based routing site: ")
}

// live are the sites that take part.
func live(site instance.Site) []instance.Known {
	var all []instance.Known
	for _, k := range site.Sites {
		if !k.Gone {
			all = append(all, k)
		}
	}
	return all
}

func root(site instance.Site, k instance.Known) bool {
	return !k.Gone && (k.Source == 0 || site.ByID(k.Source) == nil)
}

func (c *command) tree(site instance.Site, k instance.Known, depth int) {
	lead := ""
	if depth > 0 {
		lead = strings.Repeat("    |", depth) + "---"
	}
	c.say("%s%s (%s/%s)", lead, k.Name, k.Mode, k.OperationMode)
	for _, t := range site.Targets(k.ID) {
		c.tree(site, t, depth+1)
	}
}

// hostMappings are the lines local host -> [site] host.
func (c *command) hostMappings(site instance.Site) [][3]string {
	var all [][3]string
	for i, local := range c.conf.Members {
		sites := live(site)
		for n := len(sites) - 1; n >= 0; n-- {
			if k := sites[n]; i < len(k.Hosts) {
				all = append(all, [3]string{local, k.Name, k.Hosts[i]})
			}
		}
	}
	return all
}

func (c *command) srHostMapping() int {
	site, err := c.conf.Load()
	if err != nil || !c.online() {
		return c.failed(instance.ErrUnreachable)
	}
	for _, line := range c.hostMappings(site) {
		c.say("%s -> [%s] %s", line[0], line[1], line[2])
	}
	c.say("done.")
	return 0
}

// keys of -sr_state --sapcontrol=1 for the lines that people see.
var programKeys = map[string]string{
	"is source system": "isSource", "is secondary/consumer system": "isConsumer", "has secondaries/consumers attached": "hasConsumers",
	"is a takeover active": "isTakeoverActive", "is primary suspended": "isPrimarySuspended", "is timetravel enabled": "isTimetravelEnabled",
	"replay mode": "replayMode",
}

func (c *command) stateForPrograms(site instance.Site, online bool) {
	c.say("%s", sapcontrolBegin)
	c.say("online=%s", yes(online))
	for _, f := range c.facts(site, online) {
		key := f[0]
		if k, other := programKeys[key]; other {
			key = k
		}
		if key != "" {
			c.say("%s=%s", key, f[1])
		}
	}
	if online && site.Mode != instance.ModeNone {
		for _, line := range c.hostMappings(site) {
			c.say("mapping/%s=%s/%s", line[0], line[1], line[2])
		}
		for _, k := range live(site) {
			c.say("siteTier/%s=%d", k.Name, site.Tier(k.ID))
		}
		for _, k := range live(site) {
			c.say("siteReplicationMode/%s=%s", k.Name, k.Mode)
		}
		for _, k := range live(site) {
			c.say("siteOperationMode/%s=%s", k.Name, k.OperationMode)
		}
		for _, k := range live(site) {
			for _, t := range site.Targets(k.ID) {
				c.say("siteMapping/%s=%s", k.Name, t.Name)
			}
		}
		c.say("hintBasedRoutingSite=")
	}
	c.say("%s", sapcontrolEnd)
	c.say("done.")
}

// srStateConfiguration is -sr_stateConfiguration: the ini files only.
func (c *command) srStateConfiguration() int {
	site, err := c.conf.Load()
	if err != nil {
		return c.failed(err)
	}
	lines := [][2]string{{"mode", site.Mode}}
	if site.Mode != instance.ModeNone {
		lines = append(lines, [2]string{"operation mode", site.OperationMode}, [2]string{"site id", fmt.Sprint(site.ID)}, [2]string{"site name", site.Name})
	}
	if site.Secondary() {
		if own := site.ByID(site.ID); own != nil {
			lines = append(lines, [2]string{"active primary site", fmt.Sprint(own.Source)})
		}
		lines = append(lines, [2]string{"primary masters", masters(site)})
	}
	if c.sapcontrol() {
		c.say("%s", sapcontrolBegin)
		for _, f := range lines {
			c.say("%s=%s", f[0], f[1])
		}
		c.say("%s", sapcontrolEnd)
	} else {
		c.say("\nSystem Replication State\n~~~~~~~~~~~~~~~~~~~~~~~~\n")
		for _, f := range lines {
			c.say("%s: %s", f[0], f[1])
		}
	}
	c.say("done.")
	return 0
}
