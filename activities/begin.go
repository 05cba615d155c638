package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
)

// Begin reads what a run is pinned to: policies, requester, sites.
func (a *Activities) Begin(ctx context.Context, in dr.BeginInput) (dr.Begun, error) {
	_, stop := a.beat(ctx)
	defer stop()
	sys, err := a.Inventory.System(in.Request.System)
	if err != nil {
		return dr.Begun{}, a.failure(err)
	}
	out := dr.Begun{Product: sys.Product, Sites: sys.Sites, Policies: sys.Policies}
	who, err := a.People()
	if err != nil {
		return dr.Begun{}, a.failure(err)
	}
	started := activity.GetInfo(ctx).ScheduledTime
	out.Requester, out.RequesterWhy, err = people.JudgeStart(who, in.Request, in.Workflow, started)
	if err == nil && out.Requester != "" {
		err = a.useOnce(ctx, in)
	}
	if err != nil {
		return dr.Begun{}, a.failure(err)
	}
	if out.Requester == "unknown" {
		out.Requester = ""
	}
	out.Attributes = a.attributesRegistered(ctx)
	return out, nil
}

// useOnce uses up the nonce of a signed start: a workflow ID that Temporal
// accepts only once. The memo says which run used it, so that a repeated
// attempt of the same run is not refused by its own mark.
func (a *Activities) useOnce(ctx context.Context, in dr.BeginInput) error {
	if in.Request.Signed == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(in.Request.Signed.Person + "\x00" + in.Request.Signed.Nonce))
	id := "dronce-" + hex.EncodeToString(sum[:16])
	run := activity.GetInfo(ctx).WorkflowExecution.RunID
	_, err := a.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: dr.TaskQueue, Memo: map[string]any{"run": run},
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		WorkflowExecutionTimeout:                 24 * time.Hour,
		StaticSummary:                            "signed start of " + in.Workflow,
	}, dr.WorkflowOnce)
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if !errors.As(err, &already) {
		if err != nil {
			return dr.Retry("temporal", "the signed start could not be marked as used: %v", err)
		}
		return nil
	}
	d, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return dr.Retry("temporal", "the mark of the signed start could not be read: %v", err)
	}
	if string(d.GetWorkflowExecutionInfo().GetMemo().GetFields()["run"].GetData()) == `"`+run+`"` {
		return nil
	}
	return dr.Refuse("start_used", "this signed start was used before").WithNext("sign and start again")
}

// attributesRegistered says whether this cluster knows the search attributes.
// Writing an unknown one would block the run, so "not known" means no.
func (a *Activities) attributesRegistered(ctx context.Context) bool {
	ask, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := a.Temporal.OperatorService().ListSearchAttributes(ask, &operatorservice.ListSearchAttributesRequest{Namespace: a.Namespace})
	if err != nil {
		a.Log.Info("search attributes are not written: the server did not list them", "error", err)
		return false
	}
	for _, name := range dr.SearchAttributes() {
		if out.GetCustomAttributes()[name] != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			return false
		}
	}
	return true
}
