package e2e

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const queue = "e2e"

// listen gathers signals until "end".
func listen(ctx workflow.Context) (string, error) {
	var all []string
	for word := ""; word != "end"; {
		workflow.GetSignalChannel(ctx, "say").Receive(ctx, &word)
		all = append(all, word)
	}
	return strings.Join(all, " "), nil
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// inTestWorker hosts listen in the test process itself.
func inTestWorker(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(listen)
	w.RegisterActivity(func(context.Context) error { return nil })
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	AwaitPoller(t, c, queue, &Process{Name: "test", PID: os.Getpid()})
}

func TestAWorkflowGoesOnWhenTheDevelopmentServerIsKilledAndRestarted(t *testing.T) {
	d := StartDev(t, DevOptions{UI: true})
	ctx := deadline(t) // building the server may take longer
	c := d.Client(t)
	inTestWorker(t, c)
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: queue}, listen)
	require.NoError(t, err)
	require.NoError(t, c.SignalWorkflow(ctx, run.GetID(), "", "say", "before"))

	address, ui, pid := d.Address, d.UI, d.PID
	d.Kill(t)
	require.False(t, d.Running())
	d.Restart(t)
	require.Equal(t, address, d.Address)
	require.Equal(t, ui, d.UI)
	require.NotEqual(t, pid, d.PID)
	resp, err := http.Get(d.UI)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	require.NoError(t, c.SignalWorkflow(ctx, run.GetID(), "", "say", "end"))
	var all string
	require.NoError(t, run.Get(ctx, &all))
	require.Equal(t, "before end", all)
	require.Equal(t, 0, d.End(t), "the server ends cleanly when it is asked to")
	require.Empty(t, Descendants(t))
}

func TestAFrozenServerAnswersNobodyUntilItGoesOn(t *testing.T) {
	d := StartDev(t, DevOptions{Memory: true})
	c := d.Client(t)
	healthy := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
	require.NoError(t, healthy(10*time.Second))
	d.Stop(t)
	require.Error(t, healthy(300*time.Millisecond))
	d.Cont(t)
	require.NoError(t, healthy(10*time.Second))
}

func TestTheServersSettingsReachEveryProgramThroughItsEnvironment(t *testing.T) {
	d := &Dev{Address: "127.0.0.1:1", Namespace: "drills"}
	require.Equal(t, []string{"TEMPORAL_ADDRESS=127.0.0.1:1", "TEMPORAL_NAMESPACE=drills"}, d.Env())
}
