package openedge

import (
	"context"
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func pathOK(v string) error {
	if !kit.PlainPath(v) {
		return fmt.Errorf("%q is no plain absolute path", dr.Clip(v, 80))
	}
	return nil
}

func roleOK(v string) error {
	if v != roleSource && v != roleTarget && v != roleNone {
		return fmt.Errorf("the role %q is not allowed", dr.Clip(v, 20))
	}
	return nil
}

// usable says what is wrong with a database that shall be opened or changed.
func (p Place) usable(r Reading) error {
	switch {
	case r.Fenced == dr.Yes:
		return kit.No("%s is fenced (run %s)", p.Site, orNone(r.FenceRun))
	case r.Exists != dr.Yes:
		return kit.No("there is no %s.db on %s", p.Database, p.Site)
	case r.HalfRestored() != "":
		return kit.No("%s is half restored (%s): it must be restored again, not used", p.Site, r.HalfRestored())
	case r.Owner != r.Me && r.Me != "root":
		return kit.No("%s belongs to %s, but the login on %s is %s", p.Database, orNone(r.Owner), p.Site, r.Me)
	}
	return nil
}

// isSource wants an open source.
func (p Place) isSource(r Reading) error {
	if err := p.usable(r); err != nil {
		return err
	}
	if r.Role() != roleSource || r.InUse() != dr.Yes {
		return kit.No("%s is not an open source: %s", p.Site, summary(r))
	}
	return nil
}

// isTarget wants a target, open or not.
func (p Place) isTarget(r Reading) error {
	if err := p.usable(r); err != nil {
		return err
	}
	if r.Role() != roleTarget {
		return kit.No("%s is not a target: %s", p.Site, summary(r))
	}
	return nil
}

// isClosed wants a database that nobody has open. A lock file beside a database
// that the tool itself calls free is stale, and the tools take it over; one that
// the tool believes, although no process is there, is for people to prove stale.
func (p Place) isClosed(r Reading) error {
	switch {
	case r.Lock == dr.Yes && r.Holder == 16 && r.Exists == dr.Yes && len(r.Processes) == 0:
		return kit.No("%s.lk on %s says %s, but no process holds the database", p.base(), p.Site, holderWords(r.Holder)).
			WithNext("look for processes of the database on %s by hand; when there is none, remove %s.lk, then retry", p.Site, p.Database)
	case r.Holder == 14 && r.Exists == dr.Yes:
		return dr.Retry("utility", "a utility or a single user holds %s on %s now", p.Database, p.Site)
	case r.InUse() != dr.No || len(r.Processes) > 0:
		return kit.No("%s is not proven to be closed: %s", p.Site, summary(r))
	}
	return nil
}

// isInStep wants both ends in normal processing.
func isInStep(source, target Place, s, t Reading) error {
	if err := kit.Checks(source.isSource(s), target.isTarget(t)); err != nil {
		return err
	}
	if !inStep(s, t, target.Agent) {
		return kit.No("%s and %s are not in step: server %s, control agent %s, agent %s", source.Site, target.Site, s.Status.Code, s.Agents[target.Agent], t.Status.Code)
	}
	return nil
}

// pair reads a source with its control agent, and its target.
func pair(source, target Place) []look {
	return []look{{On: source, Agents: []string{target.Agent}}, {On: target}}
}

// keptOutput runs a command with its output kept in a file, and its exit code
// as the last line; the file gets its name when the command has ended. $1 is
// the file. The number of the process stands beside it while it runs.
const keptOutput = `umask 077; out=$1; shift; "$@" >"$out.part" 2>&1 </dev/null & echo $! >"$out.pid"; wait $!; rc=$?
tail -n 200 "$out.part"; echo "exit $rc" >>"$out.part"; rm -f "$out.pid"; mv "$out.part" "$out"; exit $rc`

// endedWell says whether a kept output ends with the exit code 0.
func endedWell(lines []string) bool { return len(lines) > 0 && lines[len(lines)-1] == "exit 0" }

// kept renders a command whose output is kept beside the backups.
func (p Place) kept(out string, argv ...string) dr.Command {
	return p.script(keptOutput, append([]string{out}, argv...)...)
}

// marked looks for a file that a step leaves when it has done its work.
const markedScript = `echo ok; if [ -e "$1" ]; then echo yes; else echo no; fi; echo end`

func (p Place) hasMark(ctx context.Context, env kit.Env, mark string) kit.Effect {
	out, err := p.query(ctx, env, p.script(markedScript, mark))
	switch {
	case err != nil:
		return kit.NotRead(p.Site, err)
	case len(out) == 1 && out[0] == "yes":
		return kit.Done("the mark %s is there", mark)
	case len(out) == 1 && out[0] == "no":
		return kit.NotDone("the mark %s is not there", mark)
	}
	return kit.NotKnown("%s: the answer %q was not recognised", p.Site, dr.Clip(strings.Join(out, " "), 60))
}

// lastOf gives the last line with text.
func lastOf(lines ...string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		parts := strings.Split(strings.TrimSpace(lines[i]), "\n")
		if l := strings.TrimSpace(parts[len(parts)-1]); l != "" {
			return dr.Clip(l, 250)
		}
	}
	return "no output"
}

// dsrutil and proutil are the programs by their full paths.
func (p Place) dsrutil(args ...string) []string {
	return append([]string{p.DSRHome + "/bin/dsrutil", p.Database, "-C"}, args...)
}
