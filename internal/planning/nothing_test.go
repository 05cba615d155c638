package planning

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestNothingToDoNamesTheSitesOfWhichNobodyKnows(t *testing.T) {
	s := dr.Situation{Sites: []dr.SiteSituation{
		{Site: "east", AcceptsWrites: dr.Yes}, {Site: "west", AcceptsWrites: dr.Unknown, Summary: "not read: no answer"}, {Site: "third", AcceptsWrites: dr.No},
	}}
	require.Empty(t, nothingLeft("", s))
	got := nothingLeft("east is the primary already", s)
	require.Equal(t, "east is the primary already; whether west accepts writes is not known (not read: no answer): look there before you rely on it", got)
	require.Equal(t, "done", nothingLeft("done", dr.Situation{Sites: s.Sites[:1]}))
}
