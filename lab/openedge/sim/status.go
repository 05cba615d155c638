package sim

import (
	"os"
	"path/filepath"
	"time"
)

// Detail codes of `dsrutil -C status` (manual, "Detail or verbose return codes").
const (
	codeInitialConnection = 1001
	codeConnectionFailed  = 1032
	codeRecoveryFailed    = 1033
	codeInvalidTarget     = 1034
	codeStopped           = 1037
	codeTerminated        = 1038
	codeEnded             = 1063

	codePreTransition  = 2080
	codeApplyingExtent = 2081
	codeTransitioning  = 2082
	codeListening      = 2083

	codeStartupSync   = 3048
	codeAgentNormal   = 3049
	codeRecoverySync  = 3050
	codeOnlineBackup  = 3051
	codeTransitioned  = 3055
	codeServerInit    = 6001
	codeConnecting    = 6002
	codeConfiguring   = 6003
	codeServerRecover = 6004
	codeServerStartup = 6005
	codeServerNormal  = 6021
	codeFailover      = 6022
	codeServerEnded   = 6060
)

// Groups of the plain form, added to 1000 (server), 2000 (control agent) or
// 3000 (agent).
const (
	groupConnecting = 100
	groupProcessing = 101
	groupHalted     = 102
	groupPre        = 103
	groupListening  = 104
	groupTransition = 105
	groupInactive   = 199
	groupUnknown    = 255
)

// statusOf gives the group and the words of a detail code.
var statusOf = map[int]struct {
	group int
	words text
}{
	codeInitialConnection: {groupConnecting, text{0, "Initial Connection", documented}},
	1002:                  {groupConnecting, text{0, "Initializing", documented}},
	codeConnectionFailed:  {groupInactive, text{0, "Initial Connection Failed", documented}},
	codeRecoveryFailed:    {groupInactive, text{0, "Recovery Failed", documented}},
	codeInvalidTarget:     {groupInactive, text{0, "Invalid Target Configuration", documented}},
	codeStopped:           {groupInactive, text{0, "Stopped", documented}},
	codeTerminated:        {groupInactive, text{0, "Terminated", documented}},
	codeEnded:             {groupInactive, text{0, "Ended", documented}},
	codePreTransition:     {groupPre, text{0, "Pre-Transition", documented}},
	codeApplyingExtent:    {groupPre, text{0, "Applying AI Extent", documented}},
	codeTransitioning:     {groupTransition, text{0, "Transitioning", documented}},
	codeListening:         {groupListening, text{0, "Listening", documented}},
	codeStartupSync:       {groupProcessing, text{0, "Startup Synchronization", documented}},
	codeAgentNormal:       {groupProcessing, text{0, "Normal Processing", documented}},
	codeRecoverySync:      {groupProcessing, text{0, "Recovery Synchronization", documented}},
	codeOnlineBackup:      {groupHalted, text{0, "Online Backup of Target", documented}},
	codeTransitioned:      {groupTransition, text{0, "Database Being Transitioned", documented}},
	codeServerInit:        {groupConnecting, text{0, "Server is Initializing", documented}},
	codeConnecting:        {groupConnecting, text{0, "Server is Connecting to Agents", documented}},
	codeConfiguring:       {groupConnecting, text{0, "Server is Configuring Agents", documented}},
	codeServerRecover:     {groupProcessing, text{0, "Server is Performing Recovery", documented}},
	codeServerStartup:     {groupProcessing, text{0, "Server is in Startup Synchronization", documented}},
	codeServerNormal:      {groupProcessing, text{0, "Server is in Normal Processing", documented}},
	codeFailover:          {groupTransition, text{0, "Server is Performing Transition", documented}},
	codeServerEnded:       {groupInactive, text{0, "Server has Ended", documented}},
}

// position is a place in the source's after-image extents.
type position struct {
	Area   int   `json:"area"`
	Seq    int   `json:"seq"`
	Offset int64 `json:"offset"`
}

// block is the number of the AI block, of 8 KB.
func (p position) block() int64 { return p.Offset / 8192 }

// agentView is an agent as the server sees it.
type agentView struct {
	Name    string    `json:"name"`
	Address string    `json:"address"`
	Code    int       `json:"code"`
	Acked   uint64    `json:"acked"`
	Pos     position  `json:"position"`
	AckTime time.Time `json:"ack_time"`
}

// serviceState is what a replication process says of itself.
type serviceState struct {
	PID    int         `json:"pid"`
	Code   int         `json:"code"`
	Trx    uint64      `json:"trx"`
	Agents []agentView `json:"agents,omitempty"`
}

// has says whether every agent acknowledged the transaction.
func (s serviceState) has(trx uint64) bool {
	for _, a := range s.Agents {
		if a.Acked < trx || a.Code != codeAgentNormal {
			return false
		}
	}
	return len(s.Agents) > 0
}

func (s serviceState) agent(name string) *agentView {
	for i := range s.Agents {
		if s.Agents[i].Name == name {
			return &s.Agents[i]
		}
	}
	return nil
}

// serverState reads the state of a database's replication server; one that
// does not live has ended.
func (c Config) serverState(db string) serviceState {
	return c.stateOf(db, "server", codeServerEnded)
}

func (c Config) agentState(db string) serviceState { return c.stateOf(db, "agent", codeEnded) }

func (c Config) stateOf(db, who string, dead int) serviceState {
	var s serviceState
	path := filepath.Join(c.runDir(db), who)
	if readJSON(path+".state", &s) != nil {
		return serviceState{Code: dead}
	}
	if !held(path + ".alive") {
		s.Code, s.PID = dead, 0
		for i := range s.Agents {
			if s.Agents[i].Code < codePreTransition && s.Agents[i].Code >= codeConnectionFailed {
				continue
			}
			s.Agents[i].Code = codeEnded
		}
	}
	return s
}

// held says whether a living process holds the file's lock.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return locked(f)
}

// hold makes this process the one that lives under the name; false: another is.
// One whose database was killed is given the time to end.
func (c Config) hold(db, who string) (*os.File, bool) {
	for late := time.Now().Add(servicePatience); ; time.Sleep(5 * time.Millisecond) {
		f, ok := c.tryHold(db, who)
		if ok || time.Now().After(late) {
			return f, ok
		}
	}
}

func (c Config) tryHold(db, who string) (*os.File, bool) {
	dir := c.runDir(db)
	_ = os.MkdirAll(dir, 0o755)
	f, err := os.OpenFile(filepath.Join(dir, who+".alive"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, false
	}
	if !tryLock(f) {
		_ = f.Close()
		return nil, false
	}
	return f, true
}

// recoveryInfo is a .repl.recovery file: what each side remembers of the other.
type recoveryInfo struct {
	Version string    `json:"version"`
	Role    string    `json:"role"`
	Base    time.Time `json:"base"` // when the database was created or restored
	Created time.Time `json:"created"`
	Written time.Time `json:"written"`
	// Agents are, in a source, all its agents; in a target the agent itself.
	Agents []agentView `json:"agents"`
}

func readRecovery(db string) (*recoveryInfo, error) {
	r := &recoveryInfo{}
	if err := readJSON(db+".repl.recovery", r); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *recoveryInfo) write(db string) {
	r.Written = time.Now()
	_ = writeJSON(db+".repl.recovery", r)
}
