package histories

import "github.com/switchback-dr/switchback/dr"

// takeoverHolds are the takeovers in which something goes wrong behind the
// gate.
func takeoverHolds() []Scenario {
	approved := approve("ana", at(dr.GateDecide))
	notSent := dr.Hold("guard", "west has lost its copy")
	notSent.NotSent = true
	isolated := []string{"prepare.change", "isolate.undo", "prepare.undo"}
	return named(dr.WorkflowTakeover, []Scenario{
		{
			Name: "held-then-retried", World: faults(failing("promote.act", dr.HoldUnknown("lab", "the answer was lost"))),
			People: []Act{approved, answer(dr.VerbRetry, held("promote.act"))}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "held-twice-then-retried", World: faults(Fault{At: "isolate.change", Times: 2, With: dr.Hold("lab", "the host does not answer")}),
			People: []Act{approved, asUpdate(answer(dr.VerbRetry, held("isolate.change"))), answer(dr.VerbRetry, Moment{Hold: "isolate.change", Attempt: 2})},
			End:    ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "held-then-skipped", World: faults(fails("redirect.change")),
			People: []Act{approved, answer(dr.VerbSkip, held("redirect.change"))}, End: ends(dr.EndDone),
			Ran: []string{"prepare.change", "isolate.change", "promote.act", "verify.proof", "protect.change"},
		},
		{
			Name: "held-then-replanned", World: faults(failing("redirect.change", dr.HoldReplan("lab", "the address has moved"))),
			People: []Act{approved, answer(dr.VerbReplan, held("redirect.change")), approve("ana", again(dr.GateDecide, 2))},
			End:    ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "plan-held-then-retried", World: faults(failing(dr.ActPlan, dr.Hold("lab", "two sites answer as primary"))),
			People: []Act{answer(dr.VerbRetry, held("plan.decide")), approve("ana", again(dr.GateDecide, 2))}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "recheck-held-then-retried", World: faults(fails(dr.ActRecheck)),
			People: []Act{approved, answer(dr.VerbRetry, held("recheck.prepare"))}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "baseline-held-then-retried", World: faults(fails(dr.ActTellWatch)),
			People: []Act{approved, answer(dr.VerbRetry, held("baseline"))}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "retried-by-itself", World: faults(failing("isolate.change", dr.Retry("lab", "the line was busy"))),
			People: []Act{approved}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "report-not-written", World: faults(Fault{At: dr.ActReport, Times: 9, With: dr.Hold("lab", "the disk is full")}),
			People: []Act{approved}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "paused-then-resumed", World: faults(fails("prepare.change")),
			People: []Act{
				approved, answer(dr.VerbPause, held("prepare.change")), answer(dr.VerbRetry, held("prepare.change")),
				asUpdate(answer(dr.VerbResume, paused())),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "aborted-with-undo", World: faults(fails("isolate.change")),
			People: []Act{approved, answer(dr.VerbAbort, held("isolate.change"))}, End: ends(dr.EndAborted), Ran: isolated,
		},
		{
			Name: "cancelled-with-undo", World: faults(fails("isolate.change")),
			People: []Act{approved, cancel(held("isolate.change"))}, End: ends(dr.EndAborted), Ran: isolated,
		},
		{
			Name: "aborted-while-paused", People: []Act{answer(dr.VerbPause, at(dr.GateDecide)), approved, answer(dr.VerbAbort, paused())},
			End: ends(dr.EndAborted), Ran: []string{},
		},
		{
			Name: "aborted-while-a-step-runs", World: faults(Fault{At: "prepare.change", Blocks: true}),
			People: []Act{approved, answer(dr.VerbAbort, Moment{Working: "prepare.change"})}, End: ends(dr.EndAborted), Ran: []string{"prepare.undo"},
		},
		{
			Name: "aborted-after-a-promotion-not-sent", World: faults(failing("promote.act", notSent)),
			People: []Act{approved, answer(dr.VerbAbort, held("promote.act"))}, End: ends(dr.EndAborted),
			Ran: []string{"prepare.change", "isolate.change", "isolate.undo", "prepare.undo"},
		},
		{
			Name: "abort-not-possible", World: faults(fails("redirect.change")),
			People: []Act{
				approved, saying(answer(dr.VerbAbort, held("redirect.change")), "not possible now"),
				answer(dr.VerbRetry, Moment{Hold: "redirect.change", Refused: 1}),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "abandoned", World: faults(fails("isolate.change")),
			People: []Act{approved, answer(dr.VerbAbandon, held("isolate.change"))}, End: ends(dr.EndAbandoned), Ran: []string{"prepare.change"},
		},
		{
			Name: "abandoned-behind-no-return", World: World{Unprotected: true, Faults: []Fault{fails("verify.proof")}},
			People: []Act{approved, asUpdate(answer(dr.VerbAbandon, held("verify.proof")))}, End: ends(dr.EndAbandoned), Ran: takeoverSteps[:4],
		},
		{
			Name: "rejected-behind-no-return-then-replanned", World: faults(fails("redirect.change")),
			People: []Act{
				approved, answer(dr.VerbReplan, held("redirect.change")), reject(again(dr.GateDecide, 2)),
				answer(dr.VerbReplan, Moment{Hold: "gate", Attempt: 2}), approve("ana", again(dr.GateDecide, 3)),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "open-on-hold", World: faults(fails("isolate.change")), People: []Act{approved},
			End: open(held("isolate.change")), Ran: []string{"prepare.change"},
		},
		{
			Name: "open-at-decide-again", World: faults(fails("redirect.change")),
			People: []Act{approved, answer(dr.VerbReplan, held("redirect.change"))},
			End:    open(again(dr.GateDecide, 2)), Ran: takeoverSteps[:3],
		},
		{
			Name:   "undo-not-safe-opens-the-gate-then-rejected",
			World:  faults(fails("isolate.change"), failing("isolate.undo", dr.Hold("guard", "west may have been promoted by hand"))),
			People: []Act{approved, answer(dr.VerbAbort, held("isolate.change")), reject(again(dr.GateDecide, 2))},
			End:    ends(dr.EndRejected), Ran: isolated,
		},
		{
			Name: "undo-held-then-retried", World: faults(fails("isolate.change"), fails("isolate.undo")),
			People: []Act{approved, answer(dr.VerbAbort, held("isolate.change")), answer(dr.VerbRetry, held("isolate.undo"))},
			End:    ends(dr.EndAborted), Ran: isolated,
		},
		{
			Name: "undo-held-then-skipped", World: faults(fails("isolate.change"), fails("isolate.undo")),
			People: []Act{approved, answer(dr.VerbAbort, held("isolate.change")), answer(dr.VerbSkip, held("isolate.undo"))},
			End:    ends(dr.EndAborted), Ran: []string{"prepare.change", "prepare.undo"},
		},
		{
			Name: "undo-held-then-abandoned", World: faults(fails("isolate.change"), fails("isolate.undo")),
			People: []Act{approved, answer(dr.VerbAbort, held("isolate.change")), answer(dr.VerbAbandon, held("isolate.undo"))},
			End:    ends(dr.EndAbandoned), Ran: []string{"prepare.change"},
		},
	})
}
