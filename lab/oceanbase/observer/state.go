package observer

import (
	"slices"
	"strings"
)

// Limits of system change numbers: nanoseconds since 1970 (the manual's
// "unlimited" is the largest).
const (
	maxSCN int64 = 1<<62 - 1
	minSCN int64 = 1
)

// Roles, statuses and switchover statuses as the views print them.
const (
	rolePrimary = "PRIMARY"
	roleStandby = "STANDBY"
	roleRestore = "RESTORE"

	statusNormal   = "NORMAL"
	statusCreating = "CREATING_STANDBY" // no public source prints this one
	statusRestore  = "RESTORE"

	stateNormal         = "NORMAL"
	stateFlashbackSoon  = "PREPARE FLASHBACK"
	statePrimarySoon    = "PREPARE SWITCHING TO PRIMARY"
	stateFlashback      = "FLASHBACK"
	stateToPrimary      = "SWITCHING TO PRIMARY"
	stateStandbySoon    = "PREPARE SWITCHING TO STANDBY"
	stateToStandby      = "SWITCHING TO STANDBY"
	stateFlashbackStays = "FLASHBACK AND STAY STANDBY"

	modeMySQL  = "MYSQL"
	modeOracle = "ORACLE"
)

// state is everything that a cluster keeps in its state file. Logs have files
// of their own.
type state struct {
	NextTenant int64             `json:"next_tenant"`
	NextJob    int64             `json:"next_job"`
	Parameters map[string]string `json:"parameters"`
	Units      []unitConfig      `json:"units"`
	Pools      []pool            `json:"pools"`
	Tenants    []*tenant         `json:"tenants"`
	Events     []event           `json:"events"`
	Cuts       []cut             `json:"cuts"`
	Backups    []*backupJob      `json:"backups"`
	Restores   []*restoreJob     `json:"restores"`
}

// unitConfig and pool are what resources a tenant stands on.
type unitConfig struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	CPU  string `json:"cpu"`
	Mem  string `json:"mem"`
}

type pool struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	Number int64  `json:"number"`
	Tenant int64  `json:"tenant"` // 0: free
}

// tenant is a tenant of the cluster. The sys tenant is one too; a META tenant
// is not kept, it follows from its user tenant.
type tenant struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Mode     string `json:"mode"`
	Status   string `json:"status"`
	Role     string `json:"role"`
	Change   string `json:"switchover_status"`
	Epoch    int64  `json:"switchover_epoch"`
	Until    int64  `json:"recovery_until_scn"`
	Base     int64  `json:"base_scn"` // no SCN of this tenant is given below it
	Recycled bool   `json:"recycled,omitempty"`
	Locked   bool   `json:"locked,omitempty"`
	Pool     string `json:"pool"`
	Zone     string `json:"primary_zone"`
	Locality string `json:"locality"`
	Data     string `json:"compatible"`
	Created  int64  `json:"created"`  // microseconds since 1970
	Modified int64  `json:"modified"` // the same
	// Failing is set while a failover cuts; Final is the SCN that a switchover
	// to standby ended with.
	Final    int64        `json:"final_scn,omitempty"`
	Remote   bool         `json:"remote_data,omitempty"`
	Services []string     `json:"services,omitempty"`
	Source   *source      `json:"source,omitempty"`
	Archive  *archive     `json:"archive,omitempty"`
	Backup   string       `json:"backup_dest,omitempty"`
	Streams  []*stream    `json:"streams"`
	History  []streamPast `json:"history"`

	content *content
	follow  followState
}

// streamPast is a row of the log streams' history.
type streamPast struct {
	ID     int64 `json:"id"`
	Create int64 `json:"create_scn"`
}

// source is a LOG_RESTORE_SOURCE.
type source struct {
	Type      string   `json:"type"` // SERVICE or LOCATION
	Addresses []string `json:"addresses,omitempty"`
	User      string   `json:"user,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
	Password  string   `json:"password,omitempty"`
	TenantID  int64    `json:"tenant_id,omitempty"`
	ClusterID int64    `json:"cluster_id,omitempty"`
	Mode      string   `json:"mode,omitempty"`
	Location  string   `json:"location,omitempty"`
}

// archive is a tenant's log archive.
type archive struct {
	URI        string `json:"uri"`
	On         bool   `json:"on"`
	Status     string `json:"status"` // BEGINNING, DOING, STOP
	Round      int64  `json:"round"`
	Start      int64  `json:"start_scn"`
	Checkpoint int64  `json:"checkpoint_scn"`
	Comment    string `json:"comment,omitempty"`
}

// event is a row of the tenants' event history, or of the root service's.
type event struct {
	Tenant int64    `json:"tenant"`
	At     int64    `json:"at"` // microseconds since 1970
	Root   bool     `json:"root,omitempty"`
	Module string   `json:"module"`
	Event  string   `json:"event"`
	Names  []string `json:"names"`
	Values []string `json:"values"`
	Cost   int64    `json:"cost"`
	Code   int64    `json:"code"`
	Error  string   `json:"error,omitempty"`
}

// cut is a row of CDB_OB_TENANT_FLASHBACK_LOG_SCN.
type cut struct {
	Tenant int64  `json:"tenant"`
	At     int64  `json:"at"`
	Epoch  int64  `json:"epoch"`
	Type   string `json:"type"`
	SCN    int64  `json:"scn"`
}

// sysID is the sys tenant's; user tenants have even numbers from firstTenant,
// the META tenant of each has the number before.
const (
	sysID       = 1
	firstTenant = 1002
)

func (t *tenant) sys() bool    { return t.ID == sysID }
func (t *tenant) normal() bool { return t.Status == statusNormal }

// is says whether the tenant has this role and switchover status.
func (t *tenant) is(role, change string) bool { return t.Role == role && t.Change == change }

// sync is the tenant's SYNC_SCN: the smallest of its streams'.
func (t *tenant) sync() int64 {
	least := maxSCN
	for _, s := range t.Streams {
		least = min(least, s.Sync)
	}
	return least
}

// furthest is the largest SCN that any stream has.
func (t *tenant) furthest() int64 {
	most := minSCN
	for _, s := range t.Streams {
		most = max(most, s.Sync)
	}
	return most
}

func (t *tenant) stream(id int64) *stream {
	for _, s := range t.Streams {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// tenantNamed finds a tenant; names do not distinguish case.
func (st *state) tenantNamed(name string) *tenant {
	i := slices.IndexFunc(st.Tenants, func(t *tenant) bool { return strings.EqualFold(t.Name, name) })
	if i < 0 {
		return nil
	}
	return st.Tenants[i]
}

func (st *state) tenantID(id int64) *tenant {
	i := slices.IndexFunc(st.Tenants, func(t *tenant) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return st.Tenants[i]
}

func (st *state) poolNamed(name string) *pool {
	i := slices.IndexFunc(st.Pools, func(p pool) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return nil
	}
	return &st.Pools[i]
}
