package remote

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/dr"
)

// connection is one verified SSH connection with the shells that run over it.
type connection struct {
	ep     Endpoint
	pool   *Pool
	client *ssh.Client
	dead   chan struct{}
	once   sync.Once

	mu   sync.Mutex
	idle map[bool][]*shell // by login
	open int
	// limit is how many shells the server allows at a time, as far as known.
	limit int
	// freed is closed and replaced whenever a shell is given back or ends.
	freed chan struct{}
}

func newConnection(ep Endpoint, client *ssh.Client, p *Pool) *connection {
	c := &connection{
		ep: ep, pool: p, client: client, dead: make(chan struct{}),
		idle: map[bool][]*shell{}, limit: p.opts.MaxShells, freed: make(chan struct{}),
	}
	go func() {
		_ = client.Wait()
		c.close()
	}()
	go c.keepAlive()
	return c
}

func (c *connection) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

func (c *connection) close() {
	c.once.Do(func() {
		close(c.dead)
		_ = c.client.Close()
	})
}

// keepAlive closes the connection when the host has not answered for a while,
// so that its callers fail instead of waiting for TCP to give up.
func (c *connection) keepAlive() {
	clock, opts := c.pool.opts.Clock, c.pool.opts
	for {
		select {
		case <-c.dead:
			return
		case <-clock.After(opts.KeepAlive):
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
			answered <- err
		}()
		select {
		case <-c.dead:
			return
		case err := <-answered:
			if err != nil {
				c.close()
				return
			}
		case <-clock.After(opts.KeepAliveTimeout):
			c.close()
			return
		}
	}
}

// acquire gives a shell that nobody else uses: an idle one, a new one, or the
// next that is given back.
func (c *connection) acquire(ctx context.Context, login bool) (*shell, error) {
	for {
		c.mu.Lock()
		if s := c.takeIdle(login); s != nil {
			c.mu.Unlock()
			return s, nil
		}
		if c.open >= c.limit {
			c.dropIdle(!login)
		}
		if c.open < c.limit {
			c.open++
			c.mu.Unlock()
			s, err := c.openShell(ctx, login)
			if err == nil {
				return s, nil
			}
			if !c.lowerLimit(err) {
				return nil, err
			}
			continue
		}
		freed := c.freed
		c.mu.Unlock()
		select {
		case <-freed:
		case <-c.dead:
			return nil, unreachable(c.ep, errors.New("the connection was lost"))
		case <-ctx.Done():
			return nil, dr.Retry("busy", "host %s: all %d sessions were in use until the deadline", c.ep.place(), c.limit).Because(ctx.Err())
		}
	}
}

// takeIdle takes the shell used last; old ones end. c.mu is held.
func (c *connection) takeIdle(login bool) *shell {
	for {
		list := c.idle[login]
		if len(list) == 0 {
			return nil
		}
		s := list[len(list)-1]
		c.idle[login] = list[:len(list)-1]
		if c.pool.opts.Clock.Now().Sub(s.born) < c.pool.opts.ShellAge {
			return s
		}
		c.open--
		go s.close()
	}
}

// dropIdle ends one idle shell of the other kind to make room. c.mu is held.
func (c *connection) dropIdle(login bool) {
	if list := c.idle[login]; len(list) > 0 {
		go list[0].close()
		c.idle[login] = list[1:]
		c.open--
	}
}

// lowerLimit takes note that the server allows fewer sessions than we want;
// false when the error is another one or no session at all is allowed.
func (c *connection) lowerLimit(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	c.wake()
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) || c.open == 0 {
		return false
	}
	c.limit = c.open
	return true
}

// release gives a shell back; one that is not clean any more is ended.
func (c *connection) release(s *shell, clean bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if clean && c.alive() {
		c.idle[s.login] = append(c.idle[s.login], s)
	} else {
		c.open--
		go s.close()
	}
	c.wake()
}

// wake lets those who wait for a shell look again. c.mu is held.
func (c *connection) wake() {
	close(c.freed)
	c.freed = make(chan struct{})
}
