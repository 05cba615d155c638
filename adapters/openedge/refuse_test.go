package openedge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// TestARestoreIsNotSentOverADatabaseThatSomebodyOpenedMeanwhile: the target of
// a reseed is opened by hand between its stop and the restore.
func TestARestoreIsNotSentOverADatabaseThatSomebodyOpenedMeanwhile(t *testing.T) {
	t.Parallel()
	for route, service := range map[string]string{"transition": "-DBService replagent", "enable": "-DBService replagent", "transition alone": ""} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "reseed="+strings.Fields(route)[0])
			w.fault("emergency-stop", "west")
			w.write("east", 21, 30)
			for _, st := range w.steps(seedWest, dr.GateOverwrite, "ee55") {
				if st.Action == "openedge.restore" {
					sent := w.restores("west")
					w.sh("west", `proserve $DB -S $(sed -n 's/.*-S \([0-9]*\) -DBService replagent.*/\1/p' $DB.repl.properties) `+service+` >/dev/null 2>&1 </dev/null`)
					_, err := w.execute(st)
					require.True(t, dr.HasCode(err, "guard"), "%v", err)
					require.ErrorContains(t, err, "west")
					require.Equal(t, sent, w.restores("west"), "nothing was sent")
					require.Equal(t, []string{"east"}, w.observe().Primaries(), "production works on")
					w.sh("west", "proshut $DB -by")
				}
				res, err := w.execute(st)
				require.NoError(t, err, "%s: %s", st.ID, res.Output)
			}
			require.Equal(t, w.records("east"), w.records("west"))
			require.Equal(t, 1, w.restores("west"))
		})
	}
}

// restores counts the restores that were sent to a site.
func (w *world) restores(site string) int {
	w.t.Helper()
	l, err := w.lab.Ledger(w.t.Context())
	require.NoError(w.t, err)
	return l.Commands[site]["prorest"]
}
