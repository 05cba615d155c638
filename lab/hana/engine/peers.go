package engine

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/lab/hana/instance"
)

// peer is what the nameserver last heard from another site's.
type peer struct {
	answered time.Time
	failures int
	state    pong
}

// ping is what a source tells its secondary again and again.
type ping struct {
	From  string           `json:"from"`
	Sites []instance.Known `json:"sites"`
}

// pong is the answer.
type pong struct {
	Site  string `json:"site"`
	Mode  string `json:"mode"`
	Phase phase  `json:"phase"`
	// Sites are those that the answering site feeds itself.
	Sites []instance.Known `json:"sites"`
}

// pingEvery is how often a site asks the others.
const pingEvery = 60 * time.Millisecond

// lostAfter is how many unanswered questions make a site unreachable.
const lostAfter = 3

// watchPeers keeps the topology equal on both sides of a link, and notices
// when a site can no longer be reached: services of a site that its source
// cannot reach are not fed any more, whatever their own connections say.
func (e *engine) watchPeers() {
	for {
		site := e.siteNow()
		if site.Mode == instance.ModePrimary || site.Source {
			for _, k := range site.Sites {
				if k.ID != site.ID && len(k.Hosts) > 0 {
					e.askPeer(site, k)
				}
			}
		}
		select {
		case <-time.After(pingEvery):
		case <-e.ctx.Done():
			return
		}
	}
}

func (e *engine) askPeer(site instance.Site, k instance.Known) {
	address, known := e.conf.At(k.Hosts[0], e.conf.ReplicationPort())
	if !known {
		return
	}
	ctx, cancel := context.WithTimeout(e.ctx, time.Second)
	defer cancel()
	var got pong
	err := instance.Ask(ctx, address, "ping", ping{From: site.Name, Sites: site.Sites}, &got)
	e.mu.Lock()
	p := e.peers[k.Name]
	if err != nil {
		p.failures++
	} else {
		p = peer{answered: now(), state: got}
	}
	e.peers[k.Name] = p
	lost := p.failures == lostAfter
	e.mu.Unlock()
	if lost {
		for _, v := range e.volumes {
			e.shipment(k.Name, v).drop(instance.Text("channel-closed"))
		}
	}
	if err == nil {
		e.learn(got.Sites, k.ID)
	}
}

// learn takes over what a secondary knows of the sites that it feeds.
func (e *engine) learn(sites []instance.Known, source int) {
	site := e.siteNow()
	for _, k := range sites {
		if k.Source != source || k.ID == site.ID {
			continue
		}
		if have := site.ByID(k.ID); have != nil && have.Source == k.Source && have.Mode == k.Mode && have.OperationMode == k.OperationMode && !have.Gone {
			continue
		}
		if err := e.update(func(s *instance.Site) error {
			s.Put(k)
			return nil
		}); err != nil {
			trace("topology: %v", err)
		}
	}
}

// pinged answers a source's question and takes its topology over.
func (e *engine) pinged(p ping) (pong, error) {
	site := e.siteNow()
	answer := pong{Site: site.Name, Mode: site.Mode, Phase: e.phaseNow()}
	if !site.Secondary() {
		return answer, nil
	}
	answer.Sites = site.Targets(site.ID)
	source := sourceOf(site)
	if source == nil || source.Name != p.From {
		return answer, nil
	}
	e.mu.Lock()
	e.source.answered, e.source.error = now(), ""
	e.mu.Unlock()
	changed := false
	for _, k := range p.Sites {
		have := site.ByID(k.ID)
		if k.Source != site.ID && (have == nil || !sameKnown(*have, k)) {
			changed = true
		}
	}
	if !changed {
		return answer, nil
	}
	err := e.update(func(s *instance.Site) error {
		for _, k := range p.Sites {
			if k.Source != s.ID {
				s.Put(k)
			}
		}
		return nil
	})
	return answer, err
}

func sameKnown(a, b instance.Known) bool {
	return a.Name == b.Name && a.Mode == b.Mode && a.OperationMode == b.OperationMode && a.Source == b.Source && a.Gone == b.Gone
}

// sourceOf is the site that feeds a secondary.
func sourceOf(s instance.Site) *instance.Known {
	own := s.ByID(s.ID)
	if own == nil {
		return nil
	}
	return s.ByID(own.Source)
}
