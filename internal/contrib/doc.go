// Package contrib holds the contributors to a plan that are common to all
// products: applications, clients, fences from a third place, and hooks. Each
// is a kit.Contributor over the inventory's entries and brings its own actions.
package contrib

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Actions lists the actions of all contributors.
func Actions() []kit.Action {
	return []kit.Action{
		stopApplication.Action(), startApplication.Action(),
		pointClients.Action(), proveClients.Action(),
		vipBind.Action(), vipUnbind.Action(), vipProve.Action(), vipLeft.Action(),
		haproxyClose.Action(), haproxyOpen.Action(), haproxyProve.Action(),
		pgbouncerPause.Action(), pgbouncerResume.Action(), pgbouncerPoint.Action(), pgbouncerProve.Action(),
		dnsPoint.Action(), dnsWithdraw.Action(), dnsTTL.Action(), dnsKnown.Action(),
		probeClient.Action(), probeTCP.Action(), probeOld.Action(),
		fenceOn.Action(), fenceOff.Action(),
		runHook.Action(), callHook.Action(),
	}
}

// argvArgs are commands on one host, as the inventory spells them.
type argvArgs struct {
	Name  string   `json:"name"`
	Host  string   `json:"host"`
	Run   []string `json:"run"`
	Proof []string `json:"proof"`
	// Want is what the proof must say; its meaning is the action's.
	Want string `json:"want,omitempty"`
}

func (a argvArgs) check() error {
	if len(a.Run) == 0 || len(a.Proof) == 0 {
		return fmt.Errorf("%s has no command or no proof", a.Name)
	}
	return nil
}

func (a argvArgs) command() []dr.Command { return []dr.Command{{Host: a.Host, Argv: a.Run}} }

// ask runs the proof on its host.
func ask(ctx context.Context, env kit.Env, host string, argv []string) (kit.Output, error) {
	return env.Read(ctx, dr.Command{Host: host, Argv: argv})
}

// answers is the guard of commands whose only danger is a host that is not
// there: the proof must still run.
func answers(ctx context.Context, env kit.Env, a argvArgs) (kit.HostTime, error) {
	out, err := ask(ctx, env, a.Host, a.Proof)
	return out.HostTime, err
}

// proven makes a probe of a proof that says yes or no: the effect is there when
// the proof says what is wanted.
func proven(read func(context.Context, kit.Env, argvArgs) (dr.Tri, string), want dr.Tri) func(context.Context, kit.Env, argvArgs) kit.Effect {
	return func(ctx context.Context, env kit.Env, a argvArgs) kit.Effect {
		is, text := read(ctx, env, a)
		if is == want {
			return kit.Done("%s", text)
		}
		if is == want.Not() {
			return kit.NotDone("%s", text)
		}
		return kit.NotKnown("%s", text)
	}
}
