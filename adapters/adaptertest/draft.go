package adaptertest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Steps are a draft's steps in the order in which they are carried out.
func Steps(t testing.TB, req dr.Request, g dr.Gate, d *kit.Draft) []dr.Step {
	t.Helper()
	phases, err := d.Phases(dr.PhasesAfter(req.Procedure, g))
	require.NoError(t, err)
	var out []dr.Step
	for _, ph := range phases {
		out = append(out, ph.Steps...)
	}
	return out
}

// Action is an adapter's action of a name; a test that asks for another fails.
func Action(t testing.TB, a kit.Adapter, name string) kit.Action {
	t.Helper()
	for _, v := range a.Actions() {
		if v.Name() == name {
			return v
		}
	}
	t.Fatalf("%s has no action %q", a.Product(), name)
	return nil
}
