package planning

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestTheLaterBaselineCountsAndTheInventoryOnlyWithoutOne(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(primary string, after time.Duration) *dr.Baseline {
		return &dr.Baseline{Primary: primary, At: noon.Add(after)}
	}
	for name, c := range map[string]struct {
		watch, report *dr.Baseline
		primary, from string
	}{
		"the watch was not told yet":    {at("east", 0), at("west", time.Minute), "west", "report"},
		"another worker had the report": {at("west", time.Minute), at("east", 0), "west", "watch"},
		"both are of one takeover":      {at("west", 0), at("west", 0), "west", "watch"},
		"the watch forgot":              {nil, at("east", 0), "east", "report"},
		"nobody knows":                  {nil, nil, "home", "inventory"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observer{LastBaseline: func(string) *dr.Baseline { return c.report }}
			b := o.baseline(&inventory.System{Name: "orders", Home: "home"}, &dr.Memory{Baseline: c.watch})
			require.Equal(t, c.primary, b.Primary)
			require.Equal(t, c.from, b.From)
		})
	}
}
