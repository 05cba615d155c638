package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/list"
)

func say(args ...string) (string, error) {
	var out bytes.Buffer
	err := run(context.Background(), args, &out)
	return out.String(), err
}

func TestWrongCommandLinesGetASentence(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		want string
		args []string
	}{
		{"usage:", nil},
		{"usage:", []string{"down"}},
		{"usage:", []string{"up"}},
		{"usage:", []string{"ledger", "more"}},
		{"flag provided but not defined: -x", []string{"up", "postgres", "-x"}},
		{`the lab has no product "oracle": it has hana, vvr, openedge, oceanbase, postgres`, []string{"up", "oracle", "--dir", dir}},
		{"a lab has 2 or 3 sites, not 5", []string{"up", "postgres", "--dir", dir, "--sites", "5"}},
		{"no lab runs in " + dir, []string{"ledger", "--dir", dir}},
		{"no lab runs in " + dir, []string{"fault", "--dir", dir, "host-down", "east", "off"}},
		{"no lab runs in " + dir, []string{"faults", "--dir", dir}},
	} {
		out, err := say(c.args...)
		require.ErrorContains(t, err, c.want)
		require.Empty(t, out)
	}
}

func TestAPairIsStartedBrokenAndAccountedForFromTheCommandLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"up", "--dir", dir, "postgres", "--write-every", "5ms"}, writer) }()
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(reader).ReadString('\n')
		line <- text
	}()
	var up labkit.Description
	select {
	case text := <-line:
		require.NoError(t, json.Unmarshal([]byte(text), &up))
	case err := <-ended:
		require.NoError(t, err)
	}
	require.Equal(t, filepath.Join(dir, "systems.yaml"), up.Inventory)
	require.FileExists(t, up.Inventory)
	out, err := say("faults", "--dir", dir)
	require.NoError(t, err)
	require.Contains(t, out, "postmaster-kill SITE\n")
	out, err = say("fault", "--dir", dir, "slow", "west", "5", "on")
	require.NoError(t, err)
	require.Equal(t, "west is delayed by 5 ms\n", out)
	out, err = say("fault", "slow", "west", "off", "--dir", dir)
	require.NoError(t, err)
	require.Equal(t, "west is not delayed\n", out)
	out, err = say("ledger", "--dir", dir)
	require.NoError(t, err)
	var account ledger.Ledger
	require.NoError(t, json.Unmarshal([]byte(out), &account))
	require.Equal(t, "east", account.Primary)
	require.NotNil(t, account.Lost)
	require.Zero(t, *account.Lost)
	interrupt()
	require.NoError(t, <-ended)
	require.NoFileExists(t, up.Control)
}

func TestEveryProductIsListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list.All() {
		require.False(t, seen[p.Name()])
		seen[p.Name()] = true
	}
	require.True(t, seen["postgres"])
}
