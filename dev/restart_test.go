package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const queue = "restart"

var drSystem = temporal.NewSearchAttributeKeyKeyword("DrSystem")

// talk is a workflow that can be asked, told and signalled; it ends at the
// signal "end" with everything that it heard.
func talk(ctx workflow.Context) (string, error) {
	var heard []string
	err := workflow.SetQueryHandler(ctx, "heard", func() (string, error) { return strings.Join(heard, " "), nil })
	if err != nil {
		return "", err
	}
	err = workflow.SetUpdateHandler(ctx, "tell", func(ctx workflow.Context, word string) (int, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
		var loud string
		if err := workflow.ExecuteActivity(ctx, shout, word).Get(ctx, &loud); err != nil {
			return 0, err
		}
		heard = append(heard, loud)
		return len(heard), nil
	})
	if err != nil {
		return "", err
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, drSystem.ValueSet("orders")); err != nil {
		return "", err
	}
	for word := ""; word != "end"; {
		workflow.GetSignalChannel(ctx, "say").Receive(ctx, &word)
		heard = append(heard, word)
	}
	return strings.Join(heard, " "), nil
}

func shout(_ context.Context, word string) (string, error) { return strings.ToUpper(word), nil }

func startWorker(t testing.TB, c client.Client) worker.Worker {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(talk)
	w.RegisterWorkflow(steps)
	w.RegisterActivity(shout)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return w
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func tell(ctx context.Context, t *testing.T, c client.Client, word string) int {
	t.Helper()
	h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: "talk", UpdateName: "tell", Args: []any{word}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	var n int
	require.NoError(t, h.Get(ctx, &n))
	return n
}

func heard(ctx context.Context, t *testing.T, c client.Client) string {
	t.Helper()
	v, err := c.QueryWorkflow(ctx, "talk", "", "heard")
	require.NoError(t, err)
	var s string
	require.NoError(t, v.Get(&s))
	return s
}

func TestAnOpenWorkflowGoesOnAfterTheServerWasKilledAndStartedOnTheSameFile(t *testing.T) {
	ctx := testContext(t)
	db := filepath.Join(t.TempDir(), "temporal.db")
	first := start(t, "--db", db, "--port", "0", "--ui-port", "0")
	c := first.client(t)
	startWorker(t, c)
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "talk", TaskQueue: queue}, talk)
	require.NoError(t, err)
	require.Equal(t, 1, tell(ctx, t, c, "one"))
	require.NoError(t, c.SignalWorkflow(ctx, "talk", "", "say", "two"))
	require.Equal(t, 3, tell(ctx, t, c, "three"))
	require.Equal(t, "ONE two THREE", heard(ctx, t, c))
	require.FileExists(t, db+"-wal", "the database writes ahead")

	first.kill(t)
	_, port, _ := strings.Cut(first.ready.Address, ":")
	start(t, "--db", db, "--port", port, "--ui-port", "0")

	require.Equal(t, "ONE two THREE", heard(ctx, t, c), "the same client and worker reach the new process")
	require.Equal(t, 4, tell(ctx, t, c, "four"))
	require.NoError(t, c.SignalWorkflow(ctx, "talk", "", "say", "end"))
	var result string
	require.NoError(t, c.GetWorkflow(ctx, "talk", "").Get(ctx, &result))
	require.Equal(t, "ONE two THREE FOUR end", result)

	require.EventuallyWithT(t, func(collect *assertCollect) {
		n, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: "DrSystem = 'orders'"})
		require.NoError(collect, err)
		require.EqualValues(collect, 1, n.GetCount())
	}, 10*time.Second, 50*time.Millisecond)
}

func TestMissingSearchAttributesAreRegisteredAtTheNextStart(t *testing.T) {
	ctx := testContext(t)
	db := filepath.Join(t.TempDir(), "temporal.db")
	p := start(t, "--db", db, "--port", "0", "--headless", "--namespace", "drills")
	c := p.client(t)
	require.Equal(t, allKeywords(), customAttributes(ctx, t, c))
	_, err := c.OperatorService().RemoveSearchAttributes(ctx, &operatorservice.RemoveSearchAttributesRequest{
		Namespace: "drills", SearchAttributes: []string{"DrGate"},
	})
	require.NoError(t, err)
	require.NotContains(t, customAttributes(ctx, t, c), "DrGate")

	p.kill(t)
	c = start(t, "--db", db, "--port", "0", "--headless", "--namespace", "drills").client(t)
	require.Equal(t, allKeywords(), customAttributes(ctx, t, c))

	ns, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: "drills"})
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
}

func allKeywords() map[string]enumspb.IndexedValueType {
	const k = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	return map[string]enumspb.IndexedValueType{"DrSystem": k, "DrProcedure": k, "DrPhase": k, "DrGate": k}
}

func customAttributes(ctx context.Context, t *testing.T, c client.Client) map[string]enumspb.IndexedValueType {
	t.Helper()
	r, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: "drills"})
	require.NoError(t, err)
	return r.GetCustomAttributes()
}
