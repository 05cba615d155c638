package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestAStepWithoutAVetoFailsAndTheWalkGoesOn(t *testing.T) {
	w := newWorld(t)
	attempts := 0
	w.change = func(p *dr.Plan) {
		for i := range p.Phases {
			if p.Phases[i].Phase == dr.PhaseRedirect {
				p.Phases[i].Steps[0].NoVeto = true
			}
		}
	}
	w.fail = func(c dr.StepCall) error {
		if c.Step.ID != "redirect.change" {
			return nil
		}
		attempts++
		return dr.Hold("hook_refused", "the load balancer answered 409")
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowTakeover, takeover)
	res := w.result()
	require.Equal(t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	require.Equal(t, 1, attempts)
	require.Contains(t, w.ran, "verify.proof")
	last := w.reports[len(w.reports)-1]
	found := false
	for _, e := range last.Events {
		if e.Step == "redirect.change" {
			found = true
			require.Equal(t, dr.StepFailed, e.State)
			require.Contains(t, e.Text, "the load balancer answered 409")
		}
	}
	require.True(t, found, "the failure is in the report")
}

func TestAnAbortIsHeardAlsoWhenAStepWithoutAVetoFails(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) {
		for i := range p.Phases {
			if p.Phases[i].Phase == dr.PhasePrepare {
				p.Phases[i].Steps[0].NoVeto = true
			}
		}
	}
	w.fail = func(c dr.StepCall) error {
		if c.Step.ID != "prepare.change" {
			return nil
		}
		w.signal(dr.VerbAbort, `{"person":"ana","reason":"enough"}`)
		return dr.Hold("hook_refused", "the load balancer answered 409")
	}
	w.at(1*time.Minute, func() { w.approve("ana") })
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndAborted, w.result().Ending.Kind)
}
