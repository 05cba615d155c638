package openedge_test

import (
	"strings"
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

func TestALostSourceIsSeededAnewByBothRoutesAndBothTransfers(t *testing.T) {
	for _, form := range [][]string{{"reseed=transition", "transfer=copy"}, {"reseed=enable", "transfer=shared", "target-creation=true"}} {
		t.Run(form[0], func(t *testing.T) {
			t.Parallel()
			w := lost(t, form...)
			w.slow = map[string]string{"openedge.seed_backup": "west", "openedge.verify_backup": "east", "openedge.restore": "east"}
			w.walk(seedEast, dr.GateOverwrite, "cc33")
			for _, what := range []string{"backing up west", "verifying the seed on east", "restoring east"} {
				require.Regexp(t, what+`: .* of about .*, \d+ %`, strings.Join(w.told, "\n"))
			}
			require.Equal(t, "30", w.records("east"))
			require.Equal(t, []string{"west"}, w.observe().Primaries())
		})
	}
}

func TestTheOtherTargetOfAReplicationSetFollowsTheNewSourceAndBack(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 3, "replication-set=1")
	w.walk(takePlanned, dr.GateDecide, "aa11")
	w.write("west", 21, 30)
	for _, n := range []string{"east", "north"} {
		w.eventually(n+" has the records of the new source", func() bool { return w.records(n) == "30" })
	}
	w.base = &dr.Baseline{Primary: "east"}
	w.walk(goBack, dr.GateConvert, "bb22")
	w.walk(goBack, dr.GateCutover, "bb22")
	require.Equal(t, []string{"east"}, w.observe().Primaries())
	w.write("east", 31, 40)
	for _, n := range []string{"west", "north"} {
		w.eventually(n+" follows the source at home", func() bool { return w.records(n) == "40" })
	}
}

// TestATargetOfASetIsSeededAnewWhileTheOtherOneFollows: the source's memory of
// the healthy target is left alone.
func TestATargetOfASetIsSeededAnewWhileTheOtherOneFollows(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 3, "replication-set=1")
	w.fault("emergency-stop", "west")
	w.write("east", 21, 25)
	w.eventually("north follows", func() bool { return w.records("north") == "25" })
	steps := w.steps(seedWest, dr.GateOverwrite, "dd44")
	for _, st := range steps {
		require.NotEqual(t, "backup.clear-recovery-east", st.ID, "the source still needs it for north")
	}
	w.walk(seedWest, dr.GateOverwrite, "dd44")
	w.write("east", 26, 30)
	for _, n := range []string{"west", "north"} {
		w.eventually(n+" has all records", func() bool { return w.records(n) == "30" })
	}
	require.Equal(t, []string{"east"}, w.observe().Primaries())
}

// TestWhatTheLostSourceHadNotSentIsAppliedFromItsExtents: the server keeps its
// notes back, and the new source's host can read the old one's AI extents.
func TestWhatTheLostSourceHadNotSentIsAppliedFromItsExtents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "extents=mounted")
	w.fault("lag", "east", "60000")
	w.write("east", 21, 30)
	w.killed("east")
	require.Equal(t, "20", w.records("west"))
	w.walk(takeUnplanned, dr.GateDecide, "aa11")
	require.Equal(t, "30", w.records("west"))
}
