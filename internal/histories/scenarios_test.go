package histories

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// onStage opens a stage on the server.
func onStage(t *testing.T, d *e2e.Dev) *Stage {
	t.Helper()
	s, err := Open(d.Client(t))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestEveryScenarioEndsAsItsNameSays(t *testing.T) {
	stage := onStage(t, e2e.StartDev(t, e2e.DevOptions{Memory: true}))
	// The group ends before the stage is closed.
	t.Run("all", func(t *testing.T) {
		for _, sc := range All() {
			t.Run(sc.Workflow+"/"+sc.Name, func(t *testing.T) {
				t.Parallel()
				h, err := stage.Play(t.Context(), sc)
				require.NoError(t, err)
				require.NotEmpty(t, h.GetEvents())
			})
		}
	})
}

func TestEachScenarioHasASystemOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, sc := range All() {
		require.NoError(t, dr.CheckName("system", sc.System()))
		require.False(t, seen[sc.System()], sc.System())
		seen[sc.System()] = true
	}
}

// The list: every procedure has a recording of each of these.
func TestEveryProcedureHasEveryEnding(t *testing.T) {
	common := []string{
		"done", "nothing-to-do", "refused-input", "refused-plan", "rejected", "expired", "aborted-with-undo", "cancelled-with-undo",
		"held-then-retried", "held-then-skipped", "held-then-replanned", "stale-plan-approved-again", "paused-then-resumed", "open-on-hold",
	}
	own := map[string][]string{
		dr.WorkflowTakeover: {"abandoned", "abandoned-at-gate", "open-at-decide"},
		dr.WorkflowFailback: {
			"abandoned-at-cutover", "abandoned-on-hold", "done-with-a-copy", "safe-stop-rejected-at-cutover", "safe-stop-expired-at-cutover",
			"open-at-convert", "open-at-overwrite", "open-at-cutover",
		},
		dr.WorkflowReseed: {"abandoned", "open-at-overwrite"},
	}
	have := map[string]bool{}
	for _, sc := range All() {
		have[sc.Workflow+"/"+sc.Name] = true
	}
	for workflow, names := range own {
		for _, name := range append(names, common...) {
			require.True(t, have[workflow+"/"+name], "there is no scenario %s/%s", workflow, name)
		}
	}
}
