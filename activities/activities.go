// Package activities is what touches the world on behalf of workflows: it
// begins a run, observes and plans, rechecks, carries out steps, judges
// decisions, tells the watch and writes reports.
package activities

import (
	"context"
	"log/slog"
	"net"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/planning"
	"github.com/switchback-dr/switchback/internal/reports"
)

// Activities holds what the activities use. Every field is set.
type Activities struct {
	Inventory *inventory.Inventory
	// People reads people and gateways anew: keys and roles are read at each
	// decision.
	People func() (inventory.Who, error)
	Hosts  kit.HostSet
	// Pin gives a host's pin without connecting.
	Pin     func(host string) (dr.HostPin, error)
	Actions []kit.Action
	// Temporal reaches the watches.
	Temporal  client.Client
	Namespace string
	Reports   reports.Store
	// Secret gives the value of a credential; Redact knows what it gave.
	Secret func(ctx context.Context, credential string) (string, error)
	// Redact takes secrets out of everything that goes into a history.
	Redact func(string) string
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	// Dial opens TCP connections for drivers of SQL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Random gives a new request ID.
	Random func() string
	// WatchEvery is how often a watch observes.
	WatchEvery time.Duration
	Log        *slog.Logger
}

// Register registers the activities of procedures, one for each action under
// the action's own name.
func (a *Activities) Register(r worker.ActivityRegistry) {
	named := func(name string, f any) {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	named(dr.ActBegin, a.Begin)
	named(dr.ActPlan, a.Plan)
	named(dr.ActRecheck, a.Recheck)
	named(dr.ActJudge, a.Judge)
	named(dr.ActObserve, a.Observe)
	named(dr.ActReport, a.Report)
	named(dr.ActTellWatch, a.TellWatch)
	for _, action := range a.Actions {
		named(action.Name(), a.stepOf(action))
	}
}

// RegisterWatch registers the activity of watches, on their own task queue.
func (a *Activities) RegisterWatch(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.Watch, activity.RegisterOptions{Name: dr.ActWatch})
}

// env is what adapters are given. Only steps have a job and report progress.
func (a *Activities) env() kit.Env {
	return kit.Env{
		Hosts: a.Hosts, Secret: a.Secret, Now: a.Now, Sleep: a.Sleep, Dial: a.Dial,
		Progress: func(kit.Progress) {},
	}
}

func (a *Activities) observer() planning.Observer {
	return planning.Observer{Env: a.env(), Recall: a.Recall, LastBaseline: a.Reports.LastBaseline}
}
