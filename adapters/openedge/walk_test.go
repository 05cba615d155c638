package openedge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestThereAndBackAgainInEveryForm(t *testing.T) {
	for _, form := range []string{"failover", "controlled"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "takeover="+form)
			w.walk(takePlanned, dr.GateDecide, "aa11")
			require.Equal(t, []string{"west"}, w.observe().Primaries())
			w.base = &dr.Baseline{Primary: "east"}
			w.walk(goBack, dr.GateConvert, "bb22")
			w.walk(goBack, dr.GateCutover, "bb22")
			require.Equal(t, []string{"east"}, w.observe().Primaries())
			require.Equal(t, w.records("east"), w.records("west"))
		})
	}
}

func TestALostSourceIsSeededAnew(t *testing.T) {
	w := lost(t)
	w.walk(seedEast, dr.GateOverwrite, "cc33")
	require.Equal(t, "30", w.records("east"))
	require.Equal(t, []string{"west"}, w.observe().Primaries())
}
