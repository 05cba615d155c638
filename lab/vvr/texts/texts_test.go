package texts

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryTextHasAMarkASeverityAndArgumentsThatAreText(t *testing.T) {
	verb := regexp.MustCompile(`%[^s%]`)
	for key, text := range table {
		require.Contains(t, []Mark{Published, Known, Unknown}, text.Mark, key)
		require.Contains(t, []string{"INFO", "WARNING", "ERROR"}, text.Severity, key)
		require.False(t, verb.MatchString(strings.ReplaceAll(text.Format, "%%", "")), "%s has a verb other than %%s", key)
		require.NotEmpty(t, text.Format, key)
	}
}

func TestATextWithoutASourceNeverCarriesANumberOfTheVendors(t *testing.T) {
	for key, text := range table {
		if text.Mark == Unknown {
			require.Zero(t, text.Number, key)
		}
	}
}

func TestLinesLookLikeTheVendors(t *testing.T) {
	require.Equal(t, "VxVM VVR vradmin ERROR V-5-52-479 Host oslo not reachable.", Line("vradmin", "unreachable", "oslo"))
	require.Equal(t, "VxVM VVR vxrlink INFO V-5-1-4467 Rlink rlk_x is up to date", Line("vxrlink", "up-to-date", "rlk_x"))
	require.Equal(t, "VxVM VVR vxrlink INFO V-5-1-4640 Rlink rlk_x has 118 outstanding writes, occupying 5904 Kbytes (2%) on the SRL",
		Line("vxrlink", "outstanding", "rlk_x", 118, 5904, 2))
	require.Equal(t, "VxVM VVR vradmin ERROR V-5-52-0 RVG r is not a Primary RVG on host h.", Explain("vradmin", Refuse("not-primary", "r", "h")))
	require.Equal(t, "VxVM VVR vxrvg ERROR V-5-1-0 the disk is full", Explain("vxrvg", errors.New("the disk is full\n")))
	require.True(t, strings.HasPrefix(Explain("vxprint", fmt.Errorf("outer: %w", Refuse("no-dg", "x"))), "VxVM vxprint ERROR V-5-1-0 "))
}
