// Command dev is for trying and testing Switchback without installing anything
// but the product that is to be played with.
//
//	go run . demo
//
// shows what Switchback does, on this machine: see the package demo.
//
//	go run . server --db temporal.db --port 7233 --ui-port 8233
//
// runs a Temporal server with its UI, all in one process. When everything
// answers it prints one line of JSON to standard output:
//
//	{"address":"127.0.0.1:7233","ui":"http://127.0.0.1:8233","namespace":"default","pid":4711}
//
// and runs until SIGINT or SIGTERM. Exit status: 0 after a signal, 1 when the
// server could not run, 2 for a wrong command line.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/switchback-dr/switchback/dev/demo"
	"github.com/switchback-dr/switchback/dev/devserver"
)

const usage = "usage: dev server (--db FILE | --memory) [--port N] [--ui-port N] [--ip ADDRESS] [--namespace NAME] [--headless] [--log-level LEVEL]\n" +
	"       dev demo [--product NAME] [--dir DIR] [--keep]"

// errUsage marks errors of the command line.
var errUsage = errors.New(usage)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	stderr := os.Stderr
	err := run(ctx, os.Args[1:], os.Stdout, stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case errors.Is(err, demo.ErrInterrupted):
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

// ready is what the program prints when everything answers.
type ready struct {
	Address   string `json:"address"`
	UI        string `json:"ui,omitempty"`
	Namespace string `json:"namespace"`
	PID       int    `json:"pid"`
}

func run(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "demo" {
		return play(ctx, args[1:], stdout, stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(o.IP); ip != nil && !ip.IsLoopback() {
		fmt.Fprintf(stderr, "dev: warning: %s is not a loopback address and nobody is authenticated: whoever reaches it can start and approve procedures\n", o.IP)
	}
	s, err := devserver.Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to end before it was ready
		}
		return err
	}
	line := ready{Address: s.Address(), UI: s.UIURL(), Namespace: s.Namespace(), PID: os.Getpid()}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return errors.Join(err, s.Stop())
	}
	<-ctx.Done()
	return s.Stop()
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (devserver.Options, error) {
	var o devserver.Options
	if len(args) == 0 || args[0] != "server" {
		return o, errUsage
	}
	memory := false
	f := flag.NewFlagSet("dev server", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Database, "db", "", "`FILE` of the SQLite database, created if missing; workflows go on after a restart")
	f.BoolVar(&memory, "memory", false, "keep everything in memory: lost at the end of the process")
	f.IntVar(&o.Port, "port", 7233, "port of the server; 0 takes a free one")
	f.IntVar(&o.UIPort, "ui-port", 8233, "port of the UI; 0 takes a free one")
	f.StringVar(&o.IP, "ip", devserver.DefaultIP, "`ADDRESS` to listen on")
	f.StringVar(&o.Namespace, "namespace", devserver.DefaultNamespace, "`NAME` of the namespace, registered if missing")
	f.BoolVar(&o.Headless, "headless", false, "without the UI")
	f.StringVar(&o.LogLevel, "log-level", devserver.DefaultLogLevel, "`LEVEL` of the server's log on standard error: debug, info, warn or error")
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w\n%w", err, errUsage)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q\n%w", f.Arg(0), errUsage)
	}
	if memory == (o.Database != "") {
		return o, fmt.Errorf("give either --db FILE (kept over a restart) or --memory (lost at the end)\n%w", errUsage)
	}
	return o, nil
}
