package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/switchback-dr/switchback/adapters/kit"
)

// beatEvery is how often a running activity says that it lives.
const beatEvery = 2 * time.Second

// beat sends heartbeats until stopped, each with the last progress. A worker
// that is cut off loses its activities after the heartbeat time-out.
func (a *Activities) beat(ctx context.Context) (progress func(kit.Progress), stop func()) {
	var mu sync.Mutex
	last := kit.Progress{Text: "started", At: a.Now()}
	done, ended := make(chan struct{}), make(chan struct{})
	var once sync.Once
	send := func() {
		mu.Lock()
		p := last
		mu.Unlock()
		p.Text = a.Redact(p.Text)
		activity.RecordHeartbeat(ctx, p)
	}
	go func() {
		t := time.NewTicker(beatEvery)
		defer t.Stop()
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-t.C:
				send()
			}
		}
	}()
	progress = func(p kit.Progress) {
		mu.Lock()
		last = p
		mu.Unlock()
	}
	return progress, func() {
		once.Do(func() { close(done) })
		<-ended // no heartbeat of an activity that has ended
	}
}
