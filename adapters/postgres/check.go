package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

var (
	slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)
	// conninfoText has neither quotes nor backslashes, so that it stands
	// unchanged in SQL, in a configuration line and in a shell argument.
	conninfoText = regexp.MustCompile(`^[A-Za-z0-9_.:/=@+ -]{1,500}$`)
	syncNames    = regexp.MustCompile(`^[A-Za-z0-9_ ,()"*-]{0,500}$`)
)

// known is a place whose system identifier the plan has pinned.
func (p Place) known() error {
	if err := p.Check(); err != nil {
		return err
	}
	if p.System == "" {
		return fmt.Errorf("the system identifier of %s is missing", p.Site)
	}
	return nil
}

// elsewhere says whether the connection leads to another server than the data
// directory's: unknown without a control file to compare with.
func (p Place) elsewhere(r Reading) dr.Tri {
	switch {
	case r.Server == nil:
		return dr.No
	case r.Server.Data != p.Data:
		return dr.Yes
	case r.Control.System == "":
		return dr.Unknown
	}
	return dr.TriOf(r.Server.System != r.Control.System)
}

// isMine says what is wrong with the identity of a reading: control file and
// connection must belong to the cluster and directory of the plan.
func (p Place) isMine(r Reading) error {
	if r.Control.System == "" {
		return kit.No("the control file of %s could not be read", p.Site)
	}
	if r.Control.System != p.System {
		return kit.No("%s has the system identifier %s, the plan was made for %s", p.Site, r.Control.System, p.System)
	}
	if r.Server != nil && (r.Server.System != p.System || r.Server.Data != p.Data) {
		return kit.No("the connection to %s leads to another server (%s, %s)", p.Site, r.Server.Data, r.Server.System)
	}
	if m := managedBy(r); m != "" {
		return kit.No("%s is in charge of %s", m, p.Site)
	}
	return nil
}

// isPrimary wants a running server that is not in recovery.
func (p Place) isPrimary(r Reading) error {
	if err := p.isMine(r); err != nil {
		return err
	}
	if r.InRecovery() != dr.No {
		return kit.No("%s is not a running primary: %s", p.Site, summary(r))
	}
	return nil
}

// isStandby wants a running server in recovery of which no promotion was asked.
func (p Place) isStandby(r Reading) error {
	if err := p.isMine(r); err != nil {
		return err
	}
	if r.InRecovery() != dr.Yes {
		return kit.No("%s is not a running standby: %s", p.Site, summary(r))
	}
	if r.PromoteAsked {
		return kit.No("a promotion of %s was asked for and is not over", p.Site)
	}
	return nil
}

// isDown wants a proven stopped server.
func (p Place) isDown(r Reading) error {
	if r.Running != dr.No {
		return kit.No("%s is not proven to be stopped: %s", p.Site, summary(r))
	}
	if r.Control.System != p.System {
		return kit.No("%s has the system identifier %s, the plan was made for %s", p.Site, kit.OrNotRead(r.Control.System), p.System)
	}
	return nil
}

// guardOn reads the place where the command will run, and others beside it,
// and lets f judge. It gives the first place's clock.
func guardOn(ctx context.Context, env kit.Env, f func(rs []Reading) error, places ...Place) (kit.HostTime, error) {
	rs, ts, err := readAll(ctx, env, brief, places...)
	if err != nil {
		return 0, err
	}
	return ts[0], f(rs)
}

// markScript runs a command and leaves a mark when it succeeded without a
// warning (a cancelled wait for a synchronous standby is only a warning).
const markScript = `m=$1; shift; out=$("$@" 2>&1); rc=$?; printf '%s\n' "$out"; [ $rc = 0 ] || exit $rc; case $out in *WARNING*) exit 1 ;; esac; mkdir -p "${m%/*}" && : >"$m"`

// marked makes a command leave a mark of this run.
func (p Place) marked(mark string, c dr.Command) dr.Command {
	m := p.script(markScript, append([]string{mark}, c.Argv...)...)
	m.Env = c.Env
	return m
}

// hasMark looks for a mark.
func (p Place) hasMark(ctx context.Context, env kit.Env, mark string) kit.Effect {
	out, err := p.query(ctx, env, p.script(`if [ -e "$1" ]; then echo yes; else echo no; fi`, mark))
	switch {
	case err != nil:
		return kit.NotRead(p.Site, err)
	case out == "yes":
		return kit.Done("the mark %s is there", mark)
	case out == "no":
		return kit.NotDone("the mark %s is not there", mark)
	}
	return kit.NotKnown("%s: the answer %q was not recognised", p.Site, dr.Clip(out, 60))
}

// fields splits a psql row and wants exactly n columns.
func fields(row string, n int) ([]string, bool) {
	f := strings.Split(row, "|")
	return f, len(f) == n && !strings.Contains(row, "\n")
}
