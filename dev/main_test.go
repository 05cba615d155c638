package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// asServer makes this test binary the program itself, so that the tests work
// on real processes that can be killed.
const asServer = "SWITCHBACK_DEV_AS_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is one run of the program.
type process struct {
	ready  ready
	cmd    *exec.Cmd
	stderr *safeBuffer
	boot   time.Duration
}

// start runs "dev server args" and waits for its line.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(args...), stderr: &safeBuffer{}}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	begin := time.Now()
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("server's standard error:\n%s", p.stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoErrorf(t, err, "no line from the server: %s", p.stderr)
	p.boot = time.Since(begin)
	require.NoError(t, json.Unmarshal(line, &p.ready))
	return p
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append([]string{"server"}, args...)...)
	cmd.Env = append(os.Environ(), asServer+"=1")
	return cmd
}

// kill ends the process as a crash does.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	require.Error(t, p.cmd.Wait(), "a killed process does not end well")
}

// peakMiB is the most memory that the process has had, in MiB.
func (p *process) peakMiB(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	require.NoError(t, err)
	return kib / 1024
}

// client connects to the server.
func (p *process) client(t testing.TB) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{
		HostPort: p.ready.Address, Namespace: p.ready.Namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// safeBuffer may be read while a process writes to it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestTheProgramEndsCleanlyAtASignalAndWarnsOfNothing(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, "--memory", "--port", "0", "--ui-port", "0")
		require.Equal(t, p.cmd.Process.Pid, p.ready.PID)
		require.Equal(t, "default", p.ready.Namespace)
		require.NoError(t, p.cmd.Process.Signal(sig))
		require.NoErrorf(t, p.cmd.Wait(), "after %s", sig)
		require.Empty(t, p.stderr.String())
		t.Logf("ready after %s", p.boot.Round(time.Millisecond))
	}
}

func TestBadInputGetsOneSentenceAndStartsNothing(t *testing.T) {
	dir := t.TempDir()
	held := start(t, "--db", filepath.Join(dir, "held.db"), "--port", "0", "--headless")
	_, heldPort, _ := strings.Cut(held.ready.Address, ":")
	junk := filepath.Join(dir, "junk.db")
	require.NoError(t, os.WriteFile(junk, []byte(strings.Repeat("no database ", 400)), 0o600))
	for _, c := range []struct {
		name   string
		args   []string
		exit   int
		stderr string
	}{
		{"neither file nor memory", nil, 2, "give either --db FILE"},
		{"file and memory", []string{"--memory", "--db", "x"}, 2, "give either --db FILE"},
		{"unknown flag", []string{"--memory", "--nope"}, 2, "-nope"},
		{"stray argument", []string{"--memory", "stray"}, 2, `unexpected argument "stray"`},
		{"no folder", []string{"--db", filepath.Join(dir, "none", "x.db")}, 1, "does not exist"},
		{"no database", []string{"--db", junk, "--port", "0", "--headless"}, 1, "file is not a database"},
		{"database in use", []string{"--db", filepath.Join(dir, "held.db"), "--port", "0", "--headless"}, 1, "another server has the database"},
		{"port in use", []string{"--memory", "--port", heldPort, "--headless"}, 1, "cannot listen on 127.0.0.1:" + heldPort},
		{"UI port in use", []string{"--memory", "--port", "0", "--ui-port", heldPort}, 1, "the UI cannot listen"},
		{"one port for both", []string{"--memory", "--port", "7777", "--ui-port", "7777"}, 1, "cannot both have port 7777"},
		{"port too large", []string{"--memory", "--port", "70000"}, 1, "70000 is no port"},
		{"no address", []string{"--memory", "--ip", "localhost"}, 1, `"localhost" is no IP address`},
		{"unknown log level", []string{"--memory", "--log-level", "loud"}, 1, `"loud" is no log level`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			cmd := command(c.args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			require.Error(t, cmd.Run())
			require.Equal(t, c.exit, cmd.ProcessState.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), c.stderr)
			require.Empty(t, stdout.String(), "a server that is not ready says nothing on standard output")
			require.NotContains(t, stderr.String(), "goroutine ")
		})
	}
}
