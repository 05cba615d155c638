package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Register registers the procedures under their public names.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(Takeover, workflow.RegisterOptions{Name: dr.WorkflowTakeover})
	r.RegisterWorkflowWithOptions(Failback, workflow.RegisterOptions{Name: dr.WorkflowFailback})
	r.RegisterWorkflowWithOptions(Reseed, workflow.RegisterOptions{Name: dr.WorkflowReseed})
	r.RegisterWorkflowWithOptions(Once, workflow.RegisterOptions{Name: dr.WorkflowOnce})
}

// RegisterWatch registers the watch, on its own task queue.
func RegisterWatch(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(Watch, workflow.RegisterOptions{Name: dr.WorkflowWatch})
}

// Once ends at once. A signed start uses up a workflow ID of this type, so that
// the same signature cannot start a second run.
func Once(workflow.Context) error { return nil }
