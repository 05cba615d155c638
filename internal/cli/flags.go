package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// input is one command line, parsed. Commands read only the fields whose flags
// they declared.
type input struct {
	cmd  command
	set  *flag.FlagSet
	args []string
	help bool

	inventory string
	json      bool
	// Procedures.
	mode, to, reason string
	detach, noWait   bool
	// People.
	person, key string
	// Decisions.
	gate, digest, step string
	attempt            int
	// Looking.
	run, format, out, ui string
	watch, exitCode      bool
	every                time.Duration
}

// parse reads flags and positional arguments in any order, as people type
// them: `approve orders --gate decide` and `approve --gate decide orders`.
// Everything behind "--" is positional.
func parse(c command, args []string) (*input, error) {
	in := &input{cmd: c, set: flag.NewFlagSet(c.name, flag.ContinueOnError)}
	in.set.SetOutput(io.Discard)
	in.set.Usage = func() {}
	if c.flags != nil {
		c.flags(in)
	}
	for {
		if err := in.set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				in.help = true
				return in, nil
			}
			return nil, badUsage("%s: %s", c.name, strings.ReplaceAll(err.Error(), "\n", " ")).WithNext("starter help %s", c.name)
		}
		rest := in.set.Args()
		if done := len(args) - len(rest); done > 0 && args[done-1] == "--" {
			in.args = append(in.args, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		in.args, args = append(in.args, rest[0]), rest[1:]
	}
	return in, in.checkArgs()
}

func (in *input) checkArgs() error {
	switch n := len(in.args); {
	case n < in.cmd.min:
		return badUsage("%s: an argument is missing", in.cmd.name).WithNext("starter %s %s", in.cmd.name, in.cmd.args)
	case n > in.cmd.max:
		return badUsage("%s: the argument %q is too much", in.cmd.name, dr.Clip(in.args[in.cmd.max], 40)).WithNext("starter %s %s", in.cmd.name, in.cmd.args)
	}
	return nil
}

// given says whether a flag was typed.
func (in *input) given(name string) bool {
	found := false
	in.set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// usage is the help page of one command.
func (in *input) usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "starter %s\n\n%s\n", strings.TrimSpace(in.cmd.name+" "+in.cmd.args), in.cmd.what)
	first := true
	in.set.VisitAll(func(f *flag.Flag) {
		if first {
			b.WriteString("\nFlags:\n")
			first = false
		}
		kind, text := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  %-24s %s\n", strings.TrimSpace("--"+f.Name+" "+kind), text)
	})
	return b.String()
}

// The flags, each declared in one place with one wording.

func (in *input) inventoryFlag() {
	in.set.StringVar(&in.inventory, "inventory", "", "`file` that describes the systems (default $SWITCHBACK_INVENTORY or ./systems.yaml)")
}

func (in *input) jsonFlag() {
	in.set.BoolVar(&in.json, "json", false, "write JSON for scripts")
}

func (in *input) requestFlags() {
	in.set.StringVar(&in.mode, "mode", string(dr.ModePlanned), "planned or unplanned (takeover only)")
	in.set.StringVar(&in.to, "to", "", "the `site` that becomes primary; for reseed, the one that is overwritten")
	in.set.StringVar(&in.reason, "reason", "", "why, in a `sentence`; it stands in the report")
}

func (in *input) personFlags() {
	in.set.StringVar(&in.person, "person", "", "your `ID` in the inventory (default $SWITCHBACK_PERSON)")
	in.set.StringVar(&in.key, "key", "", "your SSH key `file`, to sign with (default $SWITCHBACK_KEY)")
}

func (in *input) followFlags() {
	in.set.BoolVar(&in.noWait, "no-wait", false, "end with exit code 8 as soon as the run waits for people")
	in.set.DurationVar(&in.every, "every", time.Second, "how often to look, as a `duration`")
}
