package postgres

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// startArgs start a standby.
type startArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
	// Fresh is set after a rewind or a base backup: there the server's own
	// log says nothing about what it holds.
	Fresh   bool   `json:"fresh,omitempty"`
	Options string `json:"options,omitempty"`
}

// unlockFunc takes a pid file and a socket lock away that a killed server left.
// They count as stale only when no process at all stands in the data directory:
// a zombie or a reused pid would otherwise keep the server from starting. The
// lock names its data directory in its second line and may outlive it (a disk
// that was lost): then it is left alone while its process has a program.
const unlockFunc = `unlock() { # data directory, socket lock
	[ -e "$1/postmaster.pid" ] || [ -e "$2" ] || return 0
	for c in /proc/[0-9]*/cwd; do if [ "$c" -ef "$1" ]; then echo "a process stands in $1: $c" >&2; exit 3; fi; done
	p=$(head -n 1 "$2" 2>/dev/null) && [ "$(sed -n 2p "$2")" = "$1" ] && { [ "$p" = "$(head -n 1 "$1/postmaster.pid" 2>/dev/null)" ] || [ ! -e "/proc/$p/exe" ]; } && rm -f "$2"
	[ -e "$1/postmaster.pid" ] || return 0
	mkdir -p "$1.switchback"; mv "$1/postmaster.pid" "$1.switchback/postmaster.pid.stale"
}
`

// startScript: $1 bin, $2 data, $3 server options, $4 socket lock.
const startScript = unlockFunc + `mkdir -p "$2.switchback"; unlock "$2" "$4"
exec "$1/pg_ctl" -D "$2" -l "$2.switchback/server.log" -o "$3" -W start </dev/null`

// socketLock is the lock file of the server's Unix socket.
func (p Place) socketLock() string { return fmt.Sprintf("%s/.s.PGSQL.%d.lock", p.Socket, p.Port) }

// startStandby starts a server that has standby.signal. An exit code of 0
// proves nothing; postgres.wait_streaming does.
var startStandby = kit.Spec[startArgs]{
	Name: "postgres.start_standby",
	Kind: dr.KindChange,
	Doc:  "pg_ctl start of a server that has standby.signal, after its end of log was compared with the position at which the primary left the timeline: a server that is further would serve lost rows and never attach.",
	Check: func(a startArgs) error {
		return kit.Checks(a.On.known(), a.Primary.known(), optionsOK(a.Options))
	},
	Commands: func(a startArgs) []dr.Command {
		return []dr.Command{a.On.script(startScript, a.On.Bin, a.On.Data, a.Options, a.On.socketLock())}
	},
	Probe: func(ctx context.Context, env kit.Env, a startArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.InRecovery() == dr.Yes:
			return kit.Done("%s runs as standby", a.On.Site)
		case r.InRecovery() == dr.No:
			e := kit.NotKnown("%s runs as PRIMARY", a.On.Site)
			e.Never = dr.Hold("second_primary", "%s runs as primary beside %s", a.On.Site, a.Primary.Site).WithNext("stop %s now: two primaries accept writes", a.On.Site)
			return e
		case r.Running == dr.No:
			return kit.NotDone("%s does not run", a.On.Site)
		}
		return kit.NotKnown("%s is starting: %s", a.On.Site, kit.OrNotRead(r.SQLError))
	},
	Guard: func(ctx context.Context, env kit.Env, a startArgs) (kit.HostTime, error) {
		rs, ts, err := readAll(ctx, env, full, a.On, a.Primary)
		if err != nil {
			return 0, err
		}
		return ts[0], a.guard(rs[0], rs[1])
	},
	ProofText: func(a startArgs) string { return "select pg_is_in_recovery() on " + a.On.Site + " gives t" },
	GuardText: func(a startArgs) string {
		if a.Fresh {
			return a.On.Site + " is stopped, has standby.signal and is not fenced; " + a.Primary.Site + " is primary"
		}
		return fmt.Sprintf("%s is stopped, has standby.signal, and its log ends at or before the position where %s left its timeline", a.On.Site, a.Primary.Site)
	},
}

func (a startArgs) guard(r, primary Reading) error {
	if err := kit.Checks(a.On.isDown(r), a.Primary.isPrimary(primary)); err != nil {
		return err
	}
	switch {
	case !r.StandbySignal || r.RecoverySignal:
		return kit.No("%s has no standby.signal: a start would make a second primary", a.On.Site)
	case r.Fenced:
		return kit.No("%s is fenced", a.On.Site)
	case r.Rewind != "":
		return kit.No("a rewind of %s did not end (%s)", a.On.Site, r.Rewind)
	case a.Fresh:
		return nil
	}
	if end := compareEnds(r, primary); end.Verdict != endsWithin {
		return kit.No("%s: %s", a.On.Site, end.Text).WithNext("replan")
	}
	return nil
}
