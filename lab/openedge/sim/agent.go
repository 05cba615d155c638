package sim

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// agent is the replication agent of a target: it applies what the server sends.
type agent struct {
	p      *proc
	db     string
	name   string
	base   time.Time
	began  time.Time
	props  properties
	broker *peer // for applying
	watch  *peer // for the broker's condition

	mu        sync.Mutex
	code      int
	trx       uint64
	pos       position
	at        time.Time // of the last note that was applied
	source    string
	sourceTrx uint64
	conn      *peer
	backup    bool
	pending   string // identifier of a failover that was prepared
	kept      time.Time
	lostAt    time.Time
}

func agentMain(p *proc) int {
	if len(p.args) != 1 {
		return 1
	}
	a := &agent{p: p, db: p.args[0], code: codeListening, began: time.Now()}
	alive, ok := p.cfg.hold(a.db, "agent")
	if !ok {
		lg(a.db, asAgent, 'E', msgAgentRunning)
		return 1
	}
	defer func() { _ = alive.Close() }()
	lg(a.db, asAgent, 'I', msgAgentStarted, os.Getpid())
	local, err := a.start()
	if err != nil {
		lg(a.db, asAgent, 'F', msgUnexpected, err.Error())
		lg(a.db, asAgent, 'F', msgAgentEnding)
		a.set(codeEnded)
		return 1
	}
	go a.accept(local)
	a.follow()
	lg(a.db, asAgent, 'I', msgAgentShutting)
	a.remember(true)
	_ = os.Remove(filepath.Join(p.cfg.runDir(a.db), "agent.sock"))
	lg(a.db, asAgent, 'I', msgAgentShut)
	a.set(codeEnded)
	return 0
}

func (a *agent) start() (net.Listener, error) {
	var err error
	if a.watch, err = a.p.cfg.dialLocal(a.db, "broker"); err != nil {
		return nil, err
	}
	r, err := a.watch.ask(call{Op: "attach"})
	if err != nil {
		return nil, err
	}
	if a.broker, err = a.p.cfg.dialLocal(a.db, "broker"); err != nil {
		return nil, err
	}
	a.trx, a.base = r.Trx, r.State.Created
	if a.props, err = readProperties(a.db); err != nil {
		return nil, err
	}
	if a.name = a.props.get("agent", "name", ""); a.name == "" {
		return nil, say(msgNoProperty, "name", "agent")
	}
	if old, err := readRecovery(a.db); err == nil {
		if old.Role != roleTarget || !old.Base.Equal(a.base) {
			return nil, say(msgRecoveryStale, a.db+".repl.recovery")
		}
		if len(old.Agents) == 1 {
			a.pos, a.at = old.Agents[0].Pos, old.Agents[0].AckTime
		}
	}
	a.set(codeListening)
	return a.p.cfg.listenLocal(a.db, "agent")
}

// set changes the agent's state and writes it where dsrutil looks.
func (a *agent) set(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.code = code
	a.publish()
}

// publish writes the state where dsrutil looks; the caller holds the lock.
func (a *agent) publish() {
	_ = writeJSON(filepath.Join(a.p.cfg.runDir(a.db), "agent.state"), serviceState{
		PID: os.Getpid(), Code: a.code, Trx: a.sourceTrx, Agents: []agentView{a.view()},
	})
}

func (a *agent) view() agentView {
	return agentView{Name: a.name, Address: a.source, Code: a.code, Acked: a.trx, Pos: a.pos, AckTime: a.at}
}

func (a *agent) get() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.code
}

// remember writes the recovery information.
func (a *agent) remember(now bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !now && time.Since(a.kept) < 20*time.Millisecond {
		return
	}
	a.kept = time.Now()
	r := &recoveryInfo{Version: a.p.cfg.Release, Role: roleTarget, Base: a.base, Created: a.began, Agents: []agentView{a.view()}}
	r.write(a.db)
	a.publish()
}

// follow watches the database until it closes, and the time of an automatic
// transition.
func (a *agent) follow() {
	for {
		r, err := a.watch.ask(call{Op: "wait", Trx: 1 << 62, MS: 30})
		if err != nil {
			// The database was killed.
			a.remember(true)
			a.set(codeEnded)
			os.Exit(1)
		}
		if r.Text == "closing" {
			a.drop()
			return
		}
		a.halted(r.Text == "backup")
		a.expire()
		a.automatic()
	}
}

// halted shows an online backup of the target.
func (a *agent) halted(backup bool) {
	a.mu.Lock()
	was, code := a.backup, a.code
	a.backup = backup
	a.mu.Unlock()
	switch {
	case backup && !was && code == codeAgentNormal:
		lg(a.db, asAgent, 'I', msgTargetBackup)
		a.set(codeOnlineBackup)
	case !backup && was && code == codeOnlineBackup:
		lg(a.db, asAgent, 'I', msgTargetBackupEnded)
		lg(a.db, asAgent, 'I', msgBISaved)
		a.set(codeRecoverySync)
		wait(a.p.config().Pace.slow(a.p.cfg.Pace.Sync))
		a.set(codeAgentNormal)
	}
}

// expire ends a prepared failover that nobody carried out.
func (a *agent) expire() {
	a.mu.Lock()
	over := a.code == codeTransitioned && time.Since(a.lostAt) > failoverWindow
	if over {
		a.pending = ""
	}
	a.mu.Unlock()
	if over {
		a.set(codePreTransition)
	}
}

// automatic makes the transition by itself where the properties say so.
func (a *agent) automatic() {
	a.mu.Lock()
	lost, code := a.lostAt, a.code
	a.mu.Unlock()
	if code != codePreTransition || lost.IsZero() || a.props.get("server", "transition", "manual") != "auto" {
		return
	}
	if time.Since(lost) < a.p.config().Pace.seconds(a.props.number("server", "transition-timeout", 600)) {
		return
	}
	a.mu.Lock()
	a.lostAt = time.Time{}
	a.mu.Unlock()
	_, _ = host.Daemon(a.db+".transition.lg", filepath.Join(a.p.dlc, "bin", "_rprepl"), a.db, "-C", "transition")
}

func (a *agent) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		_ = a.conn.Close()
	}
}

func (a *agent) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go a.serve(newPeer(c))
	}
}

// serve speaks with a server, or with dsrutil of this host or the other.
func (a *agent) serve(p *peer) {
	defer func() { _ = p.Close() }()
	var m message
	if p.receive(&m) != nil {
		return
	}
	switch m.Op {
	case "hello":
		a.withServer(p, m)
	case "go":
		a.goAhead(p, m)
	default:
		r, err := a.command(m)
		if err != nil {
			r.Error = failureOf(err)
		}
		_ = p.send(r)
		if m.Op == "terminate" {
			os.Exit(0)
		}
	}
}
