package kit

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Pipeliner is a Host that can carry reads behind a start, so that the act and
// the probe after it share one round trip. Their order on the host is the same.
type Pipeliner interface {
	Host
	// StartThen is Start. When the command has ended within wait, the reads are
	// carried out after it, one after the other. Their outputs are given only
	// when all of them were answered; otherwise the caller reads anew.
	StartThen(ctx context.Context, key JobKey, cmd dr.Command, guardAt HostTime, wait time.Duration, reads []dr.Command) (Job, []Output, error)
}

// mostAhead bounds how many reads are sent behind an act.
const mostAhead = 4

// ahead has the probe after an act read behind the act: it notes what the probe
// before it read on the act's host, since the probe after it asks the same.
type ahead struct {
	hosts HostSet
	host  string

	mu      sync.Mutex
	asked   []dr.Command
	answers []Output
}

// forget begins the notes of another probe.
func (a *ahead) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked, a.answers = nil, nil
}

func (a *ahead) with(env Env, wrap func(Host) Host) Env {
	env.Hosts = aheadHosts{a, wrap}
	return env
}

// noting notes what is read.
func (a *ahead) noting(env Env) Env {
	return a.with(env, func(h Host) Host { return notingHost{h, a} })
}

// acting sends what was noted behind the start.
func (a *ahead) acting(env Env) Env {
	return a.with(env, func(h Host) Host {
		if p, ok := h.(Pipeliner); ok {
			return actingHost{h, p, a}
		}
		return h
	})
}

// answering answers each read that was sent behind the start, once.
func (a *ahead) answering(env Env) Env {
	return a.with(env, func(h Host) Host { return answeringHost{h, a} })
}

type aheadHosts struct {
	a    *ahead
	wrap func(Host) Host
}

func (s aheadHosts) Host(name string) (Host, error) {
	h, err := s.a.hosts.Host(name)
	if err != nil || name != s.a.host {
		return h, err
	}
	return s.wrap(h), nil
}

type notingHost struct {
	Host
	a *ahead
}

func (h notingHost) Read(ctx context.Context, cmd dr.Command) (Output, error) {
	h.a.mu.Lock()
	h.a.asked = append(h.a.asked, cmd)
	h.a.mu.Unlock()
	return h.Host.Read(ctx, cmd)
}

type actingHost struct {
	Host
	p Pipeliner
	a *ahead
}

func (h actingHost) Start(ctx context.Context, key JobKey, cmd dr.Command, guardAt HostTime, wait time.Duration) (Job, error) {
	h.a.mu.Lock()
	reads := slices.Clone(h.a.asked)
	h.a.mu.Unlock()
	otherLogin := func(c dr.Command) bool { return c.Login != cmd.Login }
	if len(reads) == 0 || len(reads) > mostAhead || slices.ContainsFunc(reads, otherLogin) {
		return h.Host.Start(ctx, key, cmd, guardAt, wait)
	}
	j, answers, err := h.p.StartThen(ctx, key, cmd, guardAt, wait, reads)
	if err == nil && len(answers) == len(reads) {
		h.a.mu.Lock()
		h.a.asked, h.a.answers = reads, answers
		h.a.mu.Unlock()
	}
	return j, err
}

type answeringHost struct {
	Host
	a *ahead
}

func (h answeringHost) Read(ctx context.Context, cmd dr.Command) (Output, error) {
	if out, ok := h.a.take(cmd); ok {
		return out, nil
	}
	return h.Host.Read(ctx, cmd)
}

func (a *ahead) take(cmd dr.Command) (Output, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.answers {
		if reflect.DeepEqual(a.asked[i], cmd) {
			out := a.answers[i]
			a.asked, a.answers = slices.Delete(a.asked, i, i+1), slices.Delete(a.answers, i, i+1)
			return out, true
		}
	}
	return Output{}, false
}
