package histories

import "github.com/switchback-dr/switchback/dr"

func reseeds() []Scenario {
	overwrite := at(dr.GateOverwrite)
	yes := approve("ana", overwrite)
	done := steps(copySteps, []string{"verify.proof"})
	undone := []string{"backup.change", "transfer.undo", "backup.undo"}
	all := named(dr.WorkflowReseed, []Scenario{
		{Name: "done", People: []Act{yes}, End: ends(dr.EndDone), Ran: done},
		{Name: "done-by-update", People: []Act{asUpdate(yes)}, End: ends(dr.EndDone), Ran: done},
		{Name: "nothing-to-do", World: World{Nothing: true}, End: ends(dr.EndNothing), Ran: []string{}},
		{Name: "refused-input", Input: `{"system":"$SYSTEM","reason":"lab"}`, End: End{Fails: `"to"`}},
		{Name: "refused-plan", World: faults(failing(dr.ActPlan, dr.Refuse("no_primary", "no primary answers"))), End: End{Fails: "no primary answers"}},
		{Name: "rejected", People: []Act{reject(overwrite)}, End: ends(dr.EndRejected), Ran: []string{}},
		{Name: "expired", World: World{OpenFor: short}, End: ends(dr.EndExpired), Ran: []string{}},
		{
			Name: "aborted-with-undo", World: faults(fails("transfer.change")), People: []Act{yes, answer(dr.VerbAbort, held("transfer.change"))},
			End: ends(dr.EndAborted), Ran: undone,
		},
		{
			Name: "aborted-while-a-step-runs", World: faults(Fault{At: "transfer.change", Blocks: true}),
			People: []Act{yes, answer(dr.VerbAbort, Moment{Working: "transfer.change"})}, End: ends(dr.EndAborted), Ran: undone,
		},
		{
			Name: "cancelled-with-undo", World: faults(fails("transfer.change")), People: []Act{yes, cancel(held("transfer.change"))},
			End: ends(dr.EndAborted), Ran: undone,
		},
		{
			Name: "abandoned", World: faults(fails("restore.act")), People: []Act{yes, answer(dr.VerbAbandon, held("restore.act"))},
			End: ends(dr.EndAbandoned), Ran: copySteps[:2],
		},
		{
			Name: "held-then-retried", World: faults(fails("restore.act")), People: []Act{yes, answer(dr.VerbRetry, held("restore.act"))},
			End: ends(dr.EndDone), Ran: done,
		},
		{
			Name: "held-then-skipped", World: faults(fails("start-replication.change")),
			People: []Act{yes, answer(dr.VerbSkip, held("start-replication.change"))}, End: ends(dr.EndDone), Ran: steps(copySteps[:4], []string{"verify.proof"}),
		},
		{
			Name: "held-then-replanned", World: faults(fails("restore.act")),
			People: []Act{yes, answer(dr.VerbReplan, held("restore.act")), approve("ben", again(dr.GateOverwrite, 2))}, End: ends(dr.EndDone), Ran: done,
		},
		{
			Name: "stale-plan-approved-again", World: World{Stale: 1}, People: []Act{yes, approve("ben", again(dr.GateOverwrite, 2))},
			End: ends(dr.EndDone), Ran: done,
		},
		{Name: "paused-then-resumed", People: []Act{answer(dr.VerbPause, overwrite), yes, answer(dr.VerbResume, paused())}, End: ends(dr.EndDone), Ran: done},
		{Name: "open-at-overwrite", End: open(overwrite), Ran: []string{}},
		{Name: "open-on-hold", World: faults(fails("restore.act")), People: []Act{yes}, End: open(held("restore.act")), Ran: copySteps[:2]},
	})
	return append(all, Scenario{Workflow: dr.WorkflowOnce, Name: "done", ID: "dronce-lab", Input: `null`})
}
