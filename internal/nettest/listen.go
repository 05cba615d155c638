// Package nettest has listeners, and free addresses for programs, on this
// machine's loopback for tests.
package nettest

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Serve answers connections until the test ends, and gives its address.
func Serve(t testing.TB, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go Accept(l, answer)
	return l.Addr().String()
}

// Accept answers connections, each by itself, until the listener is closed.
// A connection is closed when it has been answered.
func Accept(l net.Listener, answer func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			answer(c)
		}()
	}
}

// Forward answers a connection by another server.
func Forward(c net.Conn, server string) {
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	go func() {
		_, _ = io.Copy(s, c)
		_ = s.Close()
	}()
	_, _ = io.Copy(c, s)
}
