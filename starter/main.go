// Command starter is the operator's command line: it shows systems, plans and
// runs, starts procedures and delivers signed decisions.
//
//	starter help              all commands
//	starter help exit-codes   what the exit codes mean
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/switchback-dr/switchback/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.OS().Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
