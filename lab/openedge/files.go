package openedge

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/host"
)

// Places below a host's root.
const (
	dlc      = "usr/dlc"
	database = "data/depot"
	spool    = "spool"
	archives = "aiarc"
	// afterImages has the extents, apart from the data as it should be.
	afterImages = "ai"
	firstBackup = "first.bck"
	startConf   = "etc/openedge/start.conf"
	sshConfig   = host.HomeDir + "/.ssh/dr"
)

// agentName is the control agent of a site.
func agentName(site string) string { return "ag_" + site }

// structureText is a site's structure file: paths differ from host to host.
func (s *system) structureText(h *host.Host) string {
	db := h.Path(database)
	var b strings.Builder
	fmt.Fprintf(&b, "#\nb %s.b1\n#\nd \"Schema Area\":6,32;1 %s.d1\n#\n", db, db)
	fmt.Fprintf(&b, "d \"Order Data\":7,64;8 %s_7.d1 f 1024\nd \"Order Data\":7,64;8 %s_7.d2\n", db, db)
	for i := range s.set.aiExtents {
		fmt.Fprintf(&b, "#\na %s.a%d f %d\n", h.Path(afterImages, "depot"), i+1, s.set.aiKB)
	}
	return b.String()
}

// parameterText are start arguments that both sites have.
func (s *system) parameterText(h *host.Host) string {
	text := "-n 60\n-L 20000\n-Mn 8\n-aistall\n"
	if s.set.archiver {
		text += "-aiarcdir " + h.Path(archives) + "\n-aiarcinterval 120\n"
	}
	return text
}

// propertiesText is a site's repl.properties, with every section: the same file
// serves both roles.
func (s *system) propertiesText(h *host.Host) string {
	var others []string
	for _, site := range s.lab.Sites {
		if site != h.Name {
			others = append(others, agentName(site))
		}
	}
	get := func(name string) string { return s.set.properties[name] }
	var b strings.Builder
	fmt.Fprintf(&b, "[server]\ncontrol-agents=%s\ndatabase=depot\ntransition=%s\ntransition-timeout=%s\nagent-shutdown-action=recovery\ndefer-agent-startup=%s\nrepl-keep-alive=%s\nschema-lock-action=wait\n",
		strings.Join(others, ","), get("transition"), get("transition-timeout"), get("defer-agent-startup"), get("repl-keep-alive"))
	for _, site := range s.lab.Sites {
		if site == h.Name {
			continue
		}
		fmt.Fprintf(&b, "[control-agent.%s]\nname=%s\ndatabase=depot\nhost=%s\nport=%d\nconnect-timeout=%s\nreplication-method=async\ncritical=%s\n",
			agentName(site), agentName(site), s.lab.OuterHost(site), s.lab.Port(), get("connect-timeout"), get("critical"))
	}
	fmt.Fprintf(&b, "[agent]\nname=%s\ndatabase=depot\nlistener-minport=%d\nlistener-maxport=%d\n", agentName(h.Name), s.listener(), s.listener())
	start := fmt.Sprintf("-pf %s.pf -S %d", h.Path(database), s.lab.Port())
	fmt.Fprintf(&b, "[transition]\nreplication-set=%s\ndatabase-role=%s\nresponsibility=primary\ntransition-to-agents=%s\nrestart-after-transition=%s\nauto-begin-ai=%s\nauto-add-ai-areas=%s\nai-structure-file=addai.st\nbackup-method=%s\nonline-transition=%s\n",
		get("replication-set"), get("database-role"), others[0], get("restart-after-transition"), get("auto-begin-ai"), get("auto-add-ai-areas"), get("backup-method"), get("online-transition"))
	if device := get("recovery-backup-arguments"); device != "" {
		fmt.Fprintf(&b, "recovery-backup-arguments=%s\n", h.Path(spool, device))
	}
	fmt.Fprintf(&b, "source-startup-arguments=%s -DBService replserv\ntarget-startup-arguments=%s -DBService replagent\nnormal-startup-arguments=%s\n", start, start, start)
	return b.String()
}

// listener is the port on which agents tell the outcome of a failover.
func (s *system) listener() int { return s.lab.Port() + 87 }

// rcText starts the database at boot when start.conf says so, with the service
// of its role. It calls the real programs: a boot is not a command that
// somebody ran.
func (s *system) rcText(h *host.Host) string {
	return strings.NewReplacer("@CONF@", dr.Quote(h.Path(startConf)), "@DLC@", dr.Quote(h.Path(dlc)), "@BIN@", dr.Quote(h.Path(plain)),
		"@DB@", dr.Quote(h.Path(database)), "@PORT@", fmt.Sprint(s.lab.Port())).Replace(`#!/bin/sh
# Starts the database at boot, as start.conf says (auto, manual, disabled).
[ "$1" = start ] || exit 0
while read -r mode rest; do
  case $mode in ''|'#'*) ;; *) break ;; esac
done <@CONF@
[ "$mode" = auto ] || { echo "start.conf says $mode: not started"; exit 0; }
[ -e @DB@.db ] || { echo 'no database: not started'; exit 0; }
DLC=@DLC@; export DLC
service='-DBService replserv'
@BIN@/proutil @DB@ -C describe | grep -q 'Target database' && service='-DBService replagent'
exec @BIN@/proserve @DB@ -pf @DB@.pf -S @PORT@ $service </dev/null
`)
}

// plain is where Install keeps the programs that are not counted.
const plain = "libexec/openedge"

const startConfText = "# Automatic start of the database: auto, manual or disabled.\nauto\n"

// sshText is a client configuration with which one host's user reaches another
// host.
func (s *system) sshText(h *host.Host) string {
	return fmt.Sprintf("Host *\n  Port %d\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  BatchMode yes\n  StrictHostKeyChecking yes\n",
		h.Port, h.Path(host.HomeDir, ".ssh/id"), h.Path(host.HomeDir, ".ssh/known_hosts"))
}
