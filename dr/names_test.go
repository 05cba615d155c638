package dr

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunsOfTheSameMinuteHaveDifferentShortIDs(t *testing.T) {
	// Run IDs of Temporal, version 7: both begin with the same time.
	require.NotEqual(t, ShortID("01a1fddb-23a1-7d4e-9c0b-f211713c515e"), ShortID("01a1fddb-797d-7189-8a4f-6d5e0c7b9a21"))
	require.Equal(t, "713c515e", ShortID("01A1FDDB-797D-7189-9C0B-F211713C515E"))
	require.Equal(t, "abc", ShortID("a-b-c"))
	require.Empty(t, ShortID(""))
}
