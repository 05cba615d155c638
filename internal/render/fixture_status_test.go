package render_test

import (
	"time"

	"github.com/switchback-dr/switchback/dr"
)

func baseStatus() dr.Status {
	p := planned()
	s := dr.Status{
		Schema: 1, Workflow: "dr-orders", OriginalRun: p.Envelope.OriginalRun, Run: p.Envelope.Run, System: "orders",
		Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, From: "east", To: "west", Since: at(time.Second),
		Refused: refusals(), RefusedMore: 3,
	}
	for _, ph := range p.Phases {
		ps := dr.PhaseStatus{Phase: ph.Phase, State: dr.StepPending, Empty: ph.Empty}
		for _, st := range ph.Steps {
			ps.Steps = append(ps.Steps, dr.StepStatus{ID: st.ID, Title: st.Title, State: dr.StepPending})
		}
		s.Phases = append(s.Phases, ps)
	}
	return s
}

func gateStatus() dr.Status {
	s := baseStatus()
	s.State, s.Sentence = dr.StateGate, "waiting for one more approval at the gate decide"
	s.Gate = &dr.GateStatus{
		Gate: dr.GateDecide, Occurrence: 1, Digest: planned().Digest, OpenedAt: at(time.Second), ExpiresAt: at(time.Hour),
		UsableUntil: until(90 * time.Minute), Quorum: 2, Roles: []string{"dba", "duty-manager"}, Votes: votes()[:1],
		Loss: "No acknowledged write is lost", Again: "west was not streaming and streams now",
	}
	return s
}

func holdStatus() dr.Status {
	s := baseStatus()
	s.State, s.Sentence, s.NoReturn = dr.StateHold, "waiting for a decision about redirect.address", true
	s.Hold = &dr.HoldStatus{
		Step: "redirect.address", Attempt: 2, Title: "Point orders-db at west", Text: "The router's agent did not answer within 30 s.",
		Next: "look at the agent on router-1, then retry", Unknown: true, Since: at(4 * time.Minute),
		Options: []dr.Verb{dr.VerbRetry, dr.VerbSkip, dr.VerbReplan, dr.VerbAbandon},
	}
	for i := range s.Phases[:3] {
		s.Phases[i].State = dr.StepDone
		for j := range s.Phases[i].Steps {
			s.Phases[i].Steps[j].State = dr.StepDone
		}
	}
	s.Phases[3].State = dr.StepHeld
	s.Phases[3].Steps[0].State, s.Phases[3].Steps[0].Attempt, s.Phases[3].Steps[0].Started = dr.StepHeld, 2, until(3*time.Minute)
	return s
}

// abortedReport is a takeover that was stopped before the point of no return.
func abortedReport() dr.Report {
	r := doneReport()
	p := unplanned()
	m, s := time.Minute, time.Second
	r.Mode, r.Plans, r.Estimated, r.Measured = dr.ModeUnplanned, []dr.Plan{p}, &p.Loss, nil
	r.Requester, r.Reason = "unknown", "east is gone"
	r.Events = []dr.Event{
		{At: at(0), Until: until(20 * s), Kind: dr.EventWork, Text: "Observe both sites and plan"},
		event(20*s, 3*m, dr.EventPeople, "", "", "", "Gate decide: waited for 2 approvals"),
		event(3*m, 3*m+s, dr.EventWork, dr.PhaseIsolate, "isolate.fence-clients", dr.StepDone, "east is closed to clients"),
		{At: at(3*m + s), Kind: dr.EventNote, Text: "maria aborted: east is back"},
		event(3*m+s, 3*m+2*s, dr.EventWork, dr.PhaseIsolate, "isolate.fence-clients", dr.StepUndone, "east is open to clients again"),
	}
	r.Evidence, r.Final, r.Refused = nil, nil, nil
	r.Votes = []dr.Vote{{Verb: dr.VerbApprove, Person: "tom", At: at(3 * m)}, {Verb: dr.VerbAbort, Person: "maria", At: at(3*m + s), Signed: true, Reason: "east is back"}}
	end := dr.Ending{
		Kind: dr.EndAborted, Text: "Aborted before the point of no return; everything was undone.", At: at(3*m + 2*s),
		Roles: []dr.SiteRole{{Site: "east", Role: dr.RolePrimary}, {Site: "west", Role: dr.RoleUnknown, Text: "not read"}},
	}
	r.Ending, r.WrittenAt = &end, end.At.Add(s)
	r.Status = dr.Status{State: dr.StateEnded, Sentence: end.Text, Ending: &end}
	return r
}
