package planning_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/planning"
)

func approvedPlan() dr.Plan {
	step := func(ph dr.Phase, slug string) dr.Step {
		return dr.Step{
			ID: string(ph) + "." + slug, Action: "x." + slug, Title: slug, Site: "west", Host: "db2",
			Args: json.RawMessage(`{"n":1,"run":["sh","-c","a && b >c"]}`), Commands: []string{"db2$ " + slug}, Kind: dr.KindChange,
		}
	}
	return dr.Plan{
		Envelope: dr.Envelope{Gate: dr.GateDecide}, From: "east", To: "west", InventoryDigest: "d",
		Phases: []dr.PhasePlan{
			{Phase: dr.PhasePrepare, Steps: []dr.Step{step(dr.PhasePrepare, "slot")}},
			{Phase: dr.PhasePromote, Steps: []dr.Step{step(dr.PhasePromote, "promote")}},
		},
		Loss: dr.Loss{Kind: dr.LossWindow, Certain: dr.Bytes(100), Proof: &dr.Proof{At: time.Unix(1000, 0)}},
		Situation: dr.Situation{Sites: []dr.SiteSituation{{Site: "west", Facts: []dr.Fact{
			{Name: "same_system", Truth: dr.Yes, Want: dr.Yes, Safety: true},
			{Name: "old_primary_answers", Truth: dr.No, Want: dr.Yes, Safety: true},
			{Name: "lag", Truth: dr.Yes, Want: dr.Yes},
		}}}},
	}
}

// TestAnApprovalStandsOnlyWhileNothingThatWasDecidedChanged changes one thing at
// a time. The first group must not void the approval, the second must.
func TestAnApprovalStandsOnlyWhileNothingThatWasDecidedChanged(t *testing.T) {
	facts := func(p *dr.Plan) []dr.Fact { return p.Situation.Sites[0].Facts }
	cases := []struct {
		name   string
		change func(p *dr.Plan)
		from   dr.Phase
		why    string
	}{
		{name: "nothing", change: func(*dr.Plan) {}},
		{name: "a newer proof", change: func(p *dr.Plan) { p.Loss.Proof = &dr.Proof{At: time.Unix(2000, 0)} }},
		{name: "a smaller certain loss", change: func(p *dr.Plan) { p.Loss.Certain = dr.Bytes(10) }},
		{name: "a fact that was not as wanted flaps", change: func(p *dr.Plan) { facts(p)[1].Truth = dr.Unknown }},
		{name: "a fact that is no safety fact", change: func(p *dr.Plan) { facts(p)[2].Truth = dr.No }},
		{name: "a step of a phase that is over", from: dr.PhasePromote, change: func(p *dr.Plan) { p.Phases[0].Steps = nil }},
		{name: "arguments that were written anew on their way", change: func(p *dr.Plan) {
			p.Phases[0].Steps[0].Args = json.RawMessage(`{"run":["sh","-c","a \u0026\u0026 b \u003ec"], "n":1}`)
		}},
		{name: "minutes that went by", change: func(p *dr.Plan) { p.MadeAt = p.MadeAt.Add(time.Hour) }},

		{name: "an older proof", why: "last proof", change: func(p *dr.Plan) { p.Loss.Proof = &dr.Proof{At: time.Unix(900, 0)} }},
		{name: "no proof", why: "proof", change: func(p *dr.Plan) { p.Loss.Proof = nil }},
		{name: "an unknown loss", why: "unknown", change: func(p *dr.Plan) { p.Loss.Kind = dr.LossUnknown }},
		{name: "a larger certain loss", why: "101 B", change: func(p *dr.Plan) { p.Loss.Certain = dr.Bytes(101) }},
		{name: "a certain loss that cannot be read any more", why: "unknown", change: func(p *dr.Plan) { p.Loss.Certain = dr.UnknownAmount() }},
		{name: "a safety fact that is worse", why: "same_system", change: func(p *dr.Plan) { facts(p)[0].Truth = dr.No }},
		{name: "a safety fact that is unknown now", why: "same_system", change: func(p *dr.Plan) { facts(p)[0].Truth = dr.Unknown }},
		{name: "a safety fact that is gone", why: "could not be read", change: func(p *dr.Plan) { p.Situation.Sites[0].Facts = nil }},
		{name: "another argument", why: "arguments", change: func(p *dr.Plan) { p.Phases[1].Steps[0].Args = json.RawMessage(`{"a":2}`) }},
		{name: "another command", why: "arguments", change: func(p *dr.Plan) { p.Phases[1].Steps[0].Commands = []string{"db2$ rm"} }},
		{name: "another host", why: "db9", change: func(p *dr.Plan) { p.Phases[1].Steps[0].Host = "db9" }},
		{name: "a step more", why: "new step", change: func(p *dr.Plan) { p.Phases[1].Steps = append(p.Phases[1].Steps, p.Phases[0].Steps[0]) }},
		{name: "a step less", why: "not needed", change: func(p *dr.Plan) { p.Phases[1].Steps = nil }},
		{name: "another direction", why: "goes from", change: func(p *dr.Plan) { p.From, p.To = p.To, p.From }},
		{name: "another gate", why: "overwrite", change: func(p *dr.Plan) { p.Envelope.Gate = dr.GateOverwrite }},
		{name: "a new waiver", why: "waived", change: func(p *dr.Plan) { p.Waivers = []dr.Waiver{{ID: "fence:east", Text: "x"}} }},
		{name: "another inventory", why: "inventory", change: func(p *dr.Plan) { p.InventoryDigest = "e" }},
		{name: "done by hand", why: "nothing left", change: func(p *dr.Plan) { p.Nothing = "west is primary" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now := approvedPlan()
			c.change(&now)
			why := planning.Compare(approvedPlan(), now, c.from)
			if c.why == "" {
				require.Empty(t, why)
				return
			}
			require.Contains(t, why, c.why)
		})
	}
}
