package workflows_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/histories"
	"github.com/switchback-dr/switchback/internal/recordings"
	"github.com/switchback-dr/switchback/workflows"
)

// scenarios is written by: go run ./internal/histories/record
const scenarios = "testdata/histories"

var silent = log.NewStructuredLogger(slog.New(slog.DiscardHandler))

// nondeterministic is the SDK's number for code that does not fit a history.
const nondeterministic = "TMPRL1100"

// recorded gives every recording by its path without suffix.
func recorded(t *testing.T) map[string]*historypb.History {
	t.Helper()
	paths, err := recordings.List(scenarios)
	require.NoError(t, err)
	require.NotEmpty(t, paths, "there is no recording in %s", scenarios)
	all := map[string]*historypb.History{}
	for _, p := range paths {
		h, _, err := recordings.Read(p)
		require.NoError(t, err)
		all[p] = h
	}
	return all
}

func today(t *testing.T) worker.WorkflowReplayer {
	t.Helper()
	r := worker.NewWorkflowReplayer()
	workflows.Register(r)
	workflows.RegisterWatch(r)
	return r
}

// replay replays a history under the workflow ID that it was recorded with: the
// ID is the system's lock, and a procedure under another one refuses to run.
func replay(r worker.WorkflowReplayer, h *historypb.History) error {
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return r.ReplayWorkflowHistoryWithOptions(silent, h, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}

func TestEveryRecordedHistoryIsReplayedByTodaysCode(t *testing.T) {
	for path, h := range recorded(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(today(t), h))
		})
	}
}

// played has the histories of procedures that were played for real, one folder
// for each product. Written by: SWITCHBACK_RECORD=$PWD/workflows/testdata/played go test ./e2e/...
const played = "testdata/played"

func TestHistoriesOfProceduresOfEveryProductAreReplayedByTodaysCode(t *testing.T) {
	paths, err := recordings.List(played)
	require.NoError(t, err)
	products := map[string]int{}
	for _, path := range paths {
		products[filepath.Base(filepath.Dir(path))]++
		t.Run(filepath.Base(filepath.Dir(path))+" "+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			h, outline, err := recordings.Read(path)
			require.NoError(t, err)
			require.Equal(t, recordings.Outline(h), outline)
			require.NoError(t, replay(today(t), h))
		})
	}
	for _, product := range []string{"hana", "vvr", "openedge", "oceanbase"} {
		require.NotZero(t, products[product], "no procedure of %s was recorded", product)
	}
}

func TestThereIsARecordingOfEveryScenarioAndNoOther(t *testing.T) {
	var want, have []string
	for _, sc := range histories.All() {
		want = append(want, sc.Path(scenarios))
	}
	for path := range recorded(t) {
		have = append(have, filepath.ToSlash(path))
	}
	require.ElementsMatch(t, want, have, "record anew: go run ./internal/histories/record")
}

func TestTheOutlineBesideEachRecordingIsItsOwn(t *testing.T) {
	for path := range recorded(t) {
		h, outline, err := recordings.Read(path)
		require.NoError(t, err)
		require.Equal(t, recordings.Outline(h), outline, path)
	}
}

// procedures are the recordings in which a procedure at least began.
func procedures(t *testing.T) map[string]*historypb.History {
	t.Helper()
	all := recorded(t)
	for path, h := range all {
		switch {
		case typeOf(h) == dr.WorkflowWatch, typeOf(h) == dr.WorkflowOnce, !begins(h):
			delete(all, path)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func typeOf(h *historypb.History) string {
	return h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
}

func begins(h *historypb.History) bool {
	for _, e := range h.GetEvents() {
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == dr.ActBegin {
			return true
		}
	}
	return false
}

func TestAWorkflowWithOneMoreActivityDoesNotReplay(t *testing.T) {
	longer := func(page func(workflow.Context, converter.RawValue) (dr.Result, error)) any {
		return func(ctx workflow.Context, input converter.RawValue) (dr.Result, error) {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
			if err := workflow.ExecuteActivity(ctx, "lab.extra").Get(ctx, nil); err != nil {
				return dr.Result{}, err
			}
			return page(ctx, input)
		}
	}
	changed := worker.NewWorkflowReplayer()
	for name, page := range map[string]func(workflow.Context, converter.RawValue) (dr.Result, error){
		dr.WorkflowTakeover: workflows.Takeover, dr.WorkflowFailback: workflows.Failback, dr.WorkflowReseed: workflows.Reseed,
	} {
		changed.RegisterWorkflowWithOptions(longer(page), workflow.RegisterOptions{Name: name})
	}
	for path, h := range procedures(t) {
		require.ErrorContains(t, replay(changed, h), nondeterministic, path)
	}
}

func TestAWorkflowThatCallsAnActivityByAnotherNameDoesNotReplay(t *testing.T) {
	for _, name := range []string{dr.ActBegin, dr.ActPlan, dr.ActRecheck, dr.ActReport, "lab.irreversible"} {
		changed, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
			Interceptors: []interceptor.WorkerInterceptor{&renamer{from: name, to: name + "_2"}},
		})
		require.NoError(t, err)
		workflows.Register(changed)
		h := recorded(t)[scenarios+"/takeover/done"]
		require.NotNil(t, h)
		require.NoError(t, replay(today(t), h))
		require.ErrorContains(t, replay(changed, h), nondeterministic, name)
	}
}

// renamer calls one activity by another name, as a careless edit would.
type renamer struct {
	interceptor.WorkerInterceptorBase
	from, to string
}

func (r *renamer) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &renamedInbound{renamer: r}
	in.Next = next
	return in
}

type renamedInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	renamer *renamer
}

func (in *renamedInbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	o := &renamedOutbound{renamer: in.renamer}
	o.Next = out
	return in.Next.Init(o)
}

type renamedOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	renamer *renamer
}

func (o *renamedOutbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if name == o.renamer.from {
		name = o.renamer.to
	}
	return o.Next.ExecuteActivity(ctx, name, args...)
}
