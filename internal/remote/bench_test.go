package remote_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/internal/remote"
)

// BenchmarkRead is one reading command over the kept shell.
func BenchmarkRead(b *testing.B) {
	_, h := connect(b, remote.Options{})
	for b.Loop() {
		_, err := h.Read(b.Context(), sh("true"))
		require.NoError(b, err)
	}
}

// BenchmarkBareSession is the reference: a new session for each command on one
// reused connection.
func BenchmarkBareSession(b *testing.B) {
	s, h := connect(b, remote.Options{})
	client, err := ssh.Dial("tcp", s.Address(), &ssh.ClientConfig{
		User: h.Pin().User, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.Signer)}, HostKeyCallback: ssh.FixedHostKey(s.HostKey),
	})
	require.NoError(b, err)
	defer func() { _ = client.Close() }()
	for b.Loop() {
		sess, err := client.NewSession()
		require.NoError(b, err)
		_, err = sess.Output("sh -c true")
		require.NoError(b, err)
	}
}

// BenchmarkStart is one claimed job that ends at once.
func BenchmarkStart(b *testing.B) {
	_, h := connect(b, remote.Options{})
	k := key("bench")
	for b.Loop() {
		k.Attempt++
		j, err := h.Start(b.Context(), k, sh("true"), 0, 1e10)
		require.NoError(b, err)
		require.True(b, j.Started)
	}
}
