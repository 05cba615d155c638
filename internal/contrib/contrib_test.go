package contrib_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// answers is a host whose commands answer what the test says, by their text.
type answers struct {
	kit.Host
	said map[string]kit.Output
	err  error
}

func (a answers) Read(_ context.Context, c dr.Command) (kit.Output, error) {
	return a.said[strings.Join(c.Argv, " ")], a.err
}

type only struct{ host kit.Host }

func (o only) Host(string) (kit.Host, error) { return o.host, nil }

func action(t *testing.T, name string) kit.Action {
	t.Helper()
	for _, a := range contrib.Actions() {
		if a.Name() == name {
			return a
		}
	}
	t.Fatalf("there is no action %s", name)
	return nil
}

// planned gives the one step of the plan that has the action.
func planned(t *testing.T, c kit.Contributor, in kit.PlanInput, d *kit.Draft, name string) dr.Step {
	t.Helper()
	require.NoError(t, c.Plan(in, d))
	phases, err := d.Phases(dr.PhasesAfter(in.Request.Procedure, in.Gate))
	require.NoError(t, err)
	for _, ph := range phases {
		for _, s := range ph.Steps {
			if s.Action == name {
				return s
			}
		}
	}
	t.Fatalf("no step %s is planned", name)
	return dr.Step{}
}

func takeover() (kit.PlanInput, *kit.Draft) {
	d := kit.NewDraft()
	d.From, d.To = "east", "west"
	return kit.PlanInput{Request: dr.Request{Procedure: dr.ProcTakeover}, Gate: dr.GateDecide}, d
}

func probe(t *testing.T, st dr.Step, out kit.Output, err error, proof string) kit.Effect {
	t.Helper()
	env := kit.Env{Hosts: only{answers{said: map[string]kit.Output{proof: out}, err: err}}, Now: time.Now}
	return action(t, st.Action).Probe(context.Background(), env, st.Args)
}

func TestWhatAnApplicationsProofSaysIsReadByItsExitCodeAlone(t *testing.T) {
	app := inventory.Application{Name: "shop", Hosts: map[string]string{"east": "app1", "west": "app2"}, Unit: "shop.service", Timeout: dr.Duration(time.Minute)}
	in, d := takeover()
	stop := planned(t, contrib.Applications{List: []inventory.Application{app}}, in, d, "app.stop")
	require.Equal(t, []string{"app1$ sudo systemctl stop shop.service"}, stop.Commands)
	require.Equal(t, "app.start", stop.Undo.Action, "a stop before the promotion is taken back by a start")
	const proof = "systemctl is-active shop.service"
	for exit, want := range map[int]kit.EffectState{0: kit.EffectNotDone, 3: kit.EffectDone, 1: kit.EffectUnknown, 4: kit.EffectUnknown, 127: kit.EffectUnknown} {
		require.Equal(t, want, probe(t, stop, kit.Output{Exit: exit}, nil, proof).State, "exit code %d", exit)
	}
	require.Equal(t, kit.EffectUnknown, probe(t, stop, kit.Output{}, dr.Retry("unreachable", "no answer"), proof).State)
}

func TestAnApplicationAtASilentSiteIsAConsequenceNotAStep(t *testing.T) {
	app := inventory.Application{Name: "shop", Hosts: map[string]string{"east": "app1"}, Unit: "shop.service"}
	in, d := takeover()
	in.Situation.Sites = []dr.SiteSituation{{Site: "east", Reachable: dr.No}}
	require.NoError(t, contrib.Applications{List: []inventory.Application{app}}.Plan(in, d))
	require.Len(t, d.Consequences(), 1)
	require.Contains(t, d.Consequences()[0], "cannot be stopped")
}

func TestClientsAreProvenByTheNameThatTheirAddressShows(t *testing.T) {
	c := inventory.Client{Name: "orders-db", Host: "edge", Point: map[string][]string{"west": {"point", "west"}}, Show: []string{"show"}, Timeout: dr.Duration(time.Minute)}
	in, d := takeover()
	st := planned(t, contrib.Clients{List: []inventory.Client{c}}, in, d, "clients.point")
	cases := []struct {
		out  kit.Output
		want kit.EffectState
	}{
		{kit.Output{Stdout: "west\n"}, kit.EffectDone},
		{kit.Output{Stdout: "east\n"}, kit.EffectNotDone},
		{kit.Output{Stdout: "none\n"}, kit.EffectNotDone},
		{kit.Output{Stdout: "west\n", Exit: 1}, kit.EffectUnknown},
		{kit.Output{Stdout: "west\n", Truncated: true}, kit.EffectUnknown},
		{kit.Output{Stdout: ""}, kit.EffectUnknown},
		{kit.Output{Stdout: "error: no such address"}, kit.EffectUnknown},
		{kit.Output{Stdout: "west\neast\n"}, kit.EffectUnknown},
	}
	for _, v := range cases {
		require.Equal(t, v.want, probe(t, st, v.out, nil, "show").State, "%+v", v.out)
	}
}

func TestAFenceIsProvenOnlyByTheExactFirstLine(t *testing.T) {
	f := inventory.Fence{Name: "power", Site: "east", Host: "bmc", On: []string{"off"}, Off: []string{"on"}, Proof: []string{"status"}, Proven: "Chassis Power is off", SurvivesReboot: true, Timeout: dr.Duration(time.Minute)}
	in, d := takeover()
	d.NeedFence(kit.FenceNeed{Site: "east", Why: "its host does not answer"})
	st := planned(t, contrib.Fences{List: []inventory.Fence{f}}, in, d, "fence.on")
	require.Empty(t, d.Waivers(), "a fence that is planned needs no waiver")
	require.Equal(t, dr.SkipNever, st.Skip)
	require.Equal(t, "fence.off", st.Undo.Action)
	for said, want := range map[string]kit.EffectState{
		"Chassis Power is off\n": kit.EffectDone, "Chassis Power is on\n": kit.EffectNotDone, "": kit.EffectUnknown,
		"chassis power is off": kit.EffectNotDone, "note\nChassis Power is off\n": kit.EffectNotDone,
	} {
		require.Equal(t, want, probe(t, st, kit.Output{Stdout: said}, nil, "status").State, "%q", said)
	}
	require.Equal(t, kit.EffectUnknown, probe(t, st, kit.Output{Stdout: "Chassis Power is off\n", Exit: 1}, nil, "status").State)
}

func TestAFenceThatNobodyCanMakeBecomesAWaiver(t *testing.T) {
	in, d := takeover()
	d.NeedFence(kit.FenceNeed{Site: "east", Why: "its host does not answer"})
	require.NoError(t, contrib.Fences{}.Plan(in, d))
	require.Len(t, d.Waivers(), 1)
	require.Equal(t, "fence:east", d.Waivers()[0].ID)
	require.Contains(t, d.Waivers()[0].Text, "its host does not answer")
}

func TestAFenceThatTheAdapterMakesIsLeftToIt(t *testing.T) {
	f := inventory.Fence{Name: "power", Site: "east", Host: "bmc", On: []string{"off"}, Proof: []string{"status"}, Proven: "off"}
	in, d := takeover()
	d.NeedFence(kit.FenceNeed{Site: "east", ByAdapter: true, Why: "stopped and disabled"})
	require.NoError(t, contrib.Fences{List: []inventory.Fence{f}}.Plan(in, d))
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	for _, ph := range phases {
		require.Empty(t, ph.Steps)
	}
	require.Empty(t, d.Waivers())
}

func TestAFenceIsReleasedOnlyAfterTheReturningSiteWasConverted(t *testing.T) {
	f := inventory.Fence{Name: "net", Site: "east", Host: "switch", On: []string{"block"}, Off: []string{"unblock"}, Proof: []string{"show"}, Proven: "blocked"}
	d := kit.NewDraft()
	d.From, d.To = "west", "east"
	in := kit.PlanInput{Request: dr.Request{Procedure: dr.ProcFailback}, Gate: dr.GateConvert}
	st := planned(t, contrib.Fences{List: []inventory.Fence{f}}, in, d, "fence.off")
	require.True(t, strings.HasPrefix(st.ID, string(dr.PhaseResynchronise)+"."), st.ID)
}

func TestAHookStandsWhereItsPhaseIsAndIsProvenByItsCheck(t *testing.T) {
	h := inventory.Hook{Name: "lb", Phase: dr.PhaseRedirect, When: inventory.After, Host: "lb1", Run: []string{"drain"}, Check: []string{"drained"}, Skip: dr.SkipFree, Timeout: dr.Duration(time.Minute)}
	in, d := takeover()
	st := planned(t, contrib.Hooks{List: []inventory.Hook{h}}, in, d, "hook.run")
	for exit, want := range map[int]kit.EffectState{0: kit.EffectDone, 1: kit.EffectNotDone, 2: kit.EffectUnknown, 3: kit.EffectUnknown} {
		require.Equal(t, want, probe(t, st, kit.Output{Exit: exit}, nil, "drained").State, "exit code %d", exit)
	}
}

// TestWhatIsShownIsWhatIsRun renders every planned step anew from its arguments.
func TestWhatIsShownIsWhatIsRun(t *testing.T) {
	in, d := takeover()
	d.NeedFence(kit.FenceNeed{Site: "east"})
	all := []kit.Contributor{
		contrib.Applications{List: []inventory.Application{{Name: "shop", Hosts: map[string]string{"east": "app1", "west": "app2"}, Stop: []string{"stop it's"}, Start: []string{"start"}, Running: []string{"check"}}}},
		contrib.Clients{List: []inventory.Client{{Name: "db", Host: "edge", Point: map[string][]string{"west": {"point", "a b;c"}}, Show: []string{"show"}}}},
		contrib.Fences{List: []inventory.Fence{{Name: "p", Site: "east", Host: "bmc", On: []string{"off"}, Off: []string{"on"}, Proof: []string{"s"}, Proven: "x"}}},
		contrib.Hooks{List: []inventory.Hook{{Name: "h", Phase: dr.PhasePrepare, When: inventory.Before, Host: "h1", Run: []string{"r"}, Check: []string{"c"}}}},
	}
	for _, c := range all {
		require.NoError(t, c.Plan(in, d))
	}
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	steps := 0
	for _, ph := range phases {
		for _, st := range ph.Steps {
			steps++
			cmds, err := action(t, st.Action).Render(st.Args)
			require.NoError(t, err)
			require.Len(t, cmds, 1)
			require.Equal(t, []string{cmds[0].Shown()}, st.Commands)
		}
	}
	require.Equal(t, 6, steps)
}
