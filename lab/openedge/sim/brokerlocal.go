package sim

import (
	"io"
	"net"
	"sync"
	"time"
)

// acceptLocal serves the utilities and the replication process of this host.
func (b *broker) acceptLocal(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.local(newPeer(c))
	}
}

func (b *broker) local(p *peer) {
	quiet := false
	defer func() {
		if quiet {
			// Who threw the clients out is gone: they may come back.
			b.setQuiet(false)
		}
		b.leave(p.Conn)
		_ = p.Close()
	}()
	for {
		var c call
		if p.receive(&c) != nil {
			return
		}
		quiet = quiet || c.Op == "quiet"
		if c.Op == "backup" {
			b.backUp(p, c)
			return
		}
		if c.Op == "shutdown" {
			// Answered first: the broker's program may end before it could be.
			_ = p.send(result{OK: true})
			b.stop(c.On)
			return
		}
		if c.Op == "attach" {
			b.attach(p.Conn)
		}
		r, err := b.do(c)
		if err != nil {
			r.Error = failureOf(err)
		}
		if p.send(r) != nil {
			return
		}
	}
}

// do answers one question.
func (b *broker) do(c call) (result, error) {
	switch c.Op {
	case "attach", "state":
		return b.state(), nil
	case "wait":
		trx := b.e.waitBeyond(c.Trx, time.Duration(c.MS)*time.Millisecond)
		return result{Trx: trx, Text: b.condition()}, nil
	case "apply":
		trx, err := b.e.apply(parseNotes(c.Notes))
		return result{Trx: trx, Text: b.condition()}, err
	case "needed":
		return result{}, b.e.change(func(m *master) error {
			m.ReplState.LockFrom = c.Seq
			b.e.lockExtents()
			return nil
		})
	case "open":
		b.mu.Lock()
		opened := !b.open
		b.open = true
		b.mu.Unlock()
		if opened {
			lg(b.db, asBroker, 'I', msgConnectionsOpen)
		}
		return result{}, nil
	case "quiet":
		b.setQuiet(true)
		return b.state(), nil
	}
	return result{}, changeMaster(b.e, c)
}

// setQuiet throws the clients out and lets none in, or ends that.
func (b *broker) setQuiet(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.quiet = on || b.closing
	for s := range b.sessions {
		if on {
			_ = s.Close()
		}
	}
}

// changeMaster carries out what utilities do to an open database, online or
// offline.
func changeMaster(e *engine, c call) error {
	switch c.Op {
	case "synced":
		return e.change(func(m *master) error {
			m.ReplState.Synced, m.ReplState.Fresh, m.ReplState.SeedCount, m.ReplState.Broken = true, false, 0, false
			return nil
		})
	case "follow":
		return e.change(func(m *master) error {
			m.Lineage = c.Lineage
			return nil
		})
	case "aibegin":
		return e.beginAI()
	case "aiend":
		if e.m.Role == roleSource {
			return say(msgSourceNeedsAI, e.db)
		}
		return e.endAI()
	case "ainew":
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.ai == nil {
			return say(msgAIOff)
		}
		return e.switchAI(e.trx + 1)
	case "aiempty":
		return e.emptyExtent(c.Seq)
	case "archiver":
		return e.change(func(m *master) error {
			m.AI.Archiver = c.On
			if c.Text != "" {
				m.AI.ArcDir = c.Text
			}
			return nil
		})
	case "interval":
		return e.change(func(m *master) error {
			m.AI.Interval = c.Seq
			return nil
		})
	case "marked":
		return e.change(func(m *master) error {
			m.Marked = true
			return nil
		})
	case "disable":
		return e.disable(c.Text)
	}
	return say(msgUsage, c.Op)
}

func (b *broker) state() result {
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	m := *b.e.m
	m.AI.Extents = append([]aiState{}, m.AI.Extents...)
	return result{Trx: b.e.trx, State: &m, Limits: b.limits}
}

// condition is what the replication process must know: "closing" ends it,
// "backup" halts an agent.
func (b *broker) condition() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closing:
		return "closing"
	case b.backup:
		return "backup"
	}
	return ""
}

// backUp takes part in an online backup: the snapshot is what the database
// holds when it begins; the caller's last word says whether it was written.
func (b *broker) backUp(p *peer, c call) {
	b.mu.Lock()
	taken := b.backup
	b.backup = true
	b.mu.Unlock()
	if taken {
		_ = p.send(result{Error: failureOf(say(msgBackupRunning))})
		return
	}
	defer func() {
		b.mu.Lock()
		b.backup = false
		b.mu.Unlock()
	}()
	s, err := b.e.snapshot(c.On)
	if err != nil {
		_ = p.send(result{Error: failureOf(err)})
		return
	}
	if p.send(result{Seed: s}) != nil {
		return
	}
	var last call
	if p.receive(&last) != nil || !last.On {
		return
	}
	_ = b.e.backedUp(s)
	_ = p.send(result{OK: true})
}

// relayBoth copies between two peers until one ends.
func relayBoth(a, z *peer) {
	var both sync.WaitGroup
	for _, pair := range [][2]*peer{{a, z}, {z, a}} {
		both.Go(func() {
			_, _ = io.Copy(pair[1].Conn, pair[0].in)
			_, _ = pair[0].Close(), pair[1].Close()
		})
	}
	both.Wait()
}
