package openedge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// startArgs start a broker in one role.
type startArgs struct {
	On   Place  `json:"on"`
	Role string `json:"role"`
	// Peers are read when a source is started: none of them may take updates.
	Peers []Place `json:"peers,omitempty"`
	Run   string  `json:"run"`
}

func (a startArgs) service() string {
	if a.Role == roleTarget {
		return "replagent"
	}
	return "replserv"
}

func (a startArgs) looks() []look {
	ls := []look{{On: a.On}}
	for _, p := range a.Peers {
		ls = append(ls, look{On: p})
	}
	return ls
}

// startScript: $1 where output goes, then the command. The broker keeps the
// output open, so that it must not be the job's own.
const startScript = `out=$1; shift; "$@" >"$out" 2>&1 </dev/null; rc=$?; cat "$out"; exit $rc`

// start serves a database with its replication service.
var start = kit.Spec[startArgs]{
	Name: "openedge.start",
	Kind: dr.KindChange,
	Doc: "proserve -S PORT -DBService replserv (source) or replagent (target). A replication-enabled database that is started without -DBService runs without replication. " +
		"Manual: \"Starting OpenEdge Replication\".",
	Check: func(a startArgs) error {
		if a.Role != roleSource && a.Role != roleTarget {
			return fmt.Errorf("the role %q cannot be started", dr.Clip(a.Role, 20))
		}
		for _, p := range a.Peers {
			if err := p.Check(); err != nil {
				return err
			}
		}
		return kit.Checks(a.On.Check(), kit.Match(kit.RunID, "run", a.Run))
	},
	Commands: func(a startArgs) []dr.Command {
		argv := []string{a.On.Spool + "/" + a.On.base() + "-" + a.Run + ".start", a.On.DLC + "/bin/proserve", a.On.Database, "-S", fmt.Sprint(a.On.Port), "-DBService", a.service()}
		return []dr.Command{a.On.script(startScript, append(argv, a.On.Arguments...)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a startArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On}, func(r Reading) kit.Effect {
			switch {
			case r.InUse() == dr.Yes && r.Role() == a.Role:
				return kit.Done("%s is open as a %s; status %s", a.On.Site, a.Role, r.Status.Code)
			case r.InUse() == dr.No:
				return kit.NotDone("%s is closed", a.On.Site)
			}
			return kit.NotKnown("%s: %s", a.On.Site, summary(r))
		})
	},
	Guard: guardStart,
	Interpret: func(a startArgs, j kit.Job) error {
		if !strings.Contains(j.Stdout, "(276)") && !strings.Contains(j.Stdout, "(263)") {
			return nil
		}
		return dr.Hold("in_use", "%s cannot be started on %s: %s", a.On.Database, a.On.Site, lastOf(j.Stdout)).
			WithNext("find out who holds the database (proutil -C holder, %s.lk), then retry", a.On.base())
	},
	ProofText: func(a startArgs) string {
		return "proutil " + a.On.Database + " -C holder ends with 16 on " + a.On.Site + ", a broker process is there and -C describe says " + a.Role
	},
	GuardText: func(a startArgs) string {
		t := a.On.Site + " is a closed " + a.Role + ", not fenced, not half restored"
		for _, p := range a.Peers {
			t += "; " + p.Site + " takes no updates"
		}
		return t
	},
	Settle: 90 * time.Second,
}

// guardStart looks at the peers with patience for silent ones: they were
// fenced from outside, or people waived it.
func guardStart(ctx context.Context, env kit.Env, a startArgs) (kit.HostTime, error) {
	octx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	rs, ts, errs := readEach(octx, env, a.looks()...)
	if errs[0] != nil {
		return 0, errs[0]
	}
	for i, p := range a.Peers {
		if errs[i+1] == nil && rs[i+1].AcceptsWrites() == dr.Yes {
			return 0, kit.No("%s takes updates: a second source must not be started", p.Site)
		}
	}
	if err := kit.Checks(a.On.usable(rs[0]), a.On.isClosed(rs[0])); err != nil {
		return 0, err
	}
	if rs[0].Role() != a.Role {
		return 0, kit.No("%s is %s, not a %s", a.On.Site, roleWords(rs[0]), a.Role)
	}
	return ts[0], nil
}

// peerPatience bounds the look at sites that are expected to be silent.
const peerPatience = 15 * time.Second

// restartServer starts a replication server that is gone, or makes one that
// waits connect now.
var restartServer = kit.Spec[pairArgs]{
	Name: "openedge.restart_server",
	Kind: dr.KindChange,
	Doc: "dsrutil -C restart server, or -C connectagent NAME when the server runs and only waits: it looks for its agents every 5 minutes by itself. " +
		"Manual: \"DSRUTIL restart server\", \"DSRUTIL connectagent\".",
	Check: func(a pairArgs) error { return a.check() },
	Commands: func(a pairArgs) []dr.Command {
		return []dr.Command{a.Source.script(restartScript, a.Source.DSRHome, a.Source.Database, a.Target.Agent)}
	},
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		return probeOn(ctx, env, pair(a.Source, a.Target)[0], func(r Reading) kit.Effect {
			agent := r.Agents[a.Target.Agent]
			switch {
			case r.Status.Exit != 0:
				return kit.NotKnown("%s told no status", a.Source.Site)
			case r.Status.Code.server() && (agent >= 3000 || r.Status.Code != 6002):
				return kit.Done("the server of %s says %s, its control agent %s", a.Source.Site, r.Status.Code, agent)
			}
			return kit.NotDone("the server of %s says %s, its control agent %s", a.Source.Site, r.Status.Code, agent)
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a pairArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error { return kit.Checks(a.Source.isSource(r[0]), a.Target.isTarget(r[1])) }, pair(a.Source, a.Target)...)
	},
	ProofText: func(a pairArgs) string {
		return "dsrutil " + a.Source.Database + " -C status -detail on " + a.Source.Site + " begins with 60 and is not 6002 or 6060"
	},
	GuardText: func(a pairArgs) string { return a.Source.Site + " is an open source, " + a.Target.Site + " a target" },
	Settle:    60 * time.Second,
}

// restartScript: $1 DSRHOME, $2 database, $3 agent.
const restartScript = `case $(timeout 12 "$1/bin/dsrutil" "$2" -C status -detail </dev/null 2>/dev/null) in
*6002*) exec "$1/bin/dsrutil" "$2" -C connectagent "$3" </dev/null ;;
*) exec "$1/bin/dsrutil" "$2" -C restart server </dev/null ;;
esac`
