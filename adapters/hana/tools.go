package hana

import (
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// How long the programs that only read may take on their host. hdbnsutil and
// the python scripts have hung on real systems: a program that does not answer
// says nothing.
const (
	stateTime  = 15 * time.Second
	scriptTime = 15 * time.Second
	listTime   = 10 * time.Second
)

// tool is one program of the login environment under its own time-out. timeout
// ends it with exit code 124 or 137, which no parser takes for an answer.
func (h HostPlace) tool(limit time.Duration, argv ...string) dr.Command {
	all := append([]string{"timeout", "-k", "2", strconv.Itoa(int(limit / time.Second))}, argv...)
	return dr.Command{Host: h.Host, Argv: all, Login: true}
}

// srState asks the topology. SR Guide: hdbnsutil -sr_state.
func (p Place) srState() dr.Command {
	return p.main().tool(stateTime, "hdbnsutil", "-sr_state", "--sapcontrol=1")
}

// srConfig reads the configuration files only; it works on a stopped system.
func (p Place) srConfig() dr.Command {
	return p.main().tool(stateTime, "hdbnsutil", "-sr_stateConfiguration", "--sapcontrol=1")
}

// processes asks sapstartsrv of one host.
func (p Place) processes(h HostPlace) dr.Command {
	return h.tool(listTime, "sapcontrol", "-nr", p.Instance, "-function", "GetProcessList")
}

// allProcesses asks every host of the site.
func (p Place) allProcesses() []dr.Command {
	var out []dr.Command
	for _, h := range p.Hosts {
		out = append(out, p.processes(h))
	}
	return out
}

// pythonSupport runs a script of the python_support directory with the HANA
// environment's own python.
const pythonSupport = `cd "$DIR_EXECUTABLE/python_support" || exit 127
for p in python python3; do command -v "$p" >/dev/null 2>&1 && exec "$p" "$@"; done; exit 127`

func (p Place) python(script string, args ...string) dr.Command {
	argv := append([]string{"sh", "-c", pythonSupport, "sh", script}, args...)
	return p.main().tool(scriptTime, argv...)
}

func (p Place) landscape() dr.Command {
	return p.python("landscapeHostConfiguration.py", "--sapcontrol=1")
}

func (p Place) srStatus() dr.Command {
	return p.python("systemReplicationStatus.py", "--sapcontrol=1")
}

func (p Place) recommendation() dr.Command {
	return p.python("getTakeoverRecommendation.py", "--sapcontrol=1")
}

func (p Place) version() dr.Command { return p.main().tool(listTime, "HDB", "version") }

// file prints a file, or exits with 3 when there is none.
func (h HostPlace) file(path string) dr.Command {
	return dr.Command{Host: h.Host, Argv: []string{"sh", "-c", `[ -e "$1" ] || exit 3; cat -- "$1"`, "sh", path}, Env: []string{"LC_ALL=C"}}
}

// globalIni is the site's own layer of global.ini.
func (p Place) globalIni() dr.Command {
	return p.main().file(p.global() + "/hdb/custom/config/global.ini")
}

// autostart prints the profile's Autostart lines; nothing means 0.
func (p Place) autostart(h HostPlace) dr.Command {
	script := `[ -r "$1" ] || exit 3; echo begin; grep -i '^[[:space:]]*Autostart[[:space:]]*=' "$1"; echo end`
	return dr.Command{Host: h.Host, Argv: []string{"sh", "-c", script, "sh", p.profileOf(h)}, Env: []string{"LC_ALL=C"}}
}

// ssfsSums gives checksums of the secure store's files, never their content.
func (p Place) ssfsSums() dr.Command {
	data, key := p.ssfsFiles()
	return dr.Command{Host: p.main().Host, Argv: []string{"sha256sum", "--", data, key}, Env: []string{"LC_ALL=C"}}
}

// clusterScript looks for Pacemaker and asks it about its resources.
const clusterScript = `echo begin
command -v crm_mon >/dev/null 2>&1 && { echo present; timeout 8 crm_mon -1 -r 2>&1 | sed 's/^/crm /'; }
echo end`

func (h HostPlace) cluster() dr.Command {
	return dr.Command{Host: h.Host, Argv: []string{"sh", "-c", clusterScript}, Env: []string{"LC_ALL=C"}, Login: true}
}

// hookScript prints the mark and the newest events of the HA/DR provider.
const hookScript = `echo begin; [ -r "$1" ] && sed 's/^/mark /' "$1"; [ -r "$2" ] && tail -n 20 "$2" | sed 's/^/event /'; echo end`

func (p Place) hookState() dr.Command {
	return dr.Command{Host: p.main().Host, Argv: []string{"sh", "-c", hookScript, "sh", p.mark(), p.spool()}, Env: []string{"LC_ALL=C"}}
}

// logRoomScript tells how full the file system of the log volumes is. $1
// global.ini, $2 the default path.
const logRoomScript = `d=$(sed -n 's/^ *basepath_logvolumes *= *//p' "$1" 2>/dev/null | head -n 1); [ -n "$d" ] || d=$2
echo begin; df -Pk -- "$d"; echo end`

func (p Place) logRoom() dr.Command {
	return dr.Command{
		Host: p.main().Host, Argv: []string{"sh", "-c", logRoomScript, "sh", p.global() + "/hdb/custom/config/global.ini", "/hana/log/" + p.SID}, Env: []string{"LC_ALL=C"},
	}
}

// traceScript prints the newest lines of the nameserver's newest trace. $1 the
// instance's directory of the host.
const traceScript = `t=$(ls -t "$1"/trace/nameserver_*.trc 2>/dev/null | head -n 1); echo begin; [ -z "$t" ] || tail -n 3 "$t"; echo end`

// nameserverTrace says why a nameserver does not come up, in its own words.
func (p Place) nameserverTrace() dr.Command {
	at := p.UsrSap + "/" + p.SID + "/HDB" + p.Instance + "/" + p.main().Name
	return dr.Command{Host: p.main().Host, Argv: []string{"sh", "-c", traceScript, "sh", at}, Env: []string{"LC_ALL=C"}}
}
