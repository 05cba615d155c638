package slack

import (
	"context"
	"sync"
	"time"
)

// Slack's rate limits (docs.slack.dev, Rate limits): one message a second in a
// channel, short bursts beyond it tolerated; chat.update and
// conversations.history are of tier 3, at least 50 a minute.
const (
	postEvery   = time.Second
	updateEvery = 1200 * time.Millisecond
)

// pace lets calls of one kind go out one after the other, with a pause.
type pace struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error

	mu   sync.Mutex
	next map[string]time.Time
}

func newPace(now func() time.Time, sleep func(ctx context.Context, d time.Duration) error) *pace {
	return &pace{now: now, sleep: sleep, next: map[string]time.Time{}}
}

// wait returns when it is this call's turn.
func (p *pace) wait(ctx context.Context, key string, every time.Duration) error {
	p.mu.Lock()
	now := p.now()
	turn := p.next[key]
	if turn.Before(now) {
		turn = now
	}
	p.next[key] = turn.Add(every)
	p.mu.Unlock()
	if wait := turn.Sub(now); wait > 0 {
		return p.sleep(ctx, wait)
	}
	return nil
}

// hold keeps all calls of a kind back, as Slack asked.
func (p *pace) hold(key string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); p.next[key].Before(until) {
		p.next[key] = until
	}
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
