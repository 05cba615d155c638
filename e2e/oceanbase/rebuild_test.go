package oceanbase_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/recall"
)

// inventory changes the system's entry and starts a worker that knows it.
func (s *stage) inventory(change func(system map[string]any)) {
	s.T.Helper()
	text, err := os.ReadFile(s.Lab.Inventory)
	require.NoError(s.T, err)
	var doc map[string]any
	require.NoError(s.T, yaml.Unmarshal(text, &doc))
	change(doc["systems"].(map[string]any)["orders"].(map[string]any))
	text, err = yaml.Marshal(doc)
	require.NoError(s.T, err)
	require.NoError(s.T, os.WriteFile(s.Lab.Inventory, text, 0o600))
	s.KillWorker()
}

// exporter is a hook that writes the old tenant's rows to a file, as a person
// would with the vendor's client.
func (s *stage) exporter() map[string]any {
	s.T.Helper()
	c, err := mysql.ParseDSN(s.Lab.Endpoints["client"])
	require.NoError(s.T, err)
	s.Shell("east", `umask 077
printf %s '`+c.Passwd+`' >secret
cat >export.sh <<'END'
#!/bin/sh
export MYSQL_PWD="$(cat "$HOME/secret")"
obclient -u `+c.User+` -NB -e 'SELECT n FROM `+c.DBName+`.lab_writes' >"$HOME/export.part" && mv "$HOME/export.part" "$HOME/export"
END
chmod +x export.sh`)
	return map[string]any{
		"name": "export-old", "phase": "restore", "host": "east",
		"run": []string{"sh", "-c", `exec "$HOME/export.sh"`}, "check": []string{"sh", "-c", `test -s "$HOME/export"`},
	}
}

// TestTheWorkerIsKilledInEveryPhaseOfARebuildAndTheOldDataAreExported: after a
// failover the old tenant is exported by a hook, dropped, restored from a backup
// and made primary again, with a worker killed in every phase of all that.
func TestTheWorkerIsKilledInEveryPhaseOfARebuildAndTheOldDataAreExported(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.inventory(func(system map[string]any) {
		own := system["oceanbase"].(map[string]any)
		own["rebuild"], own["old_tenant"] = "restore", "drop"
		system["hooks"] = []any{s.exporter()}
	})
	s.Writes(30)
	e2e.Await(t, limit, "the watch has a proof", func() (bool, string) {
		m, err := recall.From(t.Context(), s.Client, "orders")
		return err == nil && m != nil && m.Proof != nil, fmt.Sprint(err)
	})
	s.Fault("lag", "west", "400")
	s.Writes(30)
	s.Fault("host-down", "east")
	s.done(dr.ProcTakeover, unplanned)
	l := s.LossWithin()
	require.Equal(t, dr.LossWindow, s.Report().Estimated.Kind)
	s.Unfault("lag", "west")
	s.Fault("host-up", "east")
	e2e.Await(t, limit, "east is back", func() (bool, string) { err := s.ping("east"); return err == nil, fmt.Sprint(err) })
	s.statement("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")

	for _, site := range []string{"east", "west"} {
		s.Fault("slow-jobs", site, "500")
	}
	for _, state := range []string{"SWITCHING TO STANDBY", "SWITCHING TO PRIMARY"} {
		s.Fault("delay-at", "east", state, "300")
		s.Fault("delay-at", "west", state, "300")
	}
	run := s.Start(dr.ProcFailback, failback)
	hit := s.Survives(run, s.KillWorker)
	for _, ph := range []dr.Phase{dr.PhaseBackup, dr.PhaseRestore, dr.PhaseHandBack} {
		require.Contains(t, hit, ph)
	}
	s.Once("west", "server: backup")
	s.Once("east", "server: rename tenant", "server: drop tenant", "server: restore", toPrimary)
	s.Writes(20)
	after := s.Ledger()
	require.NotNil(t, after.Lost, "the ledger could not compare: %s", after.Complaint)
	require.Equal(t, *l.Lost, *after.Lost, "the rebuild and the failback lose nothing")
	exported := map[string]bool{}
	for n := range strings.FieldsSeq(s.Shell("east", `cat "$HOME/export"`)) {
		exported[n] = true
	}
	require.NotEmpty(t, l.LostNumbers)
	for _, n := range l.LostNumbers {
		require.True(t, exported[fmt.Sprint(n)], "the write %d, which only the old tenant held, is not in the export", n)
	}
}

// TestAThirdSiteFollowsThereAndBack turns a third cluster to each new primary.
func TestAThirdSiteFollowsThereAndBack(t *testing.T) {
	t.Parallel()
	s := &stage{e2e.NewStage(t, "oceanbase", "--sites", "3")}
	third := ""
	for name := range s.Lab.Hosts {
		if name != "east" && name != "west" && s.Lab.Endpoints[name] != "" {
			third = name
		}
	}
	require.NotEmpty(t, third)
	s.Writes(20)
	s.done(dr.ProcTakeover, planned)
	s.Once(third, "server: log restore source")
	s.Clean()
	s.done(dr.ProcFailback, failback)
	s.Clean()
	require.Equal(t, dr.Yes, s.Report().Final.Judgement.InSync)
	require.Empty(t, s.Report().Final.Judgement.Alarms)
	require.Equal(t, 2, s.Ledger().Commands[third]["server: log restore source"])
}

// TestAPromotionThatIsStuckIsHeldAndThenResumed: the tenant stays in SWITCHING
// TO PRIMARY until the step's time is over.
func TestAPromotionThatIsStuckIsHeldAndThenResumed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.inventory(func(system map[string]any) { system["oceanbase"].(map[string]any)["statement_timeout"] = "2s" })
	s.Writes(10)
	s.Fault("stuck-at", "west", "SWITCHING TO PRIMARY")
	run := s.Start(dr.ProcTakeover, planned)
	s.Approve(dr.GateDecide)
	st := s.Held()
	require.Contains(t, st.Hold.Step, "promote.to-primary")
	require.Contains(t, st.Hold.Text, "switchover status SWITCHING TO PRIMARY")
	require.True(t, st.Hold.Unknown)
	s.Unfault("stuck-at", "west", "SWITCHING TO PRIMARY")
	s.Drive(run)
	s.Ended(run, dr.EndDone)
	s.Once("west", toPrimary)
	s.Once("east", toStandby)
	s.Clean()
}
