package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// failoverPatience bounds each wait for the other side.
const failoverPatience = 20 * time.Second

// failover changes the roles of both databases: all or nothing. The source
// gives its role up, in its own control area, before the target is told to
// take it; at no time are there two.
func (t *transition) failover() error {
	var agreed result
	err := t.steps([]step{
		{"Opening database", t.openSource},
		{"Setting up transition", t.setUp},
		{"Shutting down database", t.throwOut},
		{"Truncating BI", nil},
		{"Starting database in Cur Role", nil},
		{"Synchronization in process", t.awaitTarget},
		{"Replication Server processing", nil},
		{"Preparing to transition Target DB", func() (err error) {
			agreed, err = t.prepareTarget()
			return err
		}},
	})
	if err != nil {
		t.letIn()
		return err
	}
	if err := t.step("Shutting down database", t.shutSource); err != nil {
		return t.back(err)
	}
	sent := false
	err = t.step("Target transition being performed", func() (err error) {
		sent, err = t.handOver(agreed)
		return err
	})
	if err != nil && !sent {
		return t.reopen(err)
	}
	if err != nil {
		_ = t.give()
		return err
	}
	err = t.steps([]step{
		{"Switching AI Extents", t.endAI},
		{"Switching database role", nil},
		{"Updating database master block", nil},
		{"Comparing databases", nil},
		{"Completing Target transition", nil},
		{"Backing up database", nil},
	})
	if err != nil {
		_ = t.give()
		return err
	}
	return t.finish("target-startup-arguments")
}

// openSource demands an open source whose server talks to its target.
func (t *transition) openSource() error {
	s := t.cfg.serverState(t.db)
	switch {
	case t.before.Role != roleSource:
		return say(msgNotEnabled, filepath.Base(t.db), roleSource)
	case !t.online:
		return say(msgNoServer, t.db)
	case s.Code != codeServerNormal || s.agent(t.priority()) == nil || s.agent(t.priority()).Code != codeAgentNormal:
		return say(msgNotTalking, t.priority())
	}
	return nil
}

// priority is the target that takes over: the first of transition-to-agents.
func (t *transition) priority() string {
	if agents, err := t.props.agents(); err == nil && t.props.get("transition", "transition-to-agents", "") == "" {
		return agents[0].name
	}
	return firstWord(t.props.get("transition", "transition-to-agents", ""))
}

func firstWord(list string) string {
	for i, c := range list {
		if c == ',' || c == ' ' {
			return list[:i]
		}
	}
	return list
}

// throwOut ends the clients' sessions; their open transactions are undone.
func (t *transition) throwOut() (err error) {
	t.quiet, _, err = t.quieten(t.db)
	return err
}

// letIn lets them in again.
func (t *transition) letIn() {
	if t.quiet != nil {
		_ = t.quiet.Close()
	}
}

func (t *transition) awaitTarget() error {
	r, err := t.askBroker(t.db, call{Op: "state"})
	if err != nil {
		return err
	}
	if !t.inStep(t.db, r.Trx, failoverPatience) {
		return say(msgSyncAbandoned)
	}
	return nil
}

// prepareTarget asks the agent to be ready. The answer names the failover and
// the place where its outcome will be told.
func (t *transition) prepareTarget() (result, error) {
	s, err := t.cfg.dialLocal(t.db, "server")
	if err != nil {
		return result{}, say(msgServerNotRunning, t.db)
	}
	defer func() { _ = s.Close() }()
	return s.ask(call{Op: "prepare", Text: t.priority()})
}

// shutSource ends the source and opens it for this program alone.
func (t *transition) shutSource() error {
	if err := t.stopBroker(t.db, false); err != nil {
		return err
	}
	return t.take()
}

// handOver gives the role up and tells the target to take it; sent says that
// the target may have been told.
func (t *transition) handOver(agreed result) (sent bool, err error) {
	if t.e.trx != agreed.Trx {
		return false, say(msgNotTalking, t.priority())
	}
	if err := t.becomeTarget(); err != nil {
		return false, err
	}
	agents, err := t.props.agents()
	if err != nil {
		return false, err
	}
	address := ""
	for _, a := range agents {
		if a.name == t.priority() {
			address = a.address
		}
	}
	c, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return false, say(msgUnreachable, t.priority(), address)
	}
	p := newPeer(c)
	defer func() { _ = p.Close() }()
	if _, err := p.Write([]byte("REPL\n")); err != nil {
		return false, say(msgUnreachable, t.priority(), address)
	}
	if err := p.send(message{Op: "go", Text: agreed.Text, Trx: t.e.trx}); err != nil {
		return false, say(msgUnreachable, t.priority(), address)
	}
	var m message
	_ = p.SetReadDeadline(time.Now().Add(failoverPatience))
	if err := p.receive(&m); err != nil || m.Op != "went" {
		return true, say(msgOutcomeUnknown, t.priority())
	}
	if !m.On {
		return false, say(msgNotReady, t.priority())
	}
	host, _, _ := net.SplitHostPort(address)
	return t.outcome(net.JoinHostPort(host, strconv.Itoa(agreed.Port)))
}

// outcome waits for what the target's program says about its part.
func (t *transition) outcome(address string) (sent bool, err error) {
	for late := time.Now().Add(failoverPatience); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			continue
		}
		_ = c.SetReadDeadline(late)
		var m message
		err = newPeer(c).receive(&m)
		_ = c.Close()
		switch {
		case err != nil:
		case m.On:
			return true, nil
		default:
			// The target is what it was: the role comes back.
			return false, say(text{0, "%s", unconfirmed}, m.Text)
		}
	}
	return true, say(msgOutcomeUnknown, t.priority())
}

// reopen takes the role back after a target that certainly did not take it.
func (t *transition) reopen(cause error) error {
	err := t.before.write(t.db)
	t.e.mu.Lock()
	t.e.closed = true
	t.e.closeFiles()
	t.e.mu.Unlock()
	t.e = nil
	if e := t.give(); err == nil {
		err = e
	}
	if err == nil {
		err = t.startWith("source-startup-arguments")
	}
	word := "Succeeded"
	if err != nil {
		word = "Failed"
	}
	fmt.Fprintf(t.out, "%s %-41s: %s\n", time.Now().Format("15:04:05"), "Recovering database", word)
	return cause
}

// tell gives the outcome to the source's program when this is the target's part
// of a failover. It waits a while for somebody to ask.
func (t *transition) tell(outcome error) {
	at := os.Getenv(failoverEnv)
	if at == "" {
		return
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return
	}
	defer func() { _ = l.Close() }()
	if tl, ok := l.(*net.TCPListener); ok {
		_ = tl.SetDeadline(time.Now().Add(failoverPatience))
	}
	m := message{Op: "outcome", On: outcome == nil}
	if outcome != nil {
		// What came out must not be guessed: only the role decides.
		if now, err := readMaster(t.db); err != nil || now.Role != roleTarget {
			m.On = true
		}
		m.Text = outcome.Error()
	}
	b, err := json.Marshal(m)
	if err != nil {
		return
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, err = c.Write(append(bytes.TrimSpace(b), '\n'))
		_ = c.Close()
		if err == nil {
			return
		}
	}
}

// prepare asks the priority agent whether it can take over.
func (s *server) prepare() (result, error) {
	s.mu.Lock()
	var link *agentLink
	for _, a := range s.agents {
		if a.name == firstWord(s.props.get("transition", "transition-to-agents", s.agents[0].name)) {
			link = a
		}
	}
	s.mu.Unlock()
	if link == nil || link.code() != codeAgentNormal {
		return result{}, say(msgNotTalking, "")
	}
	id := newHistory()
	s.mu.Lock()
	link.ask, link.ready = &message{Op: "prepare", Text: id}, nil
	s.grown.Broadcast()
	s.mu.Unlock()
	for late := time.Now().Add(5 * time.Second); time.Now().Before(late); time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		ready := link.ready
		s.mu.Unlock()
		if ready == nil {
			continue
		}
		if !ready.On {
			return result{}, say(text{0, "%s", unconfirmed}, ready.Text)
		}
		s.mu.Lock()
		s.failover = true
		s.derive()
		s.mu.Unlock()
		time.AfterFunc(failoverWindow, s.failoverOver)
		return result{OK: true, Text: id, Trx: ready.Trx, Port: ready.Count}, nil
	}
	return result{}, say(msgNotTalking, link.name)
}

// failoverWindow is how long a prepared failover may take to happen; then both
// sides are what they were.
const failoverWindow = 5 * time.Second

func (s *server) failoverOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.failover = false
		s.derive()
	}
}
