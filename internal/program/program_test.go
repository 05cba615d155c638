package program_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/program"
)

func TestACommandLineEndsWithItsStatusAndOneComplaint(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 0, "level=WARN msg=\"run: all\"\n"},
		{[]string{"--only", "orders"}, 0, "msg=\"run: orders\"\n"},
		{[]string{"check", "--verbose", "--only=orders"}, 1, "level=INFO msg=checked\n"},
		{[]string{"replay"}, 1, "worker: no server\n"},
		{[]string{"--only", "nothing"}, 2, "worker: there is no nothing\n"},
		{[]string{"check", "orders"}, 2, "worker: unexpected argument \"orders\"\n"},
		{[]string{"serve"}, 2, "worker: unknown command \"serve\"; use run, check or replay\n"},
		{[]string{"check", "--color"}, 2, "flag provided but not defined: -color\nUsage of worker check:\n"},
		{[]string{"check", "--help"}, 0, "Usage of worker check:\n"},
	} {
		var only string
		p := program.Program{
			Name:  "worker",
			Flags: func(f *flag.FlagSet) { f.StringVar(&only, "only", "all", "what to serve") },
			Check: func() error {
				if only == "nothing" {
					return errors.New("there is no nothing")
				}
				return nil
			},
			Commands: []program.Command{
				{Name: "run", Run: func(_ context.Context, log *slog.Logger) (int, error) { log.Warn("run: " + only); return 0, nil }},
				{Name: "check", Run: func(_ context.Context, log *slog.Logger) (int, error) { log.Info("checked"); return 1, nil }},
				{Name: "replay", Run: func(context.Context, *slog.Logger) (int, error) { return 0, errors.New("no server") }},
			},
		}
		var said bytes.Buffer
		require.Equal(t, c.status, p.Run(c.args, &said), "%v", c.args)
		require.Contains(t, said.String(), c.says)
	}
}
