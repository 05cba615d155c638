package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
)

// noon is the time of every test.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fakeProduct observes what the test says.
type fakeProduct struct{ sites map[string]dr.SiteSituation }

type fakeSystem struct {
	p     *fakeProduct
	sites []string
}

func (*fakeProduct) Product() string       { return "fake" }
func (*fakeProduct) Actions() []kit.Action { return nil }
func (p *fakeProduct) Decode(e kit.Entry) (kit.System, error) {
	s := fakeSystem{p: p}
	for _, site := range e.Sites {
		s.sites = append(s.sites, site.Name)
	}
	return s, nil
}

func (s fakeSystem) Sites() []string   { return s.sites }
func (s fakeSystem) Needs() []kit.Need { return nil }
func (s fakeSystem) ObserveSite(_ context.Context, _ kit.Env, site string) dr.SiteSituation {
	return s.p.sites[site]
}

func (s fakeSystem) Judge(sit dr.Situation) dr.Judgement {
	j := dr.Judgement{InSync: dr.Yes}
	for _, site := range sit.Sites {
		j.InSync = j.InSync.And(site.Reachable)
	}
	return j
}
func (s fakeSystem) Baseline(dr.Situation) []dr.BaselineSite { return nil }
func (s fakeSystem) Plan(in kit.PlanInput, d *kit.Draft) error {
	d.To, d.Nothing = in.Request.To, in.Request.To+" is primary already"
	return nil
}

func (s fakeSystem) Files() []kit.File {
	return []kit.File{{Name: "roles.sql", Where: "on the primary", Body: "CREATE ROLE x; -- \x1b[31m"}}
}

func primary() dr.SiteSituation {
	return dr.SiteSituation{Reachable: dr.Yes, Role: dr.RolePrimary, AcceptsWrites: dr.Yes}
}

func secondary() dr.SiteSituation {
	return dr.SiteSituation{Reachable: dr.Yes, Role: dr.RoleSecondary, AcceptsWrites: dr.No}
}

// fakeTemporal is as much of a Temporal as the commands use.
type fakeTemporal struct {
	client.Client
	noWorker bool
	// answers are the queries' answers, by name.
	answers map[string]any
	status  enumspb.WorkflowExecutionStatus
	noRun   bool
	result  *dr.Result
	failure error
	pending []*workflow.PendingActivityInfo

	startErr  error
	started   *client.StartWorkflowOptions
	startType any
	startArg  []byte
	updates   []client.UpdateWorkflowOptions
	updateErr error
	closed    int
	onQuery   func()
	onUpdate  func()
}

func (f *fakeTemporal) Close() { f.closed++ }

func (f *fakeTemporal) DescribeTaskQueue(context.Context, string, enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	r := &workflowservice.DescribeTaskQueueResponse{}
	if !f.noWorker {
		r.Pollers = []*taskqueuepb.PollerInfo{{Identity: "worker"}}
	}
	return r, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.noRun {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	if run == "" {
		run = "run-1"
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
			Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: run}, Status: f.status,
		},
		PendingActivities: f.pending,
	}, nil
}

func (f *fakeTemporal) QueryWorkflow(_ context.Context, _, _, name string, _ ...any) (converter.EncodedValue, error) {
	if f.onQuery != nil {
		f.onQuery()
	}
	a, ok := f.answers[name]
	switch {
	case f.noWorker:
		return nil, context.DeadlineExceeded
	case !ok:
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return encoded{a}, nil
}

type encoded struct{ v any }

func (encoded) HasValue() bool { return true }
func (e encoded) Get(into any) error {
	raw, err := json.Marshal(e.v)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

func (f *fakeTemporal) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, w any, args ...any) (client.WorkflowRun, error) {
	if f.startErr != nil {
		return nil, f.startErr
	}
	p, err := converter.GetDefaultDataConverter().ToPayload(args[0])
	if err != nil {
		return nil, err
	}
	f.started, f.startType, f.startArg = &o, w, p.GetData()
	f.status, f.noRun = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, false
	return fakeRun{f: f, id: o.ID}, nil
}

func (f *fakeTemporal) GetWorkflow(_ context.Context, id, _ string) client.WorkflowRun {
	return fakeRun{f: f, id: id}
}

type fakeRun struct {
	client.WorkflowRun
	f  *fakeTemporal
	id string
}

func (r fakeRun) GetID() string    { return r.id }
func (r fakeRun) GetRunID() string { return "run-1" }
func (r fakeRun) Get(_ context.Context, into any) error {
	if r.f.failure != nil {
		return r.f.failure
	}
	return encoded{r.f.result}.Get(into)
}

func (f *fakeTemporal) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	f.updates = append(f.updates, o)
	if f.onUpdate != nil {
		f.onUpdate()
	}
	return fakeUpdate{f: f}, nil
}

type fakeUpdate struct {
	client.WorkflowUpdateHandle
	f *fakeTemporal
}

func (u fakeUpdate) Get(_ context.Context, into any) error {
	if u.f.updateErr != nil {
		return u.f.updateErr
	}
	return encoded{"counted: 1 of 1"}.Get(into)
}

// bench is an App whose world the test holds.
type bench struct {
	*App
	out, err *bytes.Buffer
	temporal *fakeTemporal
	product  *fakeProduct
	env      map[string]string
	dir      string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		out: &bytes.Buffer{}, err: &bytes.Buffer{}, env: map[string]string{}, dir: t.TempDir(),
		temporal: &fakeTemporal{answers: map[string]any{}, noRun: true},
		product:  &fakeProduct{sites: map[string]dr.SiteSituation{"east": primary(), "west": secondary()}},
	}
	nonce := 0
	b.App = &App{
		Stdin: strings.NewReader(""), Stdout: b.out, Stderr: b.err, Getenv: func(k string) string { return b.env[k] },
		Now: func() time.Time { return noon }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Random:    func() string { nonce++; return fmt.Sprintf("%032x", nonce) },
		Load:      func(path string) (*setup.Setup, error) { return setup.LoadWith(path, []kit.Adapter{b.product}) },
		Dial:      func(context.Context) (client.Client, string, error) { return b.temporal, "default", nil },
		Namespace: func() string { return "a b/c" },
	}
	b.env["SWITCHBACK_INVENTORY"] = filepath.Join(b.dir, "systems.yaml")
	b.inventory(t, "people: {eve: {name: Eve, roles: [dba]}}")
	return b
}

// inventory writes systems.yaml with two systems and the given people.
func (b *bench) inventory(t *testing.T, people string) {
	t.Helper()
	text := `version: 1
reports: {dir: reports}
policies: {lab: {quorum: 1, unsigned: count, exclude_requester: false}}
` + people + `
hosts:
  db1: {address: 127.0.0.1, user: postgres, known_hosts: [known_hosts], agent: true}
systems:
  orders:
    product: fake
    policy: lab
    sites: {east: {}, west: {}}
  wide:
    product: fake
    policy: lab
    sites: {east: {}, west: {}, north: {}}
`
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "known_hosts"), nil, 0o600))
	require.NoError(t, os.WriteFile(b.env["SWITCHBACK_INVENTORY"], []byte(text), 0o600))
}

// key makes an SSH key, writes it into a file and gives the file and the
// public key's line.
func (b *bench) key(t *testing.T) (path, line string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	path = filepath.Join(b.dir, "key")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return path, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func (b *bench) run(args ...string) int {
	b.out.Reset()
	b.err.Reset()
	return b.Run(context.Background(), args)
}

// atGate lets a run wait at its first gate, with a plan of a true digest.
func (b *bench) atGate(t *testing.T) (dr.Plan, dr.Status) {
	t.Helper()
	p := dr.Plan{
		Schema: dr.PlanSchema, Procedure: dr.ProcTakeover, System: "orders", Product: "fake", Mode: dr.ModePlanned, From: "east", To: "west",
		Envelope: dr.Envelope{Workflow: "dr-orders", OriginalRun: "run-0", Run: "run-1", Gate: dr.GateDecide, Occurrence: 2, Request: "r"},
		Phases: []dr.PhasePlan{{Phase: dr.PhasePromote, Steps: []dr.Step{{
			ID: "promote.it", Action: "fake.promote", Title: "Promote west", Args: json.RawMessage(`{"a":1}`), Commands: []string{"promote --now"}, Kind: dr.KindIrreversible, Skip: dr.SkipNever,
		}}}},
		MadeAt: noon,
	}
	var err error
	p.Digest, err = p.ComputeDigest()
	require.NoError(t, err)
	st := dr.Status{
		Schema: dr.StatusSchema, Workflow: "dr-orders", OriginalRun: "run-0", Run: "run-1", System: "orders", Procedure: dr.ProcTakeover,
		State: dr.StateGate, Sentence: "waiting for approval", Since: noon,
		Gate: &dr.GateStatus{Gate: dr.GateDecide, Occurrence: 2, Digest: p.Digest, OpenedAt: noon, ExpiresAt: noon.Add(time.Hour), Quorum: 1},
	}
	b.temporal.noRun, b.temporal.status = false, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	b.temporal.answers[dr.QueryStatus], b.temporal.answers[dr.QueryPlan] = st, p
	b.temporal.answers[dr.QueryReport] = dr.Report{Schema: dr.ReportSchema, Events: []dr.Event{{At: noon, Kind: dr.EventNote, Text: "started by somebody"}}}
	return p, st
}

func (b *bench) decision(t *testing.T) dr.Decision {
	t.Helper()
	require.Len(t, b.temporal.updates, 1)
	d, ok := b.temporal.updates[0].Args[0].(dr.Decision)
	require.True(t, ok)
	return d
}
