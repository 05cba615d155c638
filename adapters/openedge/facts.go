package openedge

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// facts collects the facts of one site.
type facts struct {
	st  site
	at  time.Time
	out []dr.Fact
}

func (f *facts) add(name string, t dr.Tri, source, format string, a ...any) *dr.Fact {
	f.out = append(f.out, dr.Fact{Name: "openedge." + name, Truth: t, Text: fmt.Sprintf(format, a...), At: f.at, Source: source + " on " + f.st.Place.Host})
	return &f.out[len(f.out)-1]
}

// safety makes the fact one that an approval rests on.
func (f *facts) safety(want dr.Tri, name string, t dr.Tri, source, format string, a ...any) {
	x := f.add(name, t, source, format, a...)
	x.Safety, x.Want = true, want
}

// describe turns a reading into facts.
func (s *system) describe(st site, r Reading, at time.Time) dr.SiteSituation {
	f := &facts{st: st, at: at}
	f.add("database", r.Exists, "ls", "control area %s.db", st.Place.Database)
	f.add("in_use", r.InUse(), "proutil -C holder and processes", "holder says %s; %s", holderWords(r.Holder), brokerWords(r))
	f.safety(dr.Yes, "role_known", dr.TriOf(r.Role() != "" || r.Fenced == dr.Yes), "proutil -C describe and dsrutil -C status", "the database is %s", roleWords(r))
	s.describeReplication(f, r)
	s.describeFiles(f, r)
	return dr.SiteSituation{
		Site: st.Name, Reachable: dr.Yes, Role: r.role(), AcceptsWrites: r.AcceptsWrites(), At: at,
		Facts: f.out, Summary: summary(r),
	}
}

func (s *system) describeReplication(f *facts, r Reading) {
	if r.InUse() == dr.Yes && r.Role() == roleSource {
		f.add("server", dr.TriOf(r.Status.Code.server()), "dsrutil -C status", "the replication server says %s", r.Status.Code)
		for _, o := range s.others(f.st.Name) {
			f.add("agent_"+o.Name, dr.TriOf(r.Agents[o.Place.Agent] == codeAgentNormal), "dsrutil -C status "+o.Place.Agent, "the control agent of %s says %s", o.Name, r.Agents[o.Place.Agent])
		}
	}
	if r.InUse() == dr.Yes && r.Role() == roleTarget {
		f.add("agent", dr.TriOf(r.Status.Code == codeAgentNormal), "dsrutil -C status", "the agent says %s", r.Status.Code)
	}
	for _, a := range append(append([]Acknowledged{}, r.ServerInfo...), r.AgentInfo...) {
		f.add("acknowledged", dr.Yes, "dsrutil -C recovery", "last block acknowledged: %s", a)
		break
	}
	if n := r.EmptyExtents(); n >= 0 {
		f.add("ai_extents", dr.TriOf(n >= s.set.MinEmptyExtents), "rfutil -C aimage extent list", "%d of %d AI extents are empty", n, len(r.Extents))
	}
	if r.Properties != nil || r.Exists == dr.Yes {
		lacks := r.Properties.lacks(f.st.Place, s.places(f.st.Name))
		text := "serves both roles"
		if len(lacks) > 0 {
			text = strings.Join(lacks, "; ")
		}
		f.add("properties", dr.TriOf(len(lacks) == 0), f.st.Place.base()+".repl.properties", "%s", text)
	}
	if r.Properties.auto() {
		f.add("automatic_transition", dr.Yes, f.st.Place.base()+".repl.properties", "transition=auto: a break of the network alone can make a second source")
	}
}

func (s *system) describeFiles(f *facts, r Reading) {
	if r.Fenced == dr.Yes {
		f.safety(dr.Yes, "fenced", dr.TriOf(r.Exists == dr.No), "ls", "fenced by run %s: the control area is taken away", orNone(r.FenceRun))
	}
	if half := r.HalfRestored(); half != "" {
		f.safety(dr.No, "half_restored", dr.Yes, "ls", "a restore did not end (%s): the database is not usable", half)
	}
	if r.Lock == dr.Yes && r.InUse() != dr.Yes {
		f.add("stale_lock", dr.TriOf(r.Holder == 0 && len(r.Processes) == 0), "ls and processes", "%s.lk is there and %s", f.st.Place.base(), brokerWords(r))
	}
	if r.EmergencyStopped() {
		f.add("emergency_stop", dr.Yes, "database log", "the last session ended by an emergency shutdown (5316)")
	}
	if r.Owner != "" && r.Owner != r.Me && r.Me != "root" {
		f.safety(dr.Yes, "owner", dr.No, "stat", "the database belongs to %s, the login is %s", r.Owner, r.Me)
	}
	if r.SpoolFree > 0 {
		f.add("spool", dr.TriOf(r.SpoolFree > r.DataKB), "df", "%s free in the spool, the database takes %s", dr.ByteText(r.SpoolFree*1024), dr.ByteText(r.DataKB*1024))
	}
}

// role says what the site's own state says. A stopped source still has the
// role primary; it just accepts no writes.
func (r Reading) role() dr.Role {
	switch {
	case r.HalfRestored() != "":
		return dr.RoleUnknown
	case r.Fenced == dr.Yes && r.Exists == dr.No:
		return dr.RolePrimary
	case r.Role() == roleSource:
		return dr.RolePrimary
	case r.Role() == roleTarget:
		return dr.RoleSecondary
	case r.Role() == roleNone && r.InUse() == dr.Yes:
		return dr.RolePrimary
	}
	return dr.RoleUnknown
}

func roleWords(r Reading) string {
	switch r.Role() {
	case roleSource:
		return "a replication source"
	case roleTarget:
		return "a replication target"
	case roleNone:
		return "not enabled for replication"
	}
	return "of unknown role"
}

func holderWords(code int) string {
	switch code {
	case 0:
		return "not in use"
	case 14:
		return "single-user or utility"
	case 16:
		return "multi-user"
	case -1:
		return "nothing"
	}
	return fmt.Sprintf("exit code %d", code)
}

func brokerWords(r Reading) string {
	if r.broker() {
		return "a broker process is there"
	}
	return "no broker process is there"
}

func summary(r Reading) string {
	switch {
	case r.HalfRestored() != "":
		return "half restored (" + r.HalfRestored() + "): not usable"
	case r.Fenced == dr.Yes && r.Exists == dr.No:
		return "stopped and fenced by run " + orNone(r.FenceRun)
	case r.Exists == dr.No:
		return "there is no database"
	case r.Exists == dr.Unknown:
		return "the login may not look where the database is, so it cannot see whether it is open"
	case r.InUse() == dr.Yes:
		return fmt.Sprintf("%s, open; status %s", strings.TrimPrefix(roleWords(r), "a "), r.Status.Code)
	case r.InUse() == dr.No:
		return strings.TrimPrefix(roleWords(r), "a ") + ", not open"
	}
	return fmt.Sprintf("%s; holder says %s, %s", strings.TrimPrefix(roleWords(r), "a "), holderWords(r.Holder), brokerWords(r))
}
