package adaptertest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// AsNobody runs a reading command on this machine as an ordinary user, since
// root would see everything, and gives its standard output.
func AsNobody(t *testing.T, c dr.Command) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.Argv[0], c.Argv[1:]...)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// ClosedDoor gives a directory that the user of AsNobody may search, and one
// below it that it may not, in which there is a directory of the given name.
func ClosedDoor(t *testing.T, name string) (open, closed string) {
	t.Helper()
	open, err := os.MkdirTemp("", "switchback-door-")
	require.NoError(t, err)
	closed = open + "/closed"
	t.Cleanup(func() {
		require.NoError(t, os.Chmod(closed, 0o700))
		require.NoError(t, os.RemoveAll(open))
	})
	require.NoError(t, os.Chmod(open, 0o755))
	require.NoError(t, os.MkdirAll(closed+"/"+name, 0o755))
	require.NoError(t, os.Chmod(closed, 0))
	return open, closed
}
