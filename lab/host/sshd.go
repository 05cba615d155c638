package host

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

func (h *Host) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go h.serve(c)
	}
}

// serve speaks SSH on one connection until it ends.
func (h *Host) serve(raw net.Conn) {
	c := &wire{Conn: raw, host: h}
	h.mu.Lock()
	refuse, off := h.refuse, h.spawn == nil
	if !off && !refuse {
		h.conns[raw] = true
	}
	h.mu.Unlock()
	defer func() {
		_ = raw.Close()
		h.mu.Lock()
		delete(h.conns, raw)
		h.mu.Unlock()
	}()
	if refuse || off {
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(c, h.serverConfig())
	if err != nil {
		return
	}
	go globalRequests(requests)
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			go h.session(ch)
		case "direct-tcpip":
			go forward(ch)
		default:
			_ = ch.Reject(ssh.UnknownChannelType, "only sessions and direct-tcpip")
		}
	}
	_ = conn.Wait()
}

func (h *Host) serverConfig() *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		MaxAuthTries: 6,
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, k := range h.Clients {
				if bytes.Equal(k.Marshal(), key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, fmt.Errorf("the key is not known on %s", h.Name)
		},
		ServerVersion: "SSH-2.0-SwitchbackLab",
	}
	c.AddHostKey(h.Key)
	return c
}

// globalRequests answers keep-alives as OpenSSH does: any global request that
// is not understood is answered with a failure, which proves life.
func globalRequests(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(r.Type == "keepalive@openssh.com", nil)
		}
	}
}

// forward connects a jump host's client onwards.
func forward(ch ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, "the target is not readable")
		return
	}
	target, err := net.DialTimeout("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))), 10*time.Second)
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := ch.Accept()
	if err != nil {
		_ = target.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(channel, target)
		_ = channel.Close()
	}()
	_, _ = io.Copy(target, channel)
	_ = target.Close()
}

// wire is a connection that obeys the host's slow and silent switches.
type wire struct {
	net.Conn
	host *Host
	bad  atomic.Bool
}

// Read delays what arrives, and never gives it while the host is silent.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	for {
		w.host.mu.Lock()
		slow, silent := w.host.slow, w.host.silent
		w.host.mu.Unlock()
		if err != nil || !silent {
			time.Sleep(slow)
			return n, err
		}
		// The machine is as if dead: nothing is read until it wakes up or the
		// power goes, which closes the connection.
		if w.closed() {
			return 0, net.ErrClosed
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Write swallows what a silent host would say.
func (w *wire) Write(b []byte) (int, error) {
	w.host.mu.Lock()
	silent := w.host.silent
	w.host.mu.Unlock()
	if silent {
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// Close marks the connection for readers that wait for a silent host.
func (w *wire) Close() error {
	w.bad.Store(true)
	return w.Conn.Close()
}

func (w *wire) closed() bool { return w.bad.Load() }
