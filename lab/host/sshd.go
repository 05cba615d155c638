package host

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
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
		h.conns[c] = true
	}
	h.mu.Unlock()
	defer func() {
		_ = c.Close()
		h.mu.Lock()
		delete(h.conns, c)
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
		PublicKeyCallback: func(who ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, k := range h.Clients {
				if who.User() == h.Login && bytes.Equal(k.Marshal(), key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, fmt.Errorf("%s does not know this user and key", h.Name)
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
