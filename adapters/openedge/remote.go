package openedge

import (
	"context"
	_ "embed" // the observation script
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

//go:embed observe.sh
var observeScript string

// extent is how much an observation reads.
type extent string

// full reads everything for a plan; brief what guards and probes need.
const (
	full  extent = "full"
	brief extent = "brief"
)

// setPath is the part of proenv that needs the session's own PATH.
const setPath = "PATH=$DLC/bin:$DSRHOME/bin:$PATH; export PATH\n"

// script runs a fixed script whose values are positional arguments, in the
// environment that proenv would set: a non-interactive session has none of it.
func (p Place) script(body string, args ...string) dr.Command {
	return dr.Command{
		Host: p.Host, Argv: append([]string{"sh", "-c", setPath + strings.TrimSpace(body), "sh"}, args...),
		Env: []string{"LC_ALL=C", "DLC=" + p.DLC, "DSRHOME=" + p.DSRHome, "PROMSGS=" + p.ProMsgs},
	}
}

// run runs one program without any input: a question must not hang.
func (p Place) run(argv ...string) dr.Command { return p.script(`exec "$@" </dev/null`, argv...) }

// observation is the one command that reads a database: its role and state,
// that of the control agents by name when it may be a source, and the ends of
// the given files.
func (p Place) observation(e extent, agents []string, files ...string) dr.Command {
	args := []string{string(e), p.Database, p.DLC, p.DSRHome, p.Spool, strconv.Itoa(len(agents))}
	return p.script(observeScript, append(append(args, agents...), files...)...)
}

// look is what a probe or guard reads of one place.
type look struct {
	On     Place
	Agents []string
	Files  []string
}

func (l look) command() dr.Command { return l.On.observation(brief, l.Agents, l.Files...) }

// read makes one observation.
func (p Place) read(ctx context.Context, env kit.Env, c dr.Command) (Reading, kit.HostTime, error) {
	return kit.ReadParsed(ctx, env, p.Site, c, ParseReading)
}

// readAll reads several places at the same time and gives the first error.
func readAll(ctx context.Context, env kit.Env, looks ...look) ([]Reading, []kit.HostTime, error) {
	rs, ts, errs := readEach(ctx, env, looks...)
	return rs, ts, kit.Checks(errs...)
}

// readEach reads several places at the same time, each with its own error.
func readEach(ctx context.Context, env kit.Env, looks ...look) ([]Reading, []kit.HostTime, []error) {
	return kit.ReadEach(looks, func(l look) (Reading, kit.HostTime, error) { return l.On.read(ctx, env, l.command()) })
}

// guardOn reads the place where the command will run, and others beside it,
// and lets f judge. It gives the first place's clock.
func guardOn(ctx context.Context, env kit.Env, f func(rs []Reading) error, looks ...look) (kit.HostTime, error) {
	rs, ts, err := readAll(ctx, env, looks...)
	if err != nil {
		return 0, err
	}
	return ts[0], f(rs)
}

// probeOn reads one place and lets f judge.
func probeOn(ctx context.Context, env kit.Env, l look, f func(r Reading) kit.Effect) kit.Effect {
	r, _, err := l.On.read(ctx, env, l.command())
	if err != nil {
		return kit.NotRead(l.On.Site, err)
	}
	return f(r)
}

// query runs a command that prints one framed block: a first line "ok" and a
// last line "end". It gives the lines between them.
func (p Place) query(ctx context.Context, env kit.Env, c dr.Command) ([]string, error) {
	out, err := env.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(out.Stdout, "\n"), "\n")
	if out.Truncated || len(lines) < 2 || lines[0] != "ok" || lines[len(lines)-1] != "end" {
		return nil, dr.Retry("unrecognised", "%s: the answer %q was not recognised", p.Site, dr.Clip(strings.TrimSpace(out.Stdout+" "+out.Stderr), 160))
	}
	return lines[1 : len(lines)-1], nil
}
