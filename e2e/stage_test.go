// Package e2e_test runs the procedures for real: the embedded Temporal server,
// worker processes, SSH, and PostgreSQL servers. It breaks them and asks the
// lab's ledger, and the databases themselves, what that cost.
package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// system is the lab's.
const system = "orders"

// endLimit bounds any procedure of the lab, with room for a loaded machine.
const endLimit = 3 * time.Minute

// stage is one lab, one Temporal server and one worker.
type stage struct {
	t      *testing.T
	dev    *e2e.Dev
	client client.Client
	lab    labkit.Description
	labPID *e2e.Process
	worker *e2e.Process
}

// newStage starts everything. Each test has its own: nothing one test breaks
// can be felt by another.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, dev: e2e.StartDev(t, e2e.DevOptions{})}
	s.labPID = e2e.StartLab(t, "postgres", filepath.Join(t.TempDir(), "lab"), &s.lab)
	s.client = s.dev.Client(t)
	s.startWorker()
	return s
}

func (s *stage) startWorker() {
	s.t.Helper()
	s.worker = e2e.StartWorker(s.t, s.dev, s.lab.Inventory, "--watch-every", "1s")
	e2e.AwaitPoller(s.t, s.client, dr.TaskQueue, s.worker)
}

// start starts a procedure as the Temporal UI would: one JSON document.
func (s *stage) start(p dr.Procedure, input string) client.WorkflowRun {
	s.t.Helper()
	run, err := s.client.ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{
		ID: dr.WorkflowID(system), TaskQueue: dr.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, p.WorkflowType(), json.RawMessage(input))
	require.NoError(s.t, err)
	return run
}

func (s *stage) status() (dr.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var st dr.Status
	v, err := s.client.QueryWorkflow(ctx, dr.WorkflowID(system), "", dr.QueryStatus)
	if err == nil {
		err = v.Get(&st)
	}
	return st, err
}

// await waits until the run's status is as wanted.
func (s *stage) await(what string, want func(dr.Status) bool) dr.Status {
	s.t.Helper()
	var last dr.Status
	e2e.Await(s.t, endLimit, what, func() (bool, string) {
		st, err := s.status()
		if err != nil {
			return false, err.Error()
		}
		last = st
		if st.Hold != nil {
			return want(st), fmt.Sprintf("%s: %s", st.State, st.Hold.Text)
		}
		return want(st), fmt.Sprintf("%s: %s", st.State, st.Sentence)
	})
	return last
}

// gate waits for a gate and gives its status.
func (s *stage) gate(g dr.Gate) dr.Status {
	s.t.Helper()
	st := s.await("the gate "+string(g), func(st dr.Status) bool { return st.Gate != nil || st.Ending != nil || st.Hold != nil })
	require.NotNil(s.t, st.Gate, "%s: %s", st.State, st.Sentence)
	require.Equal(s.t, g, st.Gate.Gate)
	return st
}

// approve approves the open gate by a plain signal, as chat ops would.
func (s *stage) approve(g dr.Gate) {
	s.t.Helper()
	st := s.gate(g)
	body := json.RawMessage(fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, st.Gate.Gate, dr.ShortDigest(st.Gate.Digest)))
	require.NoError(s.t, s.client.SignalWorkflow(context.Background(), dr.WorkflowID(system), "", string(dr.VerbApprove), body))
	s.await("the approval", func(now dr.Status) bool { return now.Gate == nil || now.Gate.Digest != st.Gate.Digest })
}

// ended waits for the end of the run and requires the ending.
func (s *stage) ended(run client.WorkflowRun, kind dr.EndingKind) dr.Result {
	s.t.Helper()
	st := s.await("the end", func(st dr.Status) bool { return st.Ending != nil || st.Hold != nil || st.Gate != nil })
	require.Nil(s.t, st.Hold, "on hold: %+v", st.Hold)
	require.Nil(s.t, st.Gate, "a gate is open: %+v", st.Gate)
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	var res dr.Result
	require.NoError(s.t, run.Get(ctx, &res))
	require.Equal(s.t, kind, res.Ending.Kind, res.Ending.Text)
	return res
}

// fault switches a fault of the lab.
func (s *stage) fault(name string, args ...string) {
	s.t.Helper()
	_, err := labkit.Ask(s.lab.Dir, "fault", name, args, true)
	require.NoError(s.t, err)
}

func (s *stage) unfault(name string, args ...string) {
	s.t.Helper()
	_, err := labkit.Ask(s.lab.Dir, "fault", name, args, false)
	require.NoError(s.t, err)
}

// writes waits until so many more writes were acknowledged.
func (s *stage) writes(n int) {
	s.t.Helper()
	from := s.ledger().Acknowledged
	e2e.Await(s.t, endLimit, "more acknowledged writes", func() (bool, string) {
		now := s.ledger().Acknowledged
		return now >= from+n, fmt.Sprintf("%d of %d", now-from, n)
	})
}

// report gives the run's report as it stands.
func (s *stage) report() dr.Report {
	s.t.Helper()
	v, err := s.client.QueryWorkflow(context.Background(), dr.WorkflowID(system), "", dr.QueryReport)
	require.NoError(s.t, err)
	var rep dr.Report
	require.NoError(s.t, v.Get(&rep))
	return rep
}

// ledger asks the lab what it cost.
func (s *stage) ledger() ledger.Ledger {
	s.t.Helper()
	raw, err := labkit.Ask(s.lab.Dir, "ledger", "", nil, false)
	require.NoError(s.t, err)
	var l ledger.Ledger
	require.NoError(s.t, json.Unmarshal(raw, &l))
	return l
}

// clean requires a ledger without loss, doubles or two primaries.
func (s *stage) clean() ledger.Ledger {
	s.t.Helper()
	l := s.ledger()
	require.NotNil(s.t, l.Lost, "the ledger could not compare")
	require.Zero(s.t, *l.Lost, "acknowledged writes were lost: %v", l.LostNumbers)
	require.Zero(s.t, l.Doubled)
	require.Empty(s.t, l.TwoPrimaries)
	return l
}

// drive approves every gate that opens and answers holds with retry and then
// with a new plan, as patient people would, until the run has ended.
func (s *stage) drive(run client.WorkflowRun) {
	s.t.Helper()
	s.driveWith(run, func(dr.Status) bool { return false })
}

// driveWith is drive with somebody who looks at every status first and may say
// that it is enough.
func (s *stage) driveWith(_ client.WorkflowRun, look func(dr.Status) (enough bool)) {
	s.t.Helper()
	answered := map[string]bool{}
	s.await("the end", func(st dr.Status) bool {
		if look(st) {
			return true
		}
		switch {
		case st.Ending != nil:
			return true
		case st.Gate != nil && !answered[st.Gate.Digest]:
			answered[st.Gate.Digest] = true
			if st.Gate.Again != "" {
				s.t.Logf("the gate %s opened again: %s", st.Gate.Gate, st.Gate.Again)
			}
			s.signal(dr.VerbApprove, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, st.Gate.Gate, st.Gate.Digest))
		case st.Hold != nil:
			key := fmt.Sprintf("%s-%d", st.Hold.Step, st.Hold.Attempt)
			if !answered[key] && len(answered) < 20 {
				answered[key] = true
				s.t.Logf("on hold: %s", st.Hold.Text)
				// What a retry did not mend needs another plan.
				verb := st.Hold.Options[0]
				if st.Hold.Attempt > 1 && slices.Contains(st.Hold.Options, dr.VerbReplan) {
					verb = dr.VerbReplan
				}
				s.signal(verb, fmt.Sprintf(`{"step":%q,"attempt":%d,"person":"ana"}`, st.Hold.Step, st.Hold.Attempt))
			}
		}
		return false
	})
}
