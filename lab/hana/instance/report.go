package instance

import "time"

// Report is what a running daemon says of itself to programs.
type Report struct {
	// Phase is starting, running or stopping.
	Phase    string    `json:"phase"`
	Started  time.Time `json:"started"`
	Services []Service `json:"services"`
	// Rows are the rows of M_SERVICE_REPLICATION, and more columns that only
	// systemReplicationStatus.py shows.
	Rows []map[string]string `json:"rows"`
	// Peers are sites that the nameserver has heard from: name -> mode.
	Peers map[string]string `json:"peers"`
	// Source says how a secondary's source answered last: "", or an error.
	SourceError string `json:"source_error,omitempty"`
}

// Service is one process of the instance.
type Service struct {
	Name        string    `json:"name"` // hdbindexserver
	Description string    `json:"description"`
	Status      string    `json:"status"` // GREEN, YELLOW, RED, GRAY
	Text        string    `json:"text"`
	Since       time.Time `json:"since,omitzero"`
	PID         int       `json:"pid"`
}

// Replication statuses, the worst first, with the exit codes of
// systemReplicationStatus.py.
var Replication = []struct {
	Status string
	Exit   int
}{{"ERROR", 11}, {"UNKNOWN", 12}, {"INITIALIZING", 13}, {"SYNCING", 14}, {"ACTIVE", 15}}

// ReplicationColumns are the columns of M_SERVICE_REPLICATION in the view's
// order, the newer ones last, with their types.
var ReplicationColumns = [][2]string{
	{"HOST", "NVARCHAR(64)"},
	{"PORT", "INTEGER"},
	{"VOLUME_ID", "INTEGER"},
	{"SITE_ID", "INTEGER"},
	{"SITE_NAME", "NVARCHAR(256)"},
	{"SECONDARY_HOST", "NVARCHAR(64)"},
	{"SECONDARY_PORT", "INTEGER"},
	{"SECONDARY_SITE_ID", "INTEGER"},
	{"SECONDARY_SITE_NAME", "NVARCHAR(256)"},
	{"SECONDARY_ACTIVE_STATUS", "VARCHAR(24)"},
	{"SECONDARY_CONNECT_TIME", "LONGDATE"},
	{"SECONDARY_RECONNECT_COUNT", "BIGINT"},
	{"SECONDARY_FAILOVER_COUNT", "BIGINT"},
	{"SECONDARY_FULLY_RECOVERABLE", "VARCHAR(5)"},
	{"REPLICATION_MODE", "VARCHAR(16)"},
	{"REPLICATION_STATUS", "VARCHAR(16)"},
	{"REPLICATION_STATUS_DETAILS", "NVARCHAR(1024)"},
	{"FULL_SYNC", "VARCHAR(8)"},
	{"LAST_LOG_POSITION", "BIGINT"},
	{"LAST_LOG_POSITION_TIME", "LONGDATE"},
	{"LAST_SAVEPOINT_VERSION", "BIGINT"},
	{"LAST_SAVEPOINT_LOG_POSITION", "BIGINT"},
	{"LAST_SAVEPOINT_START_TIME", "LONGDATE"},
	{"SHIPPED_LOG_POSITION", "BIGINT"},
	{"SHIPPED_LOG_POSITION_TIME", "LONGDATE"},
	{"SHIPPED_LOG_BUFFERS_COUNT", "BIGINT"},
	{"SHIPPED_LOG_BUFFERS_SIZE", "BIGINT"},
	{"SHIPPED_LOG_BUFFERS_DURATION", "BIGINT"},
	{"REPLAYED_LOG_POSITION", "BIGINT"},
	{"REPLAYED_LOG_POSITION_TIME", "LONGDATE"},
	{"SHIPPED_SAVEPOINT_VERSION", "BIGINT"},
	{"SHIPPED_SAVEPOINT_LOG_POSITION", "BIGINT"},
	{"SHIPPED_SAVEPOINT_START_TIME", "LONGDATE"},
	{"SHIPPED_FULL_REPLICA_COUNT", "BIGINT"},
	{"SHIPPED_FULL_REPLICA_SIZE", "BIGINT"},
	{"SHIPPED_FULL_REPLICA_DURATION", "BIGINT"},
	{"SHIPPED_LAST_FULL_REPLICA_SIZE", "BIGINT"},
	{"SHIPPED_LAST_FULL_REPLICA_START_TIME", "LONGDATE"},
	{"SHIPPED_LAST_FULL_REPLICA_END_TIME", "LONGDATE"},
	{"SHIPPED_DELTA_REPLICA_COUNT", "BIGINT"},
	{"SHIPPED_DELTA_REPLICA_SIZE", "BIGINT"},
	{"SHIPPED_DELTA_REPLICA_DURATION", "BIGINT"},
	{"SHIPPED_LAST_DELTA_REPLICA_SIZE", "BIGINT"},
	{"SHIPPED_LAST_DELTA_REPLICA_START_TIME", "LONGDATE"},
	{"SHIPPED_LAST_DELTA_REPLICA_END_TIME", "LONGDATE"},
	{"ASYNC_BUFFER_FULL_COUNT", "BIGINT"},
	{"BACKLOG_SIZE", "BIGINT"},
	{"MAX_BACKLOG_SIZE", "BIGINT"},
	{"BACKLOG_TIME", "BIGINT"},
	{"MAX_BACKLOG_TIME", "BIGINT"},
	{"OPERATION_MODE", "VARCHAR(24)"},
	{"REPLAY_BACKLOG_SIZE", "BIGINT"},
	{"MAX_REPLAY_BACKLOG_SIZE", "BIGINT"},
	{"REPLAY_BACKLOG_TIME", "BIGINT"},
	{"MAX_REPLAY_BACKLOG_TIME", "BIGINT"},
	{"SECONDARY_FULLY_SYNCED", "VARCHAR(5)"},
	{"RESET_COUNT", "BIGINT"},
	{"LAST_RESET_TIME", "LONGDATE"},
	{"CREATION_TIME", "LONGDATE"},
}
