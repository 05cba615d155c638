package oceanbase

import (
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Reading is what one look at a tenant and its cluster found. It becomes part of
// histories: no secret and no LOG_RESTORE_SOURCE value ever stands in it.
type Reading struct {
	VersionText string  `json:"version_text,omitempty"`
	Version     Version `json:"version"`
	// Cluster is the cluster_id; 0 when not read.
	Cluster int64 `json:"cluster,omitempty"`
	// PermanentAfter is server_permanent_offline_time; 0 when not read.
	PermanentAfter dr.Duration `json:"permanent_after,omitempty"`
	// Clock is the server's NOW(6), in the session's time zone, to compare
	// with other times of the same session only.
	Clock *time.Time `json:"clock,omitempty"`
	// Tenant is nil when it was not read, or is not there (Missing).
	Tenant  *Tenant `json:"tenant,omitempty"`
	Missing bool    `json:"missing,omitempty"`
	// Streams are the tenant's log streams and, with Meta set, those of its
	// META tenant.
	Streams  []Stream  `json:"streams,omitempty"`
	Logs     []Log     `json:"logs,omitempty"`
	Replicas []Replica `json:"replicas,omitempty"`
	// Recycled says that log streams of the past are gone: the log is not
	// complete since the tenant's creation.
	Recycled bool     `json:"recycled,omitempty"`
	Servers  []Server `json:"servers,omitempty"`
	// Units are the servers that hold units of the tenant.
	Units []string `json:"units,omitempty"`
	// Source is nil when there is none (NoSource) or it was not read.
	Source   *SourceRow `json:"source,omitempty"`
	NoSource bool       `json:"no_source,omitempty"`
	Fetch    []Fetch    `json:"fetch,omitempty"`
	Archive  *Archive   `json:"archive,omitempty"`
	// LastChange is the last completed change of roles in the event history:
	// "SWITCHOVER TO PRIMARY", "FAILOVER TO PRIMARY" ...
	LastChange *RoleEvent `json:"last_change,omitempty"`
	// LastBackup is the highest backup job number; 0 when there is none.
	LastBackup int64 `json:"last_backup,omitempty"`
	// Unread says what could not be read or was not recognised, by part.
	Unread map[string]string `json:"unread,omitempty"`
}

// Tenant is a row of DBA_OB_TENANTS.
type Tenant struct {
	ID         int64    `json:"id"`
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	Mode       string   `json:"mode"`
	Status     string   `json:"status"`
	Role       string   `json:"role"`
	Switchover string   `json:"switchover"`
	Epoch      string   `json:"epoch"`
	Sync       SCN      `json:"sync"`
	Replayable SCN      `json:"replayable"`
	Readable   SCN      `json:"readable"`
	Until      SCN      `json:"until"`
	LogMode    string   `json:"log_mode"`
	Locked     bool     `json:"locked"`
	Recycled   bool     `json:"recycled,omitempty"`
	Compatible *Version `json:"compatible,omitempty"`
}

// The roles and states that this adapter knows. Any other text is in progress,
// or unknown, and never normal.
const (
	rolePrimary   = "PRIMARY"
	roleStandby   = "STANDBY"
	statusNormal  = "NORMAL"
	switchNormal  = "NORMAL"
	prepFlashback = "PREPARE FLASHBACK"
	prepPrimary   = "PREPARE SWITCHING TO PRIMARY"
	flashing      = "FLASHBACK"
	becomingPrim  = "SWITCHING TO PRIMARY"
	prepStandby   = "PREPARE SWITCHING TO STANDBY"
	becomingStby  = "SWITCHING TO STANDBY"
	stayStandby   = "FLASHBACK AND STAY STANDBY"
)

// is says whether the tenant has the role and nothing is in progress: the only
// proof of a change of roles.
func (t *Tenant) is(role string) bool {
	return t != nil && t.Role == role && t.Switchover == switchNormal && t.Status == statusNormal && !t.Recycled
}

// Stream is a row of CDB_OB_LS.
type Stream struct {
	ID     int64  `json:"id"`
	Meta   bool   `json:"meta,omitempty"`
	Status string `json:"status"`
	Sync   SCN    `json:"sync"`
}

// counts says whether a stream takes part in the minimum and must have a leader:
// those being created or dropped may have neither.
func (s Stream) counts() bool {
	switch s.Status {
	case "CREATING", "CREATED", "CREATE_ABORT", "CREATE ABORT", "TENANT_DROPPING", "TENANT DROPPING", "PRE_TENANT_DROPPING", "PRE TENANT DROPPING":
		return false
	}
	return true
}

// Log is a row of GV$OB_LOG_STAT: one replica's log, live.
type Log struct {
	Stream int64  `json:"stream"`
	Meta   bool   `json:"meta,omitempty"`
	Server string `json:"server"`
	Leader bool   `json:"leader"`
	Access string `json:"access"`
	Begin  uint64 `json:"begin,string"`
	End    uint64 `json:"end,string"`
	EndSCN SCN    `json:"end_scn"`
}

// Replica is a row of CDB_OB_LS_LOCATIONS.
type Replica struct {
	Stream int64  `json:"stream"`
	Server string `json:"server"`
	Leader bool   `json:"leader"`
	// Members are the leader's list, and learners.
	Members string `json:"members,omitempty"`
}

// Server is a row of DBA_OB_SERVERS.
type Server struct {
	Address string     `json:"address"`
	Status  string     `json:"status"`
	Stopped bool       `json:"stopped,omitempty"`
	Offline *time.Time `json:"offline,omitempty"`
}

// SourceRow is a row of CDB_OB_LOG_RESTORE_SOURCE without its secrets.
type SourceRow struct {
	Type string `json:"type"`
	// Addresses, Tenant and Cluster are a network source's; Location is the
	// archive's without its keys.
	Addresses []string `json:"addresses,omitempty"`
	Tenant    int64    `json:"tenant,omitempty"`
	Cluster   int64    `json:"cluster,omitempty"`
	Location  string   `json:"location,omitempty"`
}

// Fetch is a row of V$OB_LS_LOG_RESTORE_STATUS.
type Fetch struct {
	Stream int64  `json:"stream"`
	Status string `json:"status"`
	Code   int64  `json:"code,omitempty"`
	Sync   SCN    `json:"sync"`
}

// Archive is the state of the tenant's log archive.
type Archive struct {
	Status string `json:"status"`
	Path   string `json:"path,omitempty"`
	// Synchronized is V$OB_ARCHIVE_DEST_STATUS: everything is in the archive.
	Synchronized dr.Tri `json:"synchronized"`
}

// RoleEvent is a completed change of roles.
type RoleEvent struct {
	At    string `json:"at"`
	Event string `json:"event"`
	// SCN is the event's SWITCHOVER_SCN: for a failover the cut, or slightly
	// before it.
	SCN SCN `json:"scn"`
}

// leader finds the leader's log of a stream.
func (r Reading) leader(stream int64) (Log, bool) {
	for _, l := range r.Logs {
		if l.Stream == stream && !l.Meta && l.Leader {
			return l, true
		}
	}
	return Log{}, false
}

// cut forecasts the failover point: the smallest SYNC_SCN over the live streams
// and the tenant's own. Everything above it is lost on ACTIVATE STANDBY.
func (r Reading) cut() (SCN, bool) {
	if r.Tenant == nil || r.Tenant.Sync == 0 {
		return 0, false
	}
	least, any := r.Tenant.Sync, false
	for _, s := range r.Streams {
		if s.Meta || !s.counts() {
			continue
		}
		if s.Sync == 0 {
			return 0, false
		}
		any = true
		least = min(least, s.Sync)
	}
	return least, any
}

// spread is how far the most advanced stream is ahead of the cut: what the
// server has of it and gives up.
func (r Reading) spread() time.Duration {
	c, ok := r.cut()
	if !ok {
		return 0
	}
	var most SCN
	for _, s := range r.Streams {
		if !s.Meta && s.counts() {
			most = max(most, s.Sync)
		}
	}
	return ahead(most, c)
}

// endSCN is the primary's highest END_SCN over its leaders.
func (r Reading) endSCN() (SCN, bool) {
	var most SCN
	for _, l := range r.Logs {
		if l.Leader && !l.Meta {
			most = max(most, l.EndSCN)
		}
	}
	return most, most > 0
}

// leaderless lists counted streams without a leader, META tenant included.
func (r Reading) leaderless() []int64 {
	var out []int64
	for _, s := range r.Streams {
		if !s.counts() {
			continue
		}
		found := false
		for _, l := range r.Logs {
			found = found || l.Stream == s.ID && l.Meta == s.Meta && l.Leader
		}
		if !found {
			out = append(out, s.ID)
		}
	}
	return out
}

// complete says whether the log is complete since the tenant was created: then
// CREATE STANDBY TENANT needs no backup.
func (r Reading) complete() dr.Tri {
	if r.Recycled {
		return dr.No
	}
	if r.Unread["history"] != "" || r.Unread["logs"] != "" || r.Unread["streams"] != "" || len(r.Logs) == 0 {
		return dr.Unknown
	}
	for _, s := range r.Streams {
		if s.Meta || !s.counts() {
			continue
		}
		l, ok := r.leader(s.ID)
		if !ok {
			return dr.Unknown
		}
		if l.Begin != 0 {
			return dr.No
		}
	}
	return dr.Yes
}
