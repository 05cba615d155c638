package adaptertest

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Golden compares a plan, written as text, with the recorded one of that name.
func Golden(t testing.TB, name, plan string) {
	t.Helper()
	file := "testdata/plan_" + name + ".golden"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(plan), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), plan, "the plan changed; if it shall, run go test -update")
}
