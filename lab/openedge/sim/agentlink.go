package sim

import (
	"errors"
	"net"
	"strings"
	"time"
)

// agentLink is one agent as the server knows it: its connection, and what it
// acknowledged. The view is guarded by the server's lock.
type agentLink struct {
	controlAgent
	s    *server
	view agentView

	kick chan struct{}
	stop bool
	// ask is a message to be sent as soon as everything before it was, ready
	// its answer.
	ask   *message
	ready *message
}

// errClosing ends a session because the source shuts down; errAgent because the
// agent cannot be served at all.
var (
	errClosing = errors.New("the source shuts down")
	errAgent   = errors.New("the agent cannot be served")
)

func (a *agentLink) set(code int) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.view.Code = code
	a.s.derive()
}

func (a *agentLink) code() int {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	return a.view.Code
}

// nudge makes a waiting link try at once, or ends it.
func (a *agentLink) nudge(end bool) {
	a.s.mu.Lock()
	a.stop = a.stop || end
	a.s.grown.Broadcast()
	a.s.mu.Unlock()
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

func (a *agentLink) ending() bool {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	return a.s.closing || a.stop
}

// run serves the agent until the source closes, the agent cannot be served, or
// the time in which it may appear is over: connect-timeout, then, every five
// minutes, for as long as defer-agent-startup says.
func (a *agentLink) run() {
	a.s.mu.Lock()
	a.kick = make(chan struct{}, 1)
	a.s.mu.Unlock()
	begun := time.Now()
	for first := true; ; first = false {
		if first {
			lg(a.s.db, asServer, 'I', msgConnecting, a.name, a.address)
		}
		was := a.code()
		err := a.session()
		switch {
		case errors.Is(err, errClosing):
			a.set(codeEnded)
			lg(a.s.db, asServer, 'I', msgAgentTerminated, a.name)
			return
		case errors.Is(err, errAgent):
			return
		}
		if now := a.code(); now == codeAgentNormal || now == codeStartupSync || now == codeRecoverySync {
			lg(a.s.db, asServer, 'W', msgRecovering, a.name)
			begun = time.Now()
			a.set(codeRecoverySync)
		} else if was == codeInitialConnection {
			a.set(codeInitialConnection)
		}
		if !a.again(begun) {
			lg(a.s.db, asServer, 'W', msgAgentGone, a.name)
			if a.code() == codeInitialConnection {
				a.set(codeConnectionFailed)
			} else {
				a.set(codeEnded)
			}
			return
		}
	}
}

// again waits for the next attempt; false: there is none.
func (a *agentLink) again(begun time.Time) bool {
	pace := a.s.p.config().Pace
	if a.s.p.cfg.DeferralOver {
		return false
	}
	since := time.Since(begun)
	pause := 30 * time.Millisecond
	if since > pace.seconds(a.connectTimeout) {
		if since > pace.minutes(a.s.props.deferral()) {
			return false
		}
		pause = time.Duration(pace.Retry) * time.Millisecond
		a.s.mu.Lock()
		if a.view.Code == codeRecoverySync {
			a.view.Code = codeInitialConnection
			a.s.derive()
		}
		a.s.mu.Unlock()
	}
	for late := time.Now().Add(pause); time.Now().Before(late); {
		select {
		case <-a.kick:
			return true
		case <-time.After(10 * time.Millisecond):
		}
		if a.ending() {
			return true
		}
	}
	return true
}

// session connects, brings the agent into step and keeps it there.
func (a *agentLink) session() error {
	if a.ending() {
		return errClosing
	}
	c, err := net.DialTimeout("tcp", a.address, time.Second)
	if err != nil {
		return err
	}
	p := newPeer(c)
	defer func() { _ = p.Close() }()
	if _, err := p.Write([]byte("REPL\n")); err != nil {
		return err
	}
	trx, err := a.greet(p)
	if err != nil {
		return err
	}
	lg(a.s.db, asServer, 'I', msgConnected, a.name, a.address)
	lg(a.s.db, asServer, 'I', msgAllConnected)
	lg(a.s.db, asServer, 'I', msgSyncBegin, a.name)
	if a.code() == codeRecoverySync {
		a.set(codeRecoverySync)
	} else {
		a.set(codeStartupSync)
	}
	gone := make(chan error, 1)
	go func() { gone <- a.hear(p) }()
	return a.ship(p, trx, gone)
}

// greet compares both sides and gives the agent's last transaction.
func (a *agentLink) greet(p *peer) (uint64, error) {
	r, err := a.s.p.askBroker(a.s.db, call{Op: "state"})
	if err != nil {
		return 0, err
	}
	m := r.State
	_ = p.SetReadDeadline(time.Now().Add(2 * time.Second))
	if err := p.send(message{Op: "hello", Name: a.name, History: m.history(), Lineage: m.Lineage, Form: m.form(), Text: a.s.p.cfg.Host}); err != nil {
		return 0, err
	}
	var h message
	if err := p.receive(&h); err != nil {
		return 0, err
	}
	_ = p.SetReadDeadline(time.Time{})
	refusals, code := a.judge(h, m)
	if name := smaller(h.Limits, r.Limits); refusals == nil && name != "" {
		lg(a.s.db, asServer, 'F', msgSmaller, name)
		refusals, code = []text{msgFormMismatch}, codeInvalidTarget
	}
	if refusals == nil {
		return h.Trx, nil
	}
	for _, t := range refusals {
		lg(a.s.db, asServer, 'F', t, a.name)
	}
	_ = p.send(message{Op: "refused", Number: refusals[0].number, Text: refusals[0].plain(a.name)})
	a.set(code)
	return 0, errAgent
}

// judge says why an agent cannot be served, nil when it can.
func (a *agentLink) judge(h message, m *master) (refusals []text, code int) {
	a.s.mu.Lock()
	ours := a.s.trx
	a.s.mu.Unlock()
	spoiled := []text{msgSeedSpoiled, msgSeedCounter}
	switch {
	case h.Op != "hello" || !strings.EqualFold(h.Name, a.name):
		return []text{msgAgentMismatch}, codeInvalidTarget
	case h.Form != m.form():
		return []text{msgFormMismatch}, codeInvalidTarget
	case h.Broken:
		return []text{msgEmergencyTarget}, codeRecoveryFailed
	case !h.Synced && (h.Count != m.FullCount || !h.On && a.s.p.config().RefusePlainSeed):
		return spoiled, codeRecoveryFailed
	case h.Synced && !h.Turned && h.History != m.history() && a.s.props.get("transition", "replication-set", "0") != "1":
		return []text{msgNewBaseline}, codeRecoveryFailed
	case !m.lineAt(h.History, h.Trx, ours):
		return []text{msgDiverged}, codeRecoveryFailed
	}
	if h.Trx == ours {
		return nil, 0
	}
	r := reader{refresh: a.s.state}
	if err := r.find(h.Trx + 1); err != nil {
		return []text{msgNotesGoneFor}, codeRecoveryFailed
	}
	return nil, 0
}

func (s *server) state() (*master, error) {
	r, err := s.p.askBroker(s.db, call{Op: "state"})
	if err != nil {
		return nil, err
	}
	return r.State, nil
}

// ship sends notes from after trx on, until something ends it.
func (a *agentLink) ship(p *peer, sent uint64, gone <-chan error) error {
	s := a.s
	r := reader{refresh: s.state}
	goal := s.last()
	wait(s.p.config().Pace.slow(s.p.cfg.Pace.Sync))
	normal := false
	pinged := time.Now()
	for {
		select {
		case err := <-gone:
			return err
		default:
		}
		notes, pos, err := r.next(sent, 256)
		if err != nil {
			return err
		}
		if len(notes) > 0 {
			wait(s.p.config().Pace.slow(s.p.cfg.Pace.Lag))
			sent = notes[len(notes)-1].Trx
			if err := p.send(message{Op: "notes", Notes: encodeNotes(notes), Trx: s.last(), Pos: pos}); err != nil {
				return err
			}
			continue
		}
		if !normal && sent >= goal && a.acked() >= goal {
			normal = true
			if err := a.inStep(p); err != nil {
				return err
			}
		}
		if err := a.asked(p); err != nil {
			return err
		}
		if a.ending() && a.acked() >= s.last() && sent >= s.last() {
			_ = p.send(message{Op: "bye"})
			return errClosing
		}
		if time.Since(pinged) > 200*time.Millisecond {
			pinged = time.Now()
			if err := p.send(message{Op: "ping", Trx: s.last()}); err != nil {
				return err
			}
		}
		s.pause(sent)
	}
}

// asked sends what somebody wants to ask the agent.
func (a *agentLink) asked(p *peer) error {
	a.s.mu.Lock()
	ask := a.ask
	a.ask = nil
	a.s.mu.Unlock()
	if ask == nil {
		return nil
	}
	return p.send(ask)
}

// inStep says on both sides that source and target are synchronised.
func (a *agentLink) inStep(p *peer) error {
	if err := p.send(message{Op: "normal"}); err != nil {
		return err
	}
	_, err := a.s.p.askBroker(a.s.db, call{Op: "synced"})
	if err != nil {
		return err
	}
	a.set(codeAgentNormal)
	lg(a.s.db, asServer, 'I', msgSynchronised, a.address)
	a.s.openDoors()
	return nil
}

func (s *server) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trx
}

// pause waits for the next transaction, a word, or a short time.
func (s *server) pause(sent uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Begun under the lock, which Wait gives back: the call cannot come before.
	defer time.AfterFunc(50*time.Millisecond, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.grown.Broadcast()
	}).Stop()
	if s.trx <= sent {
		s.grown.Wait()
	}
}

func (a *agentLink) acked() uint64 {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	return a.view.Acked
}

// hear takes acknowledgements until the connection ends.
func (a *agentLink) hear(p *peer) error {
	for {
		var m message
		if err := p.receive(&m); err != nil {
			return err
		}
		switch m.Op {
		case "ack":
			a.s.mu.Lock()
			a.view.Acked, a.view.AckTime = m.Trx, time.Now()
			if m.Pos.Seq > 0 {
				a.view.Pos = m.Pos
			}
			a.s.grown.Broadcast()
			a.s.mu.Unlock()
			a.s.remember(false)
			a.s.release()
		case "failed":
			lg(a.s.db, asServer, 'F', text{m.Number, m.Text, unconfirmed})
			a.set(codeEnded)
			return errAgent
		case "ready":
			a.s.mu.Lock()
			a.ready = &m
			a.s.mu.Unlock()
		}
	}
}
