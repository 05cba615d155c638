package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
	"github.com/switchback-dr/switchback/internal/recall"
)

// returnEvery is how often a watch's activity returns its memory at least, so
// that it stands in the workflow's history.
const returnEvery = time.Hour

// Watch observes one system until there is something to remember: an interval
// of being in sync opens or closes, an alarm comes or goes, or an hour is over.
// Every sample goes out as a heartbeat, so that the last one is known even when
// the worker dies.
func (a *Activities) Watch(ctx context.Context, in dr.WatchInput) (dr.Memory, error) {
	sys, err := a.Inventory.System(in.System)
	if err != nil {
		return dr.Memory{}, a.failure(err)
	}
	m := a.resume(ctx, in)
	began := a.Now()
	// The watch's own memory is what it judges by; it need not ask itself.
	eye := a.observer()
	eye.Recall = func(context.Context, string) (*dr.Memory, string) { return &m, "" }
	for {
		s := eye.Observe(ctx, sys, "")
		s.Judgement.Alarms = append(s.Judgement.Alarms, a.secondLook(ctx, sys, m, s)...)
		next, news := planning.Remember(m, s, a.Now())
		m = next
		activity.RecordHeartbeat(ctx, m)
		if len(news) > 0 || a.Now().Sub(began) >= returnEvery {
			for _, n := range news {
				a.Log.Info("watch", "system", in.System, "news", n)
			}
			return m, a.failure(a.Reports.KeepMemory(m))
		}
		if a.Sleep(ctx, a.WatchEvery) != nil {
			// Asked to come back: by a procedure that has something to tell, or
			// because the worker stops. What was seen is not lost.
			if err := a.Reports.KeepMemory(m); err != nil {
				a.Log.Warn("the memory was not written", "system", in.System, "error", err)
			}
			return m, nil
		}
	}
}

// secondLook asks where the addresses of the system's clients lead: a host that
// returns may have one that nobody could unbind. While a procedure moves them
// nothing is asked, and no alarm ends.
func (a *Activities) secondLook(ctx context.Context, sys *inventory.System, m dr.Memory, s dr.Situation) []string {
	if len(sys.Clients) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sys.Limits.Observe.D())
	defer cancel()
	before := a.moving(ctx, sys.Name)
	strays := contrib.Strays(ctx, a.env(), sys.Clients, s)
	if before || a.moving(ctx, sys.Name) {
		for i := range strays {
			strays[i].Is = dr.Unknown
		}
	}
	return planning.SecondLook(m, strays)
}

// moving says whether a procedure of the system is, or may be, under way. It is
// asked before and after looking: one that begins or ends meanwhile counts too.
func (a *Activities) moving(ctx context.Context, system string) bool {
	d, err := a.Temporal.DescribeWorkflowExecution(ctx, dr.WorkflowID(system), "")
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return false
	}
	return err != nil || d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// resume takes the last heartbeat of an attempt that died, when it is newer
// than the workflow's memory.
func (a *Activities) resume(ctx context.Context, in dr.WatchInput) dr.Memory {
	m := dr.Memory{Schema: dr.MemorySchema, System: in.System}
	if in.Memory != nil {
		m = *in.Memory
	}
	var last dr.Memory
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &last) == nil && last.Schema == dr.MemorySchema && last.At.After(m.At) {
		last.Baseline, last.Unprotected, last.FollowUps = m.Baseline, m.Unprotected, m.FollowUps
		return last
	}
	return m
}

// TellWatch tells a system's watch what only a procedure knows, and starts the
// watch when it does not run.
func (a *Activities) TellWatch(ctx context.Context, told dr.Told) error {
	_, stop := a.beat(ctx)
	defer stop()
	_, err := a.Temporal.SignalWithStartWorkflow(ctx, dr.WatchID(told.System), dr.SignalTold, told, WatchOptions(told.System),
		dr.WorkflowWatch, dr.WatchInput{System: told.System})
	if err != nil {
		return a.failure(dr.Retry("temporal", "the watch of %s could not be told: %v", told.System, err))
	}
	if told.Baseline != nil {
		return a.failure(a.Reports.KeepBaseline(told.System, *told.Baseline))
	}
	return nil
}

// WatchOptions is how every worker starts a system's watch: the one that runs
// already is used.
func WatchOptions(system string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: dr.WatchID(system), TaskQueue: dr.WatchTaskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "watch of " + system,
	}
}

// Recall gives the newest memory of a system's watch: the last heartbeat of its
// observing activity, or what its workflow remembers, or the file beside the
// reports.
func (a *Activities) Recall(ctx context.Context, system string) (*dr.Memory, string) {
	ask, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	best, err := recall.From(ask, a.Temporal, system)
	if err != nil {
		m, ferr := a.Reports.Memory(system)
		if ferr != nil || m == nil {
			return nil, "the watch did not answer and there is no file of its memory"
		}
		return m, "from the file, because the watch did not answer: " + dr.MemorySentence(m, a.Now())
	}
	return best, dr.MemorySentence(best, a.Now())
}
