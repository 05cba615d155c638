package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// show is one run of the demo as a process without a terminal.
type show struct {
	t   *testing.T
	cmd *exec.Cmd
	// tmp is the demo's own directory for temporary files: short, because
	// sockets are in it, and open to the user whom the database runs as.
	tmp            string
	stdout, stderr safeBuffer
}

func startDemo(t *testing.T, args ...string) *show {
	t.Helper()
	tmp, err := os.MkdirTemp("/tmp", "sbdemo")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(tmp, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	s := &show{t: t, tmp: tmp, cmd: exec.Command(os.Args[0], append([]string{"demo"}, args...)...)}
	s.cmd.Env = append(os.Environ(), asServer+"=1", "TMPDIR="+tmp)
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the demo printed:\n%s\n%s", s.stdout.String(), s.stderr.String())
		}
	})
	return s
}

// requireNothingLeft proves that no process and no file of the demo is left.
func (s *show) requireNothingLeft() {
	s.t.Helper()
	files, err := os.ReadDir(s.tmp)
	require.NoError(s.t, err)
	require.Empty(s.t, files, "the demo left files behind")
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(s.t, err)
	for _, path := range lines {
		cmdline, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(path), "cwd"))
		require.NotContains(s.t, string(cmdline)+" "+cwd, s.tmp, "the demo left a process behind: %s", path)
	}
}

// verdict is the ledger's sentence: writes, lost ones, found ones.
var verdict = regexp.MustCompile(`The ledger: (\d+) writes acknowledged, (\d+) lost, .*the failback found (\d+) transactions .*Two primaries: never\.`)

// plays plays the whole demo without a terminal and gives what it printed.
func plays(t *testing.T, args ...string) string {
	t.Helper()
	s := startDemo(t, args...)
	require.NoError(t, s.cmd.Wait())
	out := s.stdout.String()
	require.Empty(t, s.stderr.String())
	require.NotContains(t, out, "\x1b", "no colours without a terminal")
	for _, gate := range []string{"Gate decide", "Gate convert", "Gate cutover"} {
		require.Contains(t, out, gate)
	}
	s.requireNothingLeft()
	return out
}

func TestTheDemoWithoutATerminalApprovesByItselfKeepsItsPromisesAndLeavesNothing(t *testing.T) {
	out := plays(t, "--product", "postgres")
	for _, said := range []string{
		"Planned takeover of orders, east to west", "Unplanned takeover of orders, west to east",
		"Failback of orders, east to west", "Rewind west to east", "edge$ client-address point west",
	} {
		require.Contains(t, out, said)
	}
	found := verdict.FindStringSubmatch(strings.Join(strings.Fields(out), " "))
	require.NotNil(t, found, "the ledger's sentence is missing")
	require.NotEqual(t, "0", found[2], "the second act loses what only the dead primary had")
}

func TestTheDemoPlaysHANAByItself(t *testing.T) {
	out := plays(t)
	for _, said := range []string{
		"Planned takeover of erp, east to west", "Unplanned takeover of erp, west to east", "Failback of erp, east to west",
		"hdbnsutil -sr_takeover --suspendPrimary", "hdbnsutil -sr_register", "Two primaries: never.",
	} {
		require.Contains(t, out, said)
	}
}

func TestASignalEndsTheDemoAndLeavesNothing(t *testing.T) {
	for _, at := range []string{"Temporal and its UI", "Stop east", "Rewind west to east  "} {
		t.Run(at, func(t *testing.T) {
			s := startDemo(t, "--product", "postgres")
			require.Eventually(t, func() bool { return strings.Contains(s.stdout.String(), at) }, 2*time.Minute, 10*time.Millisecond)
			require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
			began := time.Now()
			require.Error(t, s.cmd.Wait())
			require.Equal(t, 130, s.cmd.ProcessState.ExitCode())
			require.Less(t, time.Since(began), 20*time.Second)
			s.requireNothingLeft()
		})
	}
}

func TestADemoThatIsKilledLeavesNoProcess(t *testing.T) {
	s := startDemo(t, "--dir", t.TempDir())
	require.Eventually(t, func() bool { return strings.Contains(s.stdout.String(), "Act 1") }, 2*time.Minute, 10*time.Millisecond)
	require.NoError(t, s.cmd.Process.Kill())
	require.Error(t, s.cmd.Wait())
	// Killed, it cannot remove its files; its hosts die with it all the same.
	require.Eventually(t, func() bool {
		out, err := exec.Command("pgrep", "-f", s.tmp).Output()
		return err != nil && len(bytes.TrimSpace(out)) == 0
	}, 20*time.Second, 50*time.Millisecond, "a killed demo left processes behind")
}

func TestBadArgumentsOfTheDemoGetOneSentenceAndStartNothing(t *testing.T) {
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	for _, c := range []struct {
		args   []string
		exit   int
		stderr string
	}{
		{[]string{"--product", "oracle"}, 1, `the lab has no product "oracle"`},
		{[]string{"--dir", full}, 1, "is not empty"},
		{[]string{"stray"}, 2, `unexpected argument "stray"`},
		{[]string{"--nope"}, 2, "-nope"},
	} {
		s := startDemo(t, c.args...)
		require.Error(t, s.cmd.Wait())
		require.Equal(t, c.exit, s.cmd.ProcessState.ExitCode(), s.stderr.String())
		require.Contains(t, s.stderr.String(), c.stderr)
		s.requireNothingLeft()
	}
	require.FileExists(t, filepath.Join(full, "mine"))
}
