package openedge

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHowFarACommandHasReadIsToldByTheOperatingSystem: neither sha256sum nor
// prorest -vp says anything while it reads for hours.
func TestHowFarACommandHasReadIsToldByTheOperatingSystem(t *testing.T) {
	dir := t.TempDir()
	file, pid := filepath.Join(dir, "depot.bck"), filepath.Join(dir, "pid")
	require.NoError(t, os.WriteFile(file, make([]byte, 1<<20), 0o600))
	ask := func() []string {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", readProgressScript, "sh", file, pid).Output()
		require.NoError(t, err)
		lines := strings.Fields(string(out))
		require.Len(t, lines, 5)
		return lines[1:4]
	}
	require.Equal(t, []string{"0", "1048576"}, ask()[:2], "nobody reads it")
	for _, reader := range []string{
		`exec 3<"$1"; dd bs=1024 count=256 <&3 >/dev/null 2>&1; sleep 60`,
		// The vendor's programs are wrappers.
		`sh -c 'exec 3<"$1"; dd bs=1024 count=256 <&3 >/dev/null 2>&1; sleep 60' sh "$1"; :`,
	} {
		c := exec.CommandContext(t.Context(), "sh", "-c", reader, "sh", file)
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		require.NoError(t, c.Start())
		require.NoError(t, os.WriteFile(pid, []byte(strconv.Itoa(c.Process.Pid)+"\n"), 0o600))
		require.Eventually(t, func() bool { return ask()[0] == "262144" }, 20*time.Second, 20*time.Millisecond, reader)
		require.NoError(t, syscall.Kill(-c.Process.Pid, syscall.SIGKILL))
		_ = c.Wait()
	}
	require.NoError(t, os.WriteFile(pid, []byte("1; reboot\n"), 0o600))
	require.Equal(t, "0", ask()[0], "what is no number is nobody")
}
