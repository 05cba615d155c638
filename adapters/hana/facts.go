package hana

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// describer adds the facts of one site.
type describer struct {
	p   Place
	r   Reading
	out dr.SiteSituation
}

// describe turns a reading into facts.
func describe(p Place, r Reading, at time.Time) dr.SiteSituation {
	d := &describer{p: p, r: r, out: dr.SiteSituation{Site: p.Site, Reachable: dr.Yes, Role: roleOf(r), AcceptsWrites: r.AcceptsWrites(), At: at}}
	d.identity()
	d.running()
	d.replication()
	d.surroundings()
	d.out.Summary = summary(r)
	return d.out
}

func (d *describer) add(name string, t dr.Tri, source, format string, a ...any) *dr.Fact {
	f := dr.Fact{Name: "hana." + name, Truth: t, Text: fmt.Sprintf(format, a...), At: d.out.At, Source: source + " on " + d.p.main().Host}
	d.out.Facts = append(d.out.Facts, f)
	return &d.out.Facts[len(d.out.Facts)-1]
}

func want(f *dr.Fact, w dr.Tri) { f.Safety, f.Want = true, w }

// identity: a name or a SID that is not the inventory's makes everything else
// worthless.
func (d *describer) identity() {
	if n := d.r.Name(); n != "" {
		f := d.add("site_name", dr.TriOf(n == d.p.Name), "hdbnsutil", "its name in system replication is %s", dr.Clip(n, 60))
		want(f, dr.Yes)
		if f.Truth != dr.Yes {
			f.Text += ", the inventory says " + d.p.Name
		}
	}
	if d.r.SQL.Login == dr.Yes {
		f := d.add("sid", dr.TriOf(d.r.SQL.sameSID(d.p.SID)), "M_DATABASE", "SYSTEMDB belongs to the system %s", dr.Clip(d.r.SQL.SID, 20))
		want(f, dr.Yes)
		if f.Truth != dr.Yes {
			d.out.Role, d.out.AcceptsWrites = dr.RoleUnknown, dr.Unknown
		}
	}
}

func (d *describer) running() {
	d.add("running", d.r.Running(), "GetProcessList", "%s", processWords(d.r))
	if l := d.r.Landscape; l != nil {
		d.add("landscape", dr.TriOf(l.Exit == 4 || l.Exit == 3), "landscapeHostConfiguration.py", "%s", l.words())
	}
	d.add("sql", d.r.SQL.Login, "SQL", "%s", orNone(d.r.SQL.Text))
	for _, b := range d.r.SQL.Databases {
		d.add("database_"+strings.ToLower(dr.Clip(b.Name, 40)), activeTri(b.Active), "M_DATABASES", "%s is %s", dr.Clip(b.Name, 40), dr.Clip(b.Active, 20))
	}
	if d.r.Version != "" {
		d.add("handshake", hasHandshake(d.r.Version), "HDB version", "version %s; a takeover with handshake needs 2.0 SPS04", d.r.Version)
	}
}

func activeTri(s string) dr.Tri {
	switch strings.ToUpper(s) {
	case "YES":
		return dr.Yes
	case "NO", "STOPPING", "STARTING":
		return dr.No
	}
	return dr.Unknown
}

func (d *describer) replication() {
	if s := d.r.State; s != nil {
		d.add("online", s.Online, "hdbnsutil -sr_state", "mode %s, operation mode %s, online %s", s.Mode, orNone(s.Operation), s.Online)
		if s.Mode == "primary" {
			d.add("suspended", s.Suspended, "hdbnsutil -sr_state", "the primary is suspended: %s", s.Suspended)
		}
	}
	if d.r.State != nil && d.r.Config != nil && d.r.State.Mode != d.r.Config.Mode {
		want(d.add("mode_agrees", dr.No, "hdbnsutil", "the topology says %s and the files say %s", d.r.State.Mode, d.r.Config.Mode), dr.Yes)
	}
	if s := d.r.Status; s != nil {
		d.add("replication_status", dr.TriOf(s.Exit == statusActive && strings.EqualFold(s.Overall, "ACTIVE") && len(s.Rows) > 0), "systemReplicationStatus.py",
			"exit code %d, overall %s, %s", s.Exit, orNone(s.Overall), dr.Count(int64(len(s.Rows)), "service"))
	}
	if d.r.OnlinePrimary() == dr.Yes {
		text, t := d.r.Recommendation, dr.Yes
		if text == "" {
			text, t = "not known: "+d.r.Gaps["recommendation"], dr.Unknown
		}
		d.add("recommendation", t, "getTakeoverRecommendation.py", "a takeover is %s", text)
	}
	for _, v := range d.r.SQL.Pairs {
		d.add("pair_"+strings.ToLower(dr.Clip(v.Secondary, 40)), dr.TriOf(strings.EqualFold(v.Status, "ACTIVE")), "M_SYSTEM_REPLICATION", "%s feeds %s: %s, %s, %s",
			v.Source, v.Secondary, v.Mode, v.Operation, v.Status)
	}
	if n := d.r.SQL.Retained; n > 0 {
		d.add("log_retained", dr.Yes, "M_LOG_SEGMENTS", "%s of log are kept for secondaries", dr.ByteText(n))
	}
	if n := d.r.LogUsed; n != nil {
		d.add("log_room", dr.TriOf(*n < logAlmostFull), "df", "the file system of the log volumes is %d %% full", *n)
	}
	if v, ok := d.r.Ini["system_replication/enable_full_sync"]; ok {
		d.add("full_sync", dr.TriOf(strings.EqualFold(v, "true")), "global.ini", "enable_full_sync = %s", v)
	}
	if n := len(d.r.SQL.Takeovers); n > 0 {
		last := d.r.SQL.Takeovers[n-1]
		d.add("last_takeover", dr.Yes, "M_SYSTEM_REPLICATION_TAKEOVER_HISTORY", "%s took over from %s at %s (%s)", dr.Clip(last.Site, 40), orNone(dr.Clip(last.Source, 40)), last.Start, orNone(last.Type))
	}
}

func (d *describer) surroundings() {
	for _, h := range d.p.Hosts {
		if v, ok := d.r.Autostart[h.Name]; ok {
			d.add("autostart_"+strings.ToLower(h.Name), v, d.p.profileOf(h), "Autostart at boot: %s", v)
		}
	}
	if d.r.SSFS != "" {
		d.add("ssfs", dr.Yes, "sha256sum", "checksum of the secure store: %s", d.r.SSFS)
	}
	if c := d.r.Cluster; c != nil {
		f := d.add("managed", c.Managed, "crm_mon", "%s", c.Text)
		want(f, dr.No)
		if c.Managed == dr.Yes {
			d.out.Managed = "Pacemaker"
		}
	}
	if h := d.r.Hook; h != nil {
		d.add("hook_mark", dr.TriOf(h.Mark != ""), d.p.mark(), "mark of the HA/DR provider: %s", orNone(h.Mark))
		if n := len(h.Events); n > 0 {
			d.add("hook_event", dr.Yes, d.p.spool(), "newest event: %s", h.Events[n-1])
		}
	}
	for _, k := range sortedKeys(d.r.Gaps) {
		d.add("gap_"+strings.ToLower(strings.ReplaceAll(k, " ", "_")), dr.Unknown, k, "%s", d.r.Gaps[k])
	}
}

// logAlmostFull is, in per cent, when the log volume is told of: HANA stops
// writers when it is full, unless retained segments may be reused.
const logAlmostFull = 90

// roleOf says what the site's own state says. A stopped primary still says
// primary; it just takes no writes.
func roleOf(r Reading) dr.Role {
	switch m := r.Mode(); {
	case m == "primary":
		return dr.RolePrimary
	case replModes[m]:
		return dr.RoleSecondary
	}
	return dr.RoleUnknown
}

func processWords(r Reading) string {
	var parts []string
	for _, p := range r.Processes {
		parts = append(parts, p.Host+": "+p.Text)
	}
	return strings.Join(parts, "; ")
}

// summary is one sentence about the site.
func summary(r Reading) string {
	mode := r.Mode()
	switch {
	case mode == "":
		return "its replication mode is unknown; " + processWords(r)
	case mode == "none":
		return "it is no part of system replication"
	case r.Running() == dr.No:
		return fmt.Sprintf("stopped; its files say %s", mode)
	case r.State != nil && r.State.Suspended == dr.Yes:
		return "primary, suspended: it takes no writes"
	case r.AcceptsWrites() == dr.Yes:
		return "primary, open for writes"
	case mode == "primary":
		return "primary by its own state; " + orNone(r.SQL.Text)
	}
	s := fmt.Sprintf("secondary (%s, %s)", mode, operationOf(r))
	if m := r.Masters(); len(m) > 0 {
		slices.Sort(m)
		s += " of " + strings.Join(m, ", ")
	}
	return s
}

func operationOf(r Reading) string {
	for _, s := range []*State{r.State, r.Config} {
		if s != nil && s.Operation != "" {
			return s.Operation
		}
	}
	return "operation mode not told"
}
