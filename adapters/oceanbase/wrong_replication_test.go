package oceanbase

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// TestWhatGoesWrongWithReplication plays what keeps a standby from following,
// mostly while its role and status look well.
func TestWhatGoesWrongWithReplication(t *testing.T) {
	for name, play := range map[string]func(*testing.T){
		"an old primary that was attached again has diverged":      diverged,
		"a paused standby stands still":                            paused,
		"log was recycled before the standby fetched it":           recycled,
		"the replication user's password was changed":              otherPassword,
		"the replication user is locked":                           lockedUser,
		"both clusters have the same ID":                           sameClusterID,
		"an archive that stands still holds the promotion":         archiveStuck,
		"a site with archive standbys is lost":                     archiveLost,
		"a restore fails half-way and is planned anew by a person": restoreFails,
		"a backup fails and is planned anew":                       backupFails,
	} {
		t.Run(name, play)
	}
}

// refuses waits until a request is refused with a text.
func (w *labWorld) refuses(req dr.Request, g dr.Gate, text string) {
	w.t.Helper()
	req.System, req.Reason = "orders", "test"
	w.eventually(func() bool {
		err := w.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: w.observe(), RunID: "00000009", Baseline: w.base}, kit.NewDraft())
		return err != nil && dr.ClassOf(err) == dr.ClassRefuse && dr.AsError(err, "").Next != "" && strings.Contains(err.Error(), text)
	}, "the refusal "+text)
}

func diverged(t *testing.T) {
	w := failedOver(t, nil)
	st, _ := w.sys.site("west")
	src := w.sys.source(st)
	password := w.cred[w.sys.set.ReplicationPassword]
	w.sql("east", "ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE="+src.Addresses[0]+" USER="+w.sys.set.ReplicationUser+"@orders PASSWORD="+password+"' TENANT = orders")
	w.sql("east", "ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	w.eventually(func() bool {
		return strings.Contains(fmt.Sprint(w.observe().Judgement.Alarms), "east can never catch up")
	}, "the divergence is an alarm")
	require.Equal(t, "STANDBY/NORMAL", w.switchover("east"), "its role and status look well")
	require.NotEqual(t, dr.Yes, w.observe().Judgement.InSync)
	w.refuses(dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "east"}, dr.GateDecide, "can never catch up")
}

func paused(t *testing.T) {
	w := newLabOf(t, labkit.Options{WriteEvery: 10 * time.Millisecond}, nil)
	w.wrote(5)
	w.sql("west", "ALTER SYSTEM RECOVER STANDBY TENANT = orders CANCEL")
	w.wrote(20)
	require.Equal(t, "STANDBY/NORMAL", w.switchover("west"))
	w.refuses(takePlanned, dr.GateDecide, "west")
	w.sql("west", "ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "it follows again")
}

func recycled(t *testing.T) {
	w := newLabOf(t, labkit.Options{WriteEvery: 10 * time.Millisecond}, nil)
	w.fault(true, "lag", "west", "600000")
	w.wrote(20)
	w.fault(true, "recycle-log", "east")
	w.fault(false, "lag", "west")
	w.refuses(takePlanned, dr.GateDecide, "GAP")
	require.Contains(t, fmt.Sprint(w.observe().Judgement.Alarms), "west can never catch up")
}

func otherPassword(t *testing.T) {
	w := newLabOf(t, labkit.Options{WriteEvery: 10 * time.Millisecond}, nil)
	w.wrote(5)
	w.fault(true, "replication-password", "east")
	w.refuses(takePlanned, dr.GateDecide, "PASSWORD")
	w.fault(false, "replication-password", "east")
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "it follows again")
}

func lockedUser(t *testing.T) {
	w := newLabOf(t, labkit.Options{WriteEvery: 10 * time.Millisecond}, nil)
	w.wrote(5)
	w.fault(true, "lock-replication-user", "east")
	w.refuses(takePlanned, dr.GateDecide, "does not fetch the log")
	w.fault(false, "lock-replication-user", "east")
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "it follows again")
}

func sameClusterID(t *testing.T) {
	w := newLab(t, nil)
	w.fault(true, "same-cluster-id", "west")
	w.refuses(takePlanned, dr.GateDecide, "the same cluster_id 1")
	w.fault(false, "same-cluster-id", "west")
	_, d := w.steps(takePlanned, dr.GateDecide, "00000001")
	require.Empty(t, d.Nothing)
}

func archiveStuck(t *testing.T) {
	w := newLabOf(t, labkit.Options{WriteEvery: 10 * time.Millisecond}, nil, "source=location", "archive=on")
	w.wrote(5)
	steps, _ := w.steps(takePlanned, dr.GateDecide, "00000001")
	w.fault(true, "archive-stuck", "east")
	w.wrote(10)
	st, rest := w.upTo(steps, "oceanbase.prove_caught_up")
	st.Timeout = dr.Duration(3 * time.Second)
	_, err := w.carry(st, 1)
	require.True(t, dr.HasCode(err, "deadline"), "%v", err)
	require.Equal(t, "STANDBY/NORMAL", w.switchover("west"), "promoting now would lose what is not archived, without a word")
	w.fault(false, "archive-stuck", "east")
	st.Timeout = dr.Duration(time.Minute)
	_, err = w.carry(st, 2)
	require.NoError(t, err)
	w.all(rest)
	w.lossless("west")
}

// lossless requires that no acknowledged write is missing at the new primary.
func (w *labWorld) lossless(primary string) {
	w.t.Helper()
	h, err := w.lab.Host(labkit.Edge)
	require.NoError(w.t, err)
	out, exit, err := h.Run("/bin/sh", "-c", "client-address point "+primary)
	require.NoError(w.t, err)
	require.Zero(w.t, exit.Code, out)
	l, err := w.lab.Ledger(w.t.Context())
	require.NoError(w.t, err)
	require.NotNil(w.t, l.Lost, l.Complaint)
	require.Zero(w.t, *l.Lost, l.LostNumbers)
}

func archiveLost(t *testing.T) {
	w := newLab(t, nil, "source=location", "archive=on")
	h, err := w.lab.Host("east")
	require.NoError(t, err)
	h.PowerOff()
	w.walk(takeUnplanned, dr.GateDecide, "00000001")
	require.Equal(t, []string{"west"}, w.observe().Primaries())
	require.NoError(t, h.PowerOn())
	w.eventually(func() bool { return len(w.observe().Primaries()) == 2 }, "two primaries are seen")
	w.sql("east", "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = orders")
	w.base = &dr.Baseline{Primary: "east"}
	w.walk(goBack, dr.GateOverwrite, "00000002")
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "east follows by archive")
}

func restoreFails(t *testing.T) {
	w := failedOver(t, func(e *labkit.Entry) { e.Product["rebuild"] = "restore" })
	w.fault(true, "restore-fails", "east")
	steps, _ := w.steps(seedEast, dr.GateOverwrite, "00000001")
	st, _ := w.upTo(steps, "oceanbase.wait_restored")
	_, err := w.carry(st, 1)
	require.Error(t, err)
	require.Equal(t, dr.ClassHold, dr.ClassOf(err), "%v", err)
	require.NotEmpty(t, dr.AsError(err, "").Next)
	w.fault(false, "restore-fails", "east")
	w.refuses(seedEast, dr.GateOverwrite, "as a broken restore leaves it")
	w.sql("east", "DROP TENANT orders FORCE")
	w.walk(seedEast, dr.GateOverwrite, "00000002")
	w.eventually(func() bool { return w.observe().Judgement.InSync == dr.Yes }, "east follows")
}

func backupFails(t *testing.T) {
	w := failedOver(t, func(e *labkit.Entry) { e.Product["rebuild"] = "restore" })
	w.fault(true, "backup-fails", "west")
	steps, _ := w.steps(seedEast, dr.GateOverwrite, "00000001")
	st, _ := w.upTo(steps, "oceanbase.wait_backup")
	_, err := w.carry(st, 1)
	require.True(t, dr.HasCode(err, "backup_failed"), "%v", err)
	require.True(t, dr.AsError(err, "").Replan)
	w.fault(false, "backup-fails", "west")
	w.walk(seedEast, dr.GateOverwrite, "00000002")
}
