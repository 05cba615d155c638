package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Gateway is the core. Every exported field is set before it is used.
type Gateway struct {
	Config Config
	// Temporal reaches the procedures.
	Temporal  client.Client
	Namespace string
	// Who reads people and gateways anew.
	Who func() (inventory.Who, error)
	// Systems are the names of the inventory's systems.
	Systems []string
	// Redact takes known secrets and control characters out of a text.
	Redact func(string) string
	Now    func() time.Time
	Log    *slog.Logger

	channels map[string]Channel
	accounts map[string]string

	mu     sync.Mutex
	recent map[string][]time.Time
	forged int
	later  sync.WaitGroup
}

// Open makes the channels of chatops.yaml.
func (g *Gateway) Open(kinds []Kind) error {
	g.channels, g.accounts, g.recent = map[string]Channel{}, map[string]string{}, map[string][]time.Time{}
	for _, k := range kinds {
		node, ok := g.Config.Channels[k.Name]
		if !ok {
			continue
		}
		c, err := k.New(node, g)
		if err != nil {
			return err
		}
		g.channels[k.Name], g.accounts[k.Name] = c, k.Account
	}
	return nil
}

// knows says whether the inventory has the system.
func (g *Gateway) knows(system string) bool { return slices.Contains(g.Systems, system) }

// Later runs f in the background, with a deadline of its own, and waits for it
// no longer than limit: a chat gets its answer in time whatever Temporal does.
// It says whether f was done by then.
func (g *Gateway) Later(limit time.Duration, f func(ctx context.Context)) bool {
	done := make(chan struct{})
	g.later.Go(func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), laterLimit)
		defer cancel()
		f(ctx)
	})
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// laterLimit bounds the work behind one click or command.
const laterLimit = time.Minute

// allow bounds what one account may send: every decision is a line in a
// history, also a refused one.
func (g *Gateway) allow(who string, most int, within time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Now()
	kept := slices.DeleteFunc(g.recent[who], func(t time.Time) bool { return now.Sub(t) > within })
	if len(kept) >= most {
		g.recent[who] = kept
		return false
	}
	g.recent[who] = append(kept, now)
	return true
}

// Forged notes a request that was not authentic: a bad or missing signature, an
// old timestamp, a changed body. What it claims is not believed; where it names
// a system, the run's report shows that somebody tried.
func (g *Gateway) Forged(channel, system, why string) {
	g.mu.Lock()
	g.forged++
	n := g.forged
	g.mu.Unlock()
	why = dr.Clip(dr.CleanLine(why), 200)
	g.Log.Warn("a request that is not authentic was refused", "channel", channel, "why", why, "refused", n)
	if !g.knows(system) || !g.allow("forged "+system, 10, time.Hour) {
		return
	}
	g.later.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), laterLimit)
		defer cancel()
		in := Intent{Channel: channel, Account: g.accounts[channel] + ":not-authentic", ID: random(), Verb: dr.VerbApprove, Ref: Ref{System: system}}
		d := g.decision(in, inventory.Who{})
		d.Refused = "a request that was not authentic: " + why
		if err := g.complete(ctx, &d, system); err != nil {
			return
		}
		if err := g.sign(&d); err == nil {
			_, _ = g.send(ctx, dr.WorkflowID(system), d)
		}
	})
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails on the systems that Go supports
	return hex.EncodeToString(b[:])
}
