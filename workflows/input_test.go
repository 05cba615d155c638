package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestBadInputEndsAtOnceWithARightExample(t *testing.T) {
	cases := []struct{ name, workflow, input, says string }{
		{"empty", dr.WorkflowTakeover, ``, "missing"},
		{"no object", dr.WorkflowTakeover, `"orders"`, "not usable"},
		{"misspelt field", dr.WorkflowTakeover, `{"sytem":"orders","mode":"planned","to":"west","reason":"x"}`, `unknown field "sytem"`},
		{"no mode", dr.WorkflowTakeover, `{"system":"orders","to":"west","reason":"x"}`, `"mode"`},
		{"no site", dr.WorkflowTakeover, `{"system":"orders","mode":"planned","reason":"x"}`, `"to"`},
		{"no reason", dr.WorkflowTakeover, `{"system":"orders","mode":"planned","to":"west"}`, `"reason"`},
		{"metacharacters", dr.WorkflowTakeover, `{"system":"orders; rm","mode":"planned","to":"west","reason":"x"}`, "not allowed"},
		{"two values", dr.WorkflowFailback, `{"system":"orders","reason":"x"} {}`, "more than one"},
		{"unknown system", dr.WorkflowFailback, `{"system":"nothere","reason":"x"}`, "dr-nothere"},
		{"no target", dr.WorkflowReseed, `{"system":"orders","reason":"x"}`, `"to"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.run(c.workflow, c.input)
			err := w.env.GetWorkflowError()
			require.Error(t, err)
			require.Contains(t, err.Error(), c.says)
			require.Empty(t, w.plans)
		})
	}
}

func TestAProcedureUnderAnotherIDEndsAndNamesTheRightOne(t *testing.T) {
	w := newWorld(t)
	w.env.SetStartWorkflowOptions(startOptions("something-else"))
	w.env.ExecuteWorkflow(dr.WorkflowTakeover, rawJSON(takeover))
	err := w.env.GetWorkflowError()
	require.ErrorContains(t, err, `"dr-orders"`)
	require.ErrorContains(t, err, "workflowId=dr-orders")
	require.Empty(t, w.plans)
}
