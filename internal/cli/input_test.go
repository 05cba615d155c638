package cli

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

func TestEveryBadInputIsOneSentenceWithItsExitCodeAndChangesNothing(t *testing.T) {
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"approv orders", ExitUsage, `no command "approv"; next: starter help approve`},
		{"frobnicate", ExitUsage, "starter help"},
		{"status", ExitUsage, "an argument is missing"},
		{"status orders extra", ExitUsage, `"extra" is too much`},
		{"status orders --nope", ExitUsage, "nope"},
		{"status Orders;rm", ExitUsage, "is not allowed"},
		{"status orders --watch --every 1ms", ExitUsage, "--every 1ms"},
		{"systems --inventory /nonexistent/systems.yaml", ExitUsage, "/nonexistent/systems.yaml"},
		{"assess nowhere", ExitUsage, `no system "nowhere"`},
		{"plan move orders", ExitUsage, `no procedure "move"`},
		{"plan takeover nowhere", ExitUsage, `no system "nowhere"`},
		{"plan takeover orders --to mars", ExitUsage, `no site "mars"; next: use one of: east, west`},
		{"plan takeover orders --mode sudden", ExitUsage, `mode "sudden"`},
		{"plan failback orders --mode planned", ExitUsage, "has no mode"},
		{"plan takeover orders --format pdf", ExitUsage, `no format "pdf"`},
		{"plan takeover orders --json --format text", ExitUsage, "exclude one another"},
		{"plan takeover orders --gate cutover", ExitUsage, `no gate "cutover"`},
		{"plan takeover wide", ExitUsage, "which site shall become primary"},
		{"plan reseed orders", ExitUsage, "which site will be overwritten"},
		{"plan failback orders", ExitRefused, "home"},
		{"takeover orders", ExitUsage, "say why"},
		{"takeover orders --reason x --person nobody", ExitUsage, `no person "nobody"`},
		{"takeover orders --reason x --person Bad_Name", ExitUsage, "is not allowed"},
		{"takeover orders --reason x --key /nonexistent/key", ExitUsage, "whose it is"},
		{"takeover orders --reason x --person ana --key /nonexistent/key", ExitUsage, "/nonexistent/key"},
		{"approve orders", ExitUsage, "who decides"},
		{"approve orders --person ana --digest 1234", ExitUsage, "is no digest"},
		{"approve orders --person ana --digest zzzzzzzzzzzz", ExitUsage, "is no digest"},
		{"retry orders --person ana --attempt 0", ExitUsage, "attempt 0"},
		{"abandon orders --person ana", ExitUsage, "needs a reason"},
		{"abort orders --person ana --reason " + strings.Repeat("x", dr.MaxReason+1), ExitUsage, "1001 characters"},
		{"approve orders --person ana", ExitNoRun, "no run of dr-orders"},
		{"status orders", ExitNoRun, "no run of dr-orders"},
		{"report orders", ExitNoRun, "no run of dr-orders"},
		{"report orders --format doc", ExitUsage, `no format "doc"`},
		{"follow orders", ExitNoRun, "no run of dr-orders"},
		{"link takeover orders --to west --ui ftp://x", ExitUsage, "no base URL"},
		{"help me", ExitUsage, `no help about "me"`},
	} {
		t.Run(c.line, func(t *testing.T) {
			b := newBench(t)
			code := b.run(strings.Fields(c.line)...)
			require.Equal(t, c.code, code, b.err.String())
			require.Contains(t, b.err.String(), c.says)
			require.Equal(t, 1, strings.Count(b.err.String(), "\n"), "one sentence: %q", b.err.String())
			require.Empty(t, b.out.String())
			require.Nil(t, b.temporal.started)
			require.Empty(t, b.temporal.updates)
		})
	}
}

func TestNoCommandAtAllShowsTheCommandsAndIsAnError(t *testing.T) {
	b := newBench(t)
	require.Equal(t, ExitUsage, b.run())
	for _, c := range commands() {
		require.Contains(t, b.err.String(), "  "+c.name+" ")
	}
}

func TestEveryCommandHasAHelpPage(t *testing.T) {
	b := newBench(t)
	for _, c := range commands() {
		require.Equal(t, ExitDone, b.run("help", c.name))
		require.Contains(t, b.out.String(), "starter "+c.name)
		require.Equal(t, ExitDone, b.run(c.name, "-h"))
	}
}

func TestFlagsMayStandBeforeOrBehindTheArgument(t *testing.T) {
	c := decisionCommand(dr.VerbApprove)
	for _, line := range []string{"orders --gate decide --person ana", "--gate decide orders --person ana", "--gate=decide --person=ana -- orders"} {
		in, err := parse(c, strings.Fields(line))
		require.NoError(t, err)
		require.Equal(t, []string{"orders"}, in.args)
		require.Equal(t, "decide", in.gate)
		require.Equal(t, "ana", in.person)
	}
}

func TestAMalformedInventoryIsToldWithFileAndLine(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.WriteFile(b.env["SWITCHBACK_INVENTORY"], []byte("version: 1\nsistems: {}\n"), 0o600))
	require.Equal(t, ExitUsage, b.run("systems"))
	require.Contains(t, b.err.String(), "systems.yaml:2")
}

func TestWithoutTemporalEveryCommandThatNeedsItSaysSoAndStartsNothing(t *testing.T) {
	for _, line := range []string{"status orders", "follow orders", "takeover orders --reason x", "approve orders --person ana", "report orders"} {
		b := newBench(t)
		b.Dial = func(context.Context) (client.Client, string, error) {
			return nil, "", dr.Retry("temporal", "Temporal at x is not reachable")
		}
		code := b.run(strings.Fields(line)...)
		if strings.HasPrefix(line, "report") {
			require.Equal(t, ExitNoRun, code, "there is no report file either: %s", b.err)
			continue
		}
		require.Equal(t, ExitUnreachable, code, line)
		require.Contains(t, b.err.String(), "not reachable")
	}
}

func TestWithoutAWorkerNothingIsStartedOrDecided(t *testing.T) {
	for _, line := range []string{"takeover orders --reason x", "approve orders --person ana", "status orders"} {
		b := newBench(t)
		if !strings.HasPrefix(line, "takeover") {
			b.atGate(t)
		}
		b.temporal.noWorker = true
		require.Equal(t, ExitUnreachable, b.run(strings.Fields(line)...), line)
		require.Contains(t, b.err.String(), "go run ./worker", line)
		require.Nil(t, b.temporal.started)
		require.Empty(t, b.temporal.updates)
	}
}
