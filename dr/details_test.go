package dr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func bigGate(steps, commandLen int) (dr.Status, dr.Plan) {
	p := dr.Plan{Procedure: dr.ProcTakeover, System: "orders", Digest: strings.Repeat("ab", 32), Loss: dr.Loss{Kind: dr.LossUnknown, Certain: dr.UnknownAmount(), Why: "nobody knows"}}
	s := dr.Status{
		Workflow: "dr-orders", System: "orders", Procedure: dr.ProcTakeover, State: dr.StateGate, Sentence: "waiting",
		Gate: &dr.GateStatus{Gate: dr.GateDecide, Occurrence: 3, Digest: p.Digest, Quorum: 2},
	}
	p.Waivers = []dr.Waiver{{ID: "fence:east", Text: "I state that east is off"}}
	phases := dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide)
	for _, ph := range phases {
		pp := dr.PhasePlan{Phase: ph}
		ps := dr.PhaseStatus{Phase: ph}
		for j := range steps / len(phases) {
			id := fmt.Sprintf("%s.step-%d", ph, j)
			pp.Steps = append(pp.Steps, dr.Step{ID: id, Title: "Step " + id, Kind: dr.KindChange, Host: "db1", Commands: []string{"db1$ " + strings.Repeat("x", commandLen)}})
			ps.Steps = append(ps.Steps, dr.StepStatus{ID: id, Title: id})
		}
		p.Phases, s.Phases = append(p.Phases, pp), append(s.Phases, ps)
	}
	return s, p
}

func TestDetailsNeverPassTemporalsLimitAndKeepWhatApproversNeed(t *testing.T) {
	for _, c := range []struct{ steps, length int }{{6, 50}, {60, 500}, {204, 3000}, {1200, 10}, {6000, 100}} {
		s, p := bigGate(c.steps, c.length)
		for range 500 {
			s.Refused = append(s.Refused, dr.Refusal{Verb: dr.VerbApprove, Why: strings.Repeat("w|<`", 500)})
		}
		out := dr.DetailsMarkdown(s, &p, time.Unix(0, 0))
		require.LessOrEqual(t, len(out), dr.MaxDetailsBytes)
		require.True(t, utf8.ValidString(out))
		require.Contains(t, out, `{"digest":"abababababab","gate":"decide","occurrence":3,"person":"<your ID>"}`)
		require.Contains(t, out, "starter approve orders --gate decide --digest abababababab")
		require.Contains(t, out, "I state that east is off")
		require.Contains(t, out, "The loss is unknown")
		require.Zero(t, strings.Count(out, "```")%2, "a code block stays open")
		require.Equal(t, out, dr.DetailsMarkdown(s, &p, time.Unix(0, 0)))
		if c.steps > 100 {
			require.Contains(t, out, "shortened here")
		}
	}
}

func TestDetailsNeverShowTheCommandsOfAnotherPlanBesideADigest(t *testing.T) {
	s, p := bigGate(6, 10)
	p.Digest = strings.Repeat("cd", 32)
	out := dr.DetailsMarkdown(s, &p, time.Unix(0, 0))
	require.NotContains(t, out, "xxxxxxxxxx")
	require.Contains(t, out, "The plan is not shown here")
}

func TestEveryCopyPasteBodyIsADecisionThatCanBeDecoded(t *testing.T) {
	for _, v := range []dr.Verb{dr.VerbApprove, dr.VerbReject} {
		d, err := dr.DecodeDecision(v, []byte(dr.GateForm(v, "dr-orders", "orders", dr.GateDecide, 2, strings.Repeat("ab", 32)).Body))
		require.NoError(t, err)
		require.Equal(t, 2, d.Occurrence)
		require.Equal(t, "abababababab", d.Digest)
	}
	for _, v := range []dr.Verb{dr.VerbRetry, dr.VerbSkip, dr.VerbReplan, dr.VerbAbandon} {
		d, err := dr.DecodeDecision(v, []byte(dr.HoldForm(v, "dr-orders", "orders", "promote.x", 2).Body))
		require.NoError(t, err)
		require.Equal(t, v.OnHold(), d.Step == "promote.x" && d.Attempt == 2)
	}
}
