// Command worker carries out disaster-recovery procedures.
//
//	worker [run]    host workflows and activities (the default)
//	worker check    validate the inventory against the world; changes nothing
//	worker replay   replay all open runs against this program, before an upgrade
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/internal/worker"
)

func main() { os.Exit(run(os.Args[1:])) }

// run gives the exit status: 0 done, 1 failed or problems found, 2 bad usage.
func run(args []string) int {
	command := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("worker "+command, flag.ContinueOnError)
	path := flags.String("inventory", defaultInventory(), "the inventory file")
	every := flags.Duration("watch-every", worker.DefaultWatchEvery, "how often each system is observed")
	noWatch := flags.Bool("no-watch", false, "leave watches to other workers")
	asJSON := flags.Bool("json", false, "print findings as JSON (check)")
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
	if *every < time.Second {
		return complain(2, fmt.Errorf("--watch-every is %s; it must be at least 1s", *every))
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch command {
	case "run":
		if err := worker.Run(ctx, worker.Options{Path: *path, WatchEvery: *every, NoWatch: *noWatch, Log: log}); err != nil {
			return complain(1, err)
		}
		return 0
	case "check":
		return check(ctx, *path, *asJSON)
	case "replay":
		_, broken, err := worker.Replay(ctx, os.Stdout, log)
		if err != nil {
			return complain(1, err)
		}
		return min(broken, 1)
	}
	return complain(2, fmt.Errorf("unknown command %q; use run, check or replay", command))
}

func check(ctx context.Context, path string, asJSON bool) int {
	found, err := worker.Check(ctx, path)
	if err != nil {
		return complain(1, err)
	}
	problems := 0
	if asJSON {
		for _, f := range found {
			if f.Problem != "" {
				problems++
			}
		}
		if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
			return complain(1, err)
		}
	} else {
		problems = worker.PrintFindings(os.Stdout, found)
	}
	return min(problems, 1)
}

func defaultInventory() string {
	if p := os.Getenv("SWITCHBACK_INVENTORY"); p != "" {
		return p
	}
	return "systems.yaml"
}

func complain(status int, err error) int {
	fmt.Fprintln(os.Stderr, "worker:", err)
	return status
}
