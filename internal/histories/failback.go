package histories

import "github.com/switchback-dr/switchback/dr"

var (
	convertSteps = []string{"prepare.change", "convert.act", "resynchronise.change"}
	copySteps    = []string{"backup.change", "transfer.change", "restore.act", "transition.change", "start-replication.change"}
	cutoverSteps = []string{"quiesce.change", "catch-up.change", "hand-back.act", "redirect.change", "verify.proof", "protect.change"}
)

func steps(parts ...[]string) []string {
	all := []string{}
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func failbacks() []Scenario {
	convert, cutover, overwrite := at(dr.GateConvert), at(dr.GateCutover), at(dr.GateOverwrite)
	yes, hand := approve("ana", convert), approve("ben", cutover)
	clean := []string{"safe-stop.clean"}
	impossible := dr.HoldReplan("lab", "the difference is gone: only a copy helps")
	impossible.NotSent = true
	return named(dr.WorkflowFailback, []Scenario{
		{Name: "done", People: []Act{yes, hand}, End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps)},
		{Name: "done-by-update", People: []Act{asUpdate(yes), asUpdate(hand)}, End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps)},
		{
			Name: "done-with-a-copy", World: World{Copy: 1}, People: []Act{approve("ana", overwrite), hand},
			End: ends(dr.EndDone), Ran: steps(copySteps, cutoverSteps),
		},
		{
			Name: "replanned-from-convert-to-a-copy", World: World{Copy: 2, Faults: []Fault{failing("convert.act", impossible)}},
			People: []Act{yes, answer(dr.VerbReplan, held("convert.act")), approve("ana", again(dr.GateOverwrite, 2)), hand},
			End:    ends(dr.EndDone), Ran: steps(convertSteps[:1], copySteps, cutoverSteps),
		},
		{Name: "nothing-to-do", World: World{Nothing: true}, End: ends(dr.EndNothing), Ran: []string{}},
		{Name: "refused-input", Input: `{"system":"$SYSTEM"}`, End: End{Fails: `"reason"`}},
		{
			Name: "refused-plan", World: faults(failing(dr.ActPlan, dr.Refuse("no_baseline", "nobody knows how it was before"))),
			End: End{Fails: "nobody knows"},
		},
		{Name: "rejected", People: []Act{reject(convert)}, End: ends(dr.EndRejected), Ran: []string{}},
		{Name: "expired", World: World{OpenFor: short}, End: ends(dr.EndExpired), Ran: []string{}},
		{Name: "safe-stop-rejected-at-cutover", People: []Act{yes, reject(cutover)}, End: ends(dr.EndSafeStop), Ran: steps(convertSteps, clean)},
		{
			Name: "safe-stop-expired-at-cutover", World: World{OpenFor: short, Expires: dr.GateCutover}, People: []Act{yes},
			End: ends(dr.EndSafeStop), Ran: steps(convertSteps, clean),
		},
		{
			Name: "safe-stop-aborted-at-cutover", People: []Act{yes, answer(dr.VerbAbort, cutover)},
			End: ends(dr.EndSafeStop), Ran: steps(convertSteps, clean),
		},
		{Name: "safe-stop-cancelled-at-cutover", People: []Act{yes, cancel(cutover)}, End: ends(dr.EndSafeStop), Ran: steps(convertSteps, clean)},
		{
			Name: "safe-stop-aborted-earlier", World: faults(fails("resynchronise.change")),
			People: []Act{
				yes, saying(answer(dr.VerbAbort, held("resynchronise.change")), "not possible now"),
				answer(dr.VerbRetry, Moment{Hold: "resynchronise.change", Refused: 1}),
			},
			End: ends(dr.EndSafeStop), Ran: steps(convertSteps, clean),
		},
		{
			Name: "safe-stop-with-undo", World: faults(fails("catch-up.change")),
			People: []Act{yes, hand, answer(dr.VerbAbort, held("catch-up.change"))},
			End:    ends(dr.EndSafeStop), Ran: steps(convertSteps, []string{"quiesce.change", "catch-up.undo", "quiesce.undo"}, clean),
		},
		{
			Name: "aborted-with-undo", World: faults(fails("prepare.change")), People: []Act{yes, answer(dr.VerbAbort, held("prepare.change"))},
			End: ends(dr.EndAborted), Ran: []string{"prepare.undo"},
		},
		{
			Name: "cancelled-with-undo", World: faults(fails("prepare.change")), People: []Act{yes, cancel(held("prepare.change"))},
			End: ends(dr.EndAborted), Ran: []string{"prepare.undo"},
		},
		{Name: "abandoned-at-cutover", People: []Act{yes, answer(dr.VerbAbandon, cutover)}, End: ends(dr.EndAbandoned), Ran: convertSteps},
		{
			Name: "abandoned-on-hold", World: faults(fails("hand-back.act")), People: []Act{yes, hand, answer(dr.VerbAbandon, held("hand-back.act"))},
			End: ends(dr.EndAbandoned), Ran: steps(convertSteps, cutoverSteps[:2]),
		},
		{
			Name: "held-then-retried", World: faults(fails("convert.act")), People: []Act{yes, answer(dr.VerbRetry, held("convert.act")), hand},
			End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps),
		},
		{
			Name: "held-then-skipped", World: faults(fails("redirect.change")), People: []Act{yes, hand, answer(dr.VerbSkip, held("redirect.change"))},
			End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps[:3], cutoverSteps[4:]),
		},
		{
			Name: "held-then-replanned", World: faults(fails("catch-up.change")),
			People: []Act{yes, hand, answer(dr.VerbReplan, held("catch-up.change")), approve("ana", again(dr.GateCutover, 2))},
			End:    ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps),
		},
		{
			Name: "stale-plan-approved-again", World: World{Stale: 1},
			People: []Act{yes, approve("ana", again(dr.GateConvert, 2)), hand}, End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps),
		},
		{
			Name: "paused-then-resumed", People: []Act{answer(dr.VerbPause, convert), yes, answer(dr.VerbResume, paused()), hand},
			End: ends(dr.EndDone), Ran: steps(convertSteps, cutoverSteps),
		},
		{Name: "open-at-convert", End: open(convert), Ran: []string{}},
		{Name: "open-at-overwrite", World: World{Copy: 1}, End: open(overwrite), Ran: []string{}},
		{Name: "open-at-cutover", People: []Act{yes}, End: open(cutover), Ran: convertSteps},
		{Name: "open-on-hold", World: faults(fails("hand-back.act")), People: []Act{yes, hand}, End: open(held("hand-back.act"))},
	})
}
