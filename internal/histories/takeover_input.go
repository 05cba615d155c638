package histories

import "github.com/switchback-dr/switchback/dr"

// takeoverInputs are starts and decisions that are refused.
func takeoverInputs() []Scenario {
	decide := at(dr.GateDecide)
	refused := func(n int) Moment { return Moment{Gate: dr.GateDecide, Refused: n} }
	approveWith := func(n int, body string) Act { return Act{When: refused(n), Verb: dr.VerbApprove, Body: body} }
	once := `{"gate":"decide","digest":"$DIGEST","person":"eve","nonce":"n1"}`
	return named(dr.WorkflowTakeover, []Scenario{
		{Name: "refused-input", Input: `{"sytem":"$SYSTEM","mode":"planned","to":"west","reason":"lab"}`, End: End{Fails: `unknown field "sytem"`}},
		{Name: "refused-id", ID: "not-the-lock", End: End{Fails: `"dr-takeover-refused-id"`}},
		{
			Name: "refused-system", World: faults(failing(dr.ActBegin, dr.Refuse("unknown_system", "there is no such system"))),
			End: End{Fails: "there is no such system"},
		},
		{Name: "refused-plan", World: faults(failing(dr.ActPlan, dr.Refuse("no_standby", "there is no standby"))), End: End{Fails: "there is no standby"}},
		{
			Name: "refused-decisions-then-approved",
			People: []Act{
				approveWith(0, `approve!`),
				approveWith(1, `{"gate":"decide","digest":"0123456789ab","person":"ana"}`),
				approveWith(2, `{"gate":"cutover","digest":"$DIGEST","person":"ana"}`),
				approveWith(3, once), approveWith(4, once),
				saying(answer(dr.VerbRetry, refused(5)), "nothing is on hold"),
				saying(answer(dr.VerbResume, refused(6)), "not paused"),
				saying(Act{When: refused(7), Verb: dr.VerbApprove, Body: `{"gate":"decide","digest":"$DIGEST","person":"eve"}`}, "none of the roles"),
				approve("ana", refused(8)),
			}, End: ends(dr.EndDone), Ran: takeoverSteps,
		},
		{
			Name: "expired-after-a-refused-approval", World: World{OpenFor: 3 * short},
			People: []Act{{When: decide, Verb: dr.VerbApprove, By: "eve"}}, End: ends(dr.EndExpired), Ran: []string{},
		},
	})
}
