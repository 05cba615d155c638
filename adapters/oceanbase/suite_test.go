package oceanbase

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// suiteWorld shows the lab to the suite.
type suiteWorld struct{ *labWorld }

func (s suiteWorld) System() kit.System { return s.sys }

// Env does not wait out workers that do not exist.
func (s suiteWorld) Env() kit.Env {
	e := s.env()
	sleep := e.Sleep
	e.Sleep = func(ctx context.Context, d time.Duration) error { return sleep(ctx, min(d, 5*time.Second)) }
	return e
}

func (s suiteWorld) Secrets() []string {
	var out []string
	for _, v := range s.cred {
		out = append(out, v)
	}
	return out
}

func (s suiteWorld) Input(c adaptertest.Case, run string) kit.PlanInput {
	req := c.Request
	req.System, req.Reason = "orders", "test"
	return kit.PlanInput{Request: req, Gate: c.Gate, Situation: s.observe(), RunID: run, Baseline: s.base}
}

// State tells tenants, roles, sources and archives, without positions.
func (s suiteWorld) State() string {
	var b strings.Builder
	for _, n := range s.sys.Sites() {
		st, _ := s.sys.site(n)
		r, err := st.Place.read(context.Background(), s.env(), partAll)
		if err != nil {
			fmt.Fprintf(&b, "%s: %s\n", n, dr.AsError(err, "").Code)
			continue
		}
		rs := kit.Details[Reading](s.observe())
		fmt.Fprintf(&b, "%s: %s, from %q, %v, archive %s", n, r.role(), s.sys.upstream(n, r, rs), r.Tenant.Until == maxSCN, r.Archive.Status)
		var names []string
		for _, v := range s.sql(n, "SELECT TENANT_NAME, TENANT_TYPE, TENANT_ROLE, SWITCHOVER_STATUS FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_TYPE = 'USER'") {
			names = append(names, fmt.Sprint(v))
		}
		sort.Strings(names)
		b.WriteString(", " + strings.Join(names, " ") + "\n")
	}
	return b.String()
}

func TestTheAdapterPassesTheSuite(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{Adapter: New(), Flips: flips, Cases: []adaptertest.Case{
		{Name: "planned takeover", Request: takePlanned, Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World { return suiteWorld{newLab(t, nil)} }},
		{Name: "unplanned takeover of a primary that nobody follows", Request: takeUnplanned, Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World {
			w := newLab(t, nil)
			w.sql("west", "ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = orders")
			return suiteWorld{w}
		}},
		{Name: "unplanned takeover of a lost site", Request: takeUnplanned, Gate: dr.GateDecide, NoUndo: true, Build: func(t *testing.T) adaptertest.World {
			w := newLab(t, nil)
			h, err := w.lab.Host("east")
			require.NoError(t, err)
			h.PowerOff()
			return suiteWorld{w}
		}},
		{Name: "rebuild by backup and restore", Request: seedEast, Gate: dr.GateOverwrite, Build: func(t *testing.T) adaptertest.World {
			w := failedOver(t, func(e *labkit.Entry) { e.Product["rebuild"] = "restore" })
			w.leaveBackup()
			return suiteWorld{w}
		}},
	}})
}

// leaveBackup is what an earlier run left: an archive and a backup.
func (w *labWorld) leaveBackup() {
	st, _ := w.sys.site("west")
	a := backupArgs{On: st.Place, ArchiveDest: st.ArchiveDest, Dest: st.BackupDest}
	for _, q := range append(a.archiving(), a.backing()...) {
		w.eventually(func() bool {
			s, err := st.Place.open(context.Background(), w.env(), readPatience)
			if err != nil {
				return false
			}
			defer s.close()
			return s.exec(context.Background(), string(q)) == nil
		}, string(q))
	}
	w.eventually(func() bool {
		return len(w.sql("west", "SELECT JOB_ID FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY WHERE STATUS = 'COMPLETED'")) > 0
	}, "the earlier backup is complete")
}

// flips turn what a guard reads into its opposite, of the same length, as the
// wire protocol wants it.
func flips(st dr.Step) []func(string) string {
	replacing := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	normal := replacing("NORMAL", "STRANG")
	switch st.Action {
	case "oceanbase.switch_to_standby", "oceanbase.switch_to_primary", "oceanbase.activate_standby":
		return []func(string) string{normal, replacing("PRIMARY", "STANDBY", "STANDBY", "PRIMARY"), replacing("\x02NO", "\x02ON")}
	case "oceanbase.backup", "oceanbase.start_archive":
		return []func(string) string{normal, replacing("PRIMARY", "STANDBY")}
	}
	return []func(string) string{normal}
}
