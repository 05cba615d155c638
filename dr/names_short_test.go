package dr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestTwoRunsWithinAMinuteHaveDifferentShortIDs(t *testing.T) {
	first := dr.ShortID("01a1fdea-3113-7d82-89e4-d517c30c5282")
	second := dr.ShortID("01a1fdea-4a20-7c11-9b02-6fe1a2b3c4d5")
	require.Equal(t, "c30c5282", first)
	require.NotEqual(t, first, second, "run IDs of version 7 begin with the time")
}
