package histories

import (
	"slices"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// short is a clock that runs out while a test waits.
const short = 700 * time.Millisecond

// What people send again and again.
func approve(by string, at Moment) Act { return Act{When: at, Verb: dr.VerbApprove, By: by} }
func reject(at Moment) Act             { return Act{When: at, Verb: dr.VerbReject, By: "ana"} }
func answer(v dr.Verb, at Moment) Act  { return Act{When: at, Verb: v, By: "ana"} }
func cancel(at Moment) Act             { return Act{When: at, Cancel: true} }

func asUpdate(a Act) Act { a.Update = true; return a }

// saying is an update whose answer, also a refusing one, says so.
func saying(a Act, what string) Act { a.Update, a.Says = true, what; return a }

// Moments that people wait for.
func at(g dr.Gate) Moment           { return Moment{Gate: g} }
func again(g dr.Gate, n int) Moment { return Moment{Gate: g, Opening: n} }
func held(step string) Moment       { return Moment{Hold: step} }
func ends(k dr.EndingKind) End      { return End{Kind: k} }
func open(m Moment) End             { return End{Open: &m} }
func paused() Moment                { return Moment{State: dr.StatePaused} }
func faults(f ...Fault) World       { return World{Faults: f} }
func fails(step string) Fault {
	return Fault{At: step, With: dr.Hold("lab", "the host does not answer")}
}
func failing(at string, e *dr.Error) Fault { return Fault{At: at, With: e} }

var takeoverSteps = []string{"prepare.change", "isolate.change", "promote.act", "redirect.change", "verify.proof", "protect.change"}

// takeovers are the takeovers that no step holds up.
func takeovers() []Scenario {
	decide := at(dr.GateDecide)
	return named(dr.WorkflowTakeover, []Scenario{
		{Name: "done", People: []Act{approve("ana", decide)}, End: ends(dr.EndDone), Ran: takeoverSteps},
		{Name: "done-by-update", People: []Act{saying(approve("ana", decide), "the gate is passed")}, End: ends(dr.EndDone), Ran: takeoverSteps},
		{
			Name: "done-unprotected", Input: `{"system":"$SYSTEM","mode":"unplanned","to":"west","reason":"east is lost"}`,
			World: World{Unprotected: true}, People: []Act{approve("ana", decide)}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{Name: "nothing-to-do", World: World{Nothing: true}, End: ends(dr.EndNothing), Ran: []string{}},
		{Name: "gate-not-asked", World: World{Unchanging: true}, End: ends(dr.EndDone), Ran: []string{"verify.proof"}},
		{Name: "rejected", People: []Act{reject(decide)}, End: ends(dr.EndRejected), Ran: []string{}},
		{Name: "rejected-by-update", People: []Act{asUpdate(reject(decide))}, End: ends(dr.EndRejected), Ran: []string{}},
		{Name: "expired", World: World{OpenFor: short}, End: ends(dr.EndExpired), Ran: []string{}},
		{Name: "aborted-at-gate", People: []Act{answer(dr.VerbAbort, decide)}, End: ends(dr.EndAborted), Ran: []string{}},
		{Name: "cancelled-at-gate", People: []Act{cancel(decide)}, End: ends(dr.EndAborted), Ran: []string{}},
		{Name: "abandoned-at-gate", People: []Act{answer(dr.VerbAbandon, decide)}, End: ends(dr.EndAbandoned), Ran: []string{}},
		{
			Name: "replanned-at-gate", People: []Act{answer(dr.VerbReplan, decide), approve("ana", again(dr.GateDecide, 2))},
			End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "quorum-by-signal-and-update", World: World{Quorum: 2},
			People: []Act{
				approve("ana", decide),
				saying(approve("ana", Moment{Gate: dr.GateDecide, Votes: 1}), "already"),
				saying(approve("ben", Moment{Gate: dr.GateDecide, Votes: 1}), "2 of 2"),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "unknown-requester-excluded", World: World{ExcludeRequester: true},
			People: []Act{approve("ana", decide), approve("ben", Moment{Gate: dr.GateDecide, Votes: 1})}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "stale-plan-approved-again", World: World{Stale: 1},
			People: []Act{approve("ana", decide), approve("ben", again(dr.GateDecide, 2))}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "lapsed-approval-approved-again", World: World{UsableFor: short},
			People: []Act{
				answer(dr.VerbPause, decide), approve("ana", decide),
				{When: paused(), After: 2 * short, Verb: dr.VerbResume, By: "ana"},
				approve("ana", again(dr.GateDecide, 2)),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{Name: "open-at-decide", End: open(decide), Ran: []string{}},
		{
			Name: "open-at-decide-half-approved", World: World{Quorum: 2}, People: []Act{approve("ana", decide)},
			End: open(Moment{Gate: dr.GateDecide, Votes: 1}), Ran: []string{},
		},
		{Name: "open-paused", People: []Act{answer(dr.VerbPause, decide), approve("ana", decide)}, End: open(paused()), Ran: []string{}},
	})
}

// named gives the scenarios their workflow.
func named(workflow string, all []Scenario) []Scenario {
	for i := range all {
		all[i].Workflow = workflow
	}
	return slices.Clip(all)
}
