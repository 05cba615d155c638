package kit_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestOfSeveralChecksTheFirstComplaintIsSaid(t *testing.T) {
	require.NoError(t, kit.Checks())
	require.NoError(t, kit.Checks(nil, nil))
	require.EqualError(t, kit.Checks(nil, errors.New("the first"), errors.New("the second")), "the first")
}

func TestAValueThatIsNotAllowedIsQuotedInPart(t *testing.T) {
	re := regexp.MustCompile(`^[a-z]+$`)
	require.NoError(t, kit.Match(re, "slot", "west"))
	require.EqualError(t, kit.Match(re, "slot", "we;st"), `the slot "we;st" is not allowed`)
	require.Less(t, len(kit.Match(re, "slot", strings.Repeat("X", 500)).Error()), 120)
	require.Error(t, kit.Match(kit.RunID, "run", "123456789"))
}

func TestAPlainPathLeadsWhereItSays(t *testing.T) {
	require.True(t, kit.PlainPath("/srv/pg/15-main"))
	for _, p := range []string{"", "/", "srv/pg", "/srv/../etc", "/srv/./pg", "/srv//pg", "/srv/pg/", "/srv/p g", "/srv/$HOME", "/" + strings.Repeat("a", 201)} {
		require.False(t, kit.PlainPath(p), p)
	}
}

func TestAProbeWithoutAnAnswerIsUnknownAndEndsOnlyAtAForeignHost(t *testing.T) {
	e := kit.NotRead("east", dr.Retry("unreachable", "no route"))
	require.Equal(t, kit.EffectUnknown, e.State)
	require.Equal(t, "east could not be read: no route", e.Text)
	require.NoError(t, e.Never)
	require.Error(t, kit.NotRead("east", dr.Refuse("host_key", "another key")).Never)
	require.Equal(t, dr.ClassHold, dr.ClassOf(kit.No("%s writes", "east")))
	require.Equal(t, "not read", kit.OrNotRead(""))
}
