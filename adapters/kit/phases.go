package kit

import "github.com/switchback-dr/switchback/dr"

// PhaseNames are where the parts of a planned change of roles stand: a takeover
// and the cutover of a failback are the same steps.
type PhaseNames struct{ Prepare, Stop, Prove, Promote, Redirect, Verify, Protect dr.Phase }

// The two procedures that change roles as planned.
var (
	TakeoverPhases = PhaseNames{dr.PhasePrepare, dr.PhaseIsolate, dr.PhaseIsolate, dr.PhasePromote, dr.PhaseRedirect, dr.PhaseVerify, dr.PhaseProtect}
	CutoverPhases  = PhaseNames{dr.PhaseQuiesce, dr.PhaseQuiesce, dr.PhaseCatchUp, dr.PhaseHandBack, dr.PhaseRedirect, dr.PhaseVerify, dr.PhaseProtect}
)
