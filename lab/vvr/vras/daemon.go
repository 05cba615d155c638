package vras

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/switchback-dr/switchback/lab/vvr/kernel"
	"github.com/switchback-dr/switchback/lab/vvr/texts"
	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// PIDFile has vradmind's process number.
const PIDFile = "var/vx/vradmind.pid"

// daemon is a running vradmind.
type daemon struct {
	root   string
	config kernel.Config
	// busy is held by the one command that changes something.
	busy sync.Mutex
}

// Daemon is the program vradmind, until it is killed.
func Daemon(root string) int {
	c, err := kernel.ReadConfig(root)
	if err != nil {
		return exit(err)
	}
	d := &daemon{root: root, config: c}
	path := filepath.Join(root, Socket)
	_ = os.Remove(path)
	local, err := net.Listen("unix", path)
	if err != nil {
		return exit(err)
	}
	remote, err := net.Listen("tcp", c.Admin)
	if err != nil {
		return exit(err)
	}
	pid := []byte(strconv.Itoa(os.Getpid()) + "\n")
	if err := os.WriteFile(filepath.Join(root, PIDFile), pid, 0o644); err != nil {
		return exit(err)
	}
	go d.settle()
	go d.accept(remote)
	d.accept(local)
	return 0
}

func (d *daemon) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go d.serve(c)
	}
}

// serve answers one connection.
func (d *daemon) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	var g greeting
	if readFrame(c, &g) != nil {
		return
	}
	if g.From != "" && !d.welcome(c, g) {
		return
	}
	switch g.Kind {
	case "command":
		if g.Viewer == "" {
			g.Viewer = d.config.Host
		}
		d.command(c, g)
	case "kernel":
		k, err := d.kernelOf(d.config.Host)
		if err != nil {
			return
		}
		wire.ServeConn(c, relay{k})
	}
}

// welcome answers another host's greeting, after trying the way back.
func (d *daemon) welcome(c net.Conn, g greeting) bool {
	if g.Kind != "ping" {
		back, err := d.reachPeer(g.From, greeting{Kind: "ping"})
		if err != nil {
			return false
		}
		_ = back.Close()
	}
	return json.NewEncoder(c).Encode(frame{Done: true}) == nil
}

// Handle passes a question on.
func (r relay) Handle(_ context.Context, op string, args json.RawMessage) (any, error) {
	var result json.RawMessage
	err := r.k.Ask(op, args, &result, askPatience)
	return result, err
}

// End closes the way to the kernel.
func (r relay) End() { r.k.Close() }

// run is one command that runs in this daemon.
type run struct {
	*daemon
	parsed
	viewer string
	conn   net.Conn
	// answers are the person's, gone is closed when vradmin is.
	answers chan frame
	gone    chan struct{}

	mu  sync.Mutex
	enc *json.Encoder
}

// command runs one command. Its vradmin may be killed meanwhile: a change of
// roles goes on then, a synchronisation stops.
func (d *daemon) command(c net.Conn, g greeting) {
	r := &run{daemon: d, viewer: g.Viewer, conn: c, answers: make(chan frame), gone: make(chan struct{}), enc: json.NewEncoder(c)}
	go r.listen()
	code := 1
	err := r.parse(g.Argv)
	if err == nil {
		code, err = r.do(g)
	}
	if err != nil {
		r.errorln(texts.Explain("vradmin", err))
		code = 1
	}
	r.send(frame{Done: true, Exit: code})
}

func (r *run) listen() {
	defer close(r.gone)
	in := json.NewDecoder(r.conn)
	for {
		var f frame
		if in.Decode(&f) != nil {
			return
		}
		r.answers <- f
	}
}

func (r *run) send(f frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.enc.Encode(f)
}

func (r *run) println(text string) { r.send(frame{Out: text + "\n"}) }
func (r *run) errorln(text string) { r.send(frame{Err: text + "\n"}) }

// confirmed asks the person, unless -s was given.
func (r *run) confirmed(question string) bool {
	if r.has("-s") {
		return true
	}
	r.send(frame{Out: question + " [y, n] (default: n) ", Ask: true})
	select {
	case f := <-r.answers:
		return f.Yes
	case <-r.gone:
		return false
	}
}

// cancelled says whether vradmin is gone.
func (r *run) cancelled() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}
