package histories

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// Actions of the scripted product, one for each kind of step.
var actions = []string{action(dr.KindRead), action(dr.KindChange), action(dr.KindIrreversible)}

func action(k dr.Kind) string { return "lab." + string(k) }

// planOf is the scripted plan: one step in every phase.
func (w *world) planOf(call dr.PlanCall, run string) dr.Plan {
	req := call.Request
	p := dr.Plan{
		Schema: dr.PlanSchema, Procedure: req.Procedure, System: req.System, Product: "lab", Mode: req.Mode,
		From: "east", To: "west", Reason: req.Reason, MadeAt: time.Now().UTC(),
		Loss: dr.Loss{Kind: dr.LossNone, Certain: dr.UnknownAmount(), Why: "the lab says so"},
		Envelope: dr.Envelope{
			Workflow: dr.WorkflowID(req.System), OriginalRun: call.OriginalRun, Run: run, Gate: call.Gate,
			Occurrence: call.Occurrence, Request: fmt.Sprintf("request-%d", call.Occurrence),
		},
		Situation: situation(req.System),
	}
	if req.Procedure == dr.ProcFailback {
		p.From, p.To = "west", "east"
	}
	if req.Procedure == dr.ProcReseed {
		p.From, p.To = "west", req.To
	}
	if w.Copy > 0 && call.Gate == dr.GateConvert && call.Occurrence >= w.Copy {
		p.Envelope.Gate = dr.GateOverwrite
	}
	if w.Unprotected {
		p.Leaves = &dr.Unprotected{Next: "failback", Why: "east does not answer"}
	}
	if w.Nothing {
		p.Nothing = p.To + " is primary already"
		return p
	}
	for _, ph := range dr.PhasesAfter(req.Procedure, p.Envelope.Gate) {
		part := dr.PhasePlan{Phase: ph, Steps: []dr.Step{stepOf(ph)}}
		if w.Unchanging && part.Steps[0].Kind != dr.KindRead {
			part.Steps, part.Empty = nil, "done already"
		}
		p.Phases = append(p.Phases, part)
	}
	return p
}

// stepOf is the one step of a phase. The destroying phases have the points of
// no return.
func stepOf(ph dr.Phase) dr.Step {
	step := func(slug string, kind dr.Kind) dr.Step {
		return dr.Step{
			ID: string(ph) + "." + slug, Action: action(kind), Title: "Lab: " + slug + " in " + string(ph),
			Args: json.RawMessage(`{}`), Commands: []string{"west$ " + slug + " " + string(ph)},
			Kind: kind, Timeout: dr.Duration(time.Minute), Skip: dr.SkipNever,
		}
	}
	change, undo := step("change", dr.KindChange), step("undo", dr.KindChange)
	undo.Skip = dr.SkipDecision
	change.Undo = &undo
	switch ph {
	case dr.PhaseConvert, dr.PhasePromote, dr.PhaseRestore, dr.PhaseHandBack:
		return step("act", dr.KindIrreversible)
	case dr.PhaseVerify:
		return step("proof", dr.KindRead)
	case dr.PhaseSafeStop:
		return step("clean", dr.KindChange)
	case dr.PhaseIsolate, dr.PhaseQuiesce:
		change.StopsClients = true
	case dr.PhaseRedirect, dr.PhaseStartReplication:
		change.Skip = dr.SkipDecision
	case dr.PhasePrepare, dr.PhaseTransfer:
		change.Interruptible = true
	default:
	}
	return change
}

func situation(system string) dr.Situation {
	return dr.Situation{System: system, Product: "lab", At: time.Now().UTC(), Sites: []dr.SiteSituation{
		{Site: "east", Role: dr.RoleUnknown}, {Site: "west", Role: dr.RolePrimary},
	}}
}
