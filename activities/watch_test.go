package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// shower is a host on which a client's address says to which site it leads.
type shower struct {
	kit.Host
	says string
	err  error
}

type only struct{ host kit.Host }

func (o only) Host(string) (kit.Host, error) { return o.host, nil }

func (h *shower) Jobs(context.Context, string, string) ([]dr.ForeignJob, error) { return nil, nil }

func (h *shower) Read(context.Context, dr.Command) (kit.Output, error) {
	return kit.Output{Stdout: h.says}, h.err
}

// watched runs one sample of the watch of a system whose primary is west, with
// the procedure's state as Temporal gives it.
func watched(t *testing.T, h *shower, before []string, d *workflowservice.DescribeWorkflowExecutionResponse, derr error) []string {
	t.Helper()
	b := newBench(t)
	c := &mocks.Client{}
	c.On("DescribeWorkflowExecution", mock.Anything, "dr-orders", "").Return(d, derr)
	b.a.Temporal, b.a.Hosts = c, only{h}
	b.a.Sleep = func(context.Context, time.Duration) error { return context.Canceled } // one sample
	sys, err := b.a.Inventory.System("orders")
	require.NoError(t, err)
	sys.Clients = []inventory.Client{{Name: "shop", Host: "db1", Show: []string{"show"}}}
	b.a.RegisterWatch(b.env)
	v, err := b.env.ExecuteActivity(dr.ActWatch, dr.WatchInput{System: "orders", Memory: &dr.Memory{Schema: dr.MemorySchema, System: "orders", Alarms: before}})
	require.NoError(t, err)
	var m dr.Memory
	require.NoError(t, v.Get(&m))
	return m.Alarms
}

func TestTheWatchSaysThatAnAddressLeadsToAnOldSiteAndForgetsItOnlyWhenItHasSeenTheEnd(t *testing.T) {
	none := serviceerror.NewNotFound("no such workflow")
	alarm := []string{"the client address shop leads clients to east, which is not the primary: point it to the primary"}
	status := func(s enums.WorkflowExecutionStatus) *workflowservice.DescribeWorkflowExecutionResponse {
		return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{Status: s}}
	}
	east, west := &shower{says: "east"}, &shower{says: "west"}
	silent := &shower{err: dr.Retry("unreachable", "no answer")}
	require.Equal(t, alarm, watched(t, east, nil, nil, none))
	require.Equal(t, alarm, watched(t, east, nil, status(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED), nil))
	require.Empty(t, watched(t, west, alarm, nil, none))
	require.Equal(t, alarm, watched(t, silent, alarm, nil, none), "a host that does not answer ends no alarm")
	require.Empty(t, watched(t, silent, nil, nil, none))
	require.Empty(t, watched(t, east, nil, status(enums.WORKFLOW_EXECUTION_STATUS_RUNNING), nil), "a procedure is moving it")
	require.Equal(t, alarm, watched(t, west, alarm, nil, serviceerror.NewUnavailable("down")), "whether one is moving it is not known")
}
