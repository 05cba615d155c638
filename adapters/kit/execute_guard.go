package kit

import (
	"context"

	"github.com/switchback-dr/switchback/dr"
)

// guarding is a guard that is being asked.
type guarding struct {
	cancel context.CancelFunc
	ended  chan struct{}
	at     HostTime
	err    error
}

// guardMeanwhile asks the guard while the first probe is asked: both only read,
// and what the guard reads is as fresh as after a probe that costs a round
// trip. Its answer counts only when the probe has said "not done" at once.
func (x *execution) guardMeanwhile(ctx context.Context) *guarding {
	ctx, cancel := context.WithCancel(ctx)
	g := &guarding{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		defer func() {
			// In this goroutine a panic would end the whole worker.
			if r := recover(); r != nil {
				g.err = dr.Hold("guard_panic", "the guard of %s failed: %v", x.st.Title, r)
			}
		}()
		g.at, g.err = x.a.Guard(ctx, x.env, x.st.Args)
	}()
	return g
}

// answer waits for the guard.
func (g *guarding) answer() (HostTime, error) {
	<-g.ended
	return g.at, g.err
}

// stop ends a guard whose answer nobody needs any more.
func (g *guarding) stop() {
	g.cancel()
	<-g.ended
}
