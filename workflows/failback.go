package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Failback brings the original site back: its old data is converted by
// difference, or overwritten with a copy where the difference is gone, then
// the primary role is handed back in a planned cutover.
//
// There is one gate before anything at the old primary is touched and one
// before the cutover. A rejection or expiry at cutover is a safe stop: the
// system stays in sync and is not handed back.
func Failback(ctx workflow.Context, input converter.RawValue) (dr.Result, error) {
	return conduct(ctx, input, dr.DecodeFailback, failback)
}

func failback(r *run) error {
	err := r.stage(dr.GateConvert, func() error {
		if r.plan.Envelope.Gate == dr.GateOverwrite {
			return seed(r)
		}
		if err := r.walk(dr.PhasePrepare); err != nil {
			return err
		}
		if err := r.walk(dr.PhaseConvert); err != nil {
			return err
		}
		return r.walk(dr.PhaseResynchronise)
	})
	if err != nil {
		return err
	}
	r.inSync()
	return r.stage(dr.GateCutover, func() error {
		// From here on clients cannot write at the present primary.
		if err := r.walk(dr.PhaseQuiesce); err != nil {
			return err
		}
		if err := r.walk(dr.PhaseCatchUp); err != nil {
			return err
		}
		if err := r.walk(dr.PhaseHandBack); err != nil {
			return err
		}
		return serve(r)
	})
}
