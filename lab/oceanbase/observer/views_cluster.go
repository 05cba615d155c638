package observer

import (
	"fmt"
	"sort"
)

func init() {
	views["DBA_OB_SERVERS"] = view{
		columns: cols("SVR_IP SVR_PORT:i ID:i ZONE SQL_PORT:i WITH_ROOTSERVER STATUS START_SERVICE_TIME:t STOP_TIME:t BLOCK_MIGRATE_IN_TIME:t CREATE_TIME:t MODIFY_TIME:t BUILD_VERSION LAST_OFFLINE_TIME:t"),
		rows: func(s *session) (rows [][]any) {
			born := s.cluster.state.Tenants[0].Created
			for _, v := range s.cluster.servers() {
				status := "ACTIVE"
				var since, began any = nil, stamp(born)
				if !v.online() {
					status, since, began = "INACTIVE", stamp(v.Since.UnixMicro()), nil
				}
				rows = append(rows, []any{v.IP, v.RPCPort, v.ID, v.Zone, v.SQLPort, yesNo(v.ID == 1), status, began, nil, nil, stamp(born), stamp(born), string(s.cluster.Version) + "_100000012024010100-simulated", since})
			}
			return rows
		},
	}
	views["CDB_OB_LS_LOCATIONS"] = view{
		columns: cols("TENANT_ID:i CREATE_TIME:t MODIFY_TIME:t LS_ID:i SVR_IP SVR_PORT:i SQL_PORT:i ZONE ROLE MEMBER_LIST PAXOS_REPLICA_NUMBER:i REPLICA_TYPE LEARNER_LIST REBUILD"),
		rows:    locationRows, everyTenant: true,
	}
	views["GV$OB_LOG_STAT"] = view{
		columns: cols("TENANT_ID:i LS_ID:i SVR_IP SVR_PORT:i ROLE PROPOSAL_ID:i CONFIG_VERSION ACCESS_MODE PAXOS_MEMBER_LIST PAXOS_REPLICA_NUM:i IN_SYNC BASE_LSN:u BEGIN_LSN:u BEGIN_SCN:u END_LSN:u END_SCN:u MAX_LSN:u MAX_SCN:u ARBITRATION_MEMBER DEGRADED_LIST LEARNER_LIST"),
		rows:    logRows, everyTenant: true,
	}
	views["CDB_OB_ACCESS_POINT"] = view{
		since:   "4.2.0.0",
		columns: cols("TENANT_ID:i TENANT_NAME SVR_IP SQL_PORT:i"),
		rows: func(s *session) (rows [][]any) {
			for _, t := range s.seen() {
				for _, v := range s.cluster.servers() {
					if v.online() {
						rows = append(rows, []any{t.ID, t.Name, v.IP, v.SQLPort})
					}
				}
			}
			return rows
		},
		everyTenant: true,
	}
}

// Units, pools and parameters.
func init() {
	views["DBA_OB_UNITS"] = view{
		columns: cols("UNIT_ID:i TENANT_ID:i STATUS RESOURCE_POOL_ID:i UNIT_GROUP_ID:i CREATE_TIME:t MODIFY_TIME:t ZONE SVR_IP SVR_PORT:i UNIT_CONFIG_ID:i MAX_CPU MEMORY_SIZE"),
		rows:    unitRows,
	}
	views["GV$OB_UNITS"] = view{
		columns: cols("SVR_IP SVR_PORT:i UNIT_ID:i TENANT_ID:i ZONE MAX_CPU MEMORY_SIZE STATUS"),
		rows: func(s *session) (rows [][]any) {
			for _, u := range unitRows(s) {
				if s.effective.sys() || u[1] == s.effective.ID {
					rows = append(rows, []any{u[8], u[9], u[0], u[1], u[7], u[11], u[12], "NORMAL"})
				}
			}
			return rows
		},
	}
	views["DBA_OB_RESOURCE_POOLS"] = view{
		columns: cols("RESOURCE_POOL_ID:i NAME TENANT_ID:i CREATE_TIME:t MODIFY_TIME:t UNIT_COUNT:i UNIT_CONFIG_ID:i ZONE_LIST REPLICA_TYPE"),
		rows: func(s *session) (rows [][]any) {
			born := stamp(s.cluster.state.Tenants[0].Created)
			for _, p := range s.cluster.state.Pools {
				var tenant any
				if p.Tenant != 0 {
					tenant = p.Tenant
				}
				rows = append(rows, []any{p.ID, p.Name, tenant, born, born, p.Number, s.cluster.unitOf(p).ID, s.cluster.zones(), "FULL"})
			}
			return rows
		},
	}
	views["DBA_OB_UNIT_CONFIGS"] = view{
		columns: cols("UNIT_CONFIG_ID:i NAME CREATE_TIME:t MODIFY_TIME:t MAX_CPU MEMORY_SIZE"),
		rows: func(s *session) (rows [][]any) {
			born := stamp(s.cluster.state.Tenants[0].Created)
			for _, u := range s.cluster.state.Units {
				rows = append(rows, []any{u.ID, u.Name, born, born, u.CPU, u.Mem})
			}
			return rows
		},
	}
	views["GV$OB_PARAMETERS"] = view{
		columns: cols("SVR_IP SVR_PORT:i ZONE SVR_TYPE SCOPE TENANT_ID:i NAME DATA_TYPE VALUE INFO SECTION SOURCE EDIT_LEVEL"),
		rows:    parameterRows,
	}
	views["DBA_OB_TENANT_JOBS"] = view{
		columns: cols("JOB_ID:i JOB_TYPE JOB_STATUS RESULT_CODE:i PROGRESS:i START_TIME:t MODIFY_TIME:t TENANT_ID:i SQL_TEXT EXTRA_INFO RS_SVR_IP RS_SVR_PORT:i"),
		rows:    func(*session) [][]any { return nil },
	}
}

func (o *Cluster) zones() string {
	text := ""
	for i := range o.Listen {
		if i > 0 {
			text += ";"
		}
		text += fmt.Sprintf("zone%d", i+1)
	}
	return text
}

func (o *Cluster) unitOf(p pool) unitConfig {
	for _, u := range o.state.Units {
		if u.Name == p.Unit {
			return u
		}
	}
	return unitConfig{}
}

// unitRows: a unit of each pool on each server.
func unitRows(s *session) (rows [][]any) {
	born := stamp(s.cluster.state.Tenants[0].Created)
	id := int64(0)
	for _, p := range s.cluster.state.Pools {
		for _, v := range s.cluster.servers() {
			id++
			if p.Tenant == 0 {
				continue
			}
			u := s.cluster.unitOf(p)
			rows = append(rows, []any{id, p.Tenant, "ACTIVE", p.ID, id, born, born, v.Zone, v.IP, v.RPCPort, u.ID, u.CPU, u.Mem})
		}
	}
	return rows
}

// replicas gives for each log stream, META's included, its leader and the
// servers that hold a replica.
func (s *session) replicas(each func(tenant int64, t *tenant, st *stream, leader server, led bool, members []server)) {
	o := s.cluster
	members := o.members()
	for _, t := range s.seen() {
		if s.effective.sys() && !t.sys() && len(t.Streams) > 0 {
			meta := &tenant{ID: t.ID - 1, Name: fmt.Sprintf("META$%d", t.ID), Role: rolePrimary}
			leader, led := o.leader(meta, 1)
			each(meta.ID, meta, &stream{ID: 1, Access: accessAppend, Sync: minSCN}, leader, led, members)
		}
		for _, st := range t.Streams {
			leader, led := o.leader(t, st.ID)
			each(t.ID, t, st, leader, led, members)
		}
	}
}

func locationRows(s *session) (rows [][]any) {
	born := stamp(s.cluster.state.Tenants[0].Created)
	s.replicas(func(id int64, _ *tenant, st *stream, leader server, led bool, members []server) {
		for _, v := range members {
			role, list := "FOLLOWER", ""
			if led && v.ID == leader.ID {
				role, list = "LEADER", memberList(members)
			}
			rows = append(rows, []any{id, born, born, st.ID, v.IP, v.RPCPort, v.SQLPort, v.Zone, role, list, int64(len(members)), "FULL", "", "FALSE"})
		}
	})
	return rows
}

// logRows: rows of servers that are away are missing.
func logRows(s *session) (rows [][]any) {
	s.replicas(func(id int64, t *tenant, st *stream, leader server, led bool, members []server) {
		end := s.cluster.endSCN(t, &stream{Sync: st.Sync, Access: accessRaw})
		if st.log != nil {
			end = s.cluster.endSCN(t, st)
		}
		for _, v := range members {
			if !v.online() {
				continue
			}
			role := "FOLLOWER"
			if led && v.ID == leader.ID {
				role = "LEADER"
			}
			rows = append(rows, []any{
				id, st.ID, v.IP, v.RPCPort, role, int64(1), "{proposal_id:1, config_seq:1}", st.Access, memberList(members), int64(len(members)), "YES",
				st.Begin, st.Begin, max(st.BeginSCN, st.Create), st.end(), end, st.end(), end, "", "", "",
			})
		}
	})
	return rows
}

func parameterRows(s *session) (rows [][]any) {
	o := s.cluster
	values := map[string]string{"cluster": o.Cluster, "cluster_id": fmt.Sprint(o.clusterID())}
	for name, value := range o.state.Parameters {
		values[name] = value
	}
	if o.knobs.on(knobRich) {
		values["enable_rich_error_msg"] = "True"
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, v := range o.servers() {
		if !v.online() {
			continue
		}
		for _, name := range names {
			rows = append(rows, []any{v.IP, v.RPCPort, v.Zone, "observer", "CLUSTER", nil, name, nil, values[name], "", "ROOT_SERVICE", "DEFAULT", "DYNAMIC_EFFECTIVE"})
		}
	}
	return rows
}
