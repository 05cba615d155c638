// Package recall asks Temporal what a system's watch remembers. Worker and
// starter both need it.
package recall

import (
	"context"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/switchback-dr/switchback/dr"
)

// From asks Temporal for the memory of a system's watch.
func From(ctx context.Context, c client.Client, system string) (*dr.Memory, error) {
	var best *dr.Memory
	v, err := c.QueryWorkflow(ctx, dr.WatchID(system), "", dr.QueryMemory)
	if err == nil {
		var m dr.Memory
		if v.Get(&m) == nil && m.Schema == dr.MemorySchema {
			best = &m
		}
	}
	d, derr := c.DescribeWorkflowExecution(ctx, dr.WatchID(system), "")
	for _, p := range d.GetPendingActivities() {
		var m dr.Memory
		if converter.GetDefaultDataConverter().FromPayloads(p.GetHeartbeatDetails(), &m) == nil && m.Schema == dr.MemorySchema &&
			(best == nil || m.At.After(best.At)) {
			if best != nil {
				m.Baseline, m.Unprotected, m.FollowUps = best.Baseline, best.Unprotected, best.FollowUps
			}
			best = &m
		}
	}
	if best == nil {
		if err == nil {
			err = derr
		}
		if err == nil {
			err = dr.Retry("no_memory", "the watch of %s remembers nothing yet", system)
		}
		return nil, err
	}
	return best, nil
}
