package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

// ForwardEnv makes a program that calls Forwarding a forwarder: "LISTEN TARGET".
const ForwardEnv = "SWITCHBACK_FORWARD"

// Forwarding forwards connections until it is killed, where the environment
// says so; otherwise it does nothing.
func Forwarding() {
	listen, target, ok := strings.Cut(os.Getenv(ForwardEnv), " ")
	if !ok {
		return
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	forward(l, target)
	os.Exit(0)
}

// forward passes connections on until the listener is closed.
func forward(l net.Listener, target string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			s, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			defer func() { _ = s.Close() }()
			go func() {
				_, _ = io.Copy(s, c)
				_ = s.Close()
			}()
			_, _ = io.Copy(c, s)
		}()
	}
}
