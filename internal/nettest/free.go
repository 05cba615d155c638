package nettest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Address gives an address on which nobody listens. It is not of 127.0.0.1: any
// client on this machine may be given that one's free ports before the program
// listens.
func Address(t testing.TB) string {
	t.Helper()
	ip := net.IPv4(127, byte(1+rand.IntN(250)), byte(rand.IntN(250)), byte(1+rand.IntN(250))) //nolint:gosec // no secret
	l, err := net.Listen("tcp", ip.String()+":0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Linux gives clients ports from 32768.
const lowestPort, clientPorts = 20000, 32768

// given are the ports that tests of this process have been given.
var given sync.Map

// Port gives a port of 127.0.0.1 on which nobody listens, for programs that
// cannot have an Address: BIND listens only on addresses that an interface has.
// It is none of those that clients are given.
func Port(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := lowestPort + rand.IntN(clientPorts-lowestPort) //nolint:gosec // no secret
		if _, twice := given.LoadOrStore(port, true); !twice && isFree(port) {
			return port
		}
	}
	require.FailNow(t, "no port is free")
	return 0
}

// isFree says whether a program may listen on a port, by TCP and UDP.
func isFree(port int) bool {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := net.Listen("tcp", at)
	if err != nil {
		return false
	}
	defer func() { _ = l.Close() }()
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
