package sim

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchback-dr/switchback/lab/host"
)

// broker is the process that serves a database: clients and the other site over
// TCP, utilities and the replication process over a local socket.
type broker struct {
	p       *proc
	db      string
	lock    *lock
	e       *engine
	service string // of -DBService
	limits  map[string]int
	done    chan struct{}

	mu        sync.Mutex
	open      bool // clients may connect
	quiet     bool // clients are thrown out, by a quiet point or a shutdown
	closing   bool
	emergency bool
	backup    bool
	sessions  map[net.Conn]bool
	services  map[net.Conn]bool
}

// startFile is where a broker tells proserve how its start went.
const startEnv = "LAB_OPENEDGE_START"

// tick is how often a broker makes a checkpoint and archives.
const tick = 50 * time.Millisecond

func brokerMain(p *proc) int {
	report := os.Getenv(startEnv)
	_ = os.Unsetenv(startEnv)
	b := &broker{p: p, done: make(chan struct{}), sessions: map[net.Conn]bool{}, services: map[net.Conn]bool{}}
	err := b.start()
	if report != "" {
		r := result{OK: err == nil}
		if err != nil {
			r.Error = failureOf(err)
		}
		_ = writeJSON(report, r)
	}
	if err != nil {
		if b.lock != nil {
			lg(b.db, asBroker, 'F', text{words: err.Error()})
			b.lock.release()
		}
		return 1
	}
	b.serve()
	return 0
}

func (b *broker) start() error {
	p := b.p
	if len(p.args) == 0 {
		return say(msgUsage, "proserve db [-S port] [-DBService name]")
	}
	b.db = p.args[0]
	b.service, _ = p.takeValue("-DBService")
	port, hasPort := p.takeValue("-S")
	b.limits = map[string]int{}
	for _, name := range limited {
		if v, ok := p.takeValue(name); ok {
			b.limits[name] = number(v, 0)
		}
	}
	stalls := p.take("-aistall")
	arcdir, archives := p.takeValue("-aiarcdir")
	var err error
	if b.lock, err = takeLock(b.db, p.cfg.Host, modeStarting); err != nil {
		return err
	}
	lg(b.db, asBroker, 'I', msgSessionBegin)
	if b.e, err = openEngine(b.db, p.config); err != nil {
		return err
	}
	if !stalls {
		b.e.noRoom = func() { b.stop(true) }
	}
	if archives {
		if err := changeMaster(b.e, call{Op: "archiver", On: true, Text: arcdir}); err != nil {
			return err
		}
	}
	if err := b.checkService(); err != nil {
		return err
	}
	local, err := p.cfg.listenLocal(b.db, "broker")
	if err != nil {
		return err
	}
	go b.acceptLocal(local)
	if hasPort {
		l, err := net.Listen("tcp", net.JoinHostPort(p.cfg.Bind, port))
		if err != nil {
			return say(msgPortTaken, port)
		}
		go b.acceptClients(l)
	}
	if err := b.lock.set(modeMulti); err != nil {
		return err
	}
	return b.startService()
}

// checkService refuses what cannot be started: a source needs after-imaging.
func (b *broker) checkService() error {
	var role string
	var ai bool
	b.e.view(func(m *master) { role, ai = m.Role, m.AI.On })
	if role == roleSource && !ai {
		return say(msgSourceNeedsAI, b.db)
	}
	return nil
}

// startService starts the replication process that -DBService names, where the
// database has the role for it.
func (b *broker) startService() error {
	var role string
	b.e.view(func(m *master) { role = m.Role })
	b.mu.Lock()
	b.open = true
	b.mu.Unlock()
	if role == roleTarget {
		lg(b.db, asBroker, 'I', msgReadOnly)
	}
	if b.service == "" {
		return nil
	}
	lg(b.db, asBroker, 'I', msgServices, b.service)
	lg(b.db, asBroker, 'I', msgPica, 64)
	program, startLog := "rpserver", "repl.server.startup.lg"
	switch {
	case b.service == "replserv" && role == roleSource:
		b.waitForServer()
	case b.service == "replagent" && role == roleTarget:
		program, startLog = "rpagent", "repl.agent.startup.lg"
	default:
		lg(b.db, asBroker, 'W', msgServiceMismatch, b.service, roleWords(role))
		return nil
	}
	lg(b.db, asBroker, 'I', msgEnabledAs, roleWords(role))
	_, err := host.Daemon(filepath.Join(filepath.Dir(b.db), startLog), filepath.Join(b.p.dlc, "bin", program), b.db)
	return err
}

// waitForServer keeps clients out until the server is in step, unless the
// start of agents may be deferred.
func (b *broker) waitForServer() {
	props, err := readProperties(b.db)
	if err != nil || props.deferral() > 0 {
		return
	}
	b.mu.Lock()
	b.open = false
	b.mu.Unlock()
	lg(b.db, asBroker, 'I', msgNotYet)
}

func roleWords(role string) string {
	if role == roleNone {
		return "not replicated"
	}
	return role
}

// serve works until the shutdown.
func (b *broker) serve() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-b.done:
			b.end()
			return
		case <-t.C:
		}
		b.e.mu.Lock()
		err := b.e.checkpoint()
		b.e.mu.Unlock()
		if err == nil {
			_, err = b.e.archive()
		}
		if err != nil {
			lg(b.db, asBroker, 'F', msgSystemError, err.Error())
			b.stop(true)
		}
	}
}

// stop begins the shutdown.
func (b *broker) stop(emergency bool) {
	b.mu.Lock()
	if b.closing {
		b.mu.Unlock()
		return
	}
	b.closing, b.quiet, b.emergency = true, true, emergency
	for c := range b.sessions {
		_ = c.Close()
	}
	b.mu.Unlock()
	close(b.done)
}

// servicePatience bounds the wait for the end of the replication process.
const servicePatience = 10 * time.Second

// end closes the database. A normal shutdown lets the replication process
// finish; an emergency one breaks a target's resynchronisation.
func (b *broker) end() {
	if b.emergency {
		lg(b.db, asBroker, 'F', msgEmergency)
		_ = b.e.change(func(m *master) error {
			m.ReplState.Broken = m.ReplState.Broken || m.Role == roleTarget
			return nil
		})
	} else {
		lg(b.db, asBroker, 'I', msgShutdownBy, "switchback")
		b.e.mu.Lock()
		b.e.grown.Broadcast()
		b.e.mu.Unlock()
		for late := time.Now().Add(servicePatience); b.attached() && time.Now().Before(late); {
			time.Sleep(2 * time.Millisecond)
		}
	}
	if err := b.e.close(); err != nil {
		lg(b.db, asBroker, 'F', msgSystemError, err.Error())
	}
	if b.emergency {
		lg(b.db, asBroker, 'F', msgAbnormal)
	} else {
		lg(b.db, asBroker, 'I', msgNormalShutdown)
	}
	lg(b.db, asBroker, 'I', msgSessionEnd)
	_ = os.Remove(filepath.Join(b.p.cfg.runDir(b.db), "broker.sock"))
	b.lock.release()
}

func (b *broker) attached() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.services) > 0
}

// acceptClients serves the broker's TCP port.
func (b *broker) acceptClients(l net.Listener) {
	go func() { <-b.done; _ = l.Close() }()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go b.connection(c)
	}
}

// connection is a client's ("CLIENT"), or leads to the replication agent
// ("REPL", answered by it); PING asks for a sign of life.
func (b *broker) connection(c net.Conn) {
	defer func() { _ = c.Close() }()
	p := newPeer(c)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	first, err := p.in.ReadString('\n')
	if err != nil {
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	switch strings.TrimSpace(first) {
	case "CLIENT":
		b.client(p)
	case "REPL":
		b.relay(p)
	case "PING":
		_, _ = p.Write([]byte("PONG\n"))
	}
}

// relay connects the other site's server with this database's agent.
func (b *broker) relay(p *peer) {
	agent, err := b.p.cfg.dialLocal(b.db, "agent")
	if err != nil {
		return
	}
	relayBoth(p, agent)
}

// attach remembers a replication process, whose end a normal shutdown awaits.
func (b *broker) attach(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services[c] = true
}

func (b *broker) leave(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, c)
	delete(b.services, c)
}

// client speaks the lab's own line protocol for clients:
//
//	COMMIT number -> OK | REFUSED why | ERROR why (the record may be there)
//	WRITABLE      -> YES | NO why
//	FILL notes    -> OK
func (b *broker) client(p *peer) {
	if why := b.enter(p.Conn); why != nil {
		_, _ = p.Write([]byte("REFUSED " + why.Error() + "\n"))
		return
	}
	defer b.leave(p.Conn)
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := p.Write([]byte(b.answer(strings.Fields(line)) + "\n")); err != nil {
			return
		}
	}
}

// enter lets a client in, or says why not.
func (b *broker) enter(c net.Conn) error {
	var role string
	b.e.view(func(m *master) { role = m.Role })
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case role == roleTarget:
		return say(msgReadOnly)
	case !b.open:
		return say(msgNotYet)
	case b.quiet:
		return say(msgNotNow)
	}
	b.sessions[c] = true
	return nil
}

func (b *broker) answer(words []string) string {
	number := int64(0)
	if len(words) == 2 {
		number, _ = strconv.ParseInt(words[1], 10, 64)
	}
	var err error
	switch {
	case len(words) == 1 && words[0] == "WRITABLE":
		b.e.mu.Lock()
		defer b.e.mu.Unlock()
		if b.e.stalled {
			return "NO " + msgAIStall.format()
		}
		return "YES"
	case len(words) == 2 && words[0] == "COMMIT":
		err = b.e.commit(kindRecord, number)
	case len(words) == 2 && words[0] == "FILL" && number < 1<<20:
		err = b.e.commit(kindFiller, make([]int64, number)...)
	default:
		return "REFUSED the line is none of this protocol"
	}
	var m *messageError
	switch {
	case err == nil:
		return "OK"
	case errors.As(err, &m) && m.text == msgShuttingDown:
		return "REFUSED " + err.Error()
	}
	return "ERROR " + err.Error()
}
