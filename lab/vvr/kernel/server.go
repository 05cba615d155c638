package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/lab/vvr/wire"
)

// Run is the kernel of the host with this root, until the process is killed.
func Run(root string) error {
	k, err := Open(root)
	if err != nil {
		return err
	}
	defer k.Close()
	return k.Listen()
}

// Listen answers programs of the host and the kernels of the other hosts until
// a listener fails, and keeps the connections to these.
func (k *Kernel) Listen() error {
	remote, err := net.Listen("tcp", k.Kernel())
	if err != nil {
		return err
	}
	defer func() { _ = remote.Close() }()
	socket := filepath.Join(k.root, Socket)
	_ = os.Remove(socket)
	local, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	defer func() { _ = local.Close() }()
	k.mu.Lock()
	k.closers = append(k.closers, remote.Close, local.Close)
	k.mu.Unlock()
	for host := range k.Peers {
		go k.beat(host)
		go k.carry(host)
	}
	go wire.Serve(remote, func(c net.Conn) wire.Session { return k.begin(c, remoteOps) })
	wire.Serve(local, func(c net.Conn) wire.Session { return k.begin(c, localOps) })
	return nil
}

// begin makes the session of a connection. A kernel that is closed has none.
func (k *Kernel) begin(c net.Conn, ops map[string]operation) *session {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		_ = c.Close()
	}
	k.conns[c] = true
	return &session{k: k, conn: c, ops: ops}
}

// Kernel is where the kernel listens for its peers.
func (k *Kernel) Kernel() string { return k.Config.Kernel }

// session is one connection.
type session struct {
	k    *Kernel
	conn net.Conn
	ops  map[string]operation
}

// operation does one thing with the lock held. A nil result is an empty answer.
type operation func(k *Kernel, args json.RawMessage) (any, error)

// Handle does what a question asks.
func (s *session) Handle(_ context.Context, op string, args json.RawMessage) (any, error) {
	switch {
	case s.conn.RemoteAddr().Network() != "unix":
	case op == "open" || op == "hold":
		var volumes []string
		if err := json.Unmarshal(args, &volumes); err != nil {
			return nil, err
		}
		if op == "hold" {
			return nil, s.k.holdVolumes(s, volumes)
		}
		return nil, s.k.openVolumes(s, volumes)
	case op == "write":
		var w Write
		if err := json.Unmarshal(args, &w); err != nil {
			return nil, err
		}
		return nil, s.k.write(s, w.Volume, w.Offset, w.Data)
	}
	f := s.ops[op]
	if f == nil {
		return nil, fmt.Errorf("the kernel does not know the operation %q", op)
	}
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	if s.k.closed {
		return nil, errClosed
	}
	return f(s.k, args)
}

// End closes what the connection's program had open.
func (s *session) End() {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	delete(s.k.conns, s.conn)
	if _, ok := s.k.opens[s]; ok {
		delete(s.k.opens, s)
		s.k.wake()
	}
}

// Write is a write to an open volume.
type Write struct {
	Volume string `json:"volume"`
	Offset int64  `json:"offset"`
	Data   []byte `json:"data"`
}

// take decodes arguments for an operation that gives a result.
func take[A any, R any](f func(*Kernel, A) (R, error)) operation {
	return func(k *Kernel, raw json.RawMessage) (any, error) {
		var a A
		if len(raw) > 0 && string(raw) != "null" {
			if err := json.Unmarshal(raw, &a); err != nil {
				return nil, err
			}
		}
		return f(k, a)
	}
}

// do decodes arguments for an operation that gives nothing.
func do[A any](f func(*Kernel, A) error) operation {
	return take(func(k *Kernel, a A) (any, error) { return nil, f(k, a) })
}

// remoteOps are what another host's kernel may ask.
var remoteOps = map[string]operation{
	"hello": take(func(k *Kernel, h hello) (hello, error) {
		if p := k.peers[h.Host]; p != nil && !k.reach(h.Host) {
			// A link that works in one direction is down: what comes through
			// it is a sign of life and nothing else.
			p.in, p.said.Reached = time.Now(), h.Reached
			return k.hello(h.Host), nil
		}
		err := k.heard(h)
		return k.hello(h.Host), err
	}),
	"apply":            take((*Kernel).apply),
	"merge":            do((*Kernel).merge),
	"become-secondary": do((*Kernel).becomeSecondary),
}

// localOps are what programs of the host may ask; vradmind passes questions of
// other hosts' vradmind on.
var localOps = map[string]operation{
	"view":    take(func(k *Kernel, _ struct{}) (View, error) { return k.view(), nil }),
	"sums":    take((*Kernel).sums),
	"fetch":   take((*Kernel).fetch),
	"store":   do((*Kernel).store),
	"release": do((*Kernel).release),

	"checkstart":  do((*Kernel).checkStart),
	"checkend":    take((*Kernel).checkEnd),
	"checkdelete": do((*Kernel).checkDelete),

	"attach": do((*Kernel).attach),
	"follow": do((*Kernel).follow),
	"detach": do((*Kernel).detach),
	"pause":  do((*Kernel).pause),
	"resync": do((*Kernel).resync),

	"takeover":    do((*Kernel).takeover),
	"makesec":     do((*Kernel).makeSecondary),
	"rejoin":      do((*Kernel).rejoin),
	"demote":      do((*Kernel).demote),
	"promote":     do((*Kernel).promote),
	"undo-demote": do((*Kernel).undoDemote),
	"migrated":    do((*Kernel).migrated),
	"fbsync":      do((*Kernel).failbackSync),

	"start":      do((*Kernel).setStarted),
	"deport":     do((*Kernel).setDeported),
	"resize-srl": do((*Kernel).resizeSRL),
	"add-link":   do((*Kernel).addLink),
	"del-link":   do((*Kernel).deleteLink),
}

// peerPID is the process at the other end of a local connection.
func peerPID(c net.Conn) int {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
