package sim

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// command is what dsrutil on the agent's own host asks.
func (a *agent) command(m message) (result, error) {
	switch m.Op {
	case "terminate":
		_, err := a.p.askBroker(a.db, call{Op: "state"})
		a.drop()
		lg(a.db, asAgent, 'W', msgAgentTerminated, a.name)
		a.remember(true)
		a.set(codeTerminated)
		return result{OK: true}, err
	case "trigger":
		if code := a.get(); code != codeListening && code != codePreTransition {
			return result{}, say(msgTalksToServer, a.name)
		}
		a.set(codePreTransition)
		return result{OK: true}, nil
	case "extent":
		return a.applyExtent(m.Text)
	}
	return result{}, say(msgUsage, m.Op)
}

// applyExtent applies one after-image extent of the source, in pre-transition
// (manual, DSRUTIL APPLYEXTENT).
func (a *agent) applyExtent(path string) (result, error) {
	if a.get() != codePreTransition {
		return result{}, say(msgNotPreTransition, a.name)
	}
	if a.props.get("server", "transition", "manual") != "manual" {
		return result{}, say(msgManualOnly)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return result{}, say(msgCannotOpen, path, 2)
	}
	var h aiHeader
	end := slices.Index(b[:min(len(b), HeaderSize)], 0)
	if end < 0 || json.Unmarshal(b[:end], &h) != nil || h.Magic != aiMagic {
		return result{}, say(msgNotAnExtent, path)
	}
	r, err := a.p.askBroker(a.db, call{Op: "state"})
	if err != nil {
		return result{}, err
	}
	if r.State.history() != h.History {
		return result{}, say(msgForeignExtent, path)
	}
	a.set(codeApplyingExtent)
	defer a.set(codePreTransition)
	wait(a.p.config().Pace.slow(a.p.cfg.Pace.Step))
	notes := parseNotes(b[HeaderSize:])
	if len(notes) > 0 {
		if err := a.apply(message{Notes: encodeNotes(notes), Pos: position{h.Area, h.Seq, HeaderSize + int64(len(notes))*NoteSize}}); err != nil {
			return result{}, err
		}
	}
	lg(a.db, asAgent, 'I', msgExtentApplied, path, h.Seq)
	a.remember(true)
	a.mu.Lock()
	defer a.mu.Unlock()
	return result{OK: true, Trx: a.trx}, nil
}

// prepare gets the agent ready for a failover: its properties must serve the
// new role.
func (a *agent) prepare(p *peer, m message) {
	props, err := readProperties(a.db)
	port := 0
	if err == nil {
		port = props.number("agent", "listener-minport", 0)
		if all := props.complaints(); len(all) > 0 || !props.reverse() {
			err = say(msgNotReady, a.name)
		}
	}
	reply := message{Op: "ready", On: err == nil, Trx: a.trx, Count: port}
	if err != nil {
		reply.Text = err.Error()
	} else {
		a.mu.Lock()
		a.pending = m.Text
		a.mu.Unlock()
	}
	_ = p.send(reply)
}

func (a *agent) connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil
}

// failoverEnv carries the identifier of a failover and the port on which its
// outcome is told, to the target's part of it.
const failoverEnv = "LAB_OPENEDGE_FAILOVER"

// goAhead starts the target's part of a failover as a process of its own,
// because it ends this one.
func (a *agent) goAhead(p *peer, m message) {
	for late := time.Now().Add(2 * time.Second); a.connected() && time.Now().Before(late); {
		time.Sleep(2 * time.Millisecond)
	}
	a.mu.Lock()
	fits := a.pending != "" && a.pending == m.Text && a.trx == m.Trx && a.conn == nil
	trx := a.trx
	a.mu.Unlock()
	if !fits {
		_ = p.send(message{Op: "went", Trx: trx})
		return
	}
	port := a.props.number("agent", "listener-minport", 0)
	at := net.JoinHostPort(a.p.cfg.Bind, strconv.Itoa(port))
	if os.Setenv(failoverEnv, at) != nil {
		return
	}
	_, err := host.Daemon(a.db+".transition.lg", filepath.Join(a.p.dlc, "bin", "_rprepl"), a.db, "-C", "transition")
	_ = os.Unsetenv(failoverEnv)
	_ = p.send(message{Op: "went", On: err == nil})
}
