package remote

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestTheHostScriptServesDashAndBash(t *testing.T) {
	for _, shell := range [][]string{{"dash"}, {"bash", "--posix"}} {
		dir := dr.Quote(filepath.Join(t.TempDir(), "a", "run", "gate-1", "step-1"))
		other := dr.Quote(filepath.Join(t.TempDir(), "a", "run", "gate-1", "step-2"))
		calls := []struct {
			script, verdict string
			state           kit.JobState
			exit            int
		}{
			{"sb_job_look " + dir + " 1000", "existing", kit.JobNone, 0},
			{"sb_job_start " + dir + " 1000 9000 0 30 'echo hi; exit 4' ''", "started", kit.JobFinished, 4},
			{"sb_job_start " + dir + " 1000 9000 0 30 'echo other' ''", "existing", kit.JobFinished, 4},
			{"sb_job_start " + other + " 1000 20 0 30 'sleep 305' ''", "started", kit.JobRunning, 0},
			{"sb_job_stop " + other + " 1000 3", "existing", kit.JobFinished, 143},
			{"sb_job_void " + other + " 1000 why", "existing", kit.JobFinished, 143},
		}
		var in strings.Builder
		in.WriteString(library())
		for _, c := range calls {
			in.WriteString("sb_begin BEGIN; (" + c.script + ") </dev/null; sb_end END $?\n")
		}
		cmd := exec.CommandContext(t.Context(), shell[0], shell[1:]...)
		cmd.Stdin = strings.NewReader(in.String())
		out, err := cmd.Output()
		require.NoError(t, err)
		f := &frameReader{r: bytes.NewReader(out)}
		for _, c := range calls {
			fr, err := f.next("BEGIN", "END", 1<<16)
			require.NoError(t, err)
			r, err := parseReport(fr.body)
			require.NoError(t, err, "%s: %s", c.script, fr.body)
			require.Equal(t, c.verdict, r.verdict, c.script)
			require.Equal(t, c.state, r.job.State, "%s %s", shell[0], c.script)
			require.Equal(t, c.exit, r.job.Exit, c.script)
		}
	}
}
