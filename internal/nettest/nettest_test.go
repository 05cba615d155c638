package nettest_test

import (
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/nettest"
)

func TestAConnectionIsForwardedBothWaysAndClosedWhenItIsAnswered(t *testing.T) {
	server := nettest.Serve(t, func(c net.Conn) {
		word := make([]byte, 4)
		_, _ = io.ReadFull(c, word)
		_, _ = c.Write(append(word, '!'))
	})
	c, err := net.Dial("tcp", nettest.Serve(t, func(c net.Conn) { nettest.Forward(c, server) }))
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte("east"))
	require.NoError(t, err)
	said, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "east!", string(said))
}

func TestAFreeAddressAndAFreePortCanBeListenedOn(t *testing.T) {
	for _, at := range []string{nettest.Address(t), net.JoinHostPort("127.0.0.1", strconv.Itoa(nettest.Port(t)))} {
		_, err := net.Dial("tcp", at)
		require.Error(t, err)
		l, err := net.Listen("tcp", at)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}
