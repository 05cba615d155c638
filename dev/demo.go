package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/switchback-dr/switchback/dev/demo"
)

// play reads the command line of the demo and plays it.
func play(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) error {
	o := demo.Options{Stdin: os.Stdin, Stdout: stdout, Getenv: os.Getenv, Approve: os.Getenv("DEMO_APPROVE") == "yes"}
	f := flag.NewFlagSet("dev demo", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Product, "product", "", "what the lab starts: `NAME` of the product")
	f.StringVar(&o.Dir, "dir", "", "keep everything in `DIR`, which must be empty or missing (default: a temporary one)")
	f.BoolVar(&o.Keep, "keep", false, "keep the temporary directory with reports, logs and Temporal's database")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w\n%w", err, errUsage)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q\n%w", f.Arg(0), errUsage)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go whileParentLives(ctx, cancel)
	return demo.Run(ctx, o)
}

// whileParentLives ends the demo when the process that started it is gone:
// "go run" and make do not pass SIGTERM on, and nothing may stay behind.
func whileParentLives(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}
