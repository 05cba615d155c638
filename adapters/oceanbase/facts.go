package oceanbase

import (
	"fmt"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// accepts says whether clients could commit in the tenant now. A locked tenant
// lets nobody log in, but sessions that were open go on.
func (r Reading) accepts() dr.Tri {
	t := r.Tenant
	switch {
	case r.Missing:
		return dr.No
	case t == nil:
		return dr.Unknown
	case t.Recycled || t.Role == roleStandby || t.Role == "RESTORE":
		return dr.No
	case t.Role != rolePrimary || t.Locked || t.Status != statusNormal:
		return dr.Unknown
	}
	return dr.Yes
}

func (r Reading) role() dr.Role {
	switch {
	case r.Tenant == nil || r.Tenant.Recycled:
		return dr.RoleUnknown
	case r.Tenant.Role == rolePrimary:
		return dr.RolePrimary
	case r.Tenant.Role == roleStandby:
		return dr.RoleSecondary
	}
	return dr.RoleUnknown
}

// describe turns a reading into facts.
func (s *system) describe(st site, r Reading, at time.Time) dr.SiteSituation {
	out := dr.SiteSituation{Site: st.Name, Reachable: dr.Yes, Role: r.role(), AcceptsWrites: r.accepts(), Summary: r.summary(), At: at}
	add := func(name string, t dr.Tri, source, format string, a ...any) *dr.Fact {
		out.Facts = append(out.Facts, dr.Fact{Name: "oceanbase." + name, Truth: t, Text: fmt.Sprintf(format, a...), At: at, Source: source + " at " + st.Name})
		return &out.Facts[len(out.Facts)-1]
	}
	add("version", dr.TriOf(r.Unread["version"] == ""), "VERSION()", "%s", kit.OrNotRead(r.VersionText))
	id := add("identity", dr.TriOf(r.Cluster != 0 && r.Tenant != nil), "GV$OB_PARAMETERS, DBA_OB_TENANTS", "cluster_id %d, tenant %s", r.Cluster, st.Place.Tenant)
	switch t := r.Tenant; {
	case t != nil:
		id.Text += " with TENANT_ID " + number(t.ID)
		id.Safety, id.Want = true, dr.Yes
		s.describeTenant(*t, r, add)
	case r.Missing:
		add("tenant", dr.No, "DBA_OB_TENANTS", "there is no tenant %s", st.Place.Tenant)
	default:
		add("tenant", dr.Unknown, "DBA_OB_TENANTS", "%s", kit.OrNotRead(r.Unread["tenant"]))
	}
	for _, k := range sortedKeys(r.Unread) {
		if r.Unread[k] != "" {
			add("unread_"+k, dr.Unknown, "SQL", "%s", r.Unread[k])
		}
	}
	return out
}

func (s *system) describeTenant(t Tenant, r Reading, add func(name string, t dr.Tri, source, format string, a ...any) *dr.Fact) {
	add("tenant", dr.Yes, "DBA_OB_TENANTS", "%s, status %s, switchover status %s, %s mode", kit.OrNotRead(t.Role), t.Status, kit.OrNotRead(t.Switchover), kit.OrNotRead(t.Mode))
	add("settled", dr.TriOf(t.Switchover == switchNormal && t.Status == statusNormal), "DBA_OB_TENANTS", "switchover status %s, epoch %s", kit.OrNotRead(t.Switchover), t.Epoch)
	add("unlocked", dr.TriOf(!t.Locked), "DBA_OB_TENANTS", "LOCKED is %v", t.Locked)
	add("scns", dr.TriOf(t.Sync > 0), "DBA_OB_TENANTS", "SYNC_SCN %s (%s), REPLAYABLE_SCN %s, READABLE_SCN %s, RECOVERY_UNTIL_SCN %s", t.Sync, dr.TimeText(t.Sync.Time()), t.Replayable, t.Readable, untilText(t.Until))
	ok, text, _ := r.serving()
	add("servers", ok, "DBA_OB_SERVERS, DBA_OB_UNITS, GV$OB_LOG_STAT", "%s", text)
	for _, v := range r.Streams {
		if !v.Meta {
			_, led := r.leader(v.ID)
			add("stream_"+number(v.ID), dr.TriOf(led || !v.counts()), "CDB_OB_LS, GV$OB_LOG_STAT", "log stream %d is %s, SYNC_SCN %s", v.ID, v.Status, v.Sync)
		}
	}
	if t.Role == roleStandby {
		h, text := r.fetching()
		add("fetching", truthOf(h), "V$OB_LS_LOG_RESTORE_STATUS", "%s", text)
		add("source", dr.TriOf(r.Source != nil).And(dr.TriOf(r.Unread["source"] == "")), "CDB_OB_LOG_RESTORE_SOURCE", "%s", r.sourceText())
	}
	if r.Archive != nil {
		add("archive", dr.TriOf(r.Archive.Status == "DOING"), "CDB_OB_ARCHIVELOG", "the log archive is %s", r.Archive.Status)
	}
	if e := r.LastChange; e != nil {
		add("last_change", dr.Yes, "CDB_OB_TENANT_EVENT_HISTORY", "last change of roles: %s at %s", e.Event, e.At)
	}
}

func truthOf(h health) dr.Tri {
	switch h {
	case healthGood:
		return dr.Yes
	case healthUnknown:
		return dr.Unknown
	default:
		return dr.No
	}
}

func untilText(s SCN) string {
	if s == maxSCN {
		return "unlimited"
	}
	return s.String()
}

func (r Reading) sourceText() string {
	switch {
	case r.Source == nil && r.NoSource:
		return "no LOG_RESTORE_SOURCE is set: the server would promote without a catch-up check"
	case r.Source == nil:
		return kit.OrNotRead(r.Unread["source"])
	case r.Source.Location != "":
		return "takes its log from the archive " + r.Source.Location
	}
	return "takes its log from " + list(r.Source.Addresses)
}

func (r Reading) summary() string {
	t := r.Tenant
	switch {
	case r.Missing:
		return "there is no such tenant"
	case t == nil:
		return "the tenant's state was not recognised: " + kit.OrNotRead(firstOf(r.Unread["version"], r.Unread["tenant"]))
	case t.Recycled:
		return "the tenant is in the recycle bin"
	case t.Switchover != switchNormal || t.Status != statusNormal:
		return fmt.Sprintf("%s, status %s, in progress: %s", kit.OrNotRead(t.Role), t.Status, kit.OrNotRead(t.Switchover))
	case t.Role == roleStandby:
		_, text := r.fetching()
		return "standby; " + text
	case t.Role == rolePrimary && t.Locked:
		return "primary, locked: no new session, but those that were open go on"
	case t.Role == rolePrimary:
		return "primary"
	}
	return "the role " + kit.OrNotRead(t.Role) + " is not known"
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
