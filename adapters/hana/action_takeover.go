package hana

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// How the old primary is kept from taking writes.
const (
	heldByHandshake = "handshake" // suspended by the command itself
	heldByStop      = "stop"      // stopped on every host
)

// takeoverArgs are the arguments of the takeover.
type takeoverArgs struct {
	On   Place  `json:"on"`
	Old  Place  `json:"old"`
	Held string `json:"held"`
	// Wait is --maxWriteTransactionWaitTime in seconds, 0 for HANA's default.
	Wait int `json:"wait,omitempty"`
	// Takeovers is the number of rows of the takeover history before, -1 when
	// it is not known.
	Takeovers int    `json:"takeovers"`
	Run       string `json:"run"`
}

// allowScript lets this one takeover pass the HA/DR provider's preTakeover: it
// renews the mark, adds an entry that allows it for two minutes, and runs the
// command. $1 mark, $2 run.
const allowScript = `m=$1; run=$2; shift 2; now=$(date +%s)
[ ! -d "${m%/*}" ] || { printf 'owner %s\nexpires %s\nallow %s\n' "$run" $((now + 900)) $((now + 120)) >"$m.part" && mv "$m.part" "$m"; } || exit 1
exec "$@"`

func (a takeoverArgs) command() dr.Command {
	argv := []string{"hdbnsutil", "-sr_takeover"}
	if a.Held == heldByHandshake {
		argv = append(argv, "--suspendPrimary")
		if a.Wait > 0 {
			argv = append(argv, "--maxWriteTransactionWaitTime="+strconv.Itoa(a.Wait))
		}
	}
	if a.On.Provider {
		argv = append([]string{"sh", "-c", allowScript, "sh", a.On.mark(), a.Run}, argv...)
	}
	return dr.Command{Host: a.On.main().Host, Argv: argv, Login: true}
}

// takeover is the point of no return.
var takeover = kit.Spec[takeoverArgs]{
	Name: "hana.sr_takeover",
	Kind: dr.KindIrreversible,
	Doc:  "hdbnsutil -sr_takeover, with --suspendPrimary when the old primary works (takeover with handshake: it aborts and changes nothing when the primary cannot be reached or a service is not in sync). The exit code is not believed: role, takeover flag and takeover history are read back. SR Guide: Performing a Takeover; Takeover with Handshake.",
	Check: func(a takeoverArgs) error {
		if a.Held != heldByHandshake && a.Held != heldByStop && !kit.HeldFromOutside(a.Held) {
			return fmt.Errorf("held is %q", dr.Clip(a.Held, 20))
		}
		if a.Wait < 0 || a.Wait > 3600 || a.Takeovers < -1 {
			return fmt.Errorf("the waiting time or the number of takeovers is not allowed")
		}
		return kit.Checks(a.On.Check(), a.Old.Check(), checkRun(a.Run))
	},
	Commands:  func(a takeoverArgs) []dr.Command { return []dr.Command{a.command()} },
	Probe:     probeTakeover,
	Guard:     guardTakeover,
	Interpret: interpretTakeover,
	ProofText: func(a takeoverArgs) string {
		return "hdbnsutil -sr_state on " + a.On.main().Host + " says online: true, mode: primary, is a takeover active: false; M_SYSTEM_REPLICATION_TAKEOVER_HISTORY has one row more"
	},
	GuardText: func(a takeoverArgs) string {
		s := a.On.Site + " is a secondary; "
		switch a.Held {
		case heldByHandshake:
			return s + "every service of " + a.Old.Site + " is active to it by systemReplicationStatus.py and M_SERVICE_REPLICATION"
		case heldByStop:
			return s + a.Old.Site + " is stopped on every host"
		}
		return s + a.Old.Site + " does not answer, or is not open as a primary"
	},
	Poll:   500 * time.Millisecond,
	Settle: 30 * time.Second,
}

// probeTakeover reads the role; a history that has no new row contradicts it.
func probeTakeover(ctx context.Context, env kit.Env, a takeoverArgs) kit.Effect {
	r, _, err := a.On.brief(ctx, env, partState, partConfig, partProcesses)
	if err != nil {
		return notRead(a.On, err)
	}
	if r.Running() == dr.No && r.Config.Mode == "primary" {
		return kit.Done("%s is stopped and primary by its files: it must be started", a.On.Site)
	}
	switch {
	case r.State.TakeoverActive == dr.Yes:
		return kit.NotKnown("a takeover is going on at %s", a.On.Site)
	case r.OnlinePrimary() == dr.No && replModes[r.Mode()]:
		return kit.NotDone("%s is still a secondary: %s", a.On.Site, summary(r))
	case r.OnlinePrimary() != dr.Yes:
		return kit.NotKnown("the role of %s is not clear: %s", a.On.Site, summary(r))
	}
	s := a.On.readSQL(ctx, env)
	if s.HistoryRead && a.Takeovers >= 0 && len(s.Takeovers) <= a.Takeovers {
		return kit.NotKnown("%s says that it is primary, but its takeover history has no new row (%d before, %d now)", a.On.Site, a.Takeovers, len(s.Takeovers))
	}
	return kit.Done("%s is primary and online", a.On.Site)
}

func guardTakeover(ctx context.Context, env kit.Env, a takeoverArgs) (kit.HostTime, error) {
	old := make(chan error, 1)
	go func() { old <- a.guardOld(ctx, env) }()
	r, at, err := a.On.brief(ctx, env, partState, partConfig, partCluster)
	olderr := <-old
	return at, kit.Checks(err, a.secondary(r, err), olderr)
}

func (a takeoverArgs) secondary(r Reading, err error) error {
	if err != nil {
		return err
	}
	return a.On.isSecondary(r)
}

func (a takeoverArgs) guardOld(ctx context.Context, env kit.Env) error {
	switch a.Held {
	case heldByHandshake:
		r, _, err := a.Old.brief(ctx, env, partState, partConfig, partCluster)
		if err != nil {
			return err
		}
		return kit.Checks(a.Old.isPrimary(r), inSyncNow(ctx, env, a.Old, a.On))
	case heldByStop:
		r, _, err := a.Old.brief(ctx, env, partProcesses)
		if err != nil {
			return err
		}
		return a.Old.isStopped(r)
	}
	return silentOrStopped(ctx, env, a.Old, a.Held)
}

func interpretTakeover(a takeoverArgs, j kit.Job) error {
	out := j.Stdout + j.Stderr
	if strings.Contains(out, "rc=50277") {
		return dr.HoldReplan("hook_blocked", "a preTakeover hook on %s refused the takeover (rc=50277): a cluster or another procedure owns the system", a.On.Site).
			WithNext("put the cluster into maintenance, or remove the mark %s when nobody else works; then replan", a.On.mark())
	}
	if j.Exit != 0 && strings.Contains(out, "preTakeover") {
		return dr.HoldReplan("hook_blocked", "a preTakeover hook on %s refused the takeover: %s", a.On.Site, dr.Clip(strings.TrimSpace(out), 200)).
			WithNext("look at the nameserver trace on %s; then replan", a.On.main().Host)
	}
	return nil
}
