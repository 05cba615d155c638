package gateway

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// world is a Temporal with one run at an open gate.
type world struct {
	client.Client
	mu      sync.Mutex
	workers bool
	status  dr.Status
	memory  dr.Memory
	updates []dr.Decision
	ids     []string
	signals []dr.Decision
	starts  []json.RawMessage
	public  ssh.PublicKey
	at      time.Time
}

func (w *world) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	if !w.workers {
		return &workflowservice.DescribeTaskQueueResponse{}, nil
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueue.PollerInfo{{}}}, nil
}

func (w *world) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, serviceerror.NewNotFound("no such run")
}

type value struct{ v any }

func (v value) HasValue() bool { return true }
func (v value) Get(into any) error {
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(v.v))
	return nil
}

func (w *world) QueryWorkflow(_ context.Context, id, _, query string, _ ...any) (converter.EncodedValue, error) {
	switch {
	case query == dr.QueryStatus && id == w.status.Workflow:
		return value{w.status}, nil
	case query == dr.QueryMemory:
		return value{w.memory}, nil
	}
	return nil, serviceerror.NewNotFound("no such run")
}

type handle struct{ client.WorkflowUpdateHandle }

func (handle) Get(_ context.Context, into any) error {
	*into.(*string) = "counted"
	return nil
}

func (w *world) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updates, w.ids = append(w.updates, o.Args[0].(dr.Decision)), append(w.ids, o.WorkflowID+" "+o.UpdateID)
	return handle{}, nil
}

func (w *world) SignalWorkflow(_ context.Context, _, _, _ string, arg any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signals = append(w.signals, arg.(dr.Decision))
	return nil
}

type started struct{ client.WorkflowRun }

func (started) GetID() string    { return "dr-orders" }
func (started) GetRunID() string { return "r2" }

func (w *world) ExecuteWorkflow(_ context.Context, _ client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	w.starts = append(w.starts, args[0].(json.RawMessage))
	return started{}, nil
}

// newGateway has people with accounts, and tells ops about orders.
func newGateway(t *testing.T) (*Gateway, *world) {
	w := &world{workers: true, at: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC), status: dr.Status{
		Workflow: "dr-orders", OriginalRun: "r0", Run: "r1", System: "orders", Procedure: dr.ProcTakeover,
		Gate: &dr.GateStatus{Gate: dr.GateDecide, Occurrence: 2, Digest: digestOf('a')},
	}}
	g := &Gateway{
		Config: Config{
			Name: "chat", Targets: map[string]Target{"ops": {"slack", "T1/C1"}, "leads": {"slack", "T1/C2"}},
			Routes: []Route{{Systems: []string{"orders"}, First: []string{"ops"}, Next: []string{"leads"}}},
		},
		Temporal: w, Systems: []string{"orders", "stock"}, Redact: func(s string) string { return s },
		Now: func() time.Time { return w.at }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	var err error
	w.public, err = g.NewKey()
	require.NoError(t, err)
	g.Who = func() (inventory.Who, error) {
		return inventory.Who{
			People:   map[string]inventory.Person{"ana": {ID: "ana", Roles: []string{"dba"}, Accounts: []string{"slack:T1/UANA"}}},
			Gateways: map[string]inventory.Gateway{"chat": {Name: "chat", Keys: []ssh.PublicKey{w.public}, Accounts: []string{"slack"}}},
		}, nil
	}
	require.NoError(t, g.Open(nil))
	g.accounts["slack"] = "slack"
	return g, w
}

func digestOf(c byte) string {
	b := make([]byte, 64)
	for i := range b {
		b[i] = c
	}
	return string(b)
}
