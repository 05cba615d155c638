package host

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newTool gives a host with a counted program that writes a file, prints its
// arguments and its input.
func newTool(t *testing.T) *testHost {
	t.Helper()
	h := newHost(t, nil)
	require.NoError(t, h.Program("libexec/tool", "#!/bin/sh\necho ran >>$HOME/ran\nprintf '%s|' \"$@\"\ncat\n[ \"$1\" = wait ] && exec sleep 30\nexit 4\n"))
	require.NoError(t, h.Shim("bin/tool", "tool", h.Path("libexec/tool")))
	return h
}

func (h *testHost) ran(t *testing.T) string {
	return sh(t, h.login(t), `cat $HOME/ran 2>/dev/null; :`).out
}

func TestACountedProgramIsTheRealOneAndItsCallsAreKnown(t *testing.T) {
	h := newTool(t)
	r := sh(t, h.login(t), "echo in | tool 'a b' \"line\nbreak\" ''")
	require.Equal(t, "a b|line\nbreak||in\n", r.out)
	require.Equal(t, 4, r.code)
	calls, err := h.Calls()
	require.NoError(t, err)
	require.Len(t, calls, 1)
	require.Equal(t, []string{"tool", "a b", "line\nbreak", ""}, calls[0].Argv)
	require.Positive(t, calls[0].Uptime)
}

func TestALyingProgramWorksOrIdlesAndEndsWithAnotherCode(t *testing.T) {
	h := newTool(t)
	require.NoError(t, h.BreakProgram("tool", FaultLie, "0"))
	r := sh(t, h.login(t), `echo in | tool x`)
	require.Equal(t, result{out: "x|in\n"}, r)
	require.Equal(t, "ran\n", h.ran(t))
	require.NoError(t, h.BreakProgram("tool", FaultLieIdle, "0"))
	require.Equal(t, result{}, sh(t, h.login(t), `tool x </dev/null`))
	require.Equal(t, "ran\n", h.ran(t))
	require.NoError(t, h.MendProgram("tool"))
	require.Equal(t, 4, sh(t, h.login(t), `tool x </dev/null`).code)
}

func TestAProgramIsKilledHalfWay(t *testing.T) {
	h := newTool(t)
	require.NoError(t, h.BreakProgram("tool", FaultKill, "0.2"))
	begun := time.Now()
	r := sh(t, h.login(t), `echo in | tool wait`)
	require.Equal(t, 137, r.code)
	require.Equal(t, "wait|in\n", r.out, "it had begun")
	require.Less(t, time.Since(begun), 10*time.Second)
}

func TestAProgramsOutputIsCutShort(t *testing.T) {
	h := newTool(t)
	require.NoError(t, h.BreakProgram("tool", FaultTruncate, "5"))
	require.Equal(t, result{out: "abcde", code: 4}, sh(t, h.login(t), `tool abcdefgh </dev/null`))
}

func TestAProgramHangsBeforeOrAfterItsWork(t *testing.T) {
	for kind, want := range map[string]string{FaultHangBefore: "", FaultHangAfter: "ran\n"} {
		h := newTool(t)
		require.NoError(t, h.BreakProgram("tool", kind, ""))
		s, err := h.login(t).NewSession()
		require.NoError(t, err)
		require.NoError(t, s.Start(`tool x </dev/null`))
		init := h.spawn.cmd.Process.Pid
		eventually(t, "the program must hang", func() bool { return sleeping(init) })
		require.Equal(t, want, h.ran(t))
	}
}

func sleeping(init int) bool {
	for _, pid := range descendants(init) {
		if strings.Contains(cmdline(pid), "2147483647") {
			return true
		}
	}
	return false
}

func TestOnlyACountedProgramCanBeBrokenAndOnlyInAKnownWay(t *testing.T) {
	h := newTool(t)
	require.ErrorContains(t, h.BreakProgram("../tool", FaultLie, "0"), `no program "../tool" that can be broken: it has [tool]`)
	require.ErrorContains(t, h.BreakProgram("tool", FaultLie, "256"), "no exit code")
	require.ErrorContains(t, h.BreakProgram("tool", FaultKill, "soon"), "no number of seconds")
	require.ErrorContains(t, h.BreakProgram("tool", FaultTruncate, "-1"), "no number of bytes")
	require.ErrorContains(t, h.BreakProgram("tool", "curse", ""), "no program fault")
}
