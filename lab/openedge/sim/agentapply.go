package sim

import (
	"os"
	"path/filepath"
	"time"
)

// withServer follows a server until the connection ends; then the agent is in
// pre-transition.
func (a *agent) withServer(p *peer, hello message) {
	r, err := a.p.askBroker(a.db, call{Op: "state"})
	if err != nil {
		return
	}
	a.mu.Lock()
	if a.conn != nil {
		_ = a.conn.Close()
	}
	a.conn, a.source, a.pending = p, hello.Text, ""
	recovering := a.code == codePreTransition
	a.mu.Unlock()
	m, s := r.State, r.State.ReplState
	err = p.send(message{Op: "hello", Name: a.name, History: m.history(), Trx: r.Trx, Form: m.form(), Count: s.SeedCount, On: s.Prepared, Synced: s.Synced, Broken: s.Broken, Turned: s.Fresh, Limits: r.Limits})
	if err != nil {
		return
	}
	lg(a.db, asAgent, 'I', msgReplicatedFrom, hello.Text)
	lg(a.db, asAgent, 'I', msgAgentSync, r.Trx+1)
	if recovering {
		a.set(codeRecoverySync)
	} else {
		a.set(codeStartupSync)
	}
	err = a.applyAll(p, hello.Lineage)
	a.mu.Lock()
	current := a.conn == p
	if current {
		a.conn, a.lostAt = nil, time.Now()
	}
	pending := a.pending
	a.mu.Unlock()
	if !current {
		return
	}
	a.remember(true)
	if err != nil {
		lg(a.db, asAgent, 'F', msgUnexpected, err.Error())
		lg(a.db, asAgent, 'F', msgAgentEnding)
		a.set(codeEnded)
		_ = os.Remove(filepath.Join(a.p.cfg.runDir(a.db), "agent.sock"))
		os.Exit(1)
	}
	lg(a.db, asAgent, 'W', msgServerGone)
	if pending != "" {
		a.set(codeTransitioned)
		return
	}
	a.set(codePreTransition)
}

// applyAll applies notes until the connection ends; the error is one of the
// agent itself.
func (a *agent) applyAll(p *peer, lineage []line) error {
	for accepted := false; ; {
		var m message
		if p.receive(&m) != nil {
			return nil
		}
		if !accepted && m.Op != "refused" {
			// From now on the database follows this source's history.
			accepted = true
			if err := a.tell(call{Op: "follow", Lineage: lineage}); err != nil {
				return err
			}
		}
		switch m.Op {
		case "refused":
			return say(text{m.Number, m.Text, unconfirmed})
		case "notes":
			if err := a.apply(m); err != nil {
				_ = p.send(message{Op: "failed", Number: msgUnexpected.number, Text: err.Error()})
				return err
			}
		case "normal":
			if err := a.tell(call{Op: "synced"}); err != nil {
				return err
			}
			lg(a.db, asAgent, 'I', msgAgentNormal, a.trx)
			lg(a.db, asAgent, 'I', msgAgentSynced)
			a.set(codeAgentNormal)
		case "prepare":
			a.prepare(p, m)
			continue
		case "bye":
			return nil
		}
		a.mu.Lock()
		a.sourceTrx = max(a.sourceTrx, m.Trx)
		ack := message{Op: "ack", Trx: a.trx, Pos: a.pos}
		a.mu.Unlock()
		if p.send(ack) != nil {
			return nil
		}
		a.remember(false)
	}
}

func (a *agent) tell(c call) error {
	_, err := a.p.askBroker(a.db, c)
	return err
}

func (a *agent) apply(m message) error {
	for {
		a.mu.Lock()
		halted := a.backup
		a.mu.Unlock()
		if !halted {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	r, err := a.broker.ask(call{Op: "apply", Notes: m.Notes})
	if err != nil {
		return err
	}
	notes := parseNotes(m.Notes)
	a.mu.Lock()
	a.trx, a.pos = r.Trx, m.Pos
	if len(notes) > 0 {
		a.at = notes[len(notes)-1].time()
	}
	a.mu.Unlock()
	return nil
}
