package ledger

import (
	"context"
	"sync"
	"time"
)

// Moment is a time in which more than one site could take writes, as sampled.
type Moment struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Sites []string  `json:"sites"`
}

// Writable asks one site directly, past every address, whether it would take a
// write now. No answer within ctx means no.
type Writable func(ctx context.Context) bool

// Primaries watches which sites can take writes.
type Primaries struct {
	ask   map[string]Writable
	names []string
	every time.Duration
	stop  context.CancelFunc
	done  chan struct{}

	mu      sync.Mutex
	now     []string
	samples int
	moments []Moment
	open    bool
}

// Watch asks every site about once per interval until Close.
func Watch(names []string, ask map[string]Writable, every time.Duration) *Primaries {
	ctx, stop := context.WithCancel(context.Background())
	p := &Primaries{ask: ask, names: names, every: every, stop: stop, done: make(chan struct{})}
	go p.run(ctx)
	return p
}

// Close stops watching.
func (p *Primaries) Close() {
	p.stop()
	<-p.done
}

// Now gives the sites that could take writes at the last sample, and how many
// samples there were.
func (p *Primaries) Now() (sites []string, samples int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.now...), p.samples
}

// Moments lists the times with more than one.
func (p *Primaries) Moments() []Moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Moment{}, p.moments...)
}

func (p *Primaries) run(ctx context.Context) {
	defer close(p.done)
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		p.sample(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// sample asks all sites at the same time. Two yes in one sample are two
// primaries: the questions are milliseconds apart, a handover takes longer.
func (p *Primaries) sample(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	yes := make([]bool, len(p.names))
	var all sync.WaitGroup
	for i, n := range p.names {
		all.Go(func() { yes[i] = p.ask[n](ctx) })
	}
	all.Wait()
	p.add(time.Now(), yes)
}

func (p *Primaries) add(at time.Time, yes []bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples++
	p.now = p.now[:0]
	for i, n := range p.names {
		if yes[i] {
			p.now = append(p.now, n)
		}
	}
	if len(p.now) < 2 {
		p.open = false
		return
	}
	if !p.open {
		p.moments = append(p.moments, Moment{From: at, Sites: append([]string(nil), p.now...)})
	}
	p.open = true
	p.moments[len(p.moments)-1].To = at
}
