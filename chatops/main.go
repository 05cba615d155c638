// Command chatops is the gateway between procedures and people: it shows gates,
// holds and endings in chats, verifies who clicks, signs decisions with its own
// key and delivers them.
//
//	chatops [run]    serve (the default)
//	chatops check    read chatops.yaml and the inventory; connects to nothing
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/switchback-dr/switchback/internal/gateway"
)

func main() { os.Exit(run(os.Args[1:])) }

// run gives the exit status: 0 done, 1 failed, 2 bad usage.
func run(args []string) int {
	command := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("chatops "+command, flag.ContinueOnError)
	path := flags.String("config", defaultConfig(), "the configuration file")
	verbose := flags.Bool("verbose", false, "log what the Temporal SDK does")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		return complain(2, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelInfo
	}
	o := gateway.Options{
		Path: *path, Kinds: channels(), Out: os.Stdout,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch command {
	case "run":
		err = gateway.Run(ctx, o)
	case "check":
		err = gateway.Check(o)
	default:
		return complain(2, fmt.Errorf("unknown command %q; use run or check", command))
	}
	if err != nil {
		return complain(1, err)
	}
	return 0
}

func defaultConfig() string {
	if p := os.Getenv("SWITCHBACK_CHATOPS"); p != "" {
		return p
	}
	return "chatops.yaml"
}

func complain(status int, err error) int {
	fmt.Fprintln(os.Stderr, "chatops:", err)
	return status
}
