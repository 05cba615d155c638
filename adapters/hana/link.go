package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// link is how far one secondary is in sync, by every source that told.
type link struct {
	// InSync is yes only when the script, its exit code, its words and SQL all
	// say that every service of every database is active; no as soon as one of
	// them says that one is not.
	InSync dr.Tri
	Text   string
	// Rows are SQL's, or the script's where SQL gave none.
	Rows []Service
	// Suspect is set when the sources contradict each other.
	Suspect bool
	// Backlog is how much log the secondary has still to replay, in bytes.
	Backlog int64
}

// linkTo judges the replication of the primary r to the secondary of the given
// replication name. tenants are the databases that must have services.
func linkTo(r Reading, name string, tenants []TenantLogin) link {
	script, scriptText := rowsActive(scriptRows(r, name), tenants)
	sql, sqlText := rowsActive(only(r.SQL.Rows, name), tenants)
	if r.Status != nil {
		multi := len(only(r.Status.Rows, name)) != len(r.Status.Rows)
		// With several secondaries the overall words speak of the worst one.
		if !multi && script == dr.Yes && (r.Status.Exit != statusActive || !strings.EqualFold(r.Status.Overall, "ACTIVE")) {
			script, scriptText = dr.No, fmt.Sprintf("the overall word is %q (exit code %d)", r.Status.Overall, r.Status.Exit)
		}
		if r.Status.Exit == statusActive && script == dr.Unknown && len(r.Status.Rows) == 0 {
			script, scriptText = dr.No, "exit code 15 without a single service"
		}
	}
	l := link{InSync: script.And(sql), Rows: only(r.SQL.Rows, name), Backlog: backlog(scriptRows(r, name))}
	if len(l.Rows) == 0 {
		l.Rows = scriptRows(r, name)
	}
	if r.SQL.Incomplete != "" && l.InSync == dr.Yes {
		l.InSync = dr.Unknown
		sqlText += "; not all databases answered: " + r.SQL.Incomplete
	}
	l.Suspect = script != sql && script != dr.Unknown && sql != dr.Unknown
	l.Text = "systemReplicationStatus.py: " + scriptText + "; M_SERVICE_REPLICATION: " + sqlText
	if l.Suspect {
		l.Text = "the sources contradict each other: " + l.Text
	}
	return l
}

func scriptRows(r Reading, name string) []Service {
	if r.Status == nil {
		return nil
	}
	return only(r.Status.Rows, name)
}

// only gives the rows of one secondary.
func only(rows []Service, name string) []Service {
	var out []Service
	for _, s := range rows {
		if s.SecondarySite == name && s.Volume != "0" {
			out = append(out, s)
		}
	}
	return out
}

// rowsActive counts every service, never the overall word.
func rowsActive(rows []Service, tenants []TenantLogin) (dr.Tri, string) {
	if len(rows) == 0 {
		return dr.Unknown, "no service is listed"
	}
	found := map[string]bool{}
	for _, s := range rows {
		if !strings.EqualFold(s.Status, "ACTIVE") || s.Active != "" && !strings.EqualFold(s.Active, "YES") {
			return dr.No, fmt.Sprintf("%s %s:%s is %s (%s) %s", s.Database, s.Host, s.Port, orNone(s.Status), orNone(s.Active), s.Details)
		}
		found[s.Database] = true
	}
	for _, db := range append([]string{systemDB}, names(tenants)...) {
		if !found[db] && !found[""] {
			return dr.Unknown, fmt.Sprintf("no service of %s is listed", db)
		}
	}
	return dr.Yes, fmt.Sprintf("all %d services are active", len(rows))
}

func names(tenants []TenantLogin) []string {
	var out []string
	for _, t := range tenants {
		out = append(out, t.Name)
	}
	return out
}

// fullSync says whether the primary cannot acknowledge alone: mode sync with
// the full sync option active on every service.
func (l link) fullSync() bool {
	for _, s := range l.Rows {
		if !strings.EqualFold(s.FullSync, "ACTIVE") || !strings.EqualFold(s.Mode, "SYNC") {
			return false
		}
	}
	return len(l.Rows) > 0
}

// positions are the primary's own log positions by service, and the oldest time
// to which the secondary was shipped.
func positions(rows []Service) map[string]string {
	out := map[string]string{}
	for _, s := range rows {
		if s.LastPos != "" {
			out[s.Database+":"+s.Port+"/"+s.Volume] = s.LastPos
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "not told"
	}
	return s
}

// backlog adds up the column that only newer revisions have.
func backlog(rows []Service) int64 {
	var sum int64
	for _, s := range rows {
		var n int64
		if _, err := fmt.Sscan(s.ReplayBacklog, &n); err == nil && n > 0 {
			sum += n
		}
	}
	return sum
}
