package oceanbase

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// health is what the log restore status of a standby means.
type health int

const (
	// healthUnknown: not read, or a text that no page tells of.
	healthUnknown health = iota
	// healthGood: every stream fetches.
	healthGood
	// healthWaiting: a stream is being created; it passes.
	healthWaiting
	// healthPaused: recovery was told to stop.
	healthPaused
	// healthBroken: something must be repaired, for example the network.
	healthBroken
	// healthLost: it never heals: the standby must be made anew.
	healthLost
)

// fetchStates are the values of SYNC_STATUS (server source and the manual's
// page of V$OB_LS_LOG_RESTORE_STATUS). Other texts are unknown.
var fetchStates = map[string]health{
	"NORMAL":                        healthGood,
	"RESTORE SUSPEND":               healthPaused,
	"WAITING LS CREATED":            healthWaiting,
	"WAIT LOG STREAM CREATED":       healthWaiting,
	"SOURCE HAS A GAP":              healthLost,
	"STANDBY LOG NOT MATCH":         healthLost,
	"PRIMARY TENANT DROPPED":        healthLost,
	"CHECK USER OR PASSWORD":        healthBroken,
	"CHECK NETWORK":                 healthBroken,
	"CHECK PRIMARY ALIVE":           healthBroken,
	"FETCH LOG TIMEOUT":             healthBroken,
	"STANDBY NEED UPGRADE":          healthBroken,
	"QUERY PRIMARY FAILED":          healthBroken,
	"RESTORE HANDLER HAS NO LEADER": healthBroken,
	"NOT AVAILABLE":                 healthBroken,
	"STANDBY IN THROTTLING":         healthBroken,
	"STANDBY LOG DISK IS FULL":      healthBroken,
}

// fetching judges the replication of a standby over all its streams. Role and
// status say nothing of it: a diverged standby looks the same.
func (r Reading) fetching() (health, string) {
	switch {
	case r.NoSource:
		return healthBroken, "it has no LOG_RESTORE_SOURCE"
	case r.Unread["fetch"] != "" || r.Unread["source"] != "" || r.Unread["streams"] != "" || r.Tenant == nil:
		return healthUnknown, "the state of its log restore was not read"
	}
	worst, text := healthGood, "every log stream fetches"
	take := func(h health, format string, a ...any) {
		rank := []health{healthGood, healthWaiting, healthPaused, healthUnknown, healthBroken, healthLost}
		if slices.Index(rank, h) > slices.Index(rank, worst) {
			worst, text = h, fmt.Sprintf(format, a...)
		}
	}
	for _, s := range r.Streams {
		if s.Meta || !s.counts() {
			continue
		}
		// Only leaders appear: a missing stream has none.
		if !slices.ContainsFunc(r.Fetch, func(f Fetch) bool { return f.Stream == s.ID }) {
			take(healthBroken, "log stream %d has no leader that fetches", s.ID)
		}
	}
	for _, f := range r.Fetch {
		h, ok := fetchStates[f.Status]
		switch {
		case !ok:
			take(healthUnknown, "log stream %d says %q, which is not known", f.Stream, f.Status)
		case h == healthGood && f.Code != 0:
			take(healthUnknown, "log stream %d says NORMAL with error code %d", f.Stream, f.Code)
		default:
			take(h, "log stream %d says %s (error code %d)", f.Stream, f.Status, f.Code)
		}
	}
	if worst <= healthGood && r.Tenant.Until != maxSCN {
		take(healthPaused, "its recovery ends at RECOVERY_UNTIL_SCN %s", r.Tenant.Until)
	}
	return worst, text
}

// serving judges the servers that hold the tenant's units, as the server itself
// does before a promotion: temporarily offline ones and replicas on gone ones
// make it refuse. wait is how long until the rule takes a temporarily offline
// one for gone; 0 when that cannot be told.
func (r Reading) serving() (ok dr.Tri, text string, wait time.Duration) {
	if why := r.Unread["servers"]; why != "" {
		return dr.Unknown, why, 0
	}
	if r.Servers == nil || r.Unread["streams"] != "" || r.Unread["logs"] != "" {
		return dr.Unknown, "servers or log streams were not read", 0
	}
	if none := r.leaderless(); len(none) > 0 {
		return dr.No, fmt.Sprintf("log streams without a leader: %v", none), 0
	}
	for _, unit := range r.Units {
		i := slices.IndexFunc(r.Servers, func(s Server) bool { return s.Address == unit })
		if i < 0 {
			return dr.Unknown, "the server " + unit + " holds a unit and is not listed", 0
		}
		s := r.Servers[i]
		if s.Status == "ACTIVE" {
			continue
		}
		gone, left := r.gone(s)
		switch {
		case gone == dr.Unknown:
			return dr.No, "the server " + unit + " is " + s.Status + "; when it counts as gone cannot be told", 0
		case gone == dr.No:
			return dr.No, fmt.Sprintf("the server %s is temporarily offline; it counts as gone in %s", unit, dr.SpanText(left)), left
		case r.holds(unit):
			return dr.No, "the server " + unit + " is gone for good and log streams still have a replica there", 0
		}
	}
	return dr.Yes, "all servers with the tenant's units are there, and every log stream has a leader", 0
}

// gone applies the rule: gone for good when LAST_OFFLINE_TIME plus
// server_permanent_offline_time is before now. (One page of the manual prints
// the comparison the other way round.)
func (r Reading) gone(s Server) (dr.Tri, time.Duration) {
	if s.Offline == nil || r.Clock == nil || r.PermanentAfter == 0 {
		return dr.Unknown, 0
	}
	left := r.PermanentAfter.D() - r.Clock.Sub(*s.Offline)
	return dr.TriOf(left < 0), max(left, 0)
}

// holds says whether a replica is on a server, by location or member list.
func (r Reading) holds(server string) bool {
	return slices.ContainsFunc(r.Replicas, func(v Replica) bool {
		return v.Server == server || strings.Contains(v.Members, server)
	})
}
