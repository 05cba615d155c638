package gateway

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/switchback-dr/switchback/dr"
)

// followEvery is how often a system's run is looked at. Asking costs one small
// call; a worker is asked only when the run's history has grown.
const followEvery = 2 * time.Second

// memoryEvery is how often a watch is asked about broken glasses.
const memoryEvery = 20 * time.Second

// maxFollow ends a follow activity now and then, so that its worker can be
// replaced.
const maxFollow = time.Hour

// eye is what a follow activity remembers between looks.
type eye struct {
	info  runInfo
	run   []dr.ChatTopic
	glass []dr.ChatTopic
	asked time.Time
	// first is set until the first look is over: a run that had ended before
	// is not announced.
	first bool
}

// Follow returns when people must see something else than they have seen.
func (g *Gateway) Follow(ctx context.Context, call dr.ChatFollowCall) (dr.ChatView, error) {
	if !g.knows(call.System) {
		return dr.ChatView{}, failure(dr.Refuse("unknown_system", "the inventory has no system %q any more", dr.Clip(call.System, 60)))
	}
	e := &eye{first: call.Seen.Run == "" && len(call.Seen.Topics) == 0}
	began := g.Now()
	for {
		v, err := g.look(ctx, call, e)
		switch {
		case err != nil && ctx.Err() != nil:
			return call.Seen, failure(dr.Retry("stopped", "the gateway stops"))
		case err != nil && dr.ClassOf(err) != dr.ClassRetry:
			return call.Seen, failure(err)
		case err == nil && !reflect.DeepEqual(v, call.Seen), g.Now().Sub(began) > maxFollow:
			return v, nil
		}
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return call.Seen, failure(dr.Retry("stopped", "the gateway stops"))
		case <-time.After(followEvery):
		}
	}
}

// look gives the view as it is now.
func (g *Gateway) look(ctx context.Context, call dr.ChatFollowCall, e *eye) (dr.ChatView, error) {
	v := dr.ChatView{}
	v.First, v.Next = g.Config.route(call.System)
	info, err := g.describe(ctx, dr.WorkflowID(call.System), "")
	switch {
	case dr.HasCode(err, "no_run"):
		info = runInfo{}
	case err != nil:
		return call.Seen, err
	}
	if info != e.info || e.run == nil && info.run != "" {
		all, err := g.runCards(ctx, call.System, info)
		if err != nil {
			return call.Seen, err
		}
		e.info, e.run = info, topics(all)
	}
	v.Run = info.run
	old := e.first && info.run != "" && !info.open
	for _, t := range e.run {
		if old || t.ID == topicEnd && call.Seen.Run != info.run && !e.first && g.Now().Sub(info.closed) > time.Hour {
			t.Announce = false
		}
		v.Topics = append(v.Topics, t)
	}
	if now := g.Now(); now.Sub(e.asked) >= memoryEvery {
		if m, err := g.Memory(ctx, call.System); err == nil {
			e.glass = g.glasses(call.System, m)
		}
		e.asked = now
	}
	v.Topics = append(v.Topics, e.glass...)
	return v, nil
}

func topics(all []shown) []dr.ChatTopic {
	out := make([]dr.ChatTopic, 0, len(all))
	for _, s := range all {
		out = append(out, s.topic)
	}
	return out
}

// runCards gives the cards of a run.
func (g *Gateway) runCards(ctx context.Context, system string, info runInfo) ([]shown, error) {
	if info.run == "" {
		return nil, nil
	}
	st, err := g.Status(ctx, system, info.run)
	if err != nil {
		return nil, err
	}
	var plan *dr.Plan
	if st.Gate != nil {
		p, err := g.Plan(ctx, system, info.run)
		if err != nil {
			return nil, err
		}
		// What is shown must be what the digest covers.
		if d, err := p.ComputeDigest(); err == nil && d == p.Digest {
			plan = &p
		}
	}
	ended := ""
	if !info.open && st.Ending == nil {
		ended = strings.ToLower(info.status.String())
	}
	return g.composer().run(st, plan, ended), nil
}

func (g *Gateway) glasses(system string, m dr.Memory) []dr.ChatTopic {
	var out []dr.ChatTopic
	for _, f := range m.FollowUps {
		out = append(out, g.composer().glass(system, f).topic)
	}
	return out
}

func (g *Gateway) composer() composer {
	return composer{config: g.Config, namespace: g.Namespace, clean: g.clean}
}

// CardOf gives the present card of a topic.
func (g *Gateway) CardOf(ctx context.Context, system string, t dr.ChatTopic) (Card, error) {
	if t.ID == topicGlass {
		m, err := g.Memory(ctx, system)
		if err != nil {
			return Card{}, err
		}
		for _, f := range m.FollowUps {
			if f.Run == t.Run {
				return g.composer().glass(system, f).card, nil
			}
		}
		return g.composer().gone(system, t), nil
	}
	info, err := g.describe(ctx, t.Workflow, t.Run)
	if dr.HasCode(err, "no_run") {
		return g.composer().gone(system, t), nil // its history is no longer kept
	}
	if err != nil {
		return Card{}, err
	}
	all, err := g.runCards(ctx, system, info)
	if err != nil {
		return Card{}, err
	}
	if i := slices.IndexFunc(all, func(s shown) bool { return s.topic.ID == t.ID }); i >= 0 {
		return all[i].card, nil
	}
	return g.composer().gone(system, t), nil
}
