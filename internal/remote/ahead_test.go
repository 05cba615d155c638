package remote_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/remote"
)

func TestReadsBehindAStartSeeWhatItsCommandDid(t *testing.T) {
	_, h := connect(t, remote.Options{})
	p := h.(kit.Pipeliner)
	file := filepath.Join(t.TempDir(), "made")
	reads := []dr.Command{sh(`cat "$1"`, file), sh(`echo second >&2; exit 3`)}
	j, outs, err := p.StartThen(t.Context(), key("s"), sh(`sleep 0.1; echo here >"$1"; echo said; exit 5`, file), 0, 5*time.Second, reads)
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.True(t, j.Started)
	require.Equal(t, 5, j.Exit)
	require.Equal(t, "said\n", j.Stdout)
	require.Len(t, outs, 2)
	require.Equal(t, "here\n", outs[0].Stdout)
	require.Equal(t, "second\n", outs[1].Stderr)
	require.Equal(t, 3, outs[1].Exit)
	require.Positive(t, int64(outs[0].HostTime))

	j, outs, err = p.StartThen(t.Context(), key("s"), sh(`echo never`), 0, 5*time.Second, reads[:1])
	require.NoError(t, err)
	require.False(t, j.Started, "the claim is taken")
	require.Len(t, outs, 1, "what is read behind a job that has ended counts")
	out, err := h.Read(t.Context(), sh("echo clean"))
	require.NoError(t, err)
	require.Equal(t, "clean\n", out.Stdout, "the shell is usable")
}

func TestNothingIsReadBehindAStartThatHasNoEnd(t *testing.T) {
	_, h := connect(t, remote.Options{})
	p := h.(kit.Pipeliner)
	file := filepath.Join(t.TempDir(), "read")
	reads := []dr.Command{sh(`: >"$1"`, file)}
	j, outs, err := p.StartThen(t.Context(), key("runs"), sh("sleep 30"), 0, 20*time.Millisecond, reads)
	require.NoError(t, err)
	require.Equal(t, kit.JobRunning, j.State)
	require.Empty(t, outs)
	_, err = h.Stop(t.Context(), key("runs"))
	require.NoError(t, err)

	first, err := h.Read(t.Context(), sh("true"))
	require.NoError(t, err)
	_, outs, err = p.StartThen(t.Context(), key("late"), sh("true"), first.HostTime+1000, time.Second, reads)
	require.True(t, dr.HasCode(err, "stale_guard"), "%v", err)
	require.Empty(t, outs)
	require.NoFileExists(t, file)
}

// TestARequestThatHangsBehindAStartLosesNothingOfIt: the command's end is known
// although the read behind it never came to its own.
func TestARequestThatHangsBehindAStartLosesNothingOfIt(t *testing.T) {
	_, h := connect(t, remote.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	j, outs, err := h.(kit.Pipeliner).StartThen(ctx, key("s"), sh("exit 4"), 0, time.Second, []dr.Command{sh("sleep 300")})
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.Equal(t, 4, j.Exit)
	require.Empty(t, outs)
	out, err := h.Read(t.Context(), sh("echo clean"))
	require.NoError(t, err)
	require.Equal(t, "clean\n", out.Stdout)
}
