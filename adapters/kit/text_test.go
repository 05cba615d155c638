package kit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestAFactThatIsNeitherYesNorNoNorUnknownIsNotRead(t *testing.T) {
	for _, want := range []dr.Tri{dr.Yes, dr.No, dr.Unknown} {
		got, err := kit.YesNo(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	got, err := kit.YesNo("maybe")
	require.Error(t, err)
	require.Equal(t, dr.Unknown, got)
}

func TestAQuoteDoesNotEndALiteral(t *testing.T) {
	require.Equal(t, "'it''s'", kit.SQLText("it's"))
	require.Equal(t, "ab", kit.AtMost("abc", 2))
	require.Equal(t, "a", kit.AtMost("a", 2))
}
