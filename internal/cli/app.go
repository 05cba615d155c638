// Package cli is the operator's command line. Everything that it needs of the
// world comes in through App, so that every command can be tested without a
// terminal, a host or a Temporal.
package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/crypto/ssh/agent"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/people"
	"github.com/switchback-dr/switchback/internal/render"
	"github.com/switchback-dr/switchback/internal/setup"
)

// App is the world as the commands see it. Every field is set.
type App struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// AsksPeople says that stdin is a terminal; ShowsPeople that stdout is.
	AsksPeople  bool
	ShowsPeople bool
	// Width is the terminal's width in columns; 0 when there is none.
	Width  int
	Getenv func(string) string
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	// Random gives 32 random hex digits.
	Random func() string
	// Load reads the inventory at a path.
	Load func(path string) (*setup.Setup, error)
	// Dial connects to Temporal and gives the namespace too.
	Dial func(ctx context.Context) (client.Client, string, error)
	// Namespace is the one that links lead to, found without connecting.
	Namespace func() string
	// Passphrase asks for a key's passphrase without showing it; nil when
	// nobody can be asked. Agent is the SSH agent; nil when there is none.
	Passphrase people.Passphrase
	Agent      agent.Agent
}

// command is one sub-command.
type command struct {
	name string
	// args shows the positional arguments, for the usage line.
	args string
	what string
	run  func(a *App, ctx context.Context, in *input) (int, error)
	// flags declares the command's flags.
	flags func(in *input)
	// min and max bound the positional arguments.
	min, max int
}

// Run carries out one command line, without the program's name, and gives the
// exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	code, err := a.dispatch(ctx, args)
	if err != nil {
		fmt.Fprintf(a.Stderr, "starter: %s\n", strings.TrimRight(dr.CleanText(err.Error()), "\n"))
		if ctx.Err() != nil {
			return ExitInterrupted
		}
		return codeOf(err)
	}
	return code
}

func (a *App) dispatch(ctx context.Context, args []string) (int, error) {
	if len(args) == 0 {
		fmt.Fprint(a.Stderr, usage())
		return ExitUsage, nil
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return a.help(rest)
	}
	for _, c := range commands() {
		if c.name == name {
			return a.runCommand(ctx, c, rest)
		}
	}
	return 0, badUsage("there is no command %q", dr.Clip(name, 40)).WithNext("%s", suggestCommand(name))
}

func (a *App) runCommand(ctx context.Context, c command, args []string) (int, error) {
	in, err := parse(c, args)
	if err != nil {
		return 0, err
	}
	if in.help {
		fmt.Fprint(a.Stdout, in.usage())
		return ExitDone, nil
	}
	return c.run(a, ctx, in)
}

// style is how stdout shows text.
func (a *App) style() render.Style {
	return render.Style{Color: a.ShowsPeople && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb", Width: a.Width}
}

func (a *App) printf(format string, v ...any) { fmt.Fprintf(a.Stdout, format, v...) }

// warn tells something on stderr that does not end the command.
func (a *App) warn(format string, v ...any) {
	fmt.Fprintf(a.Stderr, "starter: %s\n", dr.CleanLine(fmt.Sprintf(format, v...)))
}
