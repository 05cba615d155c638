package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
)

// A statement's faults are made on the connection: an adapter that works by SQL
// has no host to wrap. The text of a statement must stand in one write, as in
// the protocols of MySQL and PostgreSQL without encryption.

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dial wraps the world's connections.
func (f *faulty) dial(inner dialer) dialer {
	if inner == nil {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := inner(ctx, network, address)
		if err != nil {
			return nil, err
		}
		flip, _ := ctx.Value(flipKey{}).(func(string) string)
		return &faultyConn{Conn: c, f: f, flip: flip}, nil
	}
}

// statements makes the shown commands of a step recognisable on the wire: the
// text from its beginning up to its first secret.
func (f *faulty) statements(commands []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched, f.carried = nil, 0
	for _, c := range commands {
		_, q, ok := strings.Cut(c, "> ")
		if !ok {
			continue
		}
		q, _, _ = strings.Cut(q, "<credential ")
		f.watched = append(f.watched, q)
	}
}

// errCut is what a driver sees of a lost connection.
var errCut = errors.New("the connection was cut")

type faultyConn struct {
	net.Conn
	f *faulty
	// flip rewrites what a guard reads: it goes with the guard's context.
	flip func(string) string
	// lost makes the answer to the statement get lost.
	lost bool
}

// Write sends; a watched statement meets the fault that is set.
func (c *faultyConn) Write(p []byte) (int, error) {
	if !c.f.isWatched(p) {
		return c.Conn.Write(p)
	}
	c.f.mu.Lock()
	before, lost, hold := c.f.before, c.f.lost, c.f.hold
	c.f.before, c.f.lost, c.f.hold = false, false, nil
	c.f.mu.Unlock()
	if hold != nil {
		close(c.f.holding)
		<-hold
	}
	if before {
		_ = c.Close()
		return 0, errCut
	}
	c.lost = lost
	n, err := c.Conn.Write(p)
	if err == nil {
		c.f.mu.Lock()
		c.f.carried++
		c.f.mu.Unlock()
	}
	return n, err
}

// Read receives, rewritten within its length; a lost answer is received and
// thrown away, so that the server has done its work.
func (c *faultyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.lost {
		_ = c.Close()
		return 0, errCut
	}
	c.f.mu.Lock()
	rewrite := c.f.rewrite
	c.f.mu.Unlock()
	if c.flip != nil {
		rewrite = c.flip
	}
	if rewrite != nil && n > 0 {
		out := rewrite(string(p[:n]))
		copy(p[:n], out+strings.Repeat("\x00", max(n-len(out), 0)))
	}
	return n, err
}

func (f *faulty) isWatched(p []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, q := range f.watched {
		if bytes.Contains(p, []byte(q)) {
			return true
		}
	}
	return false
}

func (f *faulty) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.carried
}
