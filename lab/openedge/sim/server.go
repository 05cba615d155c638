package sim

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// server is the replication server: it ships a source's after-image notes to
// its agents.
type server struct {
	p      *proc
	db     string
	base   time.Time
	broker *peer
	began  time.Time
	props  properties

	mu       sync.Mutex
	grown    *sync.Cond
	code     int
	trx      uint64
	closing  bool
	failover bool
	agents   []*agentLink
	kept     time.Time // when the recovery information was written
	needed   int
}

func serverMain(p *proc) int {
	if len(p.args) != 1 {
		return 1
	}
	s := &server{p: p, db: p.args[0], code: codeServerInit, began: time.Now()}
	s.grown = sync.NewCond(&s.mu)
	alive, ok := p.cfg.hold(s.db, "server")
	if !ok {
		lg(s.db, asServer, 'E', msgServerRunning)
		return 1
	}
	defer func() { _ = alive.Close() }()
	lg(s.db, asServer, 'I', msgServerStarted, os.Getpid())
	if err := s.start(); err != nil {
		lg(s.db, asServer, 'F', text{words: err.Error()})
		lg(s.db, asServer, 'F', msgServerEnding)
		s.set(codeServerEnded)
		s.openDoors()
		return 1
	}
	var all sync.WaitGroup
	for _, a := range s.agents {
		all.Go(a.run)
	}
	all.Wait()
	s.mu.Lock()
	closing := s.closing
	s.mu.Unlock()
	if !closing {
		lg(s.db, asServer, 'W', msgAllAgentsEnded)
		lg(s.db, asServer, 'W', msgSourceStaysActive)
	} else {
		lg(s.db, asServer, 'I', msgServerShutting)
		lg(s.db, asServer, 'I', msgServerShut)
	}
	lg(s.db, asServer, 'I', msgServerEnding)
	s.remember(true)
	s.set(codeServerEnded)
	s.openDoors()
	_ = os.Remove(filepath.Join(p.cfg.runDir(s.db), "server.sock"))
	return 0
}

// start reads the properties and what is remembered, and begins to listen.
func (s *server) start() error {
	var err error
	if s.broker, err = s.p.cfg.dialLocal(s.db, "broker"); err != nil {
		return err
	}
	r, err := s.broker.ask(call{Op: "attach"})
	if err != nil {
		return err
	}
	s.trx, s.base = r.Trx, r.State.Created
	s.set(codeServerInit)
	if s.props, err = readProperties(s.db); err != nil {
		return err
	}
	lg(s.db, asServer, 'I', msgPropertiesRead)
	agents, err := s.props.agents()
	if err != nil {
		return err
	}
	old, err := readRecovery(s.db)
	if err == nil && (old.Role != roleSource || !old.Base.Equal(s.base)) {
		return say(msgRecoveryStale, s.db+".repl.recovery")
	}
	for _, a := range agents {
		link := &agentLink{s: s, controlAgent: a, view: agentView{Name: a.name, Address: a.address, Code: codeInitialConnection}}
		if old != nil {
			for _, o := range old.Agents {
				if o.Name == a.name {
					link.view.Acked, link.view.Pos, link.view.AckTime = o.Acked, o.Pos, o.AckTime
				}
			}
		}
		s.agents = append(s.agents, link)
	}
	local, err := s.p.cfg.listenLocal(s.db, "server")
	if err != nil {
		return err
	}
	go s.accept(local)
	go s.follow()
	return nil
}

// follow learns from the broker how far the database is, and when it closes.
func (s *server) follow() {
	for {
		s.mu.Lock()
		trx := s.trx
		s.mu.Unlock()
		r, err := s.broker.ask(call{Op: "wait", Trx: trx, MS: 300})
		s.mu.Lock()
		if err != nil {
			// The database was killed: nothing can be sent any more.
			s.mu.Unlock()
			lg(s.db, asServer, 'F', msgServerEnding)
			os.Exit(1)
		}
		s.trx = r.Trx
		if r.Text == "closing" {
			s.closing = true
		}
		closing := s.closing
		s.grown.Broadcast()
		s.mu.Unlock()
		if closing {
			return
		}
	}
}

// openDoors lets clients in that waited for the server.
func (s *server) openDoors() { _, _ = s.p.askBroker(s.db, call{Op: "open"}) }

// set changes the server's state; 0 derives it from the agents'.
func (s *server) set(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code != 0 {
		s.code = code
	}
	s.publish()
}

// publish writes the state where dsrutil looks.
func (s *server) publish() {
	st := serviceState{PID: os.Getpid(), Code: s.code, Trx: s.trx}
	for _, a := range s.agents {
		st.Agents = append(st.Agents, a.view)
	}
	_ = writeJSON(filepath.Join(s.p.cfg.runDir(s.db), "server.state"), st)
}

// derive makes the server's state of its agents': normal when all that it
// talks to are.
func (s *server) derive() {
	code := codeConnecting
	for _, a := range s.agents {
		switch {
		case a.view.Code == codeAgentNormal:
			code = codeServerNormal
		case a.view.Code == codeStartupSync && code != codeServerNormal:
			code = codeServerStartup
		case a.view.Code == codeRecoverySync && code == codeConnecting:
			code = codeServerRecover
		}
	}
	if s.failover {
		code = codeFailover
	}
	s.code = code
	s.publish()
}

// remember writes the recovery information, not for every note.
func (s *server) remember(now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now && time.Since(s.kept) < 20*time.Millisecond {
		return
	}
	s.kept = time.Now()
	r := &recoveryInfo{Version: s.p.cfg.Release, Role: roleSource, Base: s.base, Created: s.began}
	for _, a := range s.agents {
		r.Agents = append(r.Agents, a.view)
	}
	r.write(s.db)
	s.publish()
}

// release tells the broker which extent is the first that an agent needs.
func (s *server) release() {
	s.mu.Lock()
	needed := 0
	for _, a := range s.agents {
		if a.view.Pos.Seq == 0 {
			s.mu.Unlock()
			return
		}
		if needed == 0 || a.view.Pos.Seq < needed {
			needed = a.view.Pos.Seq
		}
	}
	changed := needed != s.needed
	s.needed = needed
	s.mu.Unlock()
	if changed {
		_, _ = s.p.askBroker(s.db, call{Op: "needed", Seq: needed})
	}
}

// accept answers dsrutil.
func (s *server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			p := newPeer(c)
			defer func() { _ = p.Close() }()
			var q call
			if p.receive(&q) != nil {
				return
			}
			if q.Op == "terminate" {
				// Answered first: the program may end before it could be.
				_ = p.send(result{OK: true})
				s.terminate()
				return
			}
			r, err := s.command(q)
			if err != nil {
				r.Error = failureOf(err)
			}
			_ = p.send(r)
		}()
	}
}

func (s *server) terminate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	s.grown.Broadcast()
}

func (s *server) command(q call) (result, error) {
	switch q.Op {
	case "terminateagent", "connectagent":
		found := false
		for _, a := range s.agents {
			if a.name == q.Text || q.Text == "ALL" || q.Text == "" {
				found = true
				a.nudge(q.Op == "terminateagent")
			}
		}
		if !found {
			return result{}, say(msgNoAgentSection, q.Text)
		}
		return result{OK: true}, nil
	case "prepare":
		return s.prepare()
	}
	return result{}, say(msgUsage, q.Op)
}
