package observer

import (
	"fmt"
	"strings"
)

func init() {
	views["DBA_OB_TENANTS"] = view{
		columns: cols("TENANT_ID:i TENANT_NAME TENANT_TYPE CREATE_TIME:t MODIFY_TIME:t PRIMARY_ZONE LOCALITY PREVIOUS_LOCALITY COMPATIBILITY_MODE STATUS IN_RECYCLEBIN LOCKED TENANT_ROLE SWITCHOVER_STATUS SWITCHOVER_EPOCH:i SYNC_SCN:u REPLAYABLE_SCN:u READABLE_SCN:u RECOVERY_UNTIL_SCN:u LOG_MODE ARBITRATION_SERVICE_STATUS UNIT_NUM:i COMPATIBLE MAX_LS_ID:i"),
		rows:    tenantRows,
	}
	views["CDB_OB_LS"] = view{
		columns: cols("TENANT_ID:i LS_ID:i STATUS PRIMARY_ZONE UNIT_GROUP_ID:i LS_GROUP_ID:i CREATE_SCN:u DROP_SCN:u SYNC_SCN:u READABLE_SCN:u FLAG"),
		rows:    streamRows, everyTenant: true,
	}
	views["CDB_OB_LS_HISTORY"] = view{
		columns: cols("TENANT_ID:i LS_ID:i LS_GROUP_ID:i STATUS FLAG CREATE_SCN:u"),
		rows:    historyRows, everyTenant: true,
	}
	views["CDB_OB_LOG_RESTORE_SOURCE"] = view{
		since:   "4.2.0.0",
		columns: cols("TENANT_ID:i ID:i TYPE VALUE RECOVERY_UNTIL_SCN:u"),
		rows:    sourceRows, everyTenant: true,
	}
	views["GV$OB_LS_LOG_RESTORE_STATUS"] = view{
		since:   "4.2.0.0",
		columns: cols("TENANT_ID:i LS_ID:i SYNC_LSN:u SYNC_SCN:u SYNC_STATUS ERR_CODE:i COMMENT"),
		rows:    restoreStatusRows, everyTenant: true,
	}
	views["CDB_OB_TENANT_FLASHBACK_LOG_SCN"] = view{
		since:   "4.4.1.0",
		columns: cols("TENANT_ID:i TIMESTAMP:t SWITCHOVER_EPOCH:i OP_TYPE FLASHBACK_LOG_SCN:u"),
		rows: func(s *session) (rows [][]any) {
			for _, c := range s.cluster.state.Cuts {
				rows = append(rows, []any{c.Tenant, stamp(c.At), c.Epoch, c.Type, c.SCN})
			}
			return rows
		},
		everyTenant: true,
	}
}

// seen are the tenants that a session sees: sys sees all, others themselves.
func (s *session) seen() []*tenant {
	if s.effective.sys() {
		return s.cluster.state.Tenants
	}
	return []*tenant{s.effective}
}

func tenantRows(s *session) (rows [][]any) {
	o := s.cluster
	for _, t := range s.seen() {
		if t.sys() || s.effective.sys() && t.Status != statusCreating {
			// sys itself, or the META tenant of a user tenant.
			id, name, kind := t.ID, t.Name, "SYS"
			if !t.sys() {
				id, name, kind = t.ID-1, fmt.Sprintf("META$%d", t.ID), "META"
			}
			rows = append(rows, []any{
				id, name, kind, stamp(t.Created), stamp(t.Modified), t.Zone, t.Locality, nil, modeMySQL, statusNormal, "NO", "NO",
				rolePrimary, stateNormal, int64(0), nil, nil, nil, nil, "NOARCHIVELOG", "DISABLED", int64(1), t.Data, int64(1),
			})
		}
		if t.sys() {
			continue
		}
		sync := t.shownSync(o)
		mode := "NOARCHIVELOG"
		if t.Archive != nil && t.Archive.On {
			mode = "ARCHIVELOG"
		}
		most := int64(1)
		for _, st := range t.Streams {
			most = max(most, st.ID)
		}
		// Documents print the mode in mixed case here and there.
		rows = append(rows, []any{
			t.ID, t.Name, "USER", stamp(t.Created), stamp(t.Modified), t.Zone, t.Locality, nil, t.Mode, t.Status, yesNo(t.Recycled), yesNo(t.Locked),
			t.Role, t.Change, t.Epoch, sync, min(sync, t.Until), sync, t.Until, mode, "DISABLED", int64(1), t.Data, most,
		})
	}
	return rows
}

// shownSync is SYNC_SCN of the tenant's row: NULL-free, the smallest stream.
func (t *tenant) shownSync(o *Cluster) int64 {
	if len(t.Streams) == 0 {
		return minSCN
	}
	least := maxSCN
	for _, s := range t.Streams {
		least = min(least, o.endSCN(t, s))
	}
	return least
}

func streamRows(s *session) (rows [][]any) {
	for _, t := range s.seen() {
		if s.effective.sys() && !t.sys() && len(t.Streams) > 0 {
			rows = append(rows, []any{t.ID - 1, int64(1), "NORMAL", "zone1", int64(0), int64(0), nil, nil, nil, nil, ""})
		}
		for _, st := range t.Streams {
			scn := s.cluster.endSCN(t, st)
			group := int64(0)
			if st.ID > 1 {
				group = st.ID
			}
			rows = append(rows, []any{t.ID, st.ID, "NORMAL", t.Zone, group, group, st.Create, nil, scn, min(scn, t.shownSync(s.cluster)), ""})
		}
	}
	return rows
}

func historyRows(s *session) (rows [][]any) {
	for _, t := range s.seen() {
		for _, h := range t.History {
			rows = append(rows, []any{t.ID, h.ID, h.ID, "NORMAL", "", h.Create})
		}
	}
	return rows
}

func sourceRows(s *session) (rows [][]any) {
	for _, t := range s.seen() {
		if t.Source != nil {
			rows = append(rows, []any{t.ID, int64(1), t.Source.Type, t.Source.value(), t.Until})
		}
	}
	return rows
}

// restoreStatusRows: only leaders have a row, and only on a standby.
func restoreStatusRows(s *session) (rows [][]any) {
	for _, t := range s.seen() {
		if t.sys() || t.Role == rolePrimary {
			continue
		}
		for _, st := range t.Streams {
			if _, ok := s.cluster.leader(t, st.ID); !ok {
				continue
			}
			h := t.health(st)
			rows = append(rows, []any{t.ID, st.ID, st.end(), st.Sync, h.status, h.code, h.comment})
		}
	}
	return rows
}

// health is what the follower last saw of a stream.
func (t *tenant) health(st *stream) health {
	switch {
	case t.follow.past != "":
		return health{t.follow.past, t.follow.code, ""}
	case st.Sync >= t.Until:
		return health{status: syncSuspended}
	}
	if h, ok := t.follow.health[st.ID]; ok {
		return h
	}
	return health{status: syncNone}
}

func init() {
	views["CDB_OB_TENANT_EVENT_HISTORY"] = view{
		since:   "4.2.0.0",
		columns: cols("TENANT_ID:i TIMESTAMP:t MODULE EVENT NAME1 VALUE1 NAME2 VALUE2 NAME3 VALUE3 NAME4 VALUE4 NAME5 VALUE5 NAME6 VALUE6 EXTRA_INFO SVR_IP SVR_PORT:i TRACE_ID COST_TIME:i RET_CODE:i ERROR_MSG"),
		rows:    func(s *session) [][]any { return eventRows(s, false) }, everyTenant: true,
	}
	views["DBA_OB_ROOTSERVICE_EVENT_HISTORY"] = view{
		columns: cols("TIMESTAMP:t MODULE EVENT NAME1 VALUE1 NAME2 VALUE2 NAME3 VALUE3 NAME4 VALUE4 NAME5 VALUE5 NAME6 VALUE6 EXTRA_INFO RS_SVR_IP RS_SVR_PORT:i"),
		rows: func(s *session) [][]any {
			rows := eventRows(s, true)
			for i, row := range rows {
				rows[i] = append(append([]any{}, row[1:17]...), row[17], row[18])
			}
			return rows
		},
	}
}

func eventRows(s *session, root bool) (rows [][]any) {
	at := s.cluster.servers()[0]
	for _, e := range s.cluster.state.Events {
		if e.Root != root {
			continue
		}
		row := []any{e.Tenant, stamp(e.At), e.Module, strings.ToUpper(e.Event)}
		if root {
			row[3] = e.Event
		}
		for i := range 6 {
			if i < len(e.Names) {
				row = append(row, e.Names[i], e.Values[i])
			} else {
				row = append(row, "", "")
			}
		}
		rows = append(rows, append(row, "", at.IP, at.RPCPort, "YB427F000001", e.Cost, e.Code, e.Error))
	}
	return rows
}
