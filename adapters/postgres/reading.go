package postgres

import (
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Reading is what one round trip to one server found. The zero value of every
// field means "not read". It is the Detail of a site's situation, so its JSON
// is kept small.
type Reading struct {
	DataExists dr.Tri `json:"data_exists"`
	// NotOwner says that the login is neither the owner of the data directory
	// nor root: what it does not see there is not proven to be absent.
	NotOwner bool `json:"not_owner,omitempty"`
	// Running is yes only for a live process that stands in this data
	// directory; a pid file alone is no proof.
	Running       dr.Tri `json:"running"`
	Major         string `json:"major,omitempty"`
	StandbySignal bool   `json:"standby_signal,omitempty"`
	BackupLabel   bool   `json:"backup_label,omitempty"`
	// RecoverySignal asks for a targeted recovery, which ends as a primary.
	RecoverySignal bool `json:"recovery_signal,omitempty"`
	// PromoteAsked says that a promotion was requested and not taken up yet.
	PromoteAsked bool `json:"promote_asked,omitempty"`
	// Fence is the run that fenced the data directory; Fenced without the
	// control file's absence is a broken fence.
	Fenced      bool   `json:"fenced,omitempty"`
	Fence       string `json:"fence,omitempty"`
	FenceBroken bool   `json:"fence_broken,omitempty"`
	// Rewind is a data directory that a rewind was working on.
	Rewind  string  `json:"rewind,omitempty"`
	Control Control `json:"control"`
	Server  *Server `json:"server,omitempty"`
	// SQLError is the first line that psql complained with.
	SQLError string    `json:"sql_error,omitempty"`
	Repl     []Repl    `json:"repl,omitempty"`
	Receiver *Receiver `json:"receiver,omitempty"`
	Slots    []Slot    `json:"slots,omitempty"`
	// History is the newest history file: where this server's timeline and
	// its ancestors began.
	HistoryTimeline uint32         `json:"history_timeline,omitempty"`
	History         []HistoryEntry `json:"history,omitempty"`
	DiskFreeKB      int64          `json:"disk_free_kb,omitempty"`
	DiskTotalKB     int64          `json:"disk_total_kb,omitempty"`
	StartConf       string         `json:"start_conf,omitempty"`
	// WALTimeline is the newest segment's.
	WALTimeline uint32 `json:"wal_timeline,omitempty"`
	// WALEnd is where the log of a stopped server ends.
	WALEnd LSN `json:"wal_end,omitempty"`
	// WALReached is where the last readable record of that log begins: the log
	// holds at least this, also when its end is torn.
	WALReached LSN `json:"wal_reached,omitempty"`
	// WALEndText is waldump's last line; WALEnd is 0 when it is not the clean
	// end message.
	WALEndText string `json:"wal_end_text,omitempty"`
	// Managers are cluster managers seen running; Paused those that are
	// paused.
	Managers     []string `json:"managers,omitempty"`
	ManagerFiles []string `json:"manager_files,omitempty"`
	Paused       []string `json:"paused,omitempty"`
}

// Control is what pg_controldata printed. It lags behind the server after a
// promotion; Timeline there is not the real one until the next checkpoint.
type Control struct {
	State          string `json:"state,omitempty"`
	System         string `json:"system,omitempty"`
	Checkpoint     LSN    `json:"checkpoint,omitempty"`
	Redo           LSN    `json:"redo,omitempty"`
	Timeline       uint32 `json:"timeline,omitempty"`
	MinRecovery    LSN    `json:"min_recovery,omitempty"`
	MinRecoveryTLI uint32 `json:"min_recovery_tli,omitempty"`
	// SegmentSize is the size of a log segment in bytes.
	SegmentSize uint32 `json:"segment_size,omitempty"`
	Hints       bool   `json:"hints,omitempty"`
	Checksums   bool   `json:"checksums,omitempty"`
}

// The states of pg_controldata that decisions rest on.
const (
	stateShutDown           = "shut down"
	stateShutDownInRecovery = "shut down in recovery"
	stateInProduction       = "in production"
	stateInRecovery         = "in archive recovery"
)

// Server is what the running server said about itself.
type Server struct {
	Version            int        `json:"version"`
	Recovery           *bool      `json:"recovery"`
	System             string     `json:"system"`
	Data               string     `json:"data"`
	Current            *LSN       `json:"current"`
	WALFile            *string    `json:"walfile"`
	Receive            *LSN       `json:"receive"`
	Replay             *LSN       `json:"replay"`
	ReplayTime         *time.Time `json:"replay_time,omitempty"`
	Pause              *string    `json:"pause"`
	Checkpoint         LSN        `json:"checkpoint"`
	CheckpointTimeline uint32     `json:"checkpoint_timeline"`
	RecoveryTimeline   uint32     `json:"recovery_timeline,omitempty"`
	Synchronous        string     `json:"synchronous"`
	Slot               string     `json:"slot"`
	Checksums          bool       `json:"checksums,omitempty"`
	Hints              bool       `json:"hints,omitempty"`
	FullPageWrites     bool       `json:"full_page_writes,omitempty"`
	WALLevel           string     `json:"wal_level,omitempty"`
	MaxConnections     int        `json:"max_connections,omitempty"`
	MaxWorkers         int        `json:"max_worker_processes,omitempty"`
	MaxSenders         int        `json:"max_wal_senders,omitempty"`
	MaxPrepared        int        `json:"max_prepared,omitempty"`
	MaxLocks           int        `json:"max_locks,omitempty"`
	Prepared           int        `json:"prepared,omitempty"`
	Long               int        `json:"long,omitempty"`
	BaseBackups        int        `json:"basebackups,omitempty"`
	Tablespaces        int        `json:"tablespaces,omitempty"`
}

// Repl is a row of pg_stat_replication.
type Repl struct {
	Name   string  `json:"name"`
	State  string  `json:"state"`
	Sync   string  `json:"sync"`
	Sent   *LSN    `json:"sent"`
	Flush  *LSN    `json:"flush"`
	Replay *LSN    `json:"replay"`
	Lag    *int64  `json:"lag,omitempty"`
	Slot   *string `json:"slot,omitempty"`
}

// Receiver is the row of pg_stat_wal_receiver.
type Receiver struct {
	Status    string     `json:"status"`
	Timeline  *uint32    `json:"timeline"`
	Flushed   *LSN       `json:"flushed"`
	LatestEnd *LSN       `json:"latest_end,omitempty"`
	Message   *time.Time `json:"message,omitempty"`
	Slot      *string    `json:"slot"`
	Host      *string    `json:"host"`
	Port      *int       `json:"port"`
}

// Slot is a row of pg_replication_slots.
type Slot struct {
	Name     string  `json:"name"`
	Type     string  `json:"type"`
	Active   bool    `json:"active"`
	Restart  *LSN    `json:"restart"`
	Status   *string `json:"status"`
	Retained int64   `json:"retained,omitempty"`
}

// HistoryEntry says that Timeline ended at Switch.
type HistoryEntry struct {
	Timeline uint32 `json:"timeline"`
	Switch   LSN    `json:"switch"`
}

// InRecovery says whether the running server is a standby.
func (r Reading) InRecovery() dr.Tri {
	if r.Running != dr.Yes || r.Server == nil || r.Server.Recovery == nil {
		return dr.Unknown
	}
	return dr.TriOf(*r.Server.Recovery)
}

// AcceptsWrites is no for a server that is proven down or in recovery. Where
// nothing runs and yet something answers, it is unknown.
func (r Reading) AcceptsWrites() dr.Tri {
	if r.Running == dr.No && r.Server == nil {
		return dr.No
	}
	return r.InRecovery().Not()
}

// System gives the cluster's identifier, "" when it was not read or the
// running server and the control file disagree.
func (r Reading) System() string {
	if r.Server != nil && r.Server.System != r.Control.System {
		return ""
	}
	return r.Control.System
}

// Timeline gives the real timeline: of the current WAL file on a primary, of
// the receiver on a standby, else of the newest segment. 0 when unknown.
func (r Reading) Timeline() uint32 {
	switch {
	case r.Server != nil && r.Server.WALFile != nil:
		return timelineOf(*r.Server.WALFile)
	case r.Receiver != nil && r.Receiver.Timeline != nil:
		return *r.Receiver.Timeline
	case r.WALTimeline != 0:
		return r.WALTimeline
	case r.Server != nil:
		return max(r.Server.RecoveryTimeline, r.Server.CheckpointTimeline)
	}
	return max(r.Control.Timeline, r.Control.MinRecoveryTLI)
}

// Switch gives the position at which the given timeline was left, by this
// server's history.
func (r Reading) Switch(timeline uint32) (LSN, bool) {
	for _, h := range r.History {
		if h.Timeline == timeline {
			return h.Switch, true
		}
	}
	return 0, false
}

// Held gives the greatest position that a standby holds on disk.
func (r Reading) Held() (LSN, bool) {
	if r.Server == nil {
		return 0, false
	}
	var p LSN
	if r.Server.Receive != nil {
		p = *r.Server.Receive
	}
	if r.Server.Replay != nil {
		p = max(p, *r.Server.Replay)
	}
	return p, p != 0
}

// FindSlot finds a replication slot by name.
func (r Reading) FindSlot(name string) (Slot, bool) {
	for _, s := range r.Slots {
		if s.Name == name {
			return s, true
		}
	}
	return Slot{}, false
}

// FindRepl finds the one row of a standby; ok is false when there is none or
// more than one.
func (r Reading) FindRepl(name string) (Repl, bool) {
	var found Repl
	n := 0
	for _, v := range r.Repl {
		if v.Name == name {
			found = v
			n++
		}
	}
	return found, n == 1
}
