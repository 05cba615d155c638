package oceanbase

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

const (
	settings = "tenant: orders\nreplication_user: repl\nreplication_password: repl\n"
	eastSite = "addresses: [10.0.1.1:2881]\npassword: east-sys\nresource_pool: pool_e\narchive_dest: file:///backup/east/archive\nbackup_dest: file:///backup/east/data\n"
	westSite = "addresses: [10.0.2.1:2881]\npassword: west-sys\nresource_pool: pool_w\narchive_dest: file:///backup/west/archive\nbackup_dest: file:///backup/west/data\n"
	farSite  = "addresses: [10.0.3.1:2881]\npassword: west-sys\nresource_pool: pool_s\n"
)

func decode(t testing.TB, set string, sites map[string]string) *system {
	t.Helper()
	e := kit.Entry{Name: "orders", Node: adaptertest.YAML(set)}
	for _, n := range sortedKeys(sites) {
		e.Sites = append(e.Sites, kit.SiteEntry{Name: n, Node: adaptertest.YAML(sites[n])})
	}
	s, err := Adapter{}.Decode(e)
	require.NoError(t, err)
	return s.(*system)
}

const base = SCN(1765000000000000000)

// newCluster is a healthy tenant with two log streams on one server.
func newCluster(n int, role string) *cluster {
	ip := fmt.Sprintf("10.0.%d.1", n)
	access, at := "APPEND", base
	if role == roleStandby {
		access, at = "RAW_WRITE", base-50_000_000
	}
	id := strconv.Itoa(1000 + 2*n)
	meta := strconv.Itoa(1000 + 2*n - 1)
	c := &cluster{views: map[string][]map[string]string{
		"VERSION()": {{"VERSION()": "5.7.25-OceanBase-v4.2.5.4"}},
		"NOW(6)":    {{"NOW(6)": "2026-11-21 12:00:00.000000"}},
		"GV$OB_PARAMETERS": {
			{"NAME": "cluster_id", "VALUE": strconv.Itoa(n)},
			{"NAME": "server_permanent_offline_time", "VALUE": "3600s"},
		},
		"DBA_OB_TENANTS": {{
			"TENANT_ID": id, "TENANT_NAME": "orders", "TENANT_TYPE": "USER", "COMPATIBILITY_MODE": "MYSQL", "STATUS": "NORMAL", "IN_RECYCLEBIN": "NO", "LOCKED": "NO",
			"TENANT_ROLE": role, "SWITCHOVER_STATUS": "NORMAL", "SWITCHOVER_EPOCH": "77", "SYNC_SCN": at.String(), "REPLAYABLE_SCN": at.String(),
			"READABLE_SCN": at.String(), "RECOVERY_UNTIL_SCN": maxSCN.String(), "LOG_MODE": "NOARCHIVELOG", "COMPATIBLE": "4.2.5.4",
		}},
		"DBA_OB_SERVERS":              {{"SVR_IP": ip, "SVR_PORT": "2882", "STATUS": "ACTIVE"}},
		"DBA_OB_UNITS":                {{"TENANT_ID": id, "SVR_IP": ip, "SVR_PORT": "2882"}},
		"CDB_OB_LOG_RESTORE_SOURCE":   {},
		"V$OB_LS_LOG_RESTORE_STATUS":  {},
		"CDB_OB_ARCHIVELOG":           {},
		"V$OB_ARCHIVE_DEST_STATUS":    {},
		"CDB_OB_LS_HISTORY":           {{"TENANT_ID": id, "LS_ID": "1"}, {"TENANT_ID": id, "LS_ID": "1001"}},
		"CDB_OB_TENANT_EVENT_HISTORY": {},
		"CDB_OB_BACKUP_JOBS":          {},
		"CDB_OB_BACKUP_JOB_HISTORY":   {},
		"CDB_OB_RESTORE_PROGRESS":     {},
		"CDB_OB_RESTORE_HISTORY":      {},
	}}
	for _, v := range [][2]string{{id, "1"}, {id, "1001"}, {meta, "1"}} {
		c.views["CDB_OB_LS"] = append(c.views["CDB_OB_LS"], map[string]string{"TENANT_ID": v[0], "LS_ID": v[1], "STATUS": "NORMAL", "SYNC_SCN": at.String()})
		c.views["GV$OB_LOG_STAT"] = append(c.views["GV$OB_LOG_STAT"], map[string]string{
			"TENANT_ID": v[0], "LS_ID": v[1], "SVR_IP": ip, "SVR_PORT": "2882", "ROLE": "LEADER", "ACCESS_MODE": access, "BEGIN_LSN": "4096", "END_LSN": "90000", "END_SCN": at.String(),
		})
		c.views["CDB_OB_LS_LOCATIONS"] = append(c.views["CDB_OB_LS_LOCATIONS"], map[string]string{
			"TENANT_ID": v[0], "LS_ID": v[1], "SVR_IP": ip, "SVR_PORT": "2882", "ROLE": "LEADER", "MEMBER_LIST": ip + ":2882:1",
		})
		if role == roleStandby && v[0] == id {
			c.views["V$OB_LS_LOG_RESTORE_STATUS"] = append(c.views["V$OB_LS_LOG_RESTORE_STATUS"], map[string]string{
				"TENANT_ID": id, "LS_ID": v[1], "SYNC_SCN": at.String(), "SYNC_STATUS": "NORMAL", "ERR_CODE": "0",
			})
		}
	}
	return c
}

// follow gives a standby its source.
func (c *cluster) follow(n int) {
	c.views["CDB_OB_LOG_RESTORE_SOURCE"] = []map[string]string{{
		"TENANT_ID": c.views["DBA_OB_TENANTS"][0]["TENANT_ID"], "TYPE": "SERVICE",
		"VALUE": fmt.Sprintf("IP_LIST=10.0.%d.1:2881,USER=repl@orders,PASSWORD=s3cr3t(x)=1,TENANT_ID=%d,CLUSTER_ID=%d,COMPATIBILITY_MODE=MYSQL,IS_ENCRYPTED=false", n, 1000+2*n, n),
	}}
}

// world is a primary east and standbys that follow it.
type world struct {
	t    testing.TB
	sys  *system
	w    wires
	east *cluster
	west *cluster
	far  *cluster
	memo *dr.Memory
	base *dr.Baseline
}

func newWorld(t testing.TB, set string) *world {
	w := &world{t: t, sys: decode(t, settings+set, map[string]string{"east": eastSite, "west": westSite}), east: newCluster(1, rolePrimary), west: newCluster(2, roleStandby)}
	w.west.follow(1)
	w.w = wires{"10.0.1.1:2881": w.east, "10.0.2.1:2881": w.west}
	return w
}

// third adds another standby.
func (w *world) third(set string) {
	w.sys = decode(w.t, settings+set, map[string]string{"east": eastSite, "west": westSite, "south": farSite})
	w.far = newCluster(3, roleStandby)
	w.far.follow(1)
	w.w["10.0.3.1:2881"] = w.far
}

func (w *world) observe() dr.Situation {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return adaptertest.Observe(context.Background(), w.sys, testEnv(w.t, w.w), dr.Situation{System: "orders", Product: "oceanbase", At: at, Memory: w.memo, Baseline: w.base})
}

func (w *world) plan(req dr.Request, g dr.Gate) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "orders", "test"
	return d, w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: "5117e001", Baseline: w.base}, d)
}

// steps gives a draft's steps, one line each: ID, action, shown commands.
func (w *world) steps(req dr.Request, g dr.Gate) ([]dr.Step, *kit.Draft) {
	w.t.Helper()
	d, err := w.plan(req, g)
	require.NoError(w.t, err)
	return adaptertest.Steps(w.t, req, g, d), d
}

func lines(steps []dr.Step) string {
	var b strings.Builder
	for _, st := range steps {
		fmt.Fprintf(&b, "%s %s", st.ID, st.Action)
		if st.Kind != dr.KindRead {
			fmt.Fprintf(&b, " %s", strings.Join(st.Commands, "; "))
		}
		b.WriteString("\n")
		if st.Undo != nil {
			fmt.Fprintf(&b, "  undo %s %s\n", st.Undo.Action, strings.Join(st.Undo.Commands, "; "))
		}
	}
	return b.String()
}

func find(t testing.TB, steps []dr.Step, action string) dr.Step {
	t.Helper()
	for _, st := range steps {
		if st.Action == action {
			return st
		}
	}
	t.Fatalf("no step of %s in\n%s", action, lines(steps))
	return dr.Step{}
}

func actionOf(t testing.TB, name string) kit.Action { return adaptertest.Action(t, Adapter{}, name) }

func (w *world) execute(st dr.Step) (kit.StepResult, error) {
	return kit.Execute(context.Background(), testEnv(w.t, w.w), actionOf(w.t, st.Action), st)
}

var (
	takePlanned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"}
	takeUnplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"}
	goBack        = dr.Request{Procedure: dr.ProcFailback}
	seedEast      = dr.Request{Procedure: dr.ProcReseed, To: "east"}
)

func requireRefusal(t testing.TB, err error, code, text string) {
	t.Helper()
	require.True(t, dr.HasCode(err, code), "%v", err)
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
	require.ErrorContains(t, err, text)
	require.NotEmpty(t, dr.AsError(err, "").Next)
}
