package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestACopyIsCalledDamagedOnlyWhenItsVerificationSaysSo(t *testing.T) {
	for _, c := range []struct {
		job  kit.Job
		code string
		text string
	}{
		{kit.Job{Exit: 1, Stderr: `pg_verifybackup: error: "base/1/1247" is present in the manifest but not on disk`}, "damaged_copy", "base/1/1247"},
		{kit.Job{Exit: 143, Stderr: "Terminated"}, "not_verified", "exit code 143"},
		{kit.Job{Exit: 137}, "not_verified", "no output"},
		{kit.Job{Exit: 1, Stderr: "sh: cannot fork"}, "not_verified", "cannot fork"},
		{kit.Job{Exit: 0}, "", ""},
	} {
		err := verifyBackup.Interpret(verifyArgs{Dir: "/srv/copy"}, c.job)
		if c.code == "" {
			require.NoError(t, err)
			continue
		}
		require.True(t, dr.HasCode(err, c.code), "%v", err)
		require.ErrorContains(t, err, c.text)
	}
}
