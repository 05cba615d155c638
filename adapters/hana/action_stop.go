package hana

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Why a system is stopped or started; it decides what its guard wants.
const (
	// forFence stops an old primary so that another site can take over.
	forFence = "fence"
	// forHandover stops a primary whose secondary is in sync.
	forHandover = "handover"
	// forRegister stops a site that takes no writes, and starts it as a
	// secondary.
	forRegister = "register"
	// forUndo starts the primary again that was stopped before a promotion.
	forUndo = "undo"
	// forPromoted starts a stopped secondary that was taken over.
	forPromoted = "promoted"
)

// systemArgs are the arguments of starting and stopping.
type systemArgs struct {
	On    Place  `json:"on"`
	Other Place  `json:"other"`
	For   string `json:"for"`
}

func (a systemArgs) check(allowed ...string) error {
	for _, v := range allowed {
		if a.For == v {
			return kit.Checks(a.On.Check(), a.Other.Check())
		}
	}
	return fmt.Errorf("for is %q", dr.Clip(a.For, 20))
}

// stopSystem stops HANA on every host of a site.
var stopSystem = kit.Spec[systemArgs]{
	Name:  "hana.stop_system",
	Kind:  dr.KindChange,
	Doc:   "sapcontrol -function StopSystem HDB: stops HANA on every host of the site. It returns at once and WaitforStopped can come back too early in a scale-out, so that the proof is GetProcessList of each host. HDB stop would stop the local host only.",
	Check: func(a systemArgs) error { return a.check(forFence, forHandover, forRegister) },
	Commands: func(a systemArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Login: true, Argv: []string{"sapcontrol", "-nr", a.On.Instance, "-function", "StopSystem", "HDB"}}}
	},
	Probe:     func(ctx context.Context, env kit.Env, a systemArgs) kit.Effect { return a.stopped(ctx, env) },
	Guard:     guardStop,
	Interpret: func(a systemArgs, j kit.Job) error { return serviceDown(a.On, j) },
	ProofText: func(a systemArgs) string {
		return "sapcontrol -nr " + a.On.Instance + " -function GetProcessList ends with 4 on every host of " + a.On.Site + " and lists only a stopped hdbdaemon"
	},
	GuardText: func(a systemArgs) string {
		switch a.For {
		case forFence:
			return a.Other.Site + " is a secondary, ready to be taken over; no cluster manager is in charge of " + a.On.Site
		case forHandover:
			return "every service of " + a.On.Site + " is active to " + a.Other.Site + " by systemReplicationStatus.py and M_SERVICE_REPLICATION"
		}
		return a.Other.Site + " is the primary and open; " + a.On.Site + " takes no writes (secondary, or suspended)"
	},
	Poll:   500 * time.Millisecond,
	Settle: 30 * time.Minute,
}

// stopped reads every host.
func (a systemArgs) stopped(ctx context.Context, env kit.Env) kit.Effect {
	r, _, err := a.On.brief(ctx, env, partProcesses)
	if err != nil {
		return notRead(a.On, err)
	}
	if r.Running() == dr.No {
		return kit.Done("%s is stopped on every host", a.On.Site)
	}
	e := kit.NotDone("%s still runs: %s", a.On.Site, processWords(r))
	e.Progress = &kit.Progress{Text: "waiting for the stop of " + a.On.Site + ": " + processWords(r), At: env.Now()}
	return e
}

func guardStop(ctx context.Context, env kit.Env, a systemArgs) (kit.HostTime, error) {
	type answer struct {
		r   Reading
		err error
	}
	other := make(chan answer, 1)
	go func() {
		r, _, err := a.Other.brief(ctx, env, partState, partConfig)
		other <- answer{r, err}
	}()
	r, at, err := a.On.brief(ctx, env, partState, partConfig, partCluster)
	o := <-other
	if err := kit.Checks(err, o.err); err != nil {
		return 0, err
	}
	if err := a.On.isMine(r); err != nil {
		return 0, err
	}
	switch a.For {
	case forFence:
		return at, a.Other.isSecondary(o.r)
	case forHandover:
		return at, kit.Checks(a.Other.isSecondary(o.r), a.On.isPrimary(r), inSyncNow(ctx, env, a.On, a.Other))
	default:
		if r.OnlinePrimary() != dr.No && (r.State == nil || r.State.Suspended != dr.Yes) {
			return 0, kit.No("%s may take writes: %s", a.On.Site, summary(r))
		}
		return at, a.Other.isOpen(ctx, env, o.r)
	}
}

// inSyncNow wants every service to be active, by the script and by SQL.
func inSyncNow(ctx context.Context, env kit.Env, primary, secondary Place) error {
	l, err := readLink(ctx, env, primary, secondary)
	if err != nil {
		return err
	}
	if l.InSync != dr.Yes {
		return kit.No("%s is not in sync with %s: %s", secondary.Site, primary.Site, l.Text)
	}
	return nil
}

// readLink reads one secondary's link at the primary.
func readLink(ctx context.Context, env kit.Env, primary, secondary Place) (link, error) {
	sql := make(chan SQL, 1)
	go func() { sql <- primary.readSQL(ctx, env) }()
	r, _, err := primary.brief(ctx, env, partStatus)
	r.SQL = <-sql
	if err != nil {
		return link{}, err
	}
	return linkTo(r, secondary.Name, secondary.SQL.Tenants), nil
}

// serviceDown turns "sapstartsrv does not answer" into advice.
func serviceDown(p Place, j kit.Job) error {
	if j.Exit == 0 || !strings.Contains(j.Stdout+j.Stderr, "NIECONN_REFUSED") {
		return nil
	}
	return dr.Hold("sapstartsrv", "sapstartsrv of %s does not answer: %s", p.Site, dr.Clip(strings.TrimSpace(j.Stdout+j.Stderr), 200)).
		WithNext("sapcontrol -nr %s -function StartService %s on %s, then retry", p.Instance, p.SID, p.main().Host)
}

// proveStopped only reads: for a site that is stopped already.
var proveStopped = kit.Spec[systemArgs]{
	Name:     "hana.prove_stopped",
	Kind:     dr.KindRead,
	Doc:      "Reads GetProcessList on every host of the site: exit code 4 and only a stopped hdbdaemon.",
	Check:    func(a systemArgs) error { return a.check(forFence, forRegister) },
	Commands: func(a systemArgs) []dr.Command { return a.On.commands(partProcesses) },
	Probe:    func(ctx context.Context, env kit.Env, a systemArgs) kit.Effect { return a.stopped(ctx, env) },
	ProofText: func(a systemArgs) string {
		return "GetProcessList ends with 4 on every host of " + a.On.Site
	},
}
