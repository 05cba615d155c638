package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// runLimit bounds any procedure of the lab, with room for a loaded machine and a
// worker that is killed in every phase.
const runLimit = 8 * time.Minute

// Stage is one lab, one Temporal server and one worker: where a procedure is
// played for real, and broken.
type Stage struct {
	T      *testing.T
	Dev    *Dev
	Client client.Client
	// Lab describes the lab's hosts and files; LabProcess is the lab itself.
	Lab        labkit.Description
	LabProcess *Process
	Worker     *Process

	runs []string
}

// NewStage starts everything for a product, with further arguments of the lab's
// command line. Each test has its own: nothing one test breaks can be felt by
// another.
func NewStage(t *testing.T, product string, labArgs ...string) *Stage {
	t.Helper()
	return NewStageWith(t, product, func(*Stage) {}, labArgs...)
}

// NewStageWith lets the lab's inventory be changed before the worker reads it.
func NewStageWith(t *testing.T, product string, change func(*Stage), labArgs ...string) *Stage {
	t.Helper()
	s := &Stage{T: t, Dev: StartDev(t, DevOptions{})}
	s.LabProcess = StartLab(t, product, filepath.Join(t.TempDir(), "lab"), &s.Lab, labArgs...)
	s.Client = s.Dev.Client(t)
	s.record(product)
	change(s)
	s.StartWorker()
	return s
}

// Settings are the lab's arguments for settings of the product, "name=value".
func Settings(settings ...string) []string {
	var args []string
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	return args
}

// NewQuietStage has no worker and no client that writes: what is refused needs
// neither.
func NewQuietStage(t *testing.T, product string, labArgs ...string) *Stage {
	t.Helper()
	s := &Stage{T: t, Dev: StartDev(t, DevOptions{Memory: true})}
	s.LabProcess = StartLab(t, product, filepath.Join(t.TempDir(), "lab"), &s.Lab, append([]string{"--no-writer"}, labArgs...)...)
	s.Client = s.Dev.Client(t)
	return s
}

// On gives the same stage for a test below its own.
func (s *Stage) On(t *testing.T) *Stage {
	c := *s
	c.T = t
	return &c
}

// Shell runs a script on a host of the lab, as somebody with a login there, and
// gives what it printed.
func (s *Stage) Shell(host, script string) string {
	s.T.Helper()
	login := strings.Replace(s.Lab.Hosts[host].SSH, "ssh ", "ssh -o BatchMode=yes -o LogLevel=ERROR ", 1)
	out, err := exec.Command("sh", "-c", login+" "+dr.Quote(script)).CombinedOutput()
	require.NoError(s.T, err, "%s", out)
	return string(out)
}

// StartWorker starts a worker and waits until it takes work.
func (s *Stage) StartWorker() {
	s.T.Helper()
	s.Worker = StartWorker(s.T, s.Dev, s.Lab.Inventory, "--watch-every", "1s")
	AwaitPoller(s.T, s.Client, dr.TaskQueue, s.Worker)
}

// Start starts a procedure as the Temporal UI would: one JSON document.
func (s *Stage) Start(p dr.Procedure, input string) client.WorkflowRun {
	s.T.Helper()
	run, err := s.Client.ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{
		ID: dr.WorkflowID(s.Lab.System), TaskQueue: dr.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, p.WorkflowType(), json.RawMessage(input))
	require.NoError(s.T, err)
	s.runs = append(s.runs, run.GetRunID())
	return run
}

// Status asks the run for its status.
func (s *Stage) Status() (dr.Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var st dr.Status
	v, err := s.Client.QueryWorkflow(ctx, dr.WorkflowID(s.Lab.System), "", dr.QueryStatus)
	if err == nil {
		err = v.Get(&st)
	}
	return st, err
}

// Await waits until the run's status is as wanted.
func (s *Stage) Await(what string, want func(dr.Status) bool) dr.Status {
	s.T.Helper()
	var last dr.Status
	Await(s.T, runLimit, what, func() (bool, string) {
		st, err := s.Status()
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

// Gate waits for a gate and gives its status.
func (s *Stage) Gate(g dr.Gate) dr.Status {
	s.T.Helper()
	st := s.Await("the gate "+string(g), func(st dr.Status) bool { return st.Gate != nil || st.Ending != nil || st.Hold != nil })
	require.NotNil(s.T, st.Gate, "%s: %s", st.State, st.Sentence)
	require.Equal(s.T, g, st.Gate.Gate)
	return st
}

// Approve approves the open gate by a plain signal, as chat ops would.
func (s *Stage) Approve(g dr.Gate) {
	s.T.Helper()
	st := s.Gate(g)
	body := json.RawMessage(fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, st.Gate.Gate, dr.ShortDigest(st.Gate.Digest)))
	require.NoError(s.T, s.Client.SignalWorkflow(context.Background(), dr.WorkflowID(s.Lab.System), "", string(dr.VerbApprove), body))
	s.Await("the approval", func(now dr.Status) bool { return now.Gate == nil || now.Gate.Digest != st.Gate.Digest })
}

// Ended waits for the end of the run and requires the ending.
func (s *Stage) Ended(run client.WorkflowRun, kind dr.EndingKind) dr.Result {
	s.T.Helper()
	st := s.Await("the end", func(st dr.Status) bool { return st.Ending != nil || st.Hold != nil || st.Gate != nil })
	require.Nil(s.T, st.Hold, "on hold: %+v", st.Hold)
	require.Nil(s.T, st.Gate, "a gate is open: %+v", st.Gate)
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var res dr.Result
	require.NoError(s.T, run.Get(ctx, &res))
	require.Equal(s.T, kind, res.Ending.Kind, res.Ending.Text)
	return res
}

// Fault switches a fault of the lab.
func (s *Stage) Fault(name string, args ...string) {
	s.T.Helper()
	_, err := labkit.Ask(s.Lab.Dir, "fault", name, args, true)
	require.NoError(s.T, err)
}

// Unfault switches a fault of the lab off.
func (s *Stage) Unfault(name string, args ...string) {
	s.T.Helper()
	_, err := labkit.Ask(s.Lab.Dir, "fault", name, args, false)
	require.NoError(s.T, err)
}

// Writes waits until so many more writes were acknowledged.
func (s *Stage) Writes(n int) {
	s.T.Helper()
	from := s.Ledger().Acknowledged
	Await(s.T, runLimit, "more acknowledged writes", func() (bool, string) {
		now := s.Ledger().Acknowledged
		return now >= from+n, fmt.Sprintf("%d of %d", now-from, n)
	})
}

// Report gives the run's report as it stands.
func (s *Stage) Report() dr.Report {
	s.T.Helper()
	v, err := s.Client.QueryWorkflow(context.Background(), dr.WorkflowID(s.Lab.System), "", dr.QueryReport)
	require.NoError(s.T, err)
	var rep dr.Report
	require.NoError(s.T, v.Get(&rep))
	return rep
}

// Ledger asks the lab what it cost.
func (s *Stage) Ledger() ledger.Ledger {
	s.T.Helper()
	raw, err := labkit.Ask(s.Lab.Dir, "ledger", "", nil, false)
	require.NoError(s.T, err)
	var l ledger.Ledger
	require.NoError(s.T, json.Unmarshal(raw, &l))
	return l
}

// Clean requires a ledger without loss, doubles or two primaries.
func (s *Stage) Clean() ledger.Ledger {
	s.T.Helper()
	l := s.Ledger()
	require.NotNil(s.T, l.Lost, "the ledger could not compare")
	require.Zero(s.T, *l.Lost, "acknowledged writes were lost: %v", l.LostNumbers)
	require.Zero(s.T, l.Doubled)
	require.Empty(s.T, l.TwoPrimaries)
	return l
}

// LossWithin requires that writes were lost and that every one of them was
// acknowledged after the proof on which the estimate at the gate rested; none
// may be estimated, and an unknown loss bounds nothing.
func (s *Stage) LossWithin() ledger.Ledger {
	s.T.Helper()
	rep, l := s.Report(), s.Ledger()
	require.NotNil(s.T, rep.Estimated)
	require.NotNil(s.T, l.Lost, "the ledger could not compare: %s", l.Complaint)
	s.T.Logf("lost %d of %d, acknowledged from %s to %s; estimate: %s", *l.Lost, l.Acknowledged, l.LostFrom, l.LostTo, rep.Estimated.Sentence(l.At))
	require.Positive(s.T, *l.Lost, "the secondary was behind")
	require.NotEqual(s.T, dr.LossNone, rep.Estimated.Kind)
	if rep.Estimated.Kind == dr.LossWindow {
		require.True(s.T, l.LostFrom.After(rep.Estimated.Proof.At), "a write of %s is lost and older than the proof of %s", l.LostFrom, rep.Estimated.Proof.At)
	}
	return l
}

// Drive approves every gate that opens and answers holds with retry and then
// with a new plan, as patient people would, until the run has ended.
func (s *Stage) Drive(run client.WorkflowRun) {
	s.T.Helper()
	s.DriveWith(run, func(dr.Status) bool { return false })
}

// DriveWith is drive with somebody who looks at every status first and may say
// that it is enough.
func (s *Stage) DriveWith(_ client.WorkflowRun, look func(dr.Status) (enough bool)) {
	s.T.Helper()
	answered := map[string]bool{}
	s.Await("the end", func(st dr.Status) bool {
		if look(st) {
			return true
		}
		switch {
		case st.Ending != nil:
			return true
		case st.Gate != nil && !answered[st.Gate.Digest]:
			answered[st.Gate.Digest] = true
			if st.Gate.Again != "" {
				s.T.Logf("the gate %s opened again: %s", st.Gate.Gate, st.Gate.Again)
			}
			s.Signal(dr.VerbApprove, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, st.Gate.Gate, st.Gate.Digest))
		case st.Hold != nil:
			key := fmt.Sprintf("%s-%d", st.Hold.Step, st.Hold.Attempt)
			if !answered[key] && len(answered) < 20 {
				answered[key] = true
				s.T.Logf("on hold: %s", st.Hold.Text)
				// What a retry did not mend needs another plan.
				verb := st.Hold.Options[0]
				if st.Hold.Attempt > 1 && slices.Contains(st.Hold.Options, dr.VerbReplan) {
					verb = dr.VerbReplan
				}
				s.answer(st.Hold, verb)
			}
		}
		return false
	})
}
