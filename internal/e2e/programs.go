package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// Run is the end of a program that ran to its end.
type Run struct {
	Exit           int
	Stdout, Stderr string
}

// RunStarter runs the starter with the inventory against the server and waits
// for its end.
func RunStarter(t testing.TB, d *Dev, inventory string, args ...string) Run {
	t.Helper()
	p := Start(t, Spec{
		Name: "starter", Path: Build(t, "starter"),
		Args: args, Env: append(d.Env(), inventoryEnv(inventory)),
	})
	exit := p.Wait(t)
	return Run{Exit: exit, Stdout: p.Stdout(), Stderr: p.Stderr()}
}

// StartWorker runs the worker ("run" is its default command) with the inventory
// against the server. AwaitPoller
// waits until it takes work.
func StartWorker(t testing.TB, d *Dev, inventory string, args ...string) *Process {
	t.Helper()
	return Start(t, Spec{
		Name: "worker", Path: Build(t, "worker"),
		Args: args, Env: append(d.Env(), inventoryEnv(inventory)),
	})
}

// inventoryEnv names the inventory file to worker and starter.
func inventoryEnv(path string) string { return "SWITCHBACK_INVENTORY=" + path }

// AwaitPoller waits until the process polls the task queue, for workflow and
// for activity tasks: the server says so, not the process.
func AwaitPoller(t testing.TB, c client.Client, queue string, p *Process) {
	t.Helper()
	for _, kind := range []enumspb.TaskQueueType{enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY} {
		Await(t, bootLimit, fmt.Sprintf("%s (pid %d) polls %s of queue %s", p.Name, p.PID, kind, queue), func() (bool, string) {
			if !p.Running() {
				t.Fatalf("e2e: %s ended with %s before it polled: %s", p.Name, p.state, tail(p.Stderr()))
			}
			return polls(t.Context(), c, queue, kind, p.PID)
		})
	}
}

// polls looks for a poller whose identity begins with the process ID, as that
// of the SDK does by default ("4711@host@").
func polls(ctx context.Context, c client.Client, queue string, kind enumspb.TaskQueueType, pid int) (bool, string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := c.DescribeTaskQueue(ctx, queue, kind)
	if err != nil {
		return false, err.Error()
	}
	var seen []string
	for _, poller := range r.GetPollers() {
		if strings.HasPrefix(poller.GetIdentity(), fmt.Sprintf("%d@", pid)) {
			return true, poller.GetIdentity()
		}
		seen = append(seen, poller.GetIdentity())
	}
	return false, fmt.Sprintf("pollers %q", seen)
}

// StartLab starts a pair of the product in dir and reads its line of JSON with
// every endpoint into endpoints.
func StartLab(t testing.TB, product, dir string, endpoints any, args ...string) *Process {
	t.Helper()
	p := Start(t, Spec{Name: "lab", Path: Build(t, "lab"), Args: append([]string{"up", product, "--dir", dir}, args...)})
	line := p.AwaitLine(t, bootLimit)
	if err := json.Unmarshal([]byte(line), endpoints); err != nil {
		t.Fatalf("e2e: the lab printed %q: %v", line, err)
	}
	removeLast(t, labkit.Elsewhere(dir))
	return p
}

func trimScheme(url string) string {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		return url
	}
	return strings.TrimSuffix(rest, "/")
}
