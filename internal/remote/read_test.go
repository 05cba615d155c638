package remote_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/remote"
	"github.com/switchback-dr/switchback/internal/remote/remotetest"
)

// connect gives host db1 of a fresh server.
func connect(t testing.TB, opts remote.Options) (*remotetest.Server, kit.Host) {
	t.Helper()
	s := remotetest.Start(t)
	return s, hostOf(t, opts, s.Endpoint(t, "db1"))
}

// hostOf gives the first endpoint's host of a new pool.
func hostOf(t testing.TB, opts remote.Options, endpoints ...remote.Endpoint) kit.Host {
	t.Helper()
	p := remote.NewPool(endpoints, opts)
	t.Cleanup(p.Close)
	h, err := p.Host(endpoints[0].Name)
	require.NoError(t, err)
	return h
}

func sh(script string, args ...string) dr.Command {
	return dr.Command{Argv: append([]string{"sh", "-c", script, "sh"}, args...)}
}

func TestReadKeepsStreamsAndExitCodeApart(t *testing.T) {
	_, h := connect(t, remote.Options{})
	for range 3 {
		out, err := h.Read(t.Context(), sh(`printf 'to out'; printf 'to err\n' >&2; exit 7`))
		require.NoError(t, err)
		require.Equal(t, "to out", out.Stdout)
		require.Equal(t, "to err\n", out.Stderr)
		require.Equal(t, 7, out.Exit)
		require.False(t, out.Truncated)
		require.Positive(t, int64(out.HostTime))
	}
}

func TestEveryByteOfAnArgumentArrives(t *testing.T) {
	_, h := connect(t, remote.Options{})
	var b strings.Builder
	for i := 1; i < 256; i++ {
		b.WriteByte(byte(i))
	}
	text := b.String() + "$(id) `id` !! ! \\' \" é\n"
	out, err := h.Read(t.Context(), dr.Command{Argv: []string{"printf", "%s", text}})
	require.NoError(t, err)
	require.Equal(t, text, out.Stdout)
}

func TestStandardInputIsClosedUnlessTheCommandHasOne(t *testing.T) {
	_, h := connect(t, remote.Options{})
	out, err := h.Read(t.Context(), dr.Command{Argv: []string{"cat"}})
	require.NoError(t, err)
	require.Empty(t, out.Stdout)
	out, err = h.Read(t.Context(), dr.Command{Argv: []string{"cat"}, Stdin: "a\n$HOME 'b'\n"})
	require.NoError(t, err)
	require.Equal(t, "a\n$HOME 'b'\n", out.Stdout)
}

func TestInputThatWouldEndItselfIsRefused(t *testing.T) {
	_, h := connect(t, remote.Options{})
	_, err := h.Read(t.Context(), dr.Command{Argv: []string{"cat"}, Stdin: "a\nSWITCHBACK_INPUT\nid\n"})
	require.True(t, dr.HasCode(err, "command"), "%v", err)
}

func TestACommandForAnotherHostIsRefused(t *testing.T) {
	_, h := connect(t, remote.Options{})
	_, err := h.Read(t.Context(), dr.Command{Host: "db2", Argv: []string{"true"}})
	require.True(t, dr.HasCode(err, "command"), "%v", err)
}

func TestACommandCannotChangeTheShellOfTheNext(t *testing.T) {
	_, h := connect(t, remote.Options{})
	_, err := h.Read(t.Context(), dr.Command{Argv: []string{"exit", "3"}})
	require.NoError(t, err)
	_, err = h.Read(t.Context(), dr.Command{Argv: []string{"cd", "/usr"}})
	require.NoError(t, err)
	out, err := h.Read(t.Context(), dr.Command{Argv: []string{"pwd"}})
	require.NoError(t, err)
	require.NotEqual(t, "/usr\n", out.Stdout)
}

func TestMoreOutputThanIsKeptIsCutAndMarked(t *testing.T) {
	_, h := connect(t, remote.Options{MaxOutput: 1000})
	out, err := h.Read(t.Context(), sh(`head -c 3000000 /dev/zero | tr '\0' x; echo short >&2; exit 4`))
	require.NoError(t, err)
	require.True(t, out.Truncated)
	require.Equal(t, strings.Repeat("x", 1000), out.Stdout)
	require.Equal(t, "short\n", out.Stderr)
	require.Equal(t, 4, out.Exit)
}

func TestADeadlineEndsTheCommandOnTheHost(t *testing.T) {
	_, h := connect(t, remote.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := h.Read(ctx, dr.Command{Argv: []string{"sleep", "98765"}})
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "%v", err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Eventually(t, func() bool {
		out, err := h.Read(t.Context(), sh(`ps -A -o args= | grep -c '^sleep [9]8765'`))
		return err == nil && out.Stdout == "0\n"
	}, 5*time.Second, 20*time.Millisecond, "the command goes on")
}

func TestManyCallersShareOneConnection(t *testing.T) {
	s, h := connect(t, remote.Options{})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			out, err := h.Read(t.Context(), sh(`echo "$1"; sleep 0.02; echo "$1" >&2`, fmt.Sprint(i)))
			if err != nil || out.Stdout != fmt.Sprintf("%d\n", i) || out.Stderr != out.Stdout {
				t.Errorf("call %d: %v %+v", i, err, out)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, s.Logins(t))
}

func TestASmallLimitOfSessionsIsWaitedFor(t *testing.T) {
	s := remotetest.Start(t, "MaxSessions 1")
	h := hostOf(t, remote.Options{}, s.Endpoint(t, "db1"))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := h.Read(t.Context(), sh("sleep 0.02")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTheServerSideKilledIsRetriedAndReconnected(t *testing.T) {
	s, h := connect(t, remote.Options{})
	_, err := h.Read(t.Context(), sh("true"))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := h.Read(t.Context(), sh("sleep 60"))
		done <- err
	}()
	require.Eventually(t, func() bool {
		out, err := h.Read(t.Context(), sh(`ps -A -o args= | grep -c '^sleep 6[0]$'`))
		return err == nil && out.Stdout != "0\n"
	}, 5*time.Second, 10*time.Millisecond)
	s.KillConnections(t)
	err = <-done
	require.True(t, dr.HasCode(err, "unreachable"), "%v", err)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	_, err = h.Read(t.Context(), sh("true"))
	require.NoError(t, err)
}
