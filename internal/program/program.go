// Package program is the frame of the programs that serve: a command word,
// flags, a log, signals and the exit status.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// The exit statuses of the frame; a command may give others.
const (
	Done   = 0
	Failed = 1
	Usage  = 2
)

// Program is a program with its commands.
type Program struct {
	Name string
	// Flags declares the flags, which all commands share.
	Flags func(*flag.FlagSet)
	// Check refuses what the flags say; nil when everything goes.
	Check func() error
	// Commands has the one first that is meant when none is named.
	Commands []Command
}

// Command is one thing that a program does.
type Command struct {
	Name string
	// Run gives the exit status where there is no error. Its context ends when
	// the program is told to.
	Run func(ctx context.Context, log *slog.Logger) (int, error)
}

// Run carries out a command line, without the program's name, and gives the
// exit status. Complaints and the log go to stderr.
func (p Program) Run(args []string, stderr io.Writer) int {
	status, err := p.run(args, stderr)
	if err != nil {
		fmt.Fprintln(stderr, p.Name+":", err)
	}
	return status
}

func (p Program) run(args []string, stderr io.Writer) (int, error) {
	word := p.Commands[0].Name
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		word, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet(p.Name+" "+word, flag.ContinueOnError)
	flags.SetOutput(stderr)
	p.Flags(flags)
	verbose := flags.Bool("verbose", false, "log what the Temporal SDK does")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return Done, nil
	case err != nil:
		return Usage, nil // the flags have said it
	case flags.NArg() > 0:
		return Usage, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if p.Check != nil {
		if err := p.Check(); err != nil {
			return Usage, err
		}
	}
	for _, c := range p.Commands {
		if c.Name == word {
			return c.carryOut(logger(stderr, *verbose))
		}
	}
	return Usage, fmt.Errorf("unknown command %q; use %s", word, p.names())
}

func (c Command) carryOut(log *slog.Logger) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := c.Run(ctx, log)
	if err != nil {
		return Failed, err
	}
	return status, nil
}

func logger(stderr io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

// names lists the commands as a sentence does.
func (p Program) names() string {
	text := p.Commands[0].Name
	for i, c := range p.Commands[1:] {
		between := ", "
		if i == len(p.Commands)-2 {
			between = " or "
		}
		text += between + c.Name
	}
	return text
}
