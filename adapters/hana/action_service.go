package hana

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// serviceArgs name one host of a site.
type serviceArgs struct {
	On   Place  `json:"on"`
	Host string `json:"host"`
}

func (a serviceArgs) host() HostPlace {
	for _, h := range a.On.Hosts {
		if h.Host == a.Host {
			return h
		}
	}
	return a.On.main()
}

// startService starts sapstartsrv, without which nothing can be stopped or
// proven; HANA itself is not touched.
var startService = kit.Spec[serviceArgs]{
	Name: "hana.start_service",
	Kind: dr.KindChange,
	Doc:  "sapcontrol -function StartService: starts the service sapstartsrv of the instance on one host. It starts no database.",
	Check: func(a serviceArgs) error {
		if a.host().Host != a.Host {
			return fmt.Errorf("%q is no host of %s", dr.Clip(a.Host, 60), a.On.Site)
		}
		return a.On.Check()
	},
	Commands: func(a serviceArgs) []dr.Command {
		return []dr.Command{{Host: a.Host, Login: true, Argv: []string{"sapcontrol", "-nr", a.On.Instance, "-function", "StartService", a.On.SID}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a serviceArgs) kit.Effect {
		out, err := readOn(ctx, env, a.On.processes(a.host()))
		if err != nil {
			return notRead(a.On, err)
		}
		p, err := ParseProcesses(out.Stdout, out.Exit)
		switch {
		case err == nil:
			return kit.Done("sapstartsrv answers on %s", a.Host)
		case p.NoService:
			return kit.NotDone("sapstartsrv does not answer on %s", a.Host)
		}
		return kit.NotKnown("%s: %v", a.Host, err)
	},
	Guard: func(ctx context.Context, env kit.Env, a serviceArgs) (kit.HostTime, error) {
		out, err := readOn(ctx, env, a.On.processes(a.host()))
		if err != nil {
			return 0, err
		}
		if p, _ := ParseProcesses(out.Stdout, out.Exit); !p.NoService {
			return 0, kit.No("sapstartsrv of %s is not read as down", a.Host)
		}
		return out.HostTime, nil
	},
	ProofText: func(a serviceArgs) string {
		return "sapcontrol -function GetProcessList on " + a.Host + " gives a list"
	},
	GuardText: func(a serviceArgs) string { return "sapcontrol on " + a.Host + " says NIECONN_REFUSED" },
}
