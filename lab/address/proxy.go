// Package address is a TCP address that can be pointed at one server after
// another: the lab's client address, and the network links between its hosts.
package address

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy is one address. Pointed nowhere, it refuses: connections are accepted
// by the kernel and closed at once, as a load balancer without servers does.
type Proxy struct {
	listener net.Listener

	mu     sync.Mutex
	name   string
	target string
	conns  map[*joined]bool
	closed bool
}

// joined is one client's connection with its server's.
type joined struct{ client, server net.Conn }

func (j *joined) close() {
	_ = j.client.Close()
	if j.server != nil {
		_ = j.server.Close()
	}
}

// Listen opens the address host:port, pointed nowhere.
func Listen(at string) (*Proxy, error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, fmt.Errorf("the lab cannot listen on %s: %w", at, err)
	}
	p := &Proxy{listener: l, conns: map[*joined]bool{}}
	go p.accept()
	return p, nil
}

// Addr is the address as host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Point sends new connections to target (host:port; "" for nowhere), known to
// people by name, and cuts every connection to another one. When it returns no
// byte can reach the old target any more.
func (p *Proxy) Point(name, target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == target {
		p.name = name
		return
	}
	p.name, p.target = name, target
	for j := range p.conns {
		j.close()
	}
	clear(p.conns)
}

// Pointed tells where the address leads: the name and the target.
func (p *Proxy) Pointed() (name, target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.name, p.target
}

// Close ends the address and every connection.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Point("", "")
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	return err
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(c)
	}
}

func (p *Proxy) serve(client net.Conn) {
	j := &joined{client: client}
	defer j.close()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if target == "" {
		return
	}
	server, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return
	}
	j.server = server
	p.mu.Lock()
	if p.target != target || p.closed {
		// Re-pointed while dialling: this connection belongs to the past.
		p.mu.Unlock()
		return
	}
	p.conns[j] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, j)
		p.mu.Unlock()
	}()
	var both sync.WaitGroup
	both.Go(func() { halfway(server, client) })
	both.Go(func() { halfway(client, server) })
	both.Wait()
}

// halfway copies one direction and passes its end on.
func halfway(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if t, ok := to.(*net.TCPConn); ok && err == nil {
		_ = t.CloseWrite()
		return
	}
	_ = to.Close()
}
