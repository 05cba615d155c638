package programs

import (
	"fmt"
	"os"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// member is a host of the site as landscapeHostConfiguration.py sees it.
type member struct {
	name, active, status string
	partition            int
	nameserver, actualNS string
	index, actualIndex   string
	role                 string
}

// Landscape is the script landscapeHostConfiguration.py. Its exit code 0 is
// not success: 4 is.
func Landscape(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	all := c.members()
	overall, exit := overallStatus(all)
	if c.sapcontrol() {
		c.framed(c.memberLines(all))
	} else {
		c.memberTable(all)
		c.say("\noverall host status: %s", overall)
	}
	return exit
}

func (c *command) members() []member {
	var all []member
	for i, name := range c.conf.Members {
		m := member{name: name, partition: i + 1, nameserver: fmt.Sprintf("master %d", i+1), actualNS: "slave", index: "worker", actualIndex: "slave", role: "worker"}
		if i > 2 {
			m.nameserver = "slave"
		}
		if i == 0 {
			m.actualNS, m.actualIndex = "master", "master"
		}
		if name == c.conf.Standby {
			m.partition, m.index, m.actualIndex, m.role = 0, "standby", "standby", "standby"
		}
		var list []instance.Service
		err := askStart(c.conf, name, "GetProcessList", &list)
		m.active, m.status = activity(list, err)
		if m.status == "ok" && m.role == "standby" {
			m.status = "ignore"
		}
		all = append(all, m)
	}
	return all
}

// activity is what a host's processes say about it.
func activity(list []instance.Service, err error) (active, status string) {
	switch color(list, err) {
	case "GREEN":
		return "yes", "ok"
	case "YELLOW":
		for _, s := range list {
			switch s.Text {
			case "Initializing":
				return "starting", "error"
			case "Stopping":
				return "stopping", "error"
			}
		}
		return "partial", "error"
	}
	return "no", "error"
}

func overallStatus(all []member) (string, int) {
	for _, m := range all {
		if m.status == "error" {
			return "error", 1
		}
	}
	return "ok", 4
}

// cells are a member's values in the order of the columns.
func (m member) cells() []string {
	partition := fmt.Sprint(m.partition)
	group := "default"
	roles := []string{m.actualNS, m.index, m.actualIndex, m.role, m.role}
	if m.active != "yes" {
		roles[0], roles[2], roles[4] = "slave", "none", m.role
	}
	return []string{m.name, m.active, m.status, "", "", partition, partition, group, group, m.nameserver, roles[0], roles[1], roles[2], roles[3], roles[4], group, group}
}

var memberKeys = []string{
	"host", "hostActive", "hostStatus", "failoverStatus", "removeStatus", "storageConfigPartition", "storageActualPartition", "failoverConfigGroup",
	"failoverActualGroup", "nameServerConfigRole", "nameServerActualRole", "indexServerConfigRole", "indexServerActualRole", "hostConfigRoles",
	"hostActualRoles", "workerConfigGroups", "workerActualGroups",
}

// memberLines are prefixed with the host in a scale-out system only.
func (c *command) memberLines(all []member) []string {
	var lines []string
	for _, m := range all {
		prefix := ""
		if len(all) > 1 {
			prefix = "host/" + m.name + "/"
		}
		for i, v := range m.cells() {
			lines = append(lines, prefix+memberKeys[i]+"="+v)
		}
	}
	return lines
}

var memberHeads = [][3]string{
	{"Host"},
	{"Host", "Active"},
	{"Host", "Status"},
	{"Failover", "Status"},
	{"Remove", "Status"},
	{"Storage", "Config", "Partition"},
	{"Storage", "Actual", "Partition"},
	{"Failover", "Config", "Group"},
	{"Failover", "Actual", "Group"},
	{"NameServer", "Config", "Role"},
	{"NameServer", "Actual", "Role"},
	{"IndexServer", "Config", "Role"},
	{"IndexServer", "Actual", "Role"},
	{"Host", "Config", "Roles"},
	{"Host", "Actual", "Roles"},
	{"Worker", "Config", "Groups"},
	{"Worker", "Actual", "Groups"},
}

func (c *command) memberTable(all []member) {
	widths := make([]int, len(memberHeads))
	for i, h := range memberHeads {
		for _, text := range h {
			widths[i] = max(widths[i], len(text))
		}
		for _, m := range all {
			widths[i] = max(widths[i], len(m.cells()[i]))
		}
	}
	row := func(cell func(i int) string) {
		var b strings.Builder
		for i := range memberHeads {
			fmt.Fprintf(&b, "| %-*s ", widths[i], cell(i))
		}
		c.say("%s|", b.String())
	}
	for line := range 3 {
		row(func(i int) string { return memberHeads[i][line] })
	}
	row(func(i int) string { return strings.Repeat("-", widths[i]) })
	for _, m := range all {
		cells := m.cells()
		row(func(i int) string {
			if i == 5 || i == 6 {
				return fmt.Sprintf("%*s", widths[i], cells[i])
			}
			return cells[i]
		})
	}
}

// Recommendation is the script getTakeoverRecommendation.py. Its words
// required, possible and not decidable are public, their layout is not.
func Recommendation(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	_, landscape := overallStatus(c.members())
	quiet := &command{conf: conf, out: nowhere{}}
	replication := quiet.replicationStatus()
	word, exit := "not decidable", 2
	switch {
	case replication == 15 && landscape == 1:
		word, exit = "required", 0
	case replication == 15:
		word, exit = "possible", 1
	}
	if c.sapcontrol() {
		c.framed([]string{"takeoverRecommendation=" + word})
		return exit
	}
	c.say("takeover recommendation: %s", word)
	return 0
}
