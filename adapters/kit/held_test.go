package kit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestAnOldPrimaryThatIsHeldFromOutsideMayOnlyBeAsThePlanSawIt(t *testing.T) {
	silent, garbled := dr.Retry("unreachable", "no route"), dr.Retry("unrecognised", "a banner nobody knows")
	for _, c := range []struct {
		what, held string
		accepts    dr.Tri
		err        error
		why        string
	}{
		{"it is silent as before", kit.HeldBySilence, dr.Unknown, silent, ""},
		{"its connection hangs", kit.HeldBySilence, dr.Unknown, dr.Retry("deadline", "no answer in 3 s"), ""},
		{"it came back and is closed", kit.HeldBySilence, dr.No, nil, ""},
		{"it came back and accepts writes", kit.HeldBySilence, dr.Yes, nil, "east answers again and may accept writes"},
		{"it came back and does not say", kit.HeldBySilence, dr.Unknown, nil, "east answers again and may accept writes"},
		{"it came back and cannot be read", kit.HeldBySilence, dr.Unknown, garbled, "nobody knows whether it accepts writes: a banner"},
		{"it could not be read before either", kit.HeldByOutside, dr.Unknown, garbled, ""},
		{"it can be read now", kit.HeldByOutside, dr.Yes, nil, "east answers again and may accept writes"},
	} {
		err := kit.StillHeld(c.held, "east", c.accepts, "the summary", c.err)
		if c.why == "" {
			require.NoError(t, err, c.what)
			continue
		}
		require.ErrorContains(t, err, c.why, c.what)
		require.Equal(t, dr.ClassHold, dr.ClassOf(err), c.what)
	}
	sit := dr.Situation{Sites: []dr.SiteSituation{{Site: "east", Reachable: dr.Unknown}, {Site: "west", Reachable: dr.Yes}}}
	require.Equal(t, kit.HeldBySilence, kit.HeldWithoutLook(sit, "east"))
	require.Equal(t, kit.HeldByOutside, kit.HeldWithoutLook(sit, "west"))
	require.True(t, kit.HeldFromOutside(kit.HeldBySilence))
	require.False(t, kit.HeldFromOutside("fence"))
}
