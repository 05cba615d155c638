package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// describe turns a reading into facts. Safety facts are those that an approval
// rests on.
func describe(st site, r Reading, at time.Time) dr.SiteSituation {
	out := dr.SiteSituation{Site: st.Name, Reachable: dr.Yes, Role: roleOf(r), AcceptsWrites: r.AcceptsWrites(), At: at}
	add := func(name string, t dr.Tri, source, format string, a ...any) *dr.Fact {
		out.Facts = append(out.Facts, dr.Fact{Name: "postgres." + name, Truth: t, Text: fmt.Sprintf(format, a...), At: at, Source: source + " on " + st.Place.Host})
		return &out.Facts[len(out.Facts)-1]
	}
	want := func(f *dr.Fact, w dr.Tri) { f.Safety, f.Want = true, w }

	add("data", r.DataExists, "ls", "data directory %s", st.Place.Data)
	add("running", r.Running, "postmaster.pid and /proc", "the server is %s", map[dr.Tri]string{dr.Yes: "running", dr.No: "not running", dr.Unknown: "perhaps running"}[r.Running])
	add("control", dr.TriOf(r.Control.State != ""), "pg_controldata", "control file: %s, timeline %d", kit.OrNotRead(r.Control.State), r.Control.Timeline)
	id := add("identity", identityTruth(r), "pg_controldata and SQL", "system identifier %s, data directory %s", kit.OrNotRead(r.Control.System), st.Place.Data)
	if r.Server != nil {
		want(id, dr.Yes)
		switch st.Place.elsewhere(r) {
		case dr.No:
		case dr.Unknown:
			out.Role, out.AcceptsWrites = dr.RoleUnknown, dr.Unknown
		case dr.Yes:
			id.Truth, id.Text = dr.No, fmt.Sprintf("the connection leads to another server: %s (%s)", r.Server.Data, r.Server.System)
			out.Role, out.AcceptsWrites = dr.RoleUnknown, dr.Unknown
		}
		add("recovery", r.InRecovery(), "pg_is_in_recovery()", "%s, timeline %d, version %d", roleWords(r), r.Timeline(), r.Server.Version)
		if r.Server.Pause != nil {
			want(add("replay_running", dr.TriOf(*r.Server.Pause == "not paused"), "pg_get_wal_replay_pause_state()", "replay is %s", *r.Server.Pause), dr.Yes)
		}
		add("prepared_transactions", dr.TriOf(r.Server.Prepared > 0), "pg_prepared_xacts", "%d prepared transactions are open", r.Server.Prepared)
		add("long_transactions", dr.TriOf(r.Server.Long > 0), "pg_stat_activity", "%d transactions are older than five minutes", r.Server.Long)
		add("base_backup", dr.TriOf(r.Server.BaseBackups > 0), "pg_stat_progress_basebackup", "%d base backups are running", r.Server.BaseBackups)
	} else if r.Running == dr.Yes {
		add("sql", dr.Unknown, "psql", "the server gave no answer: %s", kit.OrNotRead(r.SQLError))
	}
	if r.InRecovery() == dr.Yes {
		streaming := r.Receiver != nil && r.Receiver.Status == "streaming"
		// No safety fact: an unplanned takeover ends the receiving itself.
		add("receiving", dr.TriOf(streaming), "pg_stat_wal_receiver", "%s", receiverWords(r))
	}
	for _, v := range r.Slots {
		status := "unknown"
		if v.Status != nil {
			status = *v.Status
		}
		add("slot_"+v.Name, dr.TriOf(status != "lost"), "pg_replication_slots", "slot %s is %s, %s, keeps %s of log",
			v.Name, map[bool]string{true: "active", false: "inactive"}[v.Active], status, dr.ByteText(v.Retained))
	}
	if r.Fenced {
		want(add("fenced", dr.TriOf(!r.FenceBroken), "switchback-fence", "fenced by run %s", kit.OrNotRead(r.Fence)), dr.Yes)
	}
	if r.Rewind != "" {
		want(add("rewind_open", dr.Yes, "ls", "a rewind did not end: %s is not usable", r.Rewind), dr.No)
	}
	if r.StartConf != "" {
		add("start_conf", dr.TriOf(r.StartConf == "auto"), st.Place.StartConf, "start.conf says %s", r.StartConf)
	}
	if r.DiskTotalKB > 0 {
		add("disk", dr.TriOf(r.DiskFreeKB*20 > r.DiskTotalKB), "df", "%s free for the log", dr.ByteText(r.DiskFreeKB*1024))
	}
	out.Managed = managedBy(r)
	if m := out.Managed; m != "" {
		want(add("managed", dr.Yes, "processes", "%s is in charge and not paused", m), dr.No)
	}
	out.Summary = summary(r)
	return out
}

func identityTruth(r Reading) dr.Tri {
	if r.Control.System == "" {
		return dr.Unknown
	}
	return dr.Yes
}

// roleOf says what the site's own state says. A stopped primary still has the
// role primary; it just accepts no writes.
func roleOf(r Reading) dr.Role {
	if r.DataExists == dr.No {
		return dr.RoleUnknown
	}
	switch r.InRecovery() {
	case dr.Yes:
		return dr.RoleSecondary
	case dr.No:
		return dr.RolePrimary
	case dr.Unknown:
	}
	if r.Running != dr.No {
		return dr.RoleUnknown
	}
	switch {
	case r.StandbySignal, r.Control.State == stateShutDownInRecovery, r.Control.State == stateInRecovery:
		return dr.RoleSecondary
	case r.Control.State == stateShutDown, r.Control.State == stateInProduction, r.Control.State == "in crash recovery", r.Control.State == "shutting down":
		return dr.RolePrimary
	}
	return dr.RoleUnknown
}

func roleWords(r Reading) string {
	switch r.InRecovery() {
	case dr.Yes:
		return "standby"
	case dr.No:
		return "primary"
	case dr.Unknown:
	}
	return "role unknown"
}

func receiverWords(r Reading) string {
	if r.Receiver == nil {
		return "receives nothing: there is no WAL receiver"
	}
	from := ""
	if r.Receiver.Host != nil && r.Receiver.Port != nil {
		from = fmt.Sprintf(" from %s:%d", *r.Receiver.Host, *r.Receiver.Port)
	}
	return "WAL receiver is " + r.Receiver.Status + from
}

func summary(r Reading) string {
	switch {
	case r.DataExists == dr.No && r.Server != nil:
		return "there is no data directory, but a server with another one answers: " + dr.Clip(r.Server.Data, 200)
	case r.DataExists == dr.No:
		return "there is no data directory"
	case r.InRecovery() == dr.Yes:
		return fmt.Sprintf("standby on timeline %d; %s", r.Timeline(), receiverWords(r))
	case r.InRecovery() == dr.No:
		return fmt.Sprintf("primary on timeline %d with %s", r.Timeline(), dr.Count(int64(len(r.Repl)), "standby"))
	case r.NotOwner:
		return "the login is neither root nor the owner of the data directory, so it cannot see whether the server runs"
	case r.Running == dr.Yes && r.Server == nil:
		return "running, but psql got no answer: " + kit.OrNotRead(r.SQLError)
	case r.Running == dr.No && r.Fenced && !r.FenceBroken:
		return "stopped and fenced by run " + kit.OrNotRead(r.Fence)
	case r.Running == dr.No:
		return "not running; control file: " + kit.OrNotRead(r.Control.State)
	}
	return "whether the server runs is unknown"
}

// managerPause is each manager's own pause command.
var managerPause = map[string]string{
	"patroni":       "patronictl pause --wait",
	"repmgrd":       "repmgr service pause",
	"pg_autoctl":    "pg_autoctl enable maintenance, or use pg_autoctl perform switchover",
	"pacemakerd":    "pcs property set maintenance-mode=true",
	"stolon-keeper": "stop the stolon keepers",
	"pgpool":        "switch off pgpool's failover (failover_command) and stop its watchdog",
	"efm":           "efm stop-cluster <name>",
}

// managedBy names the managers that run and are not paused.
func managedBy(r Reading) string {
	paused := map[string]bool{}
	for _, p := range r.Paused {
		paused[p] = true
	}
	var out []string
	for _, m := range r.Managers {
		if !paused[m] {
			out = append(out, m)
		}
	}
	return strings.Join(out, ", ")
}
