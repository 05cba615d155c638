// Package adaptertest is the suite that every adapter must pass: it runs the
// adapter's own plans against a world that the adapter provides, and breaks
// what can break in between.
package adaptertest

import (
	"testing"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// World is one set of sites, real or simulated, that a case starts from.
type World interface {
	System() kit.System
	// Env reaches the world without faults.
	Env() kit.Env
	// Input observes and gives the input of a plan.
	Input(c Case, run string) kit.PlanInput
	// State tells, in words, what a user would see: roles, settings, rows. It
	// must be equal for equal ends and must not name positions or times.
	State() string
	// Secrets are texts that must appear in no output.
	Secrets() []string
}

// Case is one procedure from one beginning.
type Case struct {
	Name    string
	Request dr.Request
	Gate    dr.Gate
	// Build makes a fresh world, with the leftovers of an earlier run in it.
	Build func(t *testing.T) World
	// NoUndo says that the case begins with a step that has no undo.
	NoUndo bool
}

// Suite is what an adapter hands in.
type Suite struct {
	Adapter kit.Adapter
	Cases   []Case
	// Flips give, for a step, rewritings of what hosts answer while its guard
	// reads; under each of them the guard must say no.
	Flips func(step dr.Step) []func(out string) string
}

// Run runs the whole suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	for _, c := range s.Cases {
		t.Run(c.Name, func(t *testing.T) {
			ends := map[string]string{}
			for _, m := range []mode{undisturbed, crashBefore, crashAfter, twoWorkers} {
				t.Run(string(m), func(t *testing.T) { ends[string(m)] = s.walk(t, c, m) })
			}
			want, ran := ends[string(undisturbed)]
			for m, end := range ends {
				if ran && end != want { // a filtered run may leave it out
					t.Errorf("the end after %q differs from the undisturbed one:\n%s\nwanted\n%s", m, end, want)
				}
			}
			if !c.NoUndo {
				t.Run("every undo restores what was", func(t *testing.T) { s.undo(t, c) })
			}
			t.Run("unrecognised output is unknown", func(t *testing.T) { s.unrecognised(t, c) })
		})
	}
}

// mode is how a walk is disturbed.
type mode string

const (
	undisturbed mode = "undisturbed, every action twice, every guard flipped"
	crashBefore mode = "the worker dies before it acts and the step is tried again"
	crashAfter  mode = "the worker dies after it acted and the step is tried again"
	twoWorkers  mode = "a worker is stopped before it acts and resumed after another did it"
)
