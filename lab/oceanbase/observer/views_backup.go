package observer

import (
	"strconv"
)

func init() {
	views["CDB_OB_ARCHIVELOG"] = view{
		columns: cols("TENANT_ID:i DEST_ID:i ROUND_ID:i INCARNATION:i DEST_NO:i STATUS START_SCN:u START_SCN_DISPLAY:t CHECKPOINT_SCN:u CHECKPOINT_SCN_DISPLAY:t COMPATIBLE BASE_PIECE_ID:i USED_PIECE_ID:i PIECE_SWITCH_INTERVAL INPUT_BYTES:i OUTPUT_BYTES:i COMMENT PATH"),
		rows: func(s *session) (rows [][]any) {
			for _, t := range s.seen() {
				if a := t.Archive; a != nil && a.Round > 0 {
					rows = append(rows, []any{t.ID, t.ID, a.Round, int64(1), int64(0), a.Status, a.Start, display(a.Start), a.Checkpoint, display(a.Checkpoint), "1", int64(1), int64(1), "86400000000", int64(0), int64(0), a.Comment, a.URI})
				}
			}
			return rows
		},
		everyTenant: true,
	}
	views["GV$OB_ARCHIVE_DEST_STATUS"] = view{
		columns: cols("TENANT_ID:i DEST_ID:i PATH STATUS CHECKPOINT_SCN:u SYNCHRONIZED COMMENT"),
		rows: func(s *session) (rows [][]any) {
			for _, t := range s.seen() {
				if a := t.Archive; a != nil {
					synced := a.On && t.is(roleStandby, stateNormal) && len(t.Streams) > 0 && a.Checkpoint >= t.sync()
					rows = append(rows, []any{t.ID, t.ID, a.URI, a.Status, a.Checkpoint, yesNo(synced), a.Comment})
				}
			}
			return rows
		},
		everyTenant: true,
	}
	views["CDB_OB_ARCHIVE_DEST"] = view{
		columns: cols("TENANT_ID:i DEST_NO:i NAME VALUE"),
		rows: func(s *session) (rows [][]any) {
			for _, t := range s.seen() {
				if a := t.Archive; a != nil {
					state := "DISABLE"
					if a.On {
						state = "ENABLE"
					}
					for _, p := range [][2]string{{"binding", "OPTIONAL"}, {"dest_id", strconv.FormatInt(t.ID, 10)}, {"path", a.URI}, {"piece_switch_interval", "1d"}, {"state", state}} {
						rows = append(rows, []any{t.ID, int64(0), p[0], p[1]})
					}
				}
			}
			return rows
		},
		everyTenant: true,
	}
	views["CDB_OB_BACKUP_PARAMETER"] = view{
		columns: cols("TENANT_ID:i NAME VALUE"),
		rows: func(s *session) (rows [][]any) {
			for _, t := range s.seen() {
				if t.Backup != "" {
					rows = append(rows, []any{t.ID, "data_backup_dest", t.Backup})
				}
			}
			return rows
		},
		everyTenant: true,
	}
}

// Backup and restore jobs.
func init() {
	const backup = "TENANT_ID:i JOB_ID:i INCARNATION:i BACKUP_SET_ID:i INITIATOR_TENANT_ID:i INITIATOR_JOB_ID:i EXECUTOR_TENANT_ID PLUS_ARCHIVELOG BACKUP_TYPE JOB_LEVEL ENCRYPTION_MODE PASSWD START_TIMESTAMP:t END_TIMESTAMP:t STATUS RESULT:i COMMENT DESCRIPTION PATH"
	views["CDB_OB_BACKUP_JOBS"] = view{columns: cols(backup), rows: func(s *session) [][]any { return backupRows(s, true) }, everyTenant: true}
	views["CDB_OB_BACKUP_JOB_HISTORY"] = view{columns: cols(backup), rows: func(s *session) [][]any { return backupRows(s, false) }, everyTenant: true}
	views["CDB_OB_BACKUP_TASKS"] = view{
		columns: cols("TENANT_ID:i TASK_ID:i JOB_ID:i INCARNATION:i BACKUP_SET_ID:i START_TIMESTAMP:t END_TIMESTAMP:t STATUS START_SCN:u END_SCN:u ENCRYPTION_MODE PASSWD INPUT_BYTES:i OUTPUT_BYTES:i RESULT:i COMMENT PATH"),
		rows: func(s *session) (rows [][]any) {
			for _, j := range s.cluster.state.Backups {
				if j.Tenant != sysID && j.Status == jobDoing {
					rows = append(rows, []any{j.Tenant, j.ID, j.ID, int64(1), j.Set, stamp(j.Begun), nil, "BACKUP_DATA", int64(0), int64(0), "NONE", nil, int64(0), int64(0), int64(0), "", j.Path})
				}
			}
			return rows
		},
		everyTenant: true,
	}
	const restore = "TENANT_ID:i JOB_ID:i RESTORE_TENANT_NAME RESTORE_TENANT_ID:i BACKUP_TENANT_NAME BACKUP_TENANT_ID:i BACKUP_CLUSTER_NAME BACKUP_DEST RESTORE_OPTION RESTORE_SCN:u RESTORE_SCN_DISPLAY:t STATUS START_TIMESTAMP:t BACKUP_SET_LIST BACKUP_PIECE_LIST TOTAL_BYTES:i TOTAL_BYTES_DISPLAY FINISH_BYTES:i FINISH_BYTES_DISPLAY DESCRIPTION"
	views["CDB_OB_RESTORE_PROGRESS"] = view{columns: cols(restore), rows: progressRows, everyTenant: true}
	views["CDB_OB_RESTORE_HISTORY"] = view{
		columns: cols(restore + " FINISH_TIMESTAMP:t BACKUP_CLUSTER_VERSION LS_COUNT:i FINISH_LS_COUNT:i TABLET_COUNT:i FINISH_TABLET_COUNT:i COMMENT"),
		rows:    restoreHistoryRows, everyTenant: true,
	}
}

func backupRows(s *session, running bool) (rows [][]any) {
	for _, j := range s.cluster.state.Backups {
		if j.running() != running {
			continue
		}
		level, executor, encryption, password := "USER_TENANT", strconv.FormatInt(j.Tenant, 10), "NONE", ""
		initiator := j.Tenant
		if j.Parent != 0 {
			initiator = sysID
		}
		if j.Tenant == sysID {
			level, executor, initiator = "SYS_TENANT", "", sysID
		}
		if j.Encrypted {
			encryption, password = "PASSWORD", "***"
		}
		plus := "OFF"
		if j.PlusLog {
			plus = "ON"
		}
		rows = append(rows, []any{j.Tenant, j.ID, int64(1), j.Set, initiator, j.Parent, executor, plus, j.Type, level, encryption, password, stamp(j.Begun), stamp(j.Ended), j.Status, j.Result, j.Comment, j.Describe, j.Path})
	}
	return rows
}

func (j *restoreJob) row(tenant int64, status string) []any {
	var scn any
	if j.Scn > 0 {
		scn = j.Scn
	}
	dest := j.Data
	if j.Archive != "" {
		dest += "," + j.Archive
	}
	return []any{
		tenant, j.ID, j.Name, j.Tenant, j.From, j.FromID, j.FromName, dest, j.Option, scn, display(j.Scn), status, stamp(j.Begun),
		strconv.FormatInt(j.Set, 10), "1", int64(1048576), "1.00MB", int64(524288), "0.50MB", j.Describe,
	}
}

// progressRows: two rows a job, of tenant 1 and of the new tenant.
func progressRows(s *session) (rows [][]any) {
	for _, j := range s.cluster.state.Restores {
		if j.running() {
			parent := "WAIT_TENANT_RESTORE_FINISH"
			if j.Phase == restorePhases[0] {
				parent = "CREATE_TENANT"
			}
			rows = append(rows, j.row(sysID, parent), j.row(j.Tenant, j.Phase))
		}
	}
	return rows
}

func restoreHistoryRows(s *session) (rows [][]any) {
	for _, j := range s.cluster.state.Restores {
		if !j.running() {
			for _, tenant := range []int64{sysID, j.Tenant} {
				rows = append(rows, append(j.row(tenant, j.Status), stamp(j.Ended), string(s.cluster.Version), int64(3), int64(3), int64(1), int64(1), j.Comment))
			}
		}
	}
	return rows
}
