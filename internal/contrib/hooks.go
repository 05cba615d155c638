package contrib

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Hooks runs the operator's own commands and calls before or after a phase's
// steps.
type Hooks struct{ List []inventory.Hook }

// hookArgs are a command of the operator's own.
type hookArgs struct {
	Name  string   `json:"name"`
	Host  string   `json:"host"`
	Run   []string `json:"run"`
	Proof []string `json:"proof"`
	// Limit is in seconds: then the command is ended on its host. 0 is a plan of
	// an earlier release, without a limit there.
	Limit int `json:"limit,omitempty"`
}

func (a hookArgs) argv() argvArgs {
	return argvArgs{Name: a.Name, Host: a.Host, Run: a.Run, Proof: a.Proof}
}

// hookGrace is how long, in seconds, a command that was told to end may take
// before it is killed.
const hookGrace = 5

func (a hookArgs) command() []dr.Command {
	argv := a.Run
	if a.Limit > 0 {
		argv = append([]string{"timeout", "-k", strconv.Itoa(hookGrace), strconv.Itoa(a.Limit)}, a.Run...)
	}
	return []dr.Command{{Host: a.Host, Argv: argv}}
}

func hookProbe(ctx context.Context, env kit.Env, a hookArgs) kit.Effect {
	out, err := ask(ctx, env, a.Host, a.Proof)
	switch {
	case err != nil:
		return kit.NotKnown("the check of %s could not run: %s", a.Name, dr.AsError(err, "hook").Text)
	case out.Exit == 0:
		return kit.Done("the check of %s says that its effect is there", a.Name)
	case out.Exit == 1:
		return kit.NotDone("the check of %s says that its effect is not there", a.Name)
	}
	return kit.NotKnown("the check of %s ended with exit code %d, which is neither 0 nor 1", a.Name, out.Exit)
}

// hookEnded tells a command that did not end in time: 124 is timeout's own code,
// 137 that of a command that had to be killed.
func hookEnded(a hookArgs, j kit.Job) error {
	if a.Limit == 0 || j.Exit != 124 && j.Exit != 137 {
		return nil
	}
	return dr.Hold("hook_timeout", "the hook %s did not end within %d s and was ended on %s", a.Name, a.Limit, a.Host).
		WithNext("see what it waits for; retry asks its check first")
}

var runHook = kit.Spec[hookArgs]{
	Name: "hook.run", Kind: dr.KindChange,
	Doc:      "Runs a command of the operator's own, for a limited time. Its check proves the effect: exit code 0 means that it is there, 1 that it is not.",
	Check:    func(a hookArgs) error { return a.argv().check() },
	Commands: hookArgs.command, Probe: hookProbe, Interpret: hookEnded, Settle: 5 * time.Second,
	Guard: func(ctx context.Context, env kit.Env, a hookArgs) (kit.HostTime, error) {
		return answers(ctx, env, a.argv())
	},
	ProofText: func(a hookArgs) string { return a.argv().proofLine() + " ends with exit code 0" },
}

// Plan adds the hooks of the phases behind this gate, in the inventory's order.
func (c Hooks) Plan(in kit.PlanInput, d *kit.Draft) error {
	for _, h := range c.List {
		for _, ph := range dr.PhasesAfter(in.Request.Procedure, in.Gate) {
			if ph == h.Phase {
				place := kit.PlaceHookBefore
				if h.When == inventory.After {
					place = kit.PlaceHookAfter
				}
				d.Add(ph, place, hookStep(in, d, h))
			}
		}
	}
	return nil
}

func hookStep(in kit.PlanInput, d *kit.Draft, h inventory.Hook) dr.Step {
	limit := wholeSeconds(h.Timeout)
	at := kit.At{
		Phase: h.Phase, Slug: "hook-" + h.Name, Title: "Run the hook " + h.Name, Skip: h.Skip, NoVeto: h.NoVeto,
		// The end on the host comes first, and its check behind it.
		Timeout: h.Timeout.D() + (hookGrace+10)*time.Second,
	}
	if h.NoVeto {
		at.Why = "it has no veto: when it fails that is recorded and the procedure goes on"
	}
	if h.HTTP == nil {
		return runHook.Step(at, hookArgs{Name: h.Name, Host: h.Host, Run: h.Run, Proof: h.Check, Limit: limit})
	}
	w := h.HTTP
	at.Title = fmt.Sprintf("Call the hook %s", h.Name)
	body := w.Body
	if body == "" {
		body = hookEvent{
			Schema: 1, System: in.Situation.System, Procedure: in.Request.Procedure, Mode: in.Request.Mode,
			Phase: h.Phase, When: h.When, From: d.From, To: d.To, Hook: h.Name,
		}.text()
	}
	return callHook.Step(at, callArgs{
		Name: h.Name, Method: w.Method, URL: w.URL, Body: body, Check: w.Check, CA: w.CA, Key: w.Key, Bearer: w.Bearer, Limit: limit,
	})
}

// hostOf gives the host of an address that the inventory has checked.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
