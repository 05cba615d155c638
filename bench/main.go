// Command bench measures what durability costs: a step, a procedure, a
// takeover and a failback, each beside a bare reference that sends the same
// commands to the same machines in the same run. It judges nothing by its exit
// status: figures are for people, who know what else the machine was doing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/switchback-dr/switchback/internal/e2e"
)

// part is one thing that can be measured.
type part struct {
	name string
	text string
	runs int // by default
	play func(*scene, int) ([]Row, error)
}

func parts() []part {
	return []part{
		{"step", "one durable step beside its bare remote commands", 10, measureSteps},
		{"procedure", "twelve steps beside bash with ControlMaster and Ansible", 5, measureProcedures},
		{"planned", "a planned takeover beside a script with the same commands", 7, measurePlanned},
		{"unplanned", "an approved unplanned takeover beside a script, and the failback after it", 20, measureUnplanned},
		{"silent", "an approved unplanned takeover from a host that is silent", 1, measureSilent},
		{"failback", "bytes that a failback by difference copies", 1, measureDifference},
		{"clients", "a planned takeover seen by clients at the lab's address, a virtual one, a name of the DNS, HAProxy and PgBouncer", 5, measureClients},
		{"memory", "a worker's memory with a thousand procedures parked at a gate", 1, measureMemory},
		{"peers", "switchovers of repmgr and Patroni (installs them)", 5, measurePeers},
	}
}

func main() {
	e2e.Forwarding()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}

// run carries out one command line. The error is about measuring, never about
// what was measured.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	runs := flags.Int("runs", 0, "")
	asJSON := flags.Bool("json", false, "")
	words, err := parse(flags, args)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, usage())
	}
	chosen, err := choose(words)
	if err != nil {
		return err
	}
	var rows []Row
	var failed error
	for _, p := range chosen {
		n := p.runs
		if *runs > 0 {
			n = *runs
		}
		began := time.Now()
		say := func(s string) { fmt.Fprintf(progress, "%7.1fs %s: %s\n", time.Since(began).Seconds(), p.name, s) }
		err := play(ctx, p.name, say, func(s *scene) error {
			more, err := p.play(s, n)
			rows = append(rows, more...)
			return err
		})
		failed = errors.Join(failed, err)
	}
	if *asJSON {
		return errors.Join(failed, printJSON(out, rows))
	}
	fmt.Fprintf(out, "%s, load %s\n", time.Now().UTC().Format(time.RFC3339), load())
	return errors.Join(failed, printRows(out, rows))
}

// parse lets flags stand before and behind the words.
func parse(flags *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}

// choose finds the parts that are named; "all" is every part but the peers,
// which install packages: they come with PEERS=1.
func choose(words []string) ([]part, error) {
	all := parts()
	if len(words) == 0 || slices.Equal(words, []string{"all"}) {
		return slices.DeleteFunc(all, func(p part) bool { return p.name == "peers" && os.Getenv("PEERS") != "1" }), nil
	}
	var chosen []part
	for _, w := range words {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == w })
		if i < 0 {
			return nil, fmt.Errorf("nothing is called %q\n%s", w, usage())
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func usage() string {
	var b strings.Builder
	b.WriteString("usage: bench [all | PART...] [--runs N] [--json]\n")
	for _, p := range parts() {
		fmt.Fprintf(&b, "  %-10s %s\n", p.name, p.text)
	}
	return b.String()
}

// load tells how busy the machine is, so that figures can be weighed.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
