package adaptertest

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// faulty wraps a set of hosts: it records what is sent and injects faults.
type faulty struct {
	kit.HostSet
	mu sync.Mutex
	// started are the commands that were really started, read the others.
	started []dr.Command
	read    []dr.Command
	texts   []string
	// rewrite changes what a Read gives.
	rewrite func(string) string
	// before makes the next Start fail before anything is sent; lost makes
	// its answer, and the look after it, get lost.
	before, lost bool
	lookLost     bool
	// hold, when set, is waited on before a Start is sent.
	hold    chan struct{}
	holding chan struct{}
	// watched are the beginnings of a step's statements, carried counts those
	// that reached the server.
	watched []string
	carried int
}

func (f *faulty) Host(name string) (kit.Host, error) {
	h, err := f.HostSet.Host(name)
	if err != nil {
		return nil, err
	}
	return faultyHost{h, f}, nil
}

func (f *faulty) starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.started)
}

type faultyHost struct {
	kit.Host
	f *faulty
}

func (h faultyHost) Read(ctx context.Context, cmd dr.Command) (kit.Output, error) {
	out, err := h.Host.Read(ctx, cmd)
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	h.f.read = append(h.f.read, cmd)
	rewrite := h.f.rewrite
	if flip, ok := ctx.Value(flipKey{}).(func(string) string); ok {
		rewrite = flip
	}
	if rewrite != nil {
		out.Stdout = rewrite(out.Stdout)
	}
	return out, err
}

func (h faultyHost) Look(ctx context.Context, key kit.JobKey) (kit.Job, error) {
	h.f.mu.Lock()
	lost := h.f.lookLost
	h.f.lookLost = false
	h.f.mu.Unlock()
	if lost {
		return kit.Job{}, dr.Retry("unreachable", "the host %s did not answer", h.Name())
	}
	return h.Host.Look(ctx, key)
}

func (h faultyHost) Start(ctx context.Context, key kit.JobKey, cmd dr.Command, at kit.HostTime, wait time.Duration) (kit.Job, error) {
	h.f.mu.Lock()
	before, lost, hold := h.f.before, h.f.lost, h.f.hold
	h.f.before, h.f.lost, h.f.hold = false, false, nil
	h.f.lookLost = lost || before
	h.f.mu.Unlock()
	if hold != nil {
		close(h.f.holding)
		<-hold
	}
	if before {
		return kit.Job{}, dr.Retry("unreachable", "the host %s did not answer", h.Name())
	}
	j, err := h.Host.Start(ctx, key, cmd, at, wait)
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if j.Started {
		h.f.started = append(h.f.started, cmd)
	}
	h.f.texts = append(h.f.texts, j.Stdout, j.Stderr)
	if lost {
		return kit.Job{}, dr.Retry("unreachable", "the answer of %s was lost", h.Name())
	}
	return j, err
}

// guarded rewrites what an action's guard reads, and nothing else: probe and
// guard may be asked at the same time.
type guarded struct {
	kit.Action
	rewrite func(string) string
}

// flipKey is the key under which a context carries a guard's rewrite.
type flipKey struct{}

func (g guarded) Guard(ctx context.Context, env kit.Env, args json.RawMessage) (kit.HostTime, error) {
	return g.Action.Guard(context.WithValue(ctx, flipKey{}, g.rewrite), env, args)
}
