// Command worker carries out disaster-recovery procedures.
//
//	worker [run]    host workflows and activities (the default)
//	worker check    validate the inventory against the world; changes nothing
//	worker replay   replay all open runs against this program, before an upgrade
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/switchback-dr/switchback/internal/program"
	"github.com/switchback-dr/switchback/internal/worker"
)

// line is a command line of the worker.
type line struct {
	path    string
	every   time.Duration
	noWatch bool
	asJSON  bool
}

func main() {
	var l line
	os.Exit(program.Program{
		Name: "worker", Flags: l.flags, Check: l.usable,
		Commands: []program.Command{{Name: "run", Run: l.run}, {Name: "check", Run: l.check}, {Name: "replay", Run: l.replay}},
	}.Run(os.Args[1:], os.Stderr))
}

func (l *line) flags(f *flag.FlagSet) {
	f.StringVar(&l.path, "inventory", cmp.Or(os.Getenv("SWITCHBACK_INVENTORY"), "systems.yaml"), "the inventory file")
	f.DurationVar(&l.every, "watch-every", worker.DefaultWatchEvery, "how often each system is observed")
	f.BoolVar(&l.noWatch, "no-watch", false, "leave watches to other workers")
	f.BoolVar(&l.asJSON, "json", false, "print findings as JSON (check)")
}

func (l *line) usable() error {
	if l.every < time.Second {
		return fmt.Errorf("--watch-every is %s; it must be at least 1s", l.every)
	}
	return nil
}

func (l *line) run(ctx context.Context, log *slog.Logger) (int, error) {
	return program.Done, worker.Run(ctx, worker.Options{Path: l.path, WatchEvery: l.every, NoWatch: l.noWatch, Log: log})
}

// check gives status 1 where problems were found.
func (l *line) check(ctx context.Context, _ *slog.Logger) (int, error) {
	found, err := worker.Check(ctx, l.path)
	if err != nil {
		return program.Failed, err
	}
	if !l.asJSON {
		return min(worker.PrintFindings(os.Stdout, found), program.Failed), nil
	}
	problems := 0
	for _, f := range found {
		if f.Problem != "" {
			problems++
		}
	}
	return min(problems, program.Failed), json.NewEncoder(os.Stdout).Encode(found)
}

// replay gives status 1 where a run cannot be replayed.
func (l *line) replay(ctx context.Context, log *slog.Logger) (int, error) {
	_, broken, err := worker.Replay(ctx, os.Stdout, log)
	return min(broken, program.Failed), err
}
