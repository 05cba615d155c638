// Command lab starts a replicated pair of a product on simulated hosts, breaks
// it on demand, and tells what that cost. It needs no licence and no other
// machine. Run it without arguments for its usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/list"
)

const usage = `usage:
  lab up PRODUCT [--dir DIR] [--sites 2|3] [--sync] [--write-every 20ms] [--no-writer]
             [--shell /bin/csh] [--banner TEXT] [--set NAME=VALUE]...
        start a pair, print one JSON line with every endpoint, run until interrupted
  lab fault --dir DIR NAME [TARGET...] [on|off]
        switch a fault; on is the default
  lab faults [--dir DIR]
        list the fault switches of a running lab
  lab ledger --dir DIR
        what was acknowledged, lost and doubled, outages, two primaries, commands
DIR is ./lab-dir unless named. Products: `

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab: "+err.Error())
		os.Exit(1)
	}
}

// run carries out one command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage + list.Names())
	}
	flags := flag.NewFlagSet("lab "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	dir := flags.String("dir", "lab-dir", "")
	var o labkit.Options
	noWriter := false
	if args[0] == "up" {
		flags.IntVar(&o.Sites, "sites", 2, "")
		flags.BoolVar(&o.Sync, "sync", false, "")
		flags.DurationVar(&o.WriteEvery, "write-every", 0, "")
		flags.BoolVar(&noWriter, "no-writer", false, "")
		flags.StringVar(&o.Shell, "shell", "", "")
		flags.StringVar(&o.Banner, "banner", "", "")
		flags.Func("set", "", o.Set)
	}
	words, err := parse(flags, args[1:])
	if err != nil {
		return fmt.Errorf("%w\n%s%s", err, usage, list.Names())
	}
	if noWriter {
		o.WriteEvery = -1
	}
	switch {
	case args[0] == "up" && len(words) == 1:
		return up(ctx, words[0], *dir, o, out)
	case args[0] == "fault" && len(words) > 0:
		return fault(*dir, words, out)
	case args[0] == "faults" && len(words) == 0:
		return faults(*dir, out)
	case args[0] == "ledger" && len(words) == 0:
		return ask(*dir, out, "ledger")
	}
	return errors.New(usage + list.Names())
}

// parse lets flags stand before, between and behind the words.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func up(ctx context.Context, product, dir string, o labkit.Options, out io.Writer) error {
	p, err := list.Find(product)
	if err != nil {
		return err
	}
	l, err := labkit.Up(ctx, p, dir, o)
	if err != nil {
		return err
	}
	line := json.NewEncoder(out)
	line.SetEscapeHTML(false)
	if err := line.Encode(l.Describe()); err != nil {
		return errors.Join(err, l.Close())
	}
	<-ctx.Done()
	return l.Close()
}

func fault(dir string, words []string, out io.Writer) error {
	on := true
	if last := words[len(words)-1]; len(words) > 1 && (last == "on" || last == "off") {
		on, words = last == "on", words[:len(words)-1]
	}
	b, err := labkit.Ask(dir, "fault", words[0], words[1:], on)
	if err != nil {
		return err
	}
	var said string
	if err := json.Unmarshal(b, &said); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, said)
	return err
}

func faults(dir string, out io.Writer) error {
	b, err := labkit.Ask(dir, "faults", "", nil, false)
	if err != nil {
		return err
	}
	var all []labkit.Fault
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, f := range all {
		off := "happens once"
		if f.Off != "" {
			off = "off: " + f.Off
		}
		if _, err := fmt.Fprintf(out, "%s %s\n    %s; %s\n", f.Name, f.Usage, f.Text, off); err != nil {
			return err
		}
	}
	return nil
}

func ask(dir string, out io.Writer, op string) error {
	b, err := labkit.Ask(dir, op, "", nil, false)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
