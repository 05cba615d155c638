package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestWhatDoesNotWaitForPeopleClosesTheGateAndItIsPlannedAnew(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) {
		if len(w.plans) > 1 {
			return // the second plan leads past what was watched
		}
		p.Watch = &dr.Step{
			ID: "watch.log", Action: "lab.read", Title: "Watch the log", Args: []byte(`{}`), Commands: []string{"east$ look"},
			Kind: dr.KindRead, Timeout: dr.Duration(24 * time.Hour), Skip: dr.SkipNever,
		}
	}
	w.fail = func(call dr.StepCall) error {
		if call.Step.ID == "watch.log" {
			return dr.HoldReplan("overflow", "the log overflowed")
		}
		return nil
	}
	w.at(time.Minute, func() {
		s := w.status()
		require.Equal(t, 2, s.Gate.Occurrence)
		require.Contains(t, s.Gate.Again, "while the gate was open: the log overflowed")
		require.Empty(t, w.ran, "nothing was approved")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
	require.Len(t, w.plans, 2)
}

func TestAWatchThatFailsAtOnceDoesNotOpenTheGateWithoutEnd(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *dr.Plan) {
		p.Watch = &dr.Step{
			ID: "watch.log", Action: "lab.read", Title: "Watch the log", Args: []byte(`{}`), Commands: []string{"east$ look"},
			Kind: dr.KindRead, Timeout: dr.Duration(24 * time.Hour), Skip: dr.SkipNever,
		}
	}
	w.fail = func(call dr.StepCall) error {
		if call.Step.ID == "watch.log" {
			return dr.HoldReplan("inventory_differs", "this worker has another inventory")
		}
		return nil
	}
	w.at(time.Minute, func() {
		require.Equal(t, 6, w.status().Gate.Occurrence, "five times again, then people are waited for")
		w.approve("ana")
	})
	w.run(dr.WorkflowTakeover, takeover)
	require.Equal(t, dr.EndDone, w.result().Ending.Kind)
}
