package hana

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// SQL is what SYSTEMDB of a site said.
type SQL struct {
	// Login is yes when a session was opened, no when the server refused it,
	// and unknown when nothing answered. A secondary's ports are closed.
	Login dr.Tri `json:"login"`
	Text  string `json:"text,omitempty"`
	// SID is the connected system's own.
	SID       string     `json:"sid,omitempty"`
	Databases []Database `json:"databases,omitempty"`
	// Rows is the replication of every service of every database.
	Rows []Service `json:"rows,omitempty"`
	// Incomplete says why Rows may lack some.
	Incomplete string     `json:"incomplete,omitempty"`
	Takeovers  []Takeover `json:"takeovers,omitempty"`
	// HistoryRead is set when the takeover history could be read, so that no
	// rows means no takeovers.
	HistoryRead bool `json:"history_read,omitempty"`
}

// Database is a row of M_DATABASES.
type Database struct {
	Name   string `json:"name"`
	Active string `json:"active"`
}

// Takeover is a row of M_SYSTEM_REPLICATION_TAKEOVER_HISTORY; times are texts
// of the server's clock.
type Takeover struct {
	Start       string `json:"start"`
	End         string `json:"end,omitempty"`
	Source      string `json:"source,omitempty"`
	Site        string `json:"site"`
	Type        string `json:"type,omitempty"`
	Mode        string `json:"mode,omitempty"`
	Operation   string `json:"operation,omitempty"`
	Status      string `json:"status,omitempty"`
	LogPos      string `json:"log_pos,omitempty"`
	LogTime     string `json:"log_time,omitempty"`
	ShippedPos  string `json:"shipped_pos,omitempty"`
	ShippedTime string `json:"shipped_time,omitempty"`
}

// The statements. Columns are named, because newer revisions have more.
const (
	queryDatabase  = `SELECT SYSTEM_ID, DATABASE_NAME FROM M_DATABASE`
	queryDatabases = `SELECT DATABASE_NAME, ACTIVE_STATUS FROM M_DATABASES`
	queryHistory   = `SELECT TAKEOVER_START_TIME, TAKEOVER_END_TIME, SOURCE_SITE_NAME, SITE_NAME, TAKEOVER_TYPE, OPERATION_MODE, REPLICATION_MODE, ` +
		`REPLICATION_STATUS, LOG_POSITION, LOG_POSITION_TIME, SHIPPED_LOG_POSITION, SHIPPED_LOG_POSITION_TIME FROM M_SYSTEM_REPLICATION_TAKEOVER_HISTORY ORDER BY TAKEOVER_START_TIME`
	serviceColumns = `HOST, PORT, VOLUME_ID, SECONDARY_HOST, SECONDARY_SITE_NAME, SECONDARY_ACTIVE_STATUS, SECONDARY_CONNECT_TIME, REPLICATION_MODE, REPLICATION_STATUS, ` +
		`REPLICATION_STATUS_DETAILS, FULL_SYNC, LAST_LOG_POSITION, LAST_LOG_POSITION_TIME, SHIPPED_LOG_POSITION, SHIPPED_LOG_POSITION_TIME, ` +
		`SHIPPED_LAST_FULL_REPLICA_START_TIME, SHIPPED_LAST_FULL_REPLICA_END_TIME, SHIPPED_LAST_DELTA_REPLICA_START_TIME`
	queryServices    = `SELECT ` + serviceColumns + ` FROM M_SERVICE_REPLICATION`
	queryAllServices = `SELECT DATABASE_NAME, ` + serviceColumns + ` FROM SYS_DATABASES.M_SERVICE_REPLICATION`
)

// readSQL reads SYSTEMDB, and every tenant for its own services.
func (p Place) readSQL(ctx context.Context, env kit.Env) SQL {
	ctx, cancel := context.WithTimeout(ctx, sqlPatience)
	defer cancel()
	conn, done, err := p.connect(ctx, env, systemDB, sqlPatience)
	if err != nil {
		e := dr.AsError(err, "sql")
		out := SQL{Text: e.Text}
		if e.Code == "sql_login" {
			out.Login = dr.No
		}
		return out
	}
	defer done()
	rows, err := rowsOf(ctx, p, systemDB, conn, queryDatabase)
	if err != nil || len(rows) != 1 {
		return SQL{Text: "SYSTEMDB took the login and did not say which system it is: " + errText(err)}
	}
	out := SQL{Login: dr.Yes, SID: rows[0]["SYSTEM_ID"], Text: "SYSTEMDB answers"}
	if rows, err = rowsOf(ctx, p, systemDB, conn, queryDatabases); err == nil {
		for _, r := range rows {
			out.Databases = append(out.Databases, Database{Name: r["DATABASE_NAME"], Active: r["ACTIVE_STATUS"]})
		}
	}
	if rows, err = rowsOf(ctx, p, systemDB, conn, queryHistory); err == nil {
		out.HistoryRead = true
		out.Takeovers = takeovers(rows)
	}
	if rows, err = rowsOf(ctx, p, systemDB, conn, queryAllServices); err == nil {
		out.Rows = services(rows, "")
		return out
	}
	if rows, err = rowsOf(ctx, p, systemDB, conn, queryServices); err != nil {
		out.Incomplete = errText(err)
		return out
	}
	out.Rows = services(rows, systemDB)
	for _, t := range p.SQL.Tenants {
		rows, err := p.ask(ctx, env, t.Name, queryServices)
		if err != nil {
			out.Incomplete = errText(err)
			continue
		}
		out.Rows = append(out.Rows, services(rows, t.Name)...)
	}
	return out
}

func errText(err error) string {
	if err == nil {
		return "an unexpected number of rows"
	}
	return dr.AsError(err, "sql").Text
}

// services turns rows into services; those without a volume belong to standby
// hosts, which replicate nothing.
func services(rows answer, database string) []Service {
	var out []Service
	for _, r := range rows {
		s := Service{Database: database}
		for column, value := range r {
			s.put(column, value)
		}
		if s.Volume != "0" {
			out = append(out, s)
		}
	}
	return out
}

func takeovers(rows answer) []Takeover {
	var out []Takeover
	for _, r := range rows {
		clip := func(column string) string { return dr.Clip(r[column], 80) }
		out = append(out, Takeover{
			Start: clip("TAKEOVER_START_TIME"), End: clip("TAKEOVER_END_TIME"), Source: clip("SOURCE_SITE_NAME"), Site: clip("SITE_NAME"),
			Type: clip("TAKEOVER_TYPE"), Mode: clip("REPLICATION_MODE"), Operation: clip("OPERATION_MODE"), Status: clip("REPLICATION_STATUS"),
			LogPos: clip("LOG_POSITION"), LogTime: clip("LOG_POSITION_TIME"), ShippedPos: clip("SHIPPED_LOG_POSITION"), ShippedTime: clip("SHIPPED_LOG_POSITION_TIME"),
		})
	}
	return out
}

// sameSID says whether the connection led to the system of the inventory.
func (s SQL) sameSID(sid string) bool { return strings.EqualFold(s.SID, sid) }
