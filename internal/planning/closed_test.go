package planning

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestAHostThatLetsNobodyLookIsRefusedWithItsReason(t *testing.T) {
	why := dr.Refuse("host_key", "host db2 offers another key")
	s := dr.Situation{Sites: []dr.SiteSituation{{Site: "east", Reachable: dr.Yes}, {Site: "west", Refusal: why}}}
	for _, r := range []dr.Request{
		{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"},
		{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "east"},
		{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"},
		{Procedure: dr.ProcFailback},
	} {
		require.Equal(t, error(why), Closed(s, r), "%+v", r)
	}
	left := dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "east"}
	require.NoError(t, Closed(s, left), "a lost site does not forbid to leave it")
}

func TestAnotherInventoryEntryIsNamedBeforeTheStepsThatItChanges(t *testing.T) {
	approved := dr.Plan{
		System: "orders", InventoryDigest: "a", InventoryFields: map[string]string{"postgres.max_lag_mb": "1", "home": "2"},
		Phases: []dr.PhasePlan{{Phase: dr.PhasePromote, Steps: []dr.Step{{ID: "promote.it", Commands: []string{"one"}}}}},
	}
	now := approved
	now.InventoryDigest, now.InventoryFields = "b", map[string]string{"postgres.max_lag_mb": "9", "home": "2"}
	now.Phases = []dr.PhasePlan{{Phase: dr.PhasePromote, Steps: []dr.Step{{ID: "promote.it", Commands: []string{"two"}}}}}
	require.Equal(t, "this worker's inventory entry of orders is not the plan's; it differs in: postgres.max_lag_mb", Compare(approved, now, ""))
	approved.InventoryDigest = "b"
	approved.Pins = []dr.HostPin{{Name: "db1", Port: 22}}
	now.Pins = []dr.HostPin{{Name: "db1", Port: 2222}}
	require.Equal(t, "the address, port, user or host key of db1 has changed", Compare(approved, now, ""))
}
