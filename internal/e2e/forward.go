package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/switchback-dr/switchback/internal/nettest"
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
	nettest.Accept(l, func(c net.Conn) { nettest.Forward(c, target) })
	os.Exit(0)
}
