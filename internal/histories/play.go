package histories

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/switchback-dr/switchback/dr"
)

// playLimit bounds one scenario; generous, because machines that test are busy.
const playLimit = 2 * time.Minute

// play is one scenario while it runs.
type play struct {
	*Stage
	Scenario
	world *world
	run   string
}

// Play starts the scenario, sends what people send and proves that the run ends,
// or stands open, as the scenario says. It gives the server's history of it. A
// run that stays open is terminated after its history was read.
func (s *Stage) Play(ctx context.Context, sc Scenario) (*historypb.History, error) {
	ctx, cancel := context.WithTimeout(ctx, playLimit)
	defer cancel()
	p := &play{Stage: s, Scenario: sc, world: s.prepare(sc)}
	if err := p.start(ctx); err != nil {
		return nil, p.wrong("does not start: %w", err)
	}
	for i, act := range sc.People {
		if err := p.act(ctx, act); err != nil {
			return nil, p.wrong("act %d (%s): %w", i+1, act.Verb, err)
		}
	}
	if err := p.checkEnd(ctx); err != nil {
		return nil, p.wrong("%w", err)
	}
	if ran := p.world.Ran(); sc.Ran != nil && !slices.Equal(ran, sc.Ran) {
		return nil, p.wrong("the steps carried out are %q, not %q", ran, sc.Ran)
	}
	h, err := p.history(ctx)
	if err != nil {
		return nil, p.wrong("its history: %w", err)
	}
	if err := p.leave(ctx); err != nil {
		return nil, p.wrong("%w", err)
	}
	return h, nil
}

func (p *play) wrong(format string, a ...any) error {
	return fmt.Errorf("%s/%s: %w", p.Workflow, p.Name, fmt.Errorf(format, a...))
}

func (p *play) start(ctx context.Context) error {
	queue := dr.TaskQueue
	if p.Workflow == dr.WorkflowWatch {
		queue = dr.WatchTaskQueue
	}
	run, err := p.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: p.WorkflowID(), TaskQueue: queue, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, p.Workflow, rawJSON(p.input()))
	if err != nil {
		return err
	}
	p.run = run.GetRunID()
	return nil
}

// rawJSON is a payload as the Temporal UI sends it: JSON, right or not.
func rawJSON(text string) converter.RawValue {
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: []byte(text),
	})
}

// checkEnd waits for the ending and compares it.
func (p *play) checkEnd(ctx context.Context) error {
	if p.End.Open != nil {
		if _, err := p.await(ctx, *p.End.Open); err != nil {
			return err
		}
		return p.checkMemory(ctx)
	}
	var res dr.Result
	// This very run: not what follows a continue-as-new.
	run := p.client.GetWorkflow(ctx, p.WorkflowID(), p.run)
	err := run.GetWithOptions(ctx, &res, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	if p.End.Status != "" {
		return p.checkStatus(ctx)
	}
	if p.End.Fails != "" {
		if err == nil || !strings.Contains(err.Error(), p.End.Fails) {
			return fmt.Errorf("the run ended with %w, not with a failure that says %q", orNone(err), p.End.Fails)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("the run failed: %w", err)
	}
	if p.Workflow != dr.WorkflowOnce && res.Ending.Kind != p.End.Kind {
		return fmt.Errorf("the run ended %q (%s), not %q", res.Ending.Kind, res.Ending.Text, p.End.Kind)
	}
	return nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no failure")
	}
	return err
}

func (p *play) checkStatus(ctx context.Context) error {
	d, err := p.client.DescribeWorkflowExecution(ctx, p.WorkflowID(), p.run)
	if err != nil {
		return err
	}
	if got := d.GetWorkflowExecutionInfo().GetStatus().String(); got != p.End.Status {
		return fmt.Errorf("the run is %s, not %s", got, p.End.Status)
	}
	return nil
}

func (p *play) checkMemory(ctx context.Context) error {
	if p.End.Remembers == nil {
		return nil
	}
	v, err := p.client.QueryWorkflow(ctx, p.WorkflowID(), p.run, dr.QueryMemory)
	if err != nil {
		return err
	}
	var m dr.Memory
	if err := v.Get(&m); err != nil {
		return err
	}
	got := Remembers{InSync: m.InSyncSince != nil, Baseline: m.Baseline != nil, Unprotected: m.Unprotected != nil, Alarms: len(m.Alarms)}
	if got != *p.End.Remembers {
		return fmt.Errorf("the watch remembers %+v, not %+v", got, *p.End.Remembers)
	}
	return nil
}

// leave ends what the scenario leaves open.
func (p *play) leave(ctx context.Context) error {
	if p.End.Open == nil && p.End.Status != "ContinuedAsNew" {
		return nil
	}
	return p.client.TerminateWorkflow(ctx, p.WorkflowID(), "", "its history was recorded")
}

func (p *play) history(ctx context.Context) (*historypb.History, error) {
	var h historypb.History
	it := p.client.GetWorkflowHistory(ctx, p.WorkflowID(), p.run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, e)
	}
	return &h, nil
}
