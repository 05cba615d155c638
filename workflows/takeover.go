package workflows

import (
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// Takeover makes another site the primary: planned, while the old primary
// still works, or unplanned, when it is lost.
//
// Point of no return: the promotion. Before it an abort undoes what was done;
// after it there is only forward.
func Takeover(ctx workflow.Context, input converter.RawValue) (dr.Result, error) {
	return conduct(ctx, input, dr.DecodeTakeover, takeover)
}

func takeover(r *run) error {
	return r.stage(dr.GateDecide, func() error {
		// What can be done while clients still work.
		if err := r.walk(dr.PhasePrepare); err != nil {
			return err
		}
		// From here on clients may not be able to write: the old primary is
		// made unable to take writes, and that is proven.
		if err := r.walk(dr.PhaseIsolate); err != nil {
			return err
		}
		if err := r.walk(dr.PhasePromote); err != nil {
			return err
		}
		return serve(r)
	})
}

// serve lets clients work at the new primary, proves that they can, announces
// the service as restored and then protects it again: only what is possible
// now, an absent site is left to a failback or reseed and said so.
func serve(r *run) error {
	if err := r.walk(dr.PhaseRedirect); err != nil {
		return err
	}
	if err := r.walk(dr.PhaseVerify); err != nil {
		return err
	}
	r.restored()
	return r.walk(dr.PhaseProtect)
}
