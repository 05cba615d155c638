package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/e2e"
)

// noise is what only programmers read: none of it may reach people.
var noise = regexp.MustCompile(`goroutine|panic|\.go:\d|rpc error|desc =|dial tcp|ssh: |handshake|0x[0-9a-f]{6}|%!|<nil>|context deadline|exit status|errno`)

// complaint is a command line that must be refused.
type complaint struct {
	name string
	// inventory is written to a file and used when it is not empty.
	inventory string
	env       []string
	args      []string
	exit      int
	// says must all stand in the sentence.
	says []string
}

// program runs one of our programs to its end.
func (s *stage) program(name string, env []string, args ...string) e2e.Run {
	s.T.Helper()
	p := e2e.Start(s.T, e2e.Spec{
		Name: name, Path: e2e.Build(s.T, name), Args: args,
		Env: append(append(s.Dev.Env(), "SWITCHBACK_INVENTORY="+s.Lab.Inventory), env...),
	})
	exit := p.Wait(s.T)
	return e2e.Run{Exit: exit, Stdout: p.Stdout(), Stderr: p.Stderr()}
}

// refuses runs a program that must say one sentence, end with the exit code and
// change nothing.
func (s *stage) refuses(program string, c complaint) {
	s.T.Helper()
	env := c.env
	if c.inventory != "" {
		env = append([]string{"SWITCHBACK_INVENTORY=" + s.file("broken.yaml", c.inventory)}, env...)
	}
	before := s.Ledger().Commands
	r := s.program(program, env, c.args...)
	require.Equal(s.T, c.exit, r.Exit, "%s%s", r.Stdout, r.Stderr)
	s.sentence(program, r.Stderr, c.says)
	require.Equal(s.T, before, s.Ledger().Commands, "something was changed")
}

// sentence requires one line for people that says all of it and, when it is not
// about a line of a file, what to do next.
func (s *stage) sentence(program, stderr string, says []string) {
	s.T.Helper()
	line := strings.TrimSuffix(stderr, "\n")
	require.NotContains(s.T, line, "\n", "more than one line")
	require.True(s.T, strings.HasPrefix(line, program+": "), line)
	require.NotRegexp(s.T, noise, line)
	for _, want := range says {
		require.Contains(s.T, line, want)
	}
	if !strings.Contains(line, ".yaml:") {
		require.Contains(s.T, line, "; next: ", "it does not say what to do")
	}
	s.T.Log(line)
}

func (s *stage) file(name, text string) string {
	s.T.Helper()
	path := filepath.Join(s.T.TempDir(), name)
	require.NoError(s.T, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// on gives the same stage for a test below its own.
func (s *stage) on(t *testing.T) *stage { return &stage{s.On(t)} }

// inventoryText reads the lab's inventory.
func (s *stage) inventoryText() string {
	s.T.Helper()
	b, err := os.ReadFile(s.Lab.Inventory)
	require.NoError(s.T, err)
	return string(b)
}

// quietStage has no worker and no client that writes.
func quietStage(t *testing.T) *stage {
	t.Helper()
	return &stage{e2e.NewQuietStage(t, "postgres")}
}

func TestBadInputIsRefusedInOneSentenceAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := quietStage(t)
	start := []string{"takeover", system, "--reason", "test", "--no-wait", "--every", "200ms"}
	for _, c := range s.withoutWorker(start) {
		t.Run(c.name, func(t *testing.T) { s.on(t).refuses("starter", c) })
	}
	for _, c := range s.ofWorkers() {
		t.Run("the worker, "+c.name, func(t *testing.T) { s.on(t).refuses("worker", c) })
	}
	s.StartWorker()
	for _, c := range s.ofNames() {
		t.Run(c.name, func(t *testing.T) { s.on(t).refuses("starter", c) })
	}
	t.Run("already primary is nothing to do and no error", func(t *testing.T) {
		s := s.on(t)
		before := s.Ledger().Commands
		r := s.program("starter", nil, "takeover", system, "--to", "east", "--reason", "test")
		require.Equal(t, 0, r.Exit, "%s%s", r.Stdout, r.Stderr)
		require.Contains(t, r.Stdout, "east is the primary already")
		require.Empty(t, r.Stderr)
		require.Equal(t, before, s.Ledger().Commands)
	})
}

// edited replaces a text that the lab's inventory must have.
func (s *stage) edited(old, now string) string {
	s.T.Helper()
	text := s.inventoryText()
	require.Contains(s.T, text, old)
	return strings.Replace(text, old, now, 1)
}

func (s *stage) withoutWorker(start []string) []complaint {
	missing := filepath.Join(s.T.TempDir(), "missing.yaml")
	folder := s.T.TempDir()
	return []complaint{
		{name: "no inventory", env: []string{"SWITCHBACK_INVENTORY=" + missing}, args: start, exit: 2, says: []string{missing}},
		{name: "an inventory that cannot be read", env: []string{"SWITCHBACK_INVENTORY=" + folder}, args: start, exit: 2, says: []string{folder}},
		{name: "an inventory that is no text", inventory: "version: 1\n\x00\xff\xfe", args: start, exit: 2, says: []string{"broken.yaml:2: "}},
		{name: "an inventory that is no YAML", inventory: "version: 1\nhosts: {a: [\n", args: start, exit: 2, says: []string{"broken.yaml:2: "}},
		{name: "an unknown field", inventory: s.edited("replication_user:", "replication_usr:"), args: start, exit: 2, says: []string{"broken.yaml:", "replication_usr", "replication_user"}},
		{name: "an unknown product", inventory: s.edited("product: postgres", "product: oracle"), args: start, exit: 2, says: []string{"broken.yaml:", "oracle", "postgres"}},
		{name: "the same site twice", inventory: s.edited("            west:\n                backup_dir", "            east:\n                backup_dir"), args: start, exit: 2, says: []string{"broken.yaml:", "east stands twice"}},
		{name: "a system named with shell metacharacters", inventory: s.edited("\n    orders:\n", "\n    \"or$(id)ders\":\n"), args: start, exit: 2, says: []string{"broken.yaml:", "or$(id)ders"}},
		{name: "a site named with SQL metacharacters", inventory: s.edited("home: east", "home: \"we';--\""), args: start, exit: 2, says: []string{"broken.yaml:", "we';--"}},
		{name: "a database user with SQL metacharacters", inventory: s.edited("user: switchback", "user: \"x'; drop\""), args: start, exit: 2, says: []string{"broken.yaml:", "x'; drop"}},
		{name: "Temporal not reachable", env: []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, args: start, exit: 9, says: []string{"127.0.0.1:1", "connection refused", "TEMPORAL_ADDRESS"}},
		{name: "a wrong namespace", env: []string{"TEMPORAL_NAMESPACE=nowhere"}, args: start, exit: 9, says: []string{"nowhere", "TEMPORAL_NAMESPACE"}},
		{name: "no worker", args: start, exit: 9, says: []string{"no worker", "go run ./worker"}},
	}
}

func (s *stage) ofWorkers() []complaint {
	missing := filepath.Join(s.T.TempDir(), "missing.yaml")
	return []complaint{
		{name: "no inventory", env: []string{"SWITCHBACK_INVENTORY=" + missing}, exit: 1, says: []string{missing}},
		{name: "a malformed inventory", inventory: "version: 1\nhosts: {a: [\n", exit: 1, says: []string{"broken.yaml:2: "}},
		{name: "Temporal not reachable", env: []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, exit: 1, says: []string{"127.0.0.1:1", "connection refused"}},
		{name: "a wrong namespace", env: []string{"TEMPORAL_NAMESPACE=nowhere"}, exit: 1, says: []string{"nowhere"}},
	}
}

func (s *stage) ofNames() []complaint {
	missing := filepath.Join(s.T.TempDir(), "missing")
	return []complaint{
		{name: "an unknown system", args: []string{"takeover", "odrers", "--reason", "x"}, exit: 2, says: []string{"odrers", "orders"}},
		{name: "a name with shell metacharacters", args: []string{"takeover", "x;rm -rf /", "--reason", "x"}, exit: 2, says: []string{"x;rm -rf /"}},
		{name: "a name with SQL metacharacters", args: []string{"status", "x' or 1=1"}, exit: 2, says: []string{"x' or 1=1"}},
		{name: "an unknown site", args: []string{"takeover", system, "--to", "wset", "--reason", "x"}, exit: 2, says: []string{"wset", "east, west"}},
		{name: "a site with shell metacharacters", args: []string{"reseed", system, "--to", "w$(id)", "--reason", "x"}, exit: 2, says: []string{"w$(id)"}},
		{name: "an unknown person", args: []string{"takeover", system, "--person", "eve", "--reason", "x"}, exit: 2, says: []string{"eve"}},
		{name: "a key that is not there", args: []string{"takeover", system, "--person", "ana", "--key", missing, "--reason", "x"}, exit: 2, says: []string{missing}},
		{name: "no run to decide on", args: []string{"approve", system, "--person", "ana"}, exit: 12, says: []string{"dr-orders"}},
	}
}
