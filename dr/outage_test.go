package dr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// outageReport is a planned takeover: a gate, a pause, and steps of one second.
func outageReport(change func([]dr.Event) []dr.Event) []dr.OutagePart {
	start := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	event := func(from, to int, kind dr.EventKind, ph dr.Phase, step string, state dr.StepState, text string) dr.Event {
		until := at(to)
		return dr.Event{At: at(from), Until: &until, Kind: kind, Phase: ph, Step: step, State: state, Text: text}
	}
	events := []dr.Event{
		event(0, 1, dr.EventWork, "", "", "", "observed and planned"),
		event(1, 61, dr.EventPeople, "", "", "", "gate decide, opening 1: waited for people"),
		event(61, 70, dr.EventPeople, "", "", "", "paused"),
		event(70, 71, dr.EventWork, dr.PhaseIsolate, "isolate.stop", dr.StepDone, ""),
		event(71, 72, dr.EventWork, dr.PhaseIsolate, "isolate.proof", dr.StepDone, ""),
		event(72, 74, dr.EventWork, dr.PhasePromote, "promote.west", dr.StepDone, ""),
		event(74, 75, dr.EventWork, dr.PhaseRedirect, "redirect.point", dr.StepHeld, ""),
		event(75, 79, dr.EventPeople, dr.PhaseRedirect, "redirect.point", dr.StepHeld, "on hold: waited for people"),
		event(79, 80, dr.EventWork, dr.PhaseRedirect, "redirect.point", dr.StepDone, ""),
		event(80, 82, dr.EventWork, dr.PhaseVerify, "verify.probe-shop", dr.StepDone, ""),
	}
	if change != nil {
		events = change(events)
	}
	plan := dr.Plan{Phases: []dr.PhasePlan{{Phase: dr.PhaseVerify, Steps: []dr.Step{{ID: "verify.probe-shop", Action: dr.ActionProbeClient}}}}}
	return dr.OutageOf(dr.Report{Procedure: dr.ProcTakeover, StartedAt: start, Events: events, Plans: []dr.Plan{plan}})
}

func TestThePartsOfAnOutageAreReadFromTheTimeline(t *testing.T) {
	took := map[string]time.Duration{}
	for _, p := range outageReport(nil) {
		require.Equal(t, dr.Yes, p.Known, p.Name)
		took[p.Name] = p.Took()
	}
	require.Equal(t, map[string]time.Duration{
		"decision": 60 * time.Second, "stop": 2 * time.Second, "promotion": 2 * time.Second, "redirection": 6 * time.Second, "clients": 12 * time.Second,
	}, took)
}

func TestWhatNobodyMeasuredOfAnOutageIsUnknown(t *testing.T) {
	known := func(change func([]dr.Event) []dr.Event) map[string]dr.Tri {
		out := map[string]dr.Tri{}
		for _, p := range outageReport(change) {
			out[p.Name] = p.Known
			require.Equal(t, p.Known == dr.Yes, p.Until != nil, "%s: %s", p.Name, p.Text)
		}
		return out
	}
	require.Equal(t, dr.Unknown, known(func(e []dr.Event) []dr.Event { return e[:len(e)-1] })["clients"], "no probe")
	require.Equal(t, dr.Unknown, known(func(e []dr.Event) []dr.Event { e[len(e)-1].State = dr.StepHeld; return e })["clients"], "the probe did not succeed")
	require.Equal(t, dr.Unknown, known(func(e []dr.Event) []dr.Event { e[len(e)-1].State = dr.StepSkipped; return e })["clients"])
	held := known(func(e []dr.Event) []dr.Event { return e[:7] })
	require.Equal(t, dr.Unknown, held["redirection"], "it is on hold")
	require.Equal(t, dr.Yes, held["promotion"])
	require.Equal(t, dr.Unknown, known(func(e []dr.Event) []dr.Event { return append(e[:1], e[3:]...) })["decision"], "nobody was asked")
	require.Empty(t, outageReport(func(e []dr.Event) []dr.Event { return e[:2] }), "an end before any step has no outage")
	require.Empty(t, dr.OutageOf(dr.Report{Procedure: dr.ProcReseed}))
}
