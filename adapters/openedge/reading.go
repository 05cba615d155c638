package openedge

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// What a database's description says of its part in replication.
const (
	roleSource = "source"
	roleTarget = "target"
	// roleNone is a normal database, which has no replication enabled.
	roleNone = "none"
)

// Reading is what one observation of a site gave. What was not read is absent.
type Reading struct {
	// Exists says that the control area DATABASE.db is there; Fenced that the
	// adapter's fence took it away.
	Exists   dr.Tri `json:"exists"`
	Fenced   dr.Tri `json:"fenced"`
	FenceRun string `json:"fence_run,omitempty"`
	// Restore is the mark of a restore: "RUN begun" while it runs or after
	// it broke off, "RUN done" after it ended well.
	Restore        string `json:"restore,omitempty"`
	Lock           dr.Tri `json:"lock"`
	RecoveryFile   dr.Tri `json:"recovery_file"`
	TransitionFile dr.Tri `json:"transition_file"`
	StructureFile  dr.Tri `json:"structure_file"`
	Me             string `json:"me,omitempty"`
	Owner          string `json:"owner,omitempty"`
	Processes      []Proc `json:"processes,omitempty"`
	// Holder and Busy are exit codes, which the product guarantees; -1 when
	// the tool was not asked.
	Holder   int             `json:"holder"`
	Busy     int             `json:"busy"`
	Describe Description     `json:"describe"`
	Status   Status          `json:"status"`
	Agents   map[string]Code `json:"agents,omitempty"`
	Extents  []AIExtent      `json:"extents,omitempty"`
	// Server and Agent are the stored recovery information.
	ServerInfo []Acknowledged `json:"server_info,omitempty"`
	AgentInfo  []Acknowledged `json:"agent_info,omitempty"`
	Properties *Properties    `json:"properties,omitempty"`
	Log        []LogLine      `json:"log,omitempty"`
	DataKB     int64          `json:"data_kb,omitempty"`
	DataFreeKB int64          `json:"data_free_kb,omitempty"`
	SpoolFree  int64          `json:"spool_free_kb,omitempty"`
	// Files are the ends of files that a probe asked for.
	Files map[string]FileEnd `json:"files,omitempty"`
}

// Proc is a process that works on the database.
type Proc struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// Code is a status code of OpenEdge Replication; 0 when it was not told.
type Code int

// Status is the answer of dsrutil -C status.
type Status struct {
	// Exit is 0 printed, 2 not opened, 3 not enabled; -1 not asked.
	Exit int  `json:"exit"`
	Code Code `json:"code,omitempty"`
}

// FileEnd is the end of a file; of a backup it is only the size.
type FileEnd struct {
	Exists bool     `json:"exists"`
	Bytes  int64    `json:"bytes,omitempty"`
	Lines  []string `json:"lines,omitempty"`
}

// Role is source, target or none, "" when it is not known. A description
// without a replication line counts as none only when dsrutil says the same:
// a cut-off description must not make a target look like a normal database.
func (r Reading) Role() string {
	switch d := r.Describe.Role; {
	case d == roleNone && r.Status.Exit != 3, d != roleNone && r.Status.Exit == 3:
		return ""
	default:
		return d
	}
}

// InUse says whether anybody has the database open.
func (r Reading) InUse() dr.Tri {
	switch {
	case r.Exists == dr.No && len(r.Processes) == 0:
		return dr.No
	case r.Exists != dr.Yes:
		return dr.Unknown
	case r.Holder == 0 && !r.broker():
		return dr.No
	case r.Holder == 16 && r.broker():
		return dr.Yes
	}
	return dr.Unknown
}

// broker says whether a broker's process was seen.
func (r Reading) broker() bool { return r.process("_mprosrv") }

func (r Reading) process(names ...string) bool {
	for _, p := range r.Processes {
		for _, n := range names {
			if p.Name == n {
				return true
			}
		}
	}
	return false
}

// AcceptsWrites says whether clients could commit here now.
func (r Reading) AcceptsWrites() dr.Tri {
	switch r.InUse() {
	case dr.No:
		return dr.No
	case dr.Unknown:
		return dr.Unknown
	case dr.Yes:
	}
	switch r.Role() {
	case roleSource, roleNone:
		return dr.Yes
	case roleTarget:
		if r.Status.Exit == 0 && r.Status.Code.known() {
			return dr.No
		}
	}
	return dr.Unknown
}

// HalfRestored names the run whose restore did not end, "" when there is none.
func (r Reading) HalfRestored() string {
	var run, state string
	if n, _ := fmt.Sscanf(r.Restore, "%s %s", &run, &state); n == 2 && state == "done" {
		return ""
	}
	return r.Restore
}

// Transiting says that a role change is under way by the codes or processes.
func (r Reading) Transiting() bool {
	return r.Status.Code == codeServerTransition || r.Status.Code == codeAgentTransition || r.Status.Code == codeTransitioning || r.process("dsrutil", "rprepl")
}

// EmptyExtents counts AI extents that can be switched to; -1 when not known.
func (r Reading) EmptyExtents() int {
	if len(r.Extents) == 0 {
		return -1
	}
	n := 0
	for _, e := range r.Extents {
		if e.Status == "EMPTY" {
			n++
		}
	}
	return n
}

// LastWrite is the time of the log's last line, as told by the host.
func (r Reading) LastWrite() time.Time {
	if len(r.Log) == 0 {
		return time.Time{}
	}
	return r.Log[len(r.Log)-1].At
}

// EmergencyStopped says that the last session ended by an emergency shutdown.
func (r Reading) EmergencyStopped() bool {
	return r.session().has(msgEmergency) && r.InUse() == dr.No
}
