package remote

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

// link is the way to one endpoint: at most one connection at a time, made when
// it is first needed and again after it was lost.
type link struct {
	pool *Pool
	ep   Endpoint
	jump *link

	mu      sync.Mutex
	current *connection
	dialing *dialing
	closed  bool
}

// dialing is one attempt to connect that all callers wait for.
type dialing struct {
	done chan struct{}
	conn *connection
	err  error
}

// connect gives the living connection, or makes one. The attempt belongs to no
// caller: one who gives up does not spoil it for the others.
func (l *link) connect(ctx context.Context) (*connection, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, dr.Retry("unreachable", "host %s: the connections of this process are closed", l.ep.place())
	}
	if l.current != nil && l.current.alive() {
		defer l.mu.Unlock()
		return l.current, nil
	}
	d := l.dialing
	if d == nil {
		d = &dialing{done: make(chan struct{})}
		l.dialing = d
		go l.dial(d)
	}
	l.mu.Unlock()
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, unreachable(l.ep, ctx.Err())
	}
}

func (l *link) dial(d *dialing) {
	ctx, cancel := context.WithTimeout(l.pool.ctx, l.pool.opts.DialTimeout)
	defer cancel()
	conn, err := l.open(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.closed {
		conn.close()
		conn, err = nil, dr.Retry("unreachable", "host %s: the connections of this process are closed", l.ep.place())
	}
	l.dialing = nil
	l.current = conn
	d.conn, d.err = conn, err
	close(d.done)
}

func (l *link) open(ctx context.Context) (*connection, error) {
	keys, err := readHostKeys(l.ep)
	if err != nil {
		return nil, err
	}
	auth, agentDone, err := authMethods(ctx, l.ep, l.pool.opts)
	if err != nil {
		return nil, err
	}
	defer agentDone()
	raw, err := l.transport(ctx)
	if err != nil {
		return nil, err
	}
	// Connections through a jump host have no deadlines; closing ends both
	// kinds.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	client, err := handshake(raw, l.ep, keys, auth)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		return nil, dialError(ctx, l.ep, keys, err)
	}
	return newConnection(l.ep, client, l.pool), nil
}

// transport makes the byte stream: TCP, or a channel of the jump host.
func (l *link) transport(ctx context.Context) (net.Conn, error) {
	if l.jump == nil {
		var d net.Dialer
		raw, err := d.DialContext(ctx, "tcp", l.ep.hostport())
		if err != nil {
			return nil, unreachable(l.ep, err)
		}
		return raw, nil
	}
	via, err := l.jump.connect(ctx)
	if err != nil {
		e := *dr.AsError(err, "unreachable")
		e.Text = "host " + l.ep.place() + " is reached through " + l.jump.ep.Name + ": " + e.Text
		return nil, &e
	}
	raw, err := via.client.DialContext(ctx, "tcp", l.ep.hostport())
	if err != nil {
		return nil, dr.Retry("unreachable", "host %s cannot be reached from %s: %v", l.ep.place(), l.jump.ep.place(), err).Because(err)
	}
	return raw, nil
}

func handshake(raw net.Conn, ep Endpoint, keys *hostKeys, auth []ssh.AuthMethod) (*ssh.Client, error) {
	conn, channels, requests, err := ssh.NewClientConn(raw, ep.hostport(), &ssh.ClientConfig{
		User: ep.User, Auth: auth,
		HostKeyCallback:   keys.verify,
		HostKeyAlgorithms: keys.algorithms(),
		ClientVersion:     "SSH-2.0-switchback",
	})
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// dialError says why the handshake failed.
func dialError(ctx context.Context, ep Endpoint, keys *hostKeys, err error) error {
	var known *dr.Error
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &known):
		return known
	case ctx.Err() != nil:
		return unreachable(ep, ctx.Err())
	case errors.As(err, &negotiation) && strings.Contains(err.Error(), "host key"):
		return dr.Refuse("host_key", "host %s offers no key of the type known in %s (%s, %s)", ep.place(),
			strings.Join(ep.KnownHosts, ", "), strings.Join(keys.algorithms(), " "), keys.fingerprint()).
			WithNext("find out why the key has changed before you change known_hosts").Because(err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return dr.Refuse("auth", "host %s refused the login (%s)", ep.place(), triedLogins(err)).
			WithNext("check user, key or password in the inventory, and the host's authorized_keys").Because(err)
	default:
		return unreachable(ep, err)
	}
}

// triedLogins says in words which methods the SSH package tried: it tells them
// only in its text, as "attempted methods [none publickey],".
func triedLogins(err error) string {
	_, rest, _ := strings.Cut(err.Error(), "attempted methods [")
	list, _, found := strings.Cut(rest, "]")
	tried := strings.Fields(strings.TrimPrefix(list, "none"))
	switch {
	case !found:
		return "it said no more"
	case len(tried) == 0:
		return "it takes none of the ways to log in that the inventory gives"
	}
	return "tried: " + strings.Join(tried, ", ")
}

func unreachable(ep Endpoint, err error) *dr.Error {
	why := err.Error()
	var system syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		why = "no answer in time"
	case errors.As(err, &system):
		why = system.Error()
	}
	return dr.Retry("unreachable", "host %s does not answer: %s", ep.place(), why).Because(err)
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.current != nil {
		l.current.close()
	}
}
