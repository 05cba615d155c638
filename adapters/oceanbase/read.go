package oceanbase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// part is what a reading asks for, besides the tenant's own row.
type part int

const (
	partStreams part = 1 << iota // log streams, logs of all replicas
	partServers                  // servers, units, replicas
	partSource                   // restore source and its health
	partArchive                  // log archive
	partHistory                  // event history, recycled streams, backups
)

// What readings are made of. A guard reads what it rests on, and no more.
const (
	partTenant = part(0)
	partReady  = partStreams | partServers | partSource
	partAll    = partReady | partArchive | partHistory
)

// read looks at a place. An error means that nothing was read; a part that was
// not recognised is told in Unread.
func (p Place) read(ctx context.Context, env kit.Env, want part) (Reading, error) {
	s, err := p.open(ctx, env, readPatience)
	if err != nil {
		return Reading{}, err
	}
	defer s.close()
	return s.read(ctx, want)
}

func (s *session) read(ctx context.Context, want part) (Reading, error) {
	x := &reader{s: s, ctx: ctx, r: Reading{Unread: map[string]string{}}}
	x.identity()
	x.tenant()
	if t := x.r.Tenant; t != nil {
		x.id = t.ID
		for _, v := range []struct {
			p  part
			do func()
		}{{partStreams, x.streams}, {partServers, x.servers}, {partSource, x.source}, {partArchive, x.archive}, {partHistory, x.history}} {
			if want&v.p != 0 && x.err == nil {
				v.do()
			}
		}
	} else if want&partHistory != 0 && x.err == nil {
		x.lastBackup()
	}
	if x.err != nil {
		return Reading{}, x.err
	}
	if c, id := s.place.Cluster, x.r.Cluster; c != 0 && id != 0 && id != c {
		return Reading{}, dr.HoldReplan("other_cluster", "%s is cluster %d, the plan was made for cluster %d", s.place.Site, id, c).
			WithNext("correct the addresses of %s, then replan", s.place.Site)
	}
	return x.r, nil
}

type reader struct {
	s   *session
	ctx context.Context
	r   Reading
	// id is the tenant's.
	id int64
	// err ends the reading: the connection is gone.
	err error
}

// rows runs a query of a part. A refusal makes the part unknown.
func (x *reader) rows(part, q string) ([]row, bool) {
	if x.err != nil || x.r.Unread[part] != "" {
		return nil, false
	}
	rows, err := x.s.query(x.ctx, q)
	if err == nil {
		return rows, true
	}
	var se *serverError
	if !errors.As(err, &se) && dr.ClassOf(err) == dr.ClassRetry {
		x.err = err
	}
	x.unread(part, err)
	return nil, false
}

func (x *reader) unread(part string, err error) {
	if x.r.Unread[part] == "" {
		x.r.Unread[part] = clip(dr.AsError(err, "read").Text, 200)
	}
}

// view gives a view's name: the sys tenant's, or the tenant's own.
func (x *reader) view(base string) string {
	if x.s.place.Own {
		return "oceanbase.DBA_OB_" + base
	}
	return "oceanbase.CDB_OB_" + base
}

// mine restricts a CDB_ view to the tenant; a DBA_ view has nothing else.
func (x *reader) mine(id int64) string {
	if x.s.place.Own {
		return ""
	}
	return " WHERE TENANT_ID = " + strconv.FormatInt(id, 10)
}

func (x *reader) identity() {
	rows, ok := x.rows("version", "SELECT VERSION()")
	if !ok {
		return
	}
	for _, r := range rows {
		for _, v := range r {
			x.r.VersionText = clip(v, 80)
		}
	}
	if x.r.Version, ok = parseServerVersion(x.r.VersionText); !ok || len(rows) != 1 {
		x.unread("version", fmt.Errorf("the version %q is not recognised", x.r.VersionText))
		return
	}
	x.parameter("cluster_id", func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			return fmt.Errorf("cluster_id %q is not recognised", clip(v, 40))
		}
		x.r.Cluster = n
		return nil
	})
}

// parameter reads a cluster parameter, which must be equal on all servers.
func (x *reader) parameter(name string, take func(string) error) {
	rows, ok := x.rows(name, "SELECT VALUE FROM oceanbase.GV$OB_PARAMETERS WHERE NAME = "+quoteText(name))
	if !ok {
		return
	}
	value := ""
	for i, r := range rows {
		if i > 0 && r["VALUE"] != value {
			x.unread(name, fmt.Errorf("%s differs between servers", name))
			return
		}
		value = r["VALUE"]
	}
	if err := take(value); err != nil {
		x.unread(name, err)
	}
}

const tenantColumns = "TENANT_ID, TENANT_NAME, TENANT_TYPE, COMPATIBILITY_MODE, STATUS, IN_RECYCLEBIN, LOCKED, TENANT_ROLE, SWITCHOVER_STATUS, SWITCHOVER_EPOCH, SYNC_SCN, REPLAYABLE_SCN, READABLE_SCN, RECOVERY_UNTIL_SCN, LOG_MODE"

func (x *reader) tenant() {
	cols := tenantColumns
	if x.r.Version.least(network) {
		cols += ", COMPATIBLE"
	}
	rows, ok := x.rows("tenant", "SELECT "+cols+" FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = "+quoteText(x.s.place.Tenant))
	switch {
	case !ok || x.r.Unread["version"] != "":
		return
	case len(rows) == 0:
		x.r.Missing = true
		return
	case len(rows) > 1:
		x.unread("tenant", fmt.Errorf("there are %d tenants of the name", len(rows)))
		return
	}
	t, err := parseTenant(rows[0])
	if err != nil {
		x.unread("tenant", err)
		return
	}
	if t.Name != x.s.place.Tenant || t.Type != "USER" {
		x.unread("tenant", fmt.Errorf("%s is a tenant of type %s", clip(t.Name, 70), t.Type))
		return
	}
	x.r.Tenant = t
}

func (x *reader) streams() {
	each := func(meta bool, id int64) {
		rows, ok := x.rows("streams", "SELECT LS_ID, STATUS, SYNC_SCN FROM "+x.view("LS")+x.mine(id))
		for _, r := range rows {
			v, err := parseStream(r, meta)
			if err != nil {
				x.unread("streams", err)
			}
			x.r.Streams = append(x.r.Streams, v)
		}
		if ok && len(rows) == 0 {
			x.unread("streams", fmt.Errorf("the tenant %d has no log streams", id))
		}
		rows, _ = x.rows("logs", "SELECT LS_ID, SVR_IP, SVR_PORT, ROLE, ACCESS_MODE, BEGIN_LSN, END_LSN, END_SCN FROM oceanbase.GV$OB_LOG_STAT WHERE TENANT_ID = "+strconv.FormatInt(id, 10))
		for _, r := range rows {
			v, err := parseLog(r, meta)
			if err != nil {
				x.unread("logs", err)
			}
			x.r.Logs = append(x.r.Logs, v)
		}
	}
	each(false, x.id)
	if !x.s.place.Own {
		each(true, x.id-1)
	}
}

// serversUnread is why a tenant's own login cannot tell of servers.
const serversUnread = "a tenant's own login cannot see the cluster's servers"

func (x *reader) servers() {
	if x.s.place.Own {
		x.r.Unread["servers"] = serversUnread
		return
	}
	cols := "SVR_IP, SVR_PORT, STATUS, STOP_TIME"
	if x.r.Version.least(network) {
		cols += ", LAST_OFFLINE_TIME"
	}
	rows, _ := x.rows("servers", "SELECT "+cols+" FROM oceanbase.DBA_OB_SERVERS")
	for _, r := range rows {
		v, err := parseServer(r)
		if err != nil {
			x.unread("servers", err)
		}
		x.r.Servers = append(x.r.Servers, v)
	}
	rows, _ = x.rows("servers", "SELECT SVR_IP, SVR_PORT FROM oceanbase.DBA_OB_UNITS"+x.mine(x.id))
	for _, r := range rows {
		c := &columns{r: r}
		if addr := c.server(); !slices.Contains(x.r.Units, addr) {
			x.r.Units = append(x.r.Units, addr)
		}
		if c.err != nil {
			x.unread("servers", c.err)
		}
	}
	for _, id := range []int64{x.id, x.id - 1} {
		rows, _ = x.rows("servers", "SELECT LS_ID, SVR_IP, SVR_PORT, ROLE, MEMBER_LIST, LEARNER_LIST FROM "+x.view("LS_LOCATIONS")+x.mine(id))
		for _, r := range rows {
			v, err := parseReplica(r)
			if err != nil {
				x.unread("servers", err)
			}
			x.r.Replicas = append(x.r.Replicas, v)
		}
	}
	if x.r.Unread["servers"] == "" && (len(x.r.Servers) == 0 || len(x.r.Units) == 0) {
		x.unread("servers", fmt.Errorf("the views name no servers or no units"))
	}
	x.offlineRule()
}

// offlineRule reads the time after which a server counts as gone for good, and
// the clock to measure it with, when any server is not there.
func (x *reader) offlineRule() {
	if !slices.ContainsFunc(x.r.Servers, func(s Server) bool { return s.Status != "ACTIVE" || s.Offline != nil }) {
		return
	}
	x.parameter("server_permanent_offline_time", func(v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return fmt.Errorf("server_permanent_offline_time %q is not recognised", clip(v, 40))
		}
		x.r.PermanentAfter = dr.Duration(d)
		return nil
	})
	rows, _ := x.rows("clock", "SELECT NOW(6)")
	for _, r := range rows {
		for _, v := range r {
			if t, err := parseClock(v); err == nil {
				x.r.Clock = &t
			}
		}
	}
}

func (x *reader) source() {
	if !x.r.Version.least(network) {
		x.r.Unread["source"] = "versions before 4.2 have no view of the source"
		return
	}
	rows, ok := x.rows("source", "SELECT TYPE, VALUE FROM "+x.view("LOG_RESTORE_SOURCE")+x.mine(x.id))
	if ok && len(rows) == 0 {
		x.r.NoSource = true
	}
	for _, r := range rows {
		v, err := parseSource(r)
		if err != nil || len(rows) > 1 {
			x.unread("source", fmt.Errorf("the source is not recognised"))
			break
		}
		x.r.Source = v
	}
	if x.r.Tenant.Role != roleStandby {
		return
	}
	rows, _ = x.rows("fetch", "SELECT LS_ID, SYNC_SCN, SYNC_STATUS, ERR_CODE FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE TENANT_ID = "+strconv.FormatInt(x.id, 10))
	for _, r := range rows {
		v, err := parseFetch(r)
		if err != nil {
			x.unread("fetch", err)
		}
		x.r.Fetch = append(x.r.Fetch, v)
	}
}
