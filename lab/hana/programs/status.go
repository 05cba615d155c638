package programs

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// exitNoHSR is systemReplicationStatus.py's code for a system without
// replication to look at.
const exitNoHSR = 10

// ReplicationStatus is the script systemReplicationStatus.py.
func ReplicationStatus(args []string) int {
	conf, err := instance.Here()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitNoHSR
	}
	c := &command{conf: conf, out: os.Stdout, args: args[1:]}
	return c.replicationStatus()
}

func (c *command) replicationStatus() int {
	site, err := c.conf.Load()
	if err != nil {
		c.say("status=ERROR")
		return 12
	}
	return c.statusOf(site)
}

func (c *command) statusOf(site instance.Site) int {
	report := c.state()
	switch {
	case site.Mode == instance.ModeNone:
		if c.sapcontrol() {
			c.framed([]string{"local_site_id=0"})
			return exitNoHSR
		}
		c.say("this system is not a system replication site")
		return exitNoHSR
	case report == nil || report.Phase != "running":
		c.notPrimary(site)
		return exitNoHSR
	case site.Mode != instance.ModePrimary:
		c.notPrimary(site)
		return 12
	}
	rows := c.wanted(report.Rows)
	if len(rows) == 0 {
		if c.sapcontrol() {
			c.framed(c.localLines(site))
			return exitNoHSR
		}
		c.say("there are no secondary sites attached")
		c.localState(site)
		return exitNoHSR
	}
	overall := "ACTIVE"
	sites := map[string]string{}
	var order []string
	for _, row := range rows {
		id := row["SECONDARY_SITE_ID"]
		if !slices.Contains(order, id) {
			order = append(order, id)
		}
		sites[id] = worse(sites[id], row["REPLICATION_STATUS"])
		overall = worse(overall, row["REPLICATION_STATUS"])
	}
	if c.sapcontrol() {
		c.framed(c.statusLines(site, rows, order, sites, overall))
	} else {
		c.table(rows)
		c.say("")
		for _, id := range order {
			c.say(`status system replication site "%s": %s`, id, sites[id])
		}
		c.say("overall system replication status: %s", overall)
		c.localState(site)
	}
	for _, r := range instance.Replication {
		if r.Status == overall {
			return r.Exit
		}
	}
	return 12
}

// worse gives the worse of two statuses.
func worse(a, b string) string {
	for _, r := range instance.Replication {
		if a == r.Status || b == r.Status {
			return r.Status
		}
	}
	return a
}

// wanted are the rows of the sites that are asked for.
func (c *command) wanted(rows []map[string]string) []map[string]string {
	name, only := c.flag("site")
	if !only {
		return rows
	}
	return slices.DeleteFunc(rows, func(r map[string]string) bool { return r["SECONDARY_SITE_NAME"] != name })
}

func (c *command) notPrimary(site instance.Site) {
	if c.sapcontrol() {
		c.framed(c.localLines(site))
		return
	}
	c.say("this system is either not running or not primary system replication site")
	c.localState(site)
}

func (c *command) framed(lines []string) {
	c.say("%s", sapcontrolBegin)
	for _, l := range lines {
		c.say("%s", l)
	}
	c.say("%s", sapcontrolEnd)
}

func (c *command) localState(site instance.Site) {
	c.say("\nLocal System Replication State\n~~~~~~~~~~~~~~~~~~~~~~~~~~\n")
	c.say("mode: %s", strings.ToUpper(site.Mode))
	c.say("site id: %d", site.ID)
	c.say("site name: %s", site.Name)
	if site.Secondary() {
		if own := site.ByID(site.ID); own != nil {
			c.say("active primary site: %d", own.Source)
		}
		c.say("primary masters: %s", masters(site))
	}
}

func (c *command) localLines(site instance.Site) []string {
	return []string{
		fmt.Sprintf("site/%d/REPLICATION_MODE=%s", site.ID, strings.ToUpper(site.Mode)), fmt.Sprintf("site/%d/SITE_NAME=%s", site.ID, site.Name),
		fmt.Sprintf("local_site_id=%d", site.ID),
	}
}

func (c *command) statusLines(site instance.Site, rows []map[string]string, order []string, sites map[string]string, overall string) []string {
	var all []string
	synced := map[string]bool{}
	for _, row := range rows {
		id := row["SECONDARY_SITE_ID"]
		prefix := "service/" + row["HOST"] + "/" + row["PORT"] + "/"
		all = append(all, prefix+"DATABASE="+row["DATABASE"], prefix+"SERVICE_NAME="+row["SERVICE_NAME"])
		for _, column := range instance.ReplicationColumns {
			value := row[column[0]]
			if column[0] == "SECONDARY_FULLY_SYNCED" {
				value = map[string]string{"TRUE": "True", "FALSE": "False"}[value]
				before, seen := synced[id]
				synced[id] = value == "True" && (before || !seen)
			}
			all = append(all, prefix+column[0]+"="+value)
		}
	}
	inSync := true
	for _, id := range order {
		k := site.ByID(number(id))
		if k == nil {
			continue
		}
		inSync = inSync && synced[id]
		all = append(all, "site/"+id+"/SITE_NAME="+k.Name, fmt.Sprintf("site/%s/SOURCE_SITE_ID=%d", id, k.Source),
			"site/"+id+"/REPLICATION_MODE="+strings.ToUpper(k.Mode), "site/"+id+"/REPLICATION_STATUS="+sites[id],
			"site/"+id+"/SECONDARY_FULLY_SYNCED="+map[bool]string{true: "True", false: "False"}[synced[id]])
	}
	all = append(all, "overall_replication_status="+overall, "overall_in_sync_status="+map[bool]string{true: "SYSTEM_IN_SYNC", false: "SYSTEM_NOT_IN_SYNC"}[inSync])
	return append(all, c.localLines(site)...)
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// table columns of the plain layout: three lines of heading each, and the key.
var tableColumns = []struct {
	head  [2]string
	key   string
	right bool
}{
	{[2]string{"Database", ""}, "DATABASE", false},
	{[2]string{"Host", ""}, "HOST", false},
	{[2]string{"Port", ""}, "PORT", false},
	{[2]string{"Service Name", ""}, "SERVICE_NAME", false},
	{[2]string{"Volume ID", ""}, "VOLUME_ID", true},
	{[2]string{"Site ID", ""}, "SITE_ID", true},
	{[2]string{"Site Name", ""}, "SITE_NAME", false},
	{[2]string{"Secondary", "Host"}, "SECONDARY_HOST", false},
	{[2]string{"Secondary", "Port"}, "SECONDARY_PORT", true},
	{[2]string{"Secondary", "Site ID"}, "SECONDARY_SITE_ID", true},
	{[2]string{"Secondary", "Site Name"}, "SECONDARY_SITE_NAME", false},
	{[2]string{"Secondary", "Active Status"}, "SECONDARY_ACTIVE_STATUS", false},
	{[2]string{"Replication", "Mode"}, "REPLICATION_MODE", false},
	{[2]string{"Replication", "Status"}, "REPLICATION_STATUS", false},
	{[2]string{"Replication", "Status Details"}, "REPLICATION_STATUS_DETAILS", false},
	{[2]string{"Secondary", "Fully Synced"}, "SECONDARY_FULLY_SYNCED", true},
}

func (c *command) table(rows []map[string]string) {
	var first, second, line strings.Builder
	widths := make([]int, len(tableColumns))
	for i, col := range tableColumns {
		widths[i] = max(len(col.head[0]), len(col.head[1]))
		for _, row := range rows {
			widths[i] = max(widths[i], len(shownValue(row, col.key)))
		}
		fmt.Fprintf(&first, "|%-*s ", widths[i], col.head[0])
		fmt.Fprintf(&second, "|%-*s ", widths[i], col.head[1])
		fmt.Fprintf(&line, "|%s ", strings.Repeat("-", widths[i]))
	}
	c.say("%s|\n%s|\n%s|", first.String(), second.String(), line.String())
	for _, row := range rows {
		var b strings.Builder
		for i, col := range tableColumns {
			form := "|%-*s "
			if col.right {
				form = "|%*s "
			}
			fmt.Fprintf(&b, form, widths[i], shownValue(row, col.key))
		}
		c.say("%s|", b.String())
	}
}

func shownValue(row map[string]string, key string) string {
	if key == "SECONDARY_FULLY_SYNCED" {
		return map[string]string{"TRUE": "True", "FALSE": "False"}[row[key]]
	}
	return row[key]
}
