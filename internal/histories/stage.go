package histories

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/switchback-dr/switchback/activities"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/workflows"
)

// Identity stands in histories where Temporal's clients put process and host.
const Identity = "switchback-histories"

// Stage is where scenarios are played: the real workflows and the scripted
// activities on workers of one server.
type Stage struct {
	client  client.Client
	workers []worker.Worker

	mu     sync.Mutex
	worlds map[string]*world
}

// withoutCache has every workflow task replay its history from the beginning:
// code that is not deterministic fails at once, and no sticky queue with the
// host's name comes into the histories.
var withoutCache = sync.OnceFunc(func() { worker.SetStickyWorkflowCacheSize(0) })

// Open starts the workers. Close stops them.
func Open(c client.Client) (*Stage, error) {
	withoutCache()
	s := &Stage{client: c, worlds: map[string]*world{}}
	options := worker.Options{
		Identity: Identity, MaxHeartbeatThrottleInterval: 100 * time.Millisecond,
		DeploymentOptions: worker.DeploymentOptions{Version: worker.WorkerDeploymentVersion{DeploymentName: Identity, BuildID: "recorded"}},
	}
	procedures := worker.New(c, dr.TaskQueue, options)
	workflows.Register(procedures)
	s.register(procedures)
	watches := worker.New(c, dr.WatchTaskQueue, options)
	workflows.RegisterWatch(watches)
	register(watches, dr.ActWatch, func(ctx context.Context, in dr.WatchInput) (dr.Memory, error) {
		return s.world(in.System).watch(ctx, in)
	})
	for _, w := range []worker.Worker{procedures, watches} {
		if err := w.Start(); err != nil {
			s.Close()
			return nil, err
		}
		s.workers = append(s.workers, w)
	}
	return s, nil
}

// Close stops the workers.
func (s *Stage) Close() {
	for _, w := range s.workers {
		w.Stop()
	}
}

func register(r worker.ActivityRegistry, name string, f any) {
	r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
}

// register registers the activities of procedures. Decisions are judged by the
// real activity: it needs nothing but the people.
func (s *Stage) register(r worker.ActivityRegistry) {
	judge := &activities.Activities{People: people, Now: time.Now, Redact: func(text string) string { return text }}
	register(r, dr.ActJudge, judge.Judge)
	register(r, dr.ActBegin, func(ctx context.Context, in dr.BeginInput) (dr.Begun, error) {
		return s.world(in.Request.System).begin(ctx)
	})
	register(r, dr.ActPlan, func(ctx context.Context, call dr.PlanCall) (dr.Planned, error) {
		return s.world(call.Request.System).plan(ctx, call)
	})
	register(r, dr.ActRecheck, func(ctx context.Context, call dr.RecheckCall) (dr.Rechecked, error) {
		return s.world(call.Request.System).recheck(ctx, call)
	})
	register(r, dr.ActObserve, func(ctx context.Context, call dr.ObserveCall) (dr.Situation, error) {
		return situation(call.System), s.world(call.System).call(ctx, dr.ActObserve)
	})
	register(r, dr.ActReport, func(ctx context.Context, call dr.ReportCall) (dr.Written, error) {
		return dr.Written{Path: "reports/" + call.Report.System + ".json", SHA256: "ab"}, s.world(call.Report.System).call(ctx, dr.ActReport)
	})
	register(r, dr.ActTellWatch, func(ctx context.Context, told dr.Told) error {
		return s.world(told.System).call(ctx, dr.ActTellWatch)
	})
	for _, name := range actions {
		register(r, name, func(ctx context.Context, call dr.StepCall) (dr.StepResult, error) {
			return s.world(call.System).step(ctx, call)
		})
	}
}

// people are the persons of the inventory: eve may not decide.
func people() (inventory.Who, error) {
	person := func(id string, roles ...string) inventory.Person {
		return inventory.Person{ID: id, Name: id, Roles: roles}
	}
	return inventory.Who{People: map[string]inventory.Person{
		"ana": person("ana", "operator"), "ben": person("ben", "operator"), "eve": person("eve", "guest"),
	}}, nil
}

func (s *Stage) world(system string) *world {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w, ok := s.worlds[system]; ok {
		return w
	}
	return newWorld(World{})
}

func (s *Stage) prepare(sc Scenario) *world {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := newWorld(sc.World)
	s.worlds[sc.System()] = w
	return w
}
