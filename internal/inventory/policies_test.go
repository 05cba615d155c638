package inventory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func hours(n float64) dr.Duration { return dr.Duration(n * float64(time.Hour)) }

func TestASystemWithoutAPolicyAsksForTwoOthersWhoSign(t *testing.T) {
	p := inventory.DefaultPolicies()
	gate := dr.DecisionPolicy{
		Quorum: 2, ExcludeRequester: true, Unsigned: dr.UnsignedRefuse, OpenFor: hours(4), UsableFor: hours(0.5),
		ReasonFor:   []string{"reject", "skip", "waiver", "break-glass"},
		RemindEvery: hours(0.25), EscalateAfter: hours(0.5),
	}
	for _, g := range []dr.Gate{dr.GateDecide, dr.GateConvert, dr.GateOverwrite, dr.GateCutover, dr.GateUndo} {
		require.Equal(t, gate, p.Gates[g], g)
	}
	one := gate
	one.Quorum, one.ExcludeRequester = 1, false
	require.Equal(t, one, p.Hold)
	require.Equal(t, one, p.Run)
	one.ReasonRequired = true
	require.Equal(t, one, p.Abandon)
}

func TestAPolicyOverridesTheDefaultsAndItsPartsOverrideIt(t *testing.T) {
	s, err := load(t).System("orders")
	require.NoError(t, err)
	roles := []string{"dba", "lead"}
	base := dr.DecisionPolicy{
		Roles: roles, Quorum: 2, ExcludeRequester: true, Unsigned: dr.UnsignedRefuse, OpenFor: hours(2), UsableFor: hours(0.5),
		ReasonFor:   []string{"reject", "skip", "waiver", "break-glass"},
		RemindEvery: hours(0.25), EscalateAfter: hours(0.5),
	}
	require.Equal(t, base, s.Policies.Gates[dr.GateDecide])
	cutover := base
	cutover.Quorum, cutover.ReasonRequired = 3, true
	require.Equal(t, cutover, s.Policies.Gates[dr.GateCutover])
	one := base
	one.Quorum, one.ExcludeRequester = 1, false
	require.Equal(t, one, s.Policies.Run, "who may stop a procedure does not need a gate's quorum")
	one.Roles = []string{"dba"}
	require.Equal(t, one, s.Policies.Hold)
	one.Roles, one.ReasonRequired = []string{"lead"}, true
	require.Equal(t, one, s.Policies.Abandon)
}
