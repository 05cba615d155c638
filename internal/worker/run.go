// Package worker is the program that carries procedures out: it hosts the
// workflows and activities, keeps every system's watch running, replays open
// runs before an upgrade and checks an inventory against the world.
package worker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/switchback-dr/switchback/activities"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
	"github.com/switchback-dr/switchback/workflows"
)

// Options are a worker's settings. Path is required.
type Options struct {
	// Path is the inventory.
	Path string
	// WatchEvery is how often each system is observed; DefaultWatchEvery when
	// zero.
	WatchEvery time.Duration
	// NoWatch leaves watches alone, for a worker of procedures only.
	NoWatch bool
	// StopTimeout is how long work that has begun may go on when the worker is
	// told to stop; DefaultStopTimeout when zero. What is cut off then goes on
	// with the next worker.
	StopTimeout time.Duration
	Log         *slog.Logger
	// Out gets what people read; nil means standard output.
	Out io.Writer
}

// DefaultWatchEvery is how often a watch observes when nothing is said.
const DefaultWatchEvery = 5 * time.Second

// DefaultStopTimeout is how long a stopping worker lets its work go on.
const DefaultStopTimeout = 5 * time.Second

// Run hosts workflows and activities until ctx ends. The connection to Temporal
// comes from the environment (TEMPORAL_*).
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = DefaultStopTimeout
	}
	s, err := setup.Load(o.Path)
	if err != nil {
		return err
	}
	defer s.Close()
	c, namespace, err := setup.DialTemporal(ctx, o.Log)
	if err != nil {
		return err
	}
	defer c.Close()
	a := Activities(s, c, namespace, o)

	procedures := sdk.New(c, dr.TaskQueue, sdk.Options{
		DisableRegistrationAliasing: true,
		WorkerStopTimeout:           5 * time.Second,
		// Progress reaches people, and a dead worker is noticed, in seconds.
		MaxHeartbeatThrottleInterval:     time.Second,
		DefaultHeartbeatThrottleInterval: time.Second,
		// A bug in workflow code blocks the run until it is mended and the
		// worker restarted; it never ends a procedure.
		WorkflowPanicPolicy: sdk.BlockWorkflow,
		// On a busy machine the usual second passes without any fault of the
		// code, and the task is done again for nothing.
		DeadlockDetectionTimeout: 10 * time.Second,
	})
	workflows.Register(procedures)
	a.Register(procedures)
	if err := procedures.Start(); err != nil {
		return dr.Retry("temporal", "the worker cannot start: %v", err)
	}
	defer procedures.Stop()
	if !o.NoWatch {
		watches, err := startWatches(ctx, c, a, s.Inventory, o.StopTimeout)
		if err != nil {
			return err
		}
		defer watches.Stop()
	}
	fmt.Fprintf(o.Out, "worker ready: %s, task queue %s, namespace %s\n", dr.Count(int64(len(s.Inventory.Systems)), "system"), dr.TaskQueue, namespace)
	<-ctx.Done()
	return nil
}

// Activities builds the activities of a worker.
func Activities(s *setup.Setup, c client.Client, namespace string, o Options) *activities.Activities {
	every := o.WatchEvery
	if every == 0 {
		every = DefaultWatchEvery
	}
	return &activities.Activities{
		Inventory: s.Inventory, Hosts: s.Hosts, Pin: s.Pin, Actions: Actions(), Temporal: c, Namespace: namespace,
		People:  func() (inventory.Who, error) { return readPeople(o.Path) },
		Reports: s.Reports, Redact: s.Redact, Now: time.Now, Sleep: setup.Sleep, Dial: setup.Dial, Random: random, WatchEvery: every, Log: o.Log,
		Secret: s.Secret,
	}
}

// Actions lists the actions of all products and of the common contributors.
func Actions() []kit.Action {
	all := contrib.Actions()
	for _, p := range setup.Products() {
		all = append(all, p.Actions()...)
	}
	return all
}

// readPeople reads people anew: keys and roles count as they are now.
func readPeople(path string) (inventory.Who, error) {
	inv, err := inventory.Load(path, setup.Products())
	if err != nil {
		return inventory.Who{}, dr.Retry("inventory", "people cannot be read from %s: %v", path, err).WithNext("mend the inventory")
	}
	return inv.Who(), nil
}

// startWatches hosts watches and sees that every system has one. A watch that
// runs already is used.
func startWatches(ctx context.Context, c client.Client, a *activities.Activities, inv *inventory.Inventory, stop time.Duration) (sdk.Worker, error) {
	w := sdk.New(c, dr.WatchTaskQueue, sdk.Options{
		DisableRegistrationAliasing: true,
		WorkerStopTimeout:           stop,
		// Samples must reach the server soon: they are the last proof of
		// being in sync when a site is lost.
		MaxHeartbeatThrottleInterval:     a.WatchEvery,
		DefaultHeartbeatThrottleInterval: a.WatchEvery,
	})
	workflows.RegisterWatch(w)
	a.RegisterWatch(w)
	if err := w.Start(); err != nil {
		return nil, dr.Retry("temporal", "the worker of watches cannot start: %v", err)
	}
	for _, s := range inv.Systems {
		if _, err := c.ExecuteWorkflow(ctx, activities.WatchOptions(s.Name), dr.WorkflowWatch, dr.WatchInput{System: s.Name}); err != nil {
			w.Stop()
			return nil, dr.Retry("temporal", "the watch of %s cannot be started: %v", s.Name, err)
		}
	}
	return w, nil
}

func random() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails on the systems that Go supports
	return hex.EncodeToString(b[:])
}
