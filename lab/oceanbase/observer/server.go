package observer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
	protocol "github.com/go-mysql-org/go-mysql/server"
)

// Server is a cluster with its SQL ports open.
type Server struct {
	*Cluster
	conf *protocol.Server
	ends context.CancelFunc
	all  sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[net.Conn]int
}

// Serve opens the SQL port of every server of the cluster.
func Serve(c Config) (*Server, error) {
	o, err := Open(c)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Cluster: o, conns: map[net.Conn]int{}, listeners: make([]net.Listener, len(c.Listen)),
		conf: protocol.NewServer(c.Version.text(), textCharset, mysql.AUTH_NATIVE_PASSWORD, nil, nil),
	}
	ctx, ends := context.WithCancel(context.Background())
	s.ends = ends
	if err := s.ports(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.all.Go(func() {
		for ctx.Err() == nil && o.sleep(20*time.Millisecond) {
			if err := s.ports(); err != nil {
				o.log.line("%v", err)
			}
		}
	})
	return s, nil
}

// ports opens and closes the SQL ports as servers come and go.
func (s *Server) ports() error {
	for i, at := range s.servers() {
		s.mu.Lock()
		l := s.listeners[i]
		switch {
		case at.online() && l == nil:
			fresh, err := net.Listen("tcp", s.Listen[i])
			if err != nil {
				s.mu.Unlock()
				return fmt.Errorf("no SQL port %s: %w", s.Listen[i], err)
			}
			s.listeners[i] = fresh
			s.all.Go(func() { s.accept(fresh, i) })
		case !at.online() && l != nil:
			_ = l.Close()
			s.listeners[i] = nil
			for c, of := range s.conns {
				if of == i {
					_ = c.Close()
				}
			}
		}
		s.mu.Unlock()
	}
	return nil
}

func (s *Server) accept(l net.Listener, of int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = of
		s.mu.Unlock()
		s.all.Go(func() {
			s.session(c)
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// session serves one client until it leaves.
func (s *Server) session(c net.Conn) {
	h := newSession(s.Cluster, c)
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := s.conf.NewCustomizedConn(c, h, h)
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	conn.SetStatus(mysql.SERVER_STATUS_AUTOCOMMIT)
	for conn.HandleCommand() == nil && conn.Conn != nil {
	}
}

// Close closes the ports and the cluster, and waits for every session.
func (s *Server) Close() error {
	s.ends()
	s.Cluster.stop()
	s.mu.Lock()
	for _, l := range s.listeners {
		if l != nil {
			_ = l.Close()
		}
	}
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
	return s.Cluster.Close()
}
