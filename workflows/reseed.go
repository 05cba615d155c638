package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Reseed makes a site a secondary again from a full copy: backup, transfer,
// restore, transition. The site's old data is gone afterwards; the gate says
// what that is.
func Reseed(ctx workflow.Context, input converter.RawValue) (dr.Result, error) {
	return conduct(ctx, input, dr.DecodeReseed, reseed)
}

func reseed(r *run) error {
	return r.stage(dr.GateOverwrite, func() error {
		if err := seed(r); err != nil {
			return err
		}
		return r.walk(dr.PhaseVerify)
	})
}

// seed is the copy itself, from the backup to running replication. Failback
// calls it too, under its own gate.
func seed(r *run) error {
	if err := r.walk(dr.PhaseBackup); err != nil {
		return err
	}
	if err := r.walk(dr.PhaseTransfer); err != nil {
		return err
	}
	// From here on the old data of the site is being replaced.
	if err := r.walk(dr.PhaseRestore); err != nil {
		return err
	}
	if err := r.walk(dr.PhaseTransition); err != nil {
		return err
	}
	return r.walk(dr.PhaseStartReplication)
}
