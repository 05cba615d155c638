package histories

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

// lookEvery is the pause between two looks at a run.
const lookEvery = 30 * time.Millisecond

// await looks until the run is at the moment. Unless a step is awaited at work,
// the run must also stand still: then what happens next, and with it the
// recorded history, does not hang on who is faster.
func (p *play) await(ctx context.Context, m Moment) (dr.Status, error) {
	last := "nothing was seen of it"
	for {
		s, ok, seen, err := p.look(ctx, m)
		if ok && err == nil {
			return s, nil
		}
		if err != nil {
			seen = err.Error()
		}
		if ctx.Err() == nil {
			last = seen
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("the run did not come to %+v; last seen: %s", m, last)
		case <-time.After(lookEvery):
		}
	}
}

func (p *play) look(ctx context.Context, m Moment) (s dr.Status, ok bool, seen string, err error) {
	d, err := p.client.DescribeWorkflowExecution(ctx, p.WorkflowID(), p.run)
	if err != nil {
		return s, false, "", err
	}
	if status := d.GetWorkflowExecutionInfo().GetStatus(); status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return s, false, "the run is " + status.String(), nil
	}
	if d.GetPendingWorkflowTask() != nil {
		return s, false, "a workflow task is open", nil
	}
	if p.Workflow == dr.WorkflowWatch {
		// Its activity is always open; samples count its starts.
		n := p.world.count(dr.ActWatch)
		return s, n == m.Samples && len(d.GetPendingActivities()) == 1, fmt.Sprintf("%d samples", n), nil
	}
	if (m.Working != "") != stepOpen(d.GetPendingActivities()) || m.Working == "" && len(d.GetPendingActivities()) > 0 {
		return s, false, fmt.Sprintf("%d activities are open", len(d.GetPendingActivities())), nil
	}
	v, err := p.client.QueryWorkflow(ctx, p.WorkflowID(), p.run, dr.QueryStatus)
	if err != nil {
		return s, false, "", err
	}
	if err := v.Get(&s); err != nil {
		return s, false, "", err
	}
	return s, m.matches(s), fmt.Sprintf("%s: %s", s.State, s.Sentence), nil
}

// stepOpen says whether a step is being carried out.
func stepOpen(pending []*workflowpb.PendingActivityInfo) bool {
	return slices.ContainsFunc(pending, func(a *workflowpb.PendingActivityInfo) bool {
		return a.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED && slices.Contains(actions, a.GetActivityType().GetName())
	})
}

func (m Moment) matches(s dr.Status) bool {
	if m.Gate != "" && (s.Gate == nil || s.Gate.Gate != m.Gate || s.Gate.Occurrence != max(m.Opening, 1) || len(s.Gate.Votes) != m.Votes) {
		return false
	}
	if m.Hold != "" && (s.Hold == nil || s.Hold.Step != m.Hold || s.Hold.Attempt != max(m.Attempt, 1)) {
		return false
	}
	if m.State != "" && s.State != m.State {
		return false
	}
	if m.Working != "" && !works(s, m.Working) {
		return false
	}
	return len(s.Refused) == m.Refused || m.Refused == 0
}

func works(s dr.Status, step string) bool {
	for _, ph := range s.Phases {
		for _, st := range ph.Steps {
			if st.ID == step {
				return st.State == dr.StepRunning
			}
		}
	}
	return false
}

// act waits for the act's moment and sends its message.
func (p *play) act(ctx context.Context, a Act) error {
	s, err := p.await(ctx, a.When)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(a.After):
	}
	switch {
	case a.Cancel:
		return p.client.CancelWorkflow(ctx, p.WorkflowID(), p.run)
	case a.Told != nil:
		return p.client.SignalWorkflow(ctx, p.WorkflowID(), p.run, dr.SignalTold, *a.Told)
	case a.Garbled:
		return p.client.SignalWorkflow(ctx, p.WorkflowID(), p.run, dr.SignalTold, rawJSON(`{"baseline":7`))
	case a.Update:
		return p.update(ctx, a, s)
	}
	return p.client.SignalWorkflow(ctx, p.WorkflowID(), p.run, string(a.Verb), rawJSON(a.body(s)))
}

func (p *play) update(ctx context.Context, a Act, s dr.Status) error {
	h, err := p.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: p.WorkflowID(), RunID: p.run, UpdateName: string(a.Verb), Args: []any{rawJSON(a.body(s))},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var answer string
	if err == nil {
		err = h.Get(ctx, &answer)
	}
	if err != nil && a.Says != "" {
		answer, err = err.Error(), nil
	}
	if err != nil {
		return err
	}
	if !strings.Contains(answer, a.Says) {
		return fmt.Errorf("the answer is %q; it does not say %q", answer, a.Says)
	}
	return nil
}

// body is what a person would send: what the status shows, and a name.
func (a Act) body(s dr.Status) string {
	digest := ""
	d := dr.Decision{Person: a.By, Reason: "lab"}
	if s.Gate != nil {
		digest = dr.ShortDigest(s.Gate.Digest)
	}
	switch {
	case a.Body != "":
		return strings.ReplaceAll(a.Body, "$DIGEST", digest)
	case a.Verb.OnGate() && s.Gate != nil:
		d.Gate, d.Occurrence, d.Digest = s.Gate.Gate, s.Gate.Occurrence, digest
	case a.Verb.OnHold() && s.Hold != nil:
		d.Step, d.Attempt = s.Hold.Step, s.Hold.Attempt
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
