package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// optionsOK checks the options that a start hands to the server.
func optionsOK(o string) error {
	path, ok := strings.CutPrefix(o, "-c config_file=")
	if o == "" || (ok && kit.PlainPath(path)) {
		return nil
	}
	return fmt.Errorf("the server options %q are not allowed", dr.Clip(o, 80))
}

// options are needed where the configuration is outside PGDATA.
func (p Place) options() string {
	if p.ConfigDir == "" {
		return ""
	}
	return "-c config_file=" + p.ConfigDir + "/postgresql.conf"
}

// stopArgs stop the primary of a planned takeover.
type stopArgs struct {
	On      Place `json:"on"`
	Standby Place `json:"standby"`
	// Name is the standby's application_name.
	Name     string `json:"name"`
	Timeline uint32 `json:"timeline"`
	// MaxLag is in bytes.
	MaxLag int64 `json:"max_lag"`
	// Wait is how long the command waits for the end, in hundredths of a
	// second: pg_ctl itself looks only every 100 ms.
	Wait int `json:"wait"`
}

// stopScript: $1 bin, $2 data, $3 rounds of 10 ms. The pid file is checked
// against the process, so that a reused pid is never signalled.
const stopScript = `pid=$(head -n 1 "$2/postmaster.pid") && [ "/proc/$pid/cwd" -ef "$2" ] || exit 3
"$1/pg_ctl" -D "$2" -m fast -W stop
n=0; while [ -e "$2/postmaster.pid" ] && [ $n -lt "$3" ]; do sleep 0.01; n=$((n + 1)); done; [ ! -e "$2/postmaster.pid" ]`

// stopPrimary ends the writes. From here the outage runs.
var stopPrimary = kit.Spec[stopArgs]{
	Name: "postgres.stop",
	Kind: dr.KindChange,
	Doc:  "pg_ctl -m fast stop of the primary: rolls back open transactions, disconnects clients, writes the shutdown checkpoint and sends all log, that record included, to the connected standbys. Never smart (waits for clients), never immediate (no shutdown checkpoint).",
	Check: func(a stopArgs) error {
		if a.Timeline == 0 || a.MaxLag <= 0 || a.Wait <= 0 || a.Wait > 100_000 {
			return fmt.Errorf("timeline, max_lag and wait must be above zero")
		}
		return kit.Checks(a.On.known(), a.Standby.known(), kit.Match(appName, "application_name", a.Name))
	},
	Commands: func(a stopArgs) []dr.Command {
		return []dr.Command{a.On.script(stopScript, a.On.Bin, a.On.Data, strconv.Itoa(a.Wait))}
	},
	Probe: func(ctx context.Context, env kit.Env, a stopArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.Running == dr.Unknown:
			return kit.NotKnown("whether %s runs is unknown", a.On.Site)
		case r.Running == dr.Yes:
			return kit.NotDone("%s runs; control file: %s", a.On.Site, r.Control.State)
		case r.Control.State == stateShutDown:
			return kit.Done("%s is shut down, checkpoint %s on timeline %d", a.On.Site, r.Control.Checkpoint, r.Control.Timeline)
		}
		e := kit.NotKnown("%s is down, but its control file says %q", a.On.Site, r.Control.State)
		e.Never = dr.HoldReplan("not_clean", "%s stopped without a shutdown checkpoint (%q): nothing proves that %s holds everything", a.On.Site, r.Control.State, a.Standby.Site).
			WithNext("abort: the undo starts %s again; or replan as an unplanned takeover", a.On.Site)
		return e
	},
	Guard: guardStop,
	ProofText: func(a stopArgs) string {
		return "no postmaster.pid in " + a.On.Data + " and pg_controldata says exactly: shut down"
	},
	GuardText: func(a stopArgs) string {
		return fmt.Sprintf("%s streams from %s on timeline %d, at most %s behind, replay not paused; standby.signal is there",
			a.Standby.Site, a.On.Site, a.Timeline, dr.ByteText(a.MaxLag))
	},
	Poll:   10 * time.Millisecond,
	Settle: 60 * time.Second,
}

func guardStop(ctx context.Context, env kit.Env, a stopArgs) (kit.HostTime, error) {
	return guardOn(ctx, env, func(r []Reading) error {
		p, s := r[0], r[1]
		if err := kit.Checks(a.On.isPrimary(p), a.Standby.isStandby(s)); err != nil {
			return err
		}
		if !p.StandbySignal {
			return kit.No("a restart of %s would not be read-only: standby.signal is missing", a.On.Site)
		}
		row, ok := p.FindRepl(a.Name)
		if !ok || row.State != "streaming" || row.Replay == nil || p.Server.Current == nil {
			return kit.No("%s does not stream from %s", a.Standby.Site, a.On.Site)
		}
		if *p.Server.Current > *row.Replay && int64(*p.Server.Current-*row.Replay) > a.MaxLag {
			return kit.No("%s is %s behind", a.Standby.Site, dr.ByteText(int64(*p.Server.Current-*row.Replay)))
		}
		if s.Receiver == nil || s.Receiver.Status != "streaming" {
			return kit.No("%s: %s", a.Standby.Site, receiverWords(s))
		}
		if s.Server.Pause == nil || *s.Server.Pause != "not paused" {
			return kit.No("replay on %s is paused", a.Standby.Site)
		}
		if p.Timeline() != a.Timeline || s.Timeline() != a.Timeline {
			return kit.No("%s is on timeline %d and %s on %d, the plan was made for %d", a.On.Site, p.Timeline(), a.Standby.Site, s.Timeline(), a.Timeline)
		}
		return nil
	}, a.On, a.Standby)
}
