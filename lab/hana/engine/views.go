package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// column is a view's column.
type column struct{ name, typ string }

// view is one of the M_ views. Its rows are computed for every query.
type view struct {
	name    string
	columns []column
	rows    func(ctx context.Context, d *database) ([]map[string]any, error)
	// systemOnly views exist in the system database only.
	systemOnly bool
}

func columns(text string) []column {
	var all []column
	for _, c := range strings.Split(text, ", ") {
		name, typ, _ := strings.Cut(c, " ")
		all = append(all, column{name, typ})
	}
	return all
}

// viewList are the views that a lab computes. Column lists follow SAP's own
// statement collection (Note 1969700) and the SQL reference.
var viewList []view

func init() {
	var service []column
	for _, c := range instance.ReplicationColumns {
		service = append(service, column{c[0], c[1]})
	}
	viewList = []view{
		{name: "M_SERVICE_REPLICATION", columns: service, rows: serviceReplication},
		{name: "M_SYSTEM_REPLICATION", rows: systemReplication, columns: columns("SITE_ID INTEGER, SITE_NAME NVARCHAR(256), SECONDARY_SITE_ID INTEGER, SECONDARY_SITE_NAME NVARCHAR(256), REPLICATION_MODE VARCHAR(16), REPLICATION_STATUS VARCHAR(16), OPERATION_MODE VARCHAR(24), TIER INTEGER")},
		{name: "M_SYSTEM_REPLICATION_TAKEOVER_HISTORY", rows: takeoverHistory, columns: columns("TAKEOVER_START_TIME LONGDATE, TAKEOVER_END_TIME LONGDATE, SOURCE_SITE_ID INTEGER, SOURCE_SITE_NAME NVARCHAR(256), SOURCE_MASTER_NAMESERVER_HOST NVARCHAR(64), SOURCE_VERSION VARCHAR(32), SITE_ID INTEGER, SITE_NAME NVARCHAR(256), MASTER_NAMESERVER_HOST NVARCHAR(64), VERSION VARCHAR(32), TAKEOVER_TYPE VARCHAR(16), OPERATION_MODE VARCHAR(24), REPLICATION_MODE VARCHAR(16), REPLICATION_STATUS VARCHAR(16), LOG_POSITION BIGINT, LOG_POSITION_TIME LONGDATE, SHIPPED_LOG_POSITION BIGINT, SHIPPED_LOG_POSITION_TIME LONGDATE")},
		{name: "M_DATABASE", rows: thisDatabase, columns: columns("SYSTEM_ID VARCHAR(32), DATABASE_NAME NVARCHAR(256), HOST NVARCHAR(64), START_TIME LONGDATE, VERSION VARCHAR(32), USAGE VARCHAR(32)")},
		{name: "M_DATABASES", rows: databases, systemOnly: true, columns: columns("DATABASE_NAME NVARCHAR(256), DESCRIPTION NVARCHAR(1024), ACTIVE_STATUS VARCHAR(16), ACTIVE_STATUS_DETAILS NVARCHAR(1024), OS_USER NVARCHAR(256), OS_GROUP NVARCHAR(256), RESTART_MODE VARCHAR(16), FALLBACK_SNAPSHOT_CREATE_TIME LONGDATE")},
		{name: "M_SERVICES", rows: serviceRows, columns: columns("HOST NVARCHAR(64), PORT INTEGER, SERVICE_NAME VARCHAR(32), PROCESS_ID INTEGER, DETAIL VARCHAR(32), ACTIVE_STATUS VARCHAR(16), SQL_PORT INTEGER, COORDINATOR_TYPE VARCHAR(16)")},
		{name: "M_LANDSCAPE_HOST_CONFIGURATION", rows: landscape, columns: columns("HOST NVARCHAR(64), HOST_ACTIVE VARCHAR(16), HOST_STATUS VARCHAR(16), FAILOVER_STATUS VARCHAR(16), REMOVE_STATUS VARCHAR(16), STORAGE_CONFIG_PARTITION INTEGER, STORAGE_ACTUAL_PARTITION INTEGER, FAILOVER_CONFIG_GROUP VARCHAR(16), FAILOVER_ACTUAL_GROUP VARCHAR(16), NAMESERVER_CONFIG_ROLE VARCHAR(16), NAMESERVER_ACTUAL_ROLE VARCHAR(16), INDEXSERVER_CONFIG_ROLE VARCHAR(16), INDEXSERVER_ACTUAL_ROLE VARCHAR(16)")},
		{name: "M_LOG_SEGMENTS", rows: logSegments, columns: columns("HOST NVARCHAR(64), PORT INTEGER, VOLUME_ID INTEGER, PARTITION_ID INTEGER, SEGMENT_ID INTEGER, STATE VARCHAR(16), USED_SIZE BIGINT, TOTAL_SIZE BIGINT, MIN_POSITION BIGINT, MAX_POSITION BIGINT")},
		{name: "M_BACKUP_CATALOG", rows: backupCatalog, columns: columns("ENTRY_ID BIGINT, ENTRY_TYPE_NAME VARCHAR(64), BACKUP_ID BIGINT, SYS_START_TIME LONGDATE, UTC_START_TIME LONGDATE, SYS_END_TIME LONGDATE, UTC_END_TIME LONGDATE, STATE_NAME VARCHAR(16), COMMENT NVARCHAR(256), MESSAGE NVARCHAR(1024), SYSTEM_ID VARCHAR(32)")},
		{name: "M_BACKUP_CATALOG_FILES", rows: backupFiles, columns: columns("ENTRY_ID BIGINT, BACKUP_ID BIGINT, SOURCE_ID INTEGER, DESTINATION_TYPE_NAME VARCHAR(16), DESTINATION_PATH NVARCHAR(1024), BACKUP_SIZE BIGINT, HOST NVARCHAR(64), SERVICE_TYPE_NAME VARCHAR(32)")},
		{name: "M_BACKUP_PROGRESS", rows: backupProgress, columns: columns("BACKUP_ID BIGINT, HOST NVARCHAR(64), PORT INTEGER, SERVICE_NAME VARCHAR(32), ENTRY_TYPE_NAME VARCHAR(64), SYS_START_TIME LONGDATE, UTC_START_TIME LONGDATE, SYS_END_TIME LONGDATE, UTC_END_TIME LONGDATE, STATE_NAME VARCHAR(16), BACKUP_SIZE BIGINT, TRANSFERRED_SIZE BIGINT")},
		{name: "M_INIFILE_CONTENTS", rows: iniContents, columns: columns("FILE_NAME VARCHAR(64), LAYER_NAME VARCHAR(16), TENANT_NAME NVARCHAR(256), HOST NVARCHAR(64), SECTION VARCHAR(128), KEY VARCHAR(128), VALUE NVARCHAR(1024)")},
		{name: "VIEW_COLUMNS", rows: viewColumns, columns: columns("SCHEMA_NAME NVARCHAR(256), VIEW_NAME NVARCHAR(256), COLUMN_NAME NVARCHAR(256), POSITION INTEGER, DATA_TYPE_NAME VARCHAR(32)")},
	}
}

// fillViews makes the tables behind the M_ views that a statement names, and
// fills them anew.
func (s *session) fillViews(ctx context.Context, all []token) error {
	for i, t := range all {
		if t.kind != word && t.kind != quoted {
			continue
		}
		for _, v := range viewList {
			if t.value() != v.name {
				continue
			}
			wide := i > 1 && all[i-1].is(".") && all[i-2].value() == "SYS_DATABASES"
			if err := s.fill(ctx, v, wide); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill computes one view. In SYS_DATABASES the system database sees the rows
// of all databases, with their names.
func (s *session) fill(ctx context.Context, v view, wide bool) error {
	system := s.d.name == systemDatabase
	if v.systemOnly && !system || wide && !system {
		return nil // the table is missing, and the query says so
	}
	schema, cols := "SYS", v.columns
	sources := []*database{s.d}
	if wide {
		schema, cols, sources = "SYS_DATABASES", append([]column{{"DATABASE_NAME", "NVARCHAR(256)"}}, cols...), s.d.engine.databases
	}
	at := schema + "." + v.name
	if !s.views[at] {
		var parts []string
		for _, c := range cols {
			parts = append(parts, `"`+c.name+`" `+c.typ)
		}
		if _, err := s.conn.ExecContext(ctx, "create table "+at+" ("+strings.Join(parts, ", ")+")"); err != nil {
			return err
		}
		s.views[at] = true
	}
	if _, err := s.conn.ExecContext(ctx, replaceSchema("delete from @", at)); err != nil {
		return err
	}
	insert := replaceSchema("insert into @ values (?"+strings.Repeat(", ?", len(cols)-1)+")", at)
	for _, d := range sources {
		rows, err := v.rows(ctx, d)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if wide {
				row["DATABASE_NAME"] = d.name
			}
			values := make([]any, len(cols))
			for i, c := range cols {
				values[i] = row[c.name]
			}
			if _, err := s.conn.ExecContext(ctx, insert, values...); err != nil {
				return err
			}
		}
	}
	return nil
}

type rowList = []map[string]any

// serviceReplication has the rows of all hosts, as they report them.
func serviceReplication(ctx context.Context, d *database) (rowList, error) {
	r, err := d.engine.report(ctx, instance.Nothing{})
	var all rowList
	for _, row := range r.Rows {
		if row["DATABASE"] != d.name {
			continue
		}
		values := map[string]any{}
		for _, c := range instance.ReplicationColumns {
			values[c[0]] = row[c[0]]
			if c[1] == "LONGDATE" {
				values[c[0]] = nil
				if at, ok := parseStamp(row[c[0]]); ok {
					values[c[0]] = stamp(at)
				}
			}
		}
		all = append(all, values)
	}
	return all, err
}

func systemReplication(ctx context.Context, d *database) (rowList, error) {
	e := d.engine
	site := e.siteNow()
	worst := map[int]string{}
	r, err := e.report(ctx, instance.Nothing{})
	if err != nil {
		return nil, err
	}
	for _, row := range r.Rows {
		id, err := strconv.Atoi(row["SECONDARY_SITE_ID"])
		if err != nil {
			return nil, err
		}
		worst[id] = worse(worst[id], row["REPLICATION_STATUS"])
	}
	var all rowList
	for _, k := range site.Sites {
		source := site.ByID(k.Source)
		if k.Gone || source == nil {
			continue
		}
		status := worst[k.ID]
		if status == "" {
			status = statusUnknown
		}
		all = append(all, map[string]any{
			"SITE_ID": int64(source.ID), "SITE_NAME": source.Name, "SECONDARY_SITE_ID": int64(k.ID), "SECONDARY_SITE_NAME": k.Name,
			"REPLICATION_MODE": strings.ToUpper(k.Mode), "REPLICATION_STATUS": status, "OPERATION_MODE": k.OperationMode, "TIER": int64(site.Tier(k.ID)),
		})
	}
	return all, nil
}

// worse gives the worse of two statuses; "" is none.
func worse(a, b string) string {
	for _, s := range instance.Replication {
		if a == s.Status || b == s.Status {
			return s.Status
		}
	}
	return b
}

func takeoverHistory(ctx context.Context, d *database) (rowList, error) {
	var all rowList
	err := d.engine.volumes[0].each(ctx, "select body from _SYS_TAKEOVERS order by rowid", func(scan func(...any) error) error {
		var body string
		var h history
		if err := errors.Join(scan(&body), json.Unmarshal([]byte(body), &h)); err != nil {
			return err
		}
		all = append(all, map[string]any{
			"TAKEOVER_START_TIME": when(h.Started), "TAKEOVER_END_TIME": when(h.Ended), "SOURCE_SITE_ID": h.SourceID, "SOURCE_SITE_NAME": h.SourceName,
			"SOURCE_MASTER_NAMESERVER_HOST": h.SourceHost, "SOURCE_VERSION": h.Version, "SITE_ID": h.SiteID, "SITE_NAME": h.SiteName,
			"MASTER_NAMESERVER_HOST": h.Host, "VERSION": h.Version, "TAKEOVER_TYPE": h.Type, "OPERATION_MODE": h.OperationMode,
			"REPLICATION_MODE": strings.ToUpper(h.Mode), "REPLICATION_STATUS": h.Status, "LOG_POSITION": h.LogPos, "LOG_POSITION_TIME": when(h.LogTime),
			"SHIPPED_LOG_POSITION": h.ShippedPos, "SHIPPED_LOG_POSITION_TIME": when(h.ShippedTime),
		})
		return nil
	})
	return all, err
}

// each reads rows of the volume's own tables.
func (v *volume) each(ctx context.Context, q string, row func(scan func(...any) error) error) error {
	v.mu.Lock()
	db := v.db
	v.mu.Unlock()
	if db == nil {
		return errors.New("the volume is not initialised")
	}
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func thisDatabase(_ context.Context, d *database) (rowList, error) {
	return rowList{{
		"SYSTEM_ID": d.engine.conf.SID, "DATABASE_NAME": d.name, "HOST": d.engine.conf.Host, "START_TIME": when(d.engine.started),
		"VERSION": d.engine.conf.Version, "USAGE": "PRODUCTION",
	}}, nil
}

func databases(_ context.Context, d *database) (rowList, error) {
	var all rowList
	for _, other := range d.engine.databases {
		all = append(all, map[string]any{"DATABASE_NAME": other.name, "DESCRIPTION": "", "ACTIVE_STATUS": d.engine.activeState(other), "ACTIVE_STATUS_DETAILS": "", "RESTART_MODE": "DEFAULT"})
	}
	return all, nil
}

func serviceRows(_ context.Context, d *database) (rowList, error) {
	var all rowList
	for _, other := range d.engine.databases {
		if d.name == systemDatabase || other == d {
			all = append(all, map[string]any{
				"HOST": d.engine.conf.Host, "PORT": other.vol.port, "SERVICE_NAME": other.vol.service, "PROCESS_ID": d.engine.pidOf(other), "DETAIL": "master",
				"ACTIVE_STATUS": d.engine.activeState(other), "SQL_PORT": other.port, "COORDINATOR_TYPE": "MASTER",
			})
		}
	}
	return all, nil
}

func landscape(_ context.Context, d *database) (rowList, error) {
	return rowList{{
		"HOST": d.engine.conf.Host, "HOST_ACTIVE": "YES", "HOST_STATUS": "OK", "FAILOVER_STATUS": "", "REMOVE_STATUS": "", "STORAGE_CONFIG_PARTITION": 1,
		"STORAGE_ACTUAL_PARTITION": 1, "FAILOVER_CONFIG_GROUP": "default", "FAILOVER_ACTUAL_GROUP": "default", "NAMESERVER_CONFIG_ROLE": "MASTER 1",
		"NAMESERVER_ACTUAL_ROLE": "MASTER", "INDEXSERVER_CONFIG_ROLE": "WORKER", "INDEXSERVER_ACTUAL_ROLE": "MASTER",
	}}, nil
}

// logSegments shows the kept redo as segments of a hundred rows.
func logSegments(_ context.Context, d *database) (rowList, error) {
	const rows = 100
	v := d.vol
	v.mu.Lock()
	first, last := v.first, v.last.Pos
	v.mu.Unlock()
	var all rowList
	for from := first; from <= last; from += rows {
		to := min(from+rows-1, last)
		state := "RetainedFree"
		if to == last {
			state = "Writing"
		}
		all = append(all, map[string]any{
			"HOST": d.engine.conf.Host, "PORT": v.port, "VOLUME_ID": v.id, "PARTITION_ID": 0, "SEGMENT_ID": len(all), "STATE": state,
			"USED_SIZE": (to - from + 1) * logBlock, "TOTAL_SIZE": int64(rows * logBlock), "MIN_POSITION": from * logBlock, "MAX_POSITION": to * logBlock,
		})
	}
	return all, nil
}

func iniContents(_ context.Context, d *database) (rowList, error) {
	ini, err := instance.ReadIni(d.engine.conf.GlobalIni())
	if err != nil {
		return nil, err
	}
	var all rowList
	for _, section := range ini.Sections() {
		for key, value := range ini.Section(section) {
			all = append(all, map[string]any{"FILE_NAME": "global.ini", "LAYER_NAME": "SYSTEM", "TENANT_NAME": "", "HOST": "", "SECTION": section, "KEY": key, "VALUE": value})
		}
	}
	return all, nil
}

func viewColumns(_ context.Context, d *database) (rowList, error) {
	var all rowList
	for _, v := range viewList {
		for schema, on := range map[string]bool{"SYS": true, "SYS_DATABASES": d.name == systemDatabase} {
			for i, c := range v.columns {
				if on {
					name, _, _ := strings.Cut(c.typ, "(")
					all = append(all, map[string]any{"SCHEMA_NAME": schema, "VIEW_NAME": v.name, "COLUMN_NAME": c.name, "POSITION": i + 1, "DATA_TYPE_NAME": strings.Replace(name, "LONGDATE", "TIMESTAMP", 1)})
				}
			}
		}
	}
	return all, nil
}

// trace writes a line to the daemon's trace file, its standard error.
func trace(format string, args ...any) {
	fmt.Fprintf(traceFile, stamp(now())+" "+format+"\n", args...)
}
