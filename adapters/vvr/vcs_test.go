package vvr_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/adapters/vvr"
	"github.com/switchback-dr/switchback/dr"
)

// TestARVGPrimaryResourceOfVCSStopsEverythingUntilItsGroupIsFrozen asks real
// programs: VCS is seen, refused, and seen again between the plan and the act.
func TestARVGPrimaryResourceOfVCSStopsEverythingUntilItsGroupIsFrozen(t *testing.T) {
	w := newWorld(t, "vcs=on")
	w.sh("east", "shop stop")
	plan := func() (*kit.Draft, error) {
		d := kit.NewDraft()
		return d, w.sys.Plan(w.Input(adaptertest.Case{Request: planned, Gate: dr.GateDecide}, "5117e001"), d)
	}
	_, err := plan()
	require.True(t, dr.HasCode(err, "managed"), "%v", err)
	require.ErrorContains(t, err, "shop_rvgprimary")
	require.Contains(t, w.observe().Sites[0].Managed, "shop_rvgprimary")

	for _, n := range w.sys.Sites() {
		w.sh(n, "hagrp -freeze shop_grp -persistent")
	}
	d, err := plan()
	require.NoError(t, err)
	w.sh("east", "hagrp -unfreeze shop_grp -persistent")
	st := stepOf(t, d, dr.ProcTakeover, dr.GateDecide, "vvr.migrate")
	_, err = w.executed(st)
	require.True(t, dr.HasCode(err, "guard"), "%v", err)
	require.ErrorContains(t, err, "shop_rvgprimary")
	l, err := w.lab.Ledger(t.Context())
	require.NoError(t, err)
	require.Zero(t, l.Commands["east"]["vradmin migrate"], "nothing was sent")
}

// stepOf gives the one step of a plan with this action.
func stepOf(t *testing.T, d *kit.Draft, p dr.Procedure, g dr.Gate, action string) dr.Step {
	t.Helper()
	for _, st := range adaptertest.Steps(t, dr.Request{Procedure: p}, g, d) {
		if st.Action == action {
			return st
		}
	}
	require.Fail(t, "no step "+action)
	return dr.Step{}
}

// executed tries to carry out one step.
func (w *world) executed(st dr.Step) (kit.StepResult, error) {
	w.t.Helper()
	env := w.Env()
	env.Job = kit.JobKey{Workflow: "dr-shop", OriginalRun: "5117e001", Gate: "convert", Occurrence: 1, Step: st.ID, Attempt: 1}
	return kit.Execute(context.Background(), env, adaptertest.Action(w.t, vvr.New(), st.Action), st)
}
