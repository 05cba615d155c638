package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// shown is a shipment's state at one moment.
type shown struct {
	status, details string
	connected       time.Time
	reconnects      int64
	kept, replayed  point
	full, delta     replica
	buffers, bytes  int64
	backlogMax      int64
	created         time.Time
	live            bool
}

func (s *shipment) view() shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return shown{
		s.status, s.details, s.connected, s.reconnects, s.kept, s.replayed, s.full, s.delta, s.buffers, s.bytes, s.backlogMax, s.created, s.conn != nil,
	}
}

// replicationRows are the rows of M_SERVICE_REPLICATION: one per volume and
// secondary site, of all databases.
func (e *engine) replicationRows() []map[string]any {
	site := e.siteNow()
	var all []map[string]any
	for _, k := range site.Targets(site.ID) {
		for _, v := range e.volumes {
			all = append(all, e.replicationRow(site, k, v))
		}
	}
	return all
}

func (e *engine) replicationRow(site instance.Site, k instance.Known, v *volume) map[string]any {
	s := e.shipment(k.Name, v).view()
	last, _, _ := v.state()
	host := ""
	if index := slices.Index(e.conf.Members, e.conf.Host); index < len(k.Hosts) {
		host = k.Hosts[index]
	}
	status, details := e.lied(s.status, s.details)
	row := map[string]any{
		"TRUE_STATUS": s.status, "DATABASE": v.database, "SERVICE_NAME": v.service,
		"HOST": e.conf.Host, "PORT": int64(v.port), "VOLUME_ID": int64(v.id), "SITE_ID": int64(site.ID), "SITE_NAME": site.Name,
		"SECONDARY_HOST": host, "SECONDARY_PORT": int64(v.port), "SECONDARY_SITE_ID": int64(k.ID), "SECONDARY_SITE_NAME": k.Name,
		"SECONDARY_ACTIVE_STATUS": e.activeStatus(k, s), "SECONDARY_CONNECT_TIME": when(s.connected), "SECONDARY_RECONNECT_COUNT": s.reconnects,
		"SECONDARY_FAILOVER_COUNT": int64(0), "SECONDARY_FULLY_RECOVERABLE": "TRUE",
		"REPLICATION_MODE": strings.ToUpper(k.Mode), "REPLICATION_STATUS": status, "REPLICATION_STATUS_DETAILS": details,
		"FULL_SYNC": fullSyncText(site.FullSync, s.status), "OPERATION_MODE": k.OperationMode,
		"LAST_LOG_POSITION": last.Pos * logBlock, "LAST_LOG_POSITION_TIME": when(last.At),
		"LAST_SAVEPOINT_VERSION": last.Pos / 100, "LAST_SAVEPOINT_LOG_POSITION": last.Pos / 100 * 100 * logBlock, "LAST_SAVEPOINT_START_TIME": when(last.At),
		"SHIPPED_LOG_POSITION": s.kept.Pos * logBlock, "SHIPPED_LOG_POSITION_TIME": when(s.kept.At),
		"SHIPPED_LOG_BUFFERS_COUNT": s.buffers, "SHIPPED_LOG_BUFFERS_SIZE": s.bytes, "SHIPPED_LOG_BUFFERS_DURATION": s.buffers * 100,
		"REPLAYED_LOG_POSITION": s.replayed.Pos * logBlock, "REPLAYED_LOG_POSITION_TIME": when(s.replayed.At),
		"SHIPPED_SAVEPOINT_VERSION": s.kept.Pos / 100, "SHIPPED_SAVEPOINT_LOG_POSITION": s.kept.Pos / 100 * 100 * logBlock, "SHIPPED_SAVEPOINT_START_TIME": when(s.kept.At),
		"ASYNC_BUFFER_FULL_COUNT": int64(0), "BACKLOG_SIZE": (last.Pos - s.kept.Pos) * logBlock, "MAX_BACKLOG_SIZE": s.backlogMax * logBlock,
		"BACKLOG_TIME": age(last, s.kept), "MAX_BACKLOG_TIME": age(last, s.kept),
		"REPLAY_BACKLOG_SIZE": (s.kept.Pos - s.replayed.Pos) * logBlock, "MAX_REPLAY_BACKLOG_SIZE": (s.kept.Pos - s.replayed.Pos) * logBlock,
		"REPLAY_BACKLOG_TIME": age(s.kept, s.replayed), "MAX_REPLAY_BACKLOG_TIME": age(s.kept, s.replayed),
		"SECONDARY_FULLY_SYNCED": map[bool]string{true: "TRUE", false: "FALSE"}[s.status == statusActive],
		"RESET_COUNT":            int64(0), "LAST_RESET_TIME": nil, "CREATION_TIME": when(s.created),
	}
	putReplica(row, "FULL", s.full)
	putReplica(row, "DELTA", s.delta)
	return row
}

func putReplica(row map[string]any, kind string, r replica) {
	row["SHIPPED_"+kind+"_REPLICA_COUNT"] = r.Count
	row["SHIPPED_"+kind+"_REPLICA_SIZE"] = r.Size << 10
	row["SHIPPED_"+kind+"_REPLICA_DURATION"] = r.Duration.Microseconds()
	row["SHIPPED_LAST_"+kind+"_REPLICA_SIZE"] = r.LastSize << 10
	row["SHIPPED_LAST_"+kind+"_REPLICA_START_TIME"] = when(r.Start)
	row["SHIPPED_LAST_"+kind+"_REPLICA_END_TIME"] = when(r.End)
}

// lied is what the views say when a fault makes them lie.
func (e *engine) lied(status, details string) (string, string) {
	if _, on := e.conf.Fault("status-lies"); on {
		return statusActive, ""
	}
	if _, on := e.conf.Fault("status-flaps"); on && status == statusActive && now().UnixMilli()/250%2 == 0 {
		return statusSyncing, details
	}
	return status, details
}

func fullSyncText(on bool, status string) string {
	switch {
	case !on:
		return "DISABLED"
	case status == statusActive:
		return "ACTIVE"
	}
	return "ENABLED"
}

// activeStatus is SECONDARY_ACTIVE_STATUS.
func (e *engine) activeStatus(k instance.Known, s shown) string {
	e.mu.Lock()
	p, heard := e.peers[k.Name]
	e.mu.Unlock()
	switch {
	case heard && p.failures == 0 && p.state.Mode == instance.ModePrimary:
		return "PRIMARY"
	case heard && p.failures >= lostAfter:
		return "CONNECTION TIMEOUT"
	case heard && p.failures == 0 && p.state.Phase == starting:
		return "STARTING"
	case heard && p.failures == 0 && p.state.Phase == stopping:
		return "STOPPING"
	case s.live:
		return "YES"
	case s.connected.IsZero():
		return "UNKNOWN"
	}
	return "CONNECTION TIMEOUT"
}

// when is a time as views keep it; the zero time is NULL.
func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// age is how far b is behind a, in microseconds.
func age(a, b point) int64 {
	if a.Pos <= b.Pos || b.At.IsZero() {
		return 0
	}
	return a.At.Sub(b.At).Microseconds()
}

// scriptTime is a time as the scripts print it.
const scriptTime = "2006-01-02 15:04:05.000000"

// report is the operation "state".
func (e *engine) report(ctx context.Context, _ instance.Nothing) (instance.Report, error) {
	r := instance.Report{
		Phase: map[phase]string{starting: "starting", running: "running", stopping: "stopping"}[e.phaseNow()],
		Peers: map[string]string{}, Started: e.started, Services: e.serviceList(),
	}
	for _, row := range e.replicationRows() {
		shown := map[string]string{}
		for k, v := range row {
			switch v := v.(type) {
			case nil:
				shown[k] = "-"
			case string:
				shown[k] = v
				if isStamp(v) {
					at, _ := parseStamp(v)
					shown[k] = at.Format(scriptTime)
				}
			default:
				shown[k] = fmt.Sprint(v)
			}
		}
		r.Rows = append(r.Rows, shown)
	}
	for _, w := range e.workers() {
		var more instance.Report
		if e.askWorker(ctx, w, "state", instance.Nothing{}, &more) == nil {
			r.Rows = append(r.Rows, more.Rows...)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, p := range e.peers {
		if p.failures == 0 {
			r.Peers[name] = p.state.Mode
		}
	}
	r.SourceError = e.source.error
	return r, nil
}
