package kit

import (
	"fmt"
	"sort"

	"github.com/switchback-dr/switchback/dr"
)

// PlanInput is everything a plan may depend on. Planning is a pure function:
// no clock, no I/O, no randomness.
type PlanInput struct {
	Request   dr.Request
	Gate      dr.Gate
	Situation dr.Situation
	// RunID is the short ID of the original run; names of checkpoints, slots
	// and backups carry it, so that a leftover of last week is not taken for
	// this run's work.
	RunID string
	// Finished are the steps of this run that are done already, with their
	// phases: a recheck or replan takes their effects as expected.
	Finished []FinishedStep
	// From is the first phase that has not begun; "" means the first one.
	// Steps of earlier phases may be left out of the draft.
	From dr.Phase
	// Baseline is the situation's, given here because a failback refuses
	// without it.
	Baseline *dr.Baseline
}

// FinishedStep is a step of this run that is done.
type FinishedStep = dr.FinishedStep

// Did says whether this run has finished a step of the given action.
func (in PlanInput) Did(action string) bool {
	for _, f := range in.Finished {
		if f.Action == action {
			return true
		}
	}
	return false
}

// Contributor puts steps into a draft. The adapter comes first, then
// applications, clients, fence and hooks, always in this order.
type Contributor interface {
	Plan(in PlanInput, d *Draft) error
}

// Place orders the steps of different contributors within one phase. Steps of
// equal place keep the order in which they were added.
type Place int

// The places, from first to last.
const (
	PlaceHookBefore   Place = 5
	PlaceClientsOut   Place = 10
	PlaceAppStop      Place = 20
	PlaceProduct      Place = 30
	PlaceFence        Place = 40
	PlaceProductAfter Place = 50
	PlaceClientsIn    Place = 60
	PlaceAppStart     Place = 70
	PlaceProof        Place = 80
	PlaceHookAfter    Place = 90
)

// FenceNeed says that a site must be proven unable to take writes, and how far
// the adapter itself can prove it.
type FenceNeed struct {
	Site string
	// ByAdapter is true when a step of the adapter in this draft fences the
	// site and proves it on the site's own host, or the product's handshake
	// inside the promoting command does.
	ByAdapter bool
	// Why says how, or why the adapter cannot.
	Why string
}

// Draft is a plan in the making.
type Draft struct {
	// From and To are the sites that give up and get the primary role; for a
	// reseed the source and the overwritten site.
	From, To string
	Loss     dr.Loss
	Outage   string
	// Nothing is set when there is nothing to do.
	Nothing string
	// Leaves is set when the procedure will end with the system unprotected
	// (a site is absent): which procedure ends that, and why.
	Leaves *dr.Unprotected
	// Instead asks for another gate in place of the one that was planned for:
	// a failback whose difference is gone asks for dr.GateOverwrite.
	Instead    dr.Gate
	InsteadWhy string
	// BackTo is the earliest phase from which a replan of a hold may start;
	// "" means the phase of the held step.
	BackTo dr.Phase

	// Watch is a read step whose probe looks, while the gate is open, at what
	// does not wait for people (a checkpoint in a log that fills up). It waits
	// for ever; its Never closes the gate and asks for a new plan.
	Watch *dr.Step

	phases       map[dr.Phase]*draftPhase
	fences       []FenceNeed
	waivers      []dr.Waiver
	consequences []string
}

type draftPhase struct {
	steps []placed
	empty string
}

type placed struct {
	place Place
	step  dr.Step
}

// NewDraft makes an empty draft.
func NewDraft() *Draft { return &Draft{phases: map[dr.Phase]*draftPhase{}} }

func (d *Draft) phase(p dr.Phase) *draftPhase {
	if d.phases[p] == nil {
		d.phases[p] = &draftPhase{}
	}
	return d.phases[p]
}

// Add puts a step into a phase. The step's ID must begin with the phase.
func (d *Draft) Add(p dr.Phase, at Place, s dr.Step) {
	ph := d.phase(p)
	ph.steps = append(ph.steps, placed{at, s})
}

// Empty says why a phase has no steps; it counts only if nobody adds one.
func (d *Draft) Empty(p dr.Phase, format string, a ...any) {
	if ph := d.phase(p); ph.empty == "" {
		ph.empty = fmt.Sprintf(format, a...)
	}
}

// NeedFence says that a site must not be able to take writes before the
// promotion.
func (d *Draft) NeedFence(n FenceNeed) { d.fences = append(d.fences, n) }

// Fences lists what was needed.
func (d *Draft) Fences() []FenceNeed { return d.fences }

// Fenced marks a need as met by a step of another contributor.
func (d *Draft) Fenced(site, why string) {
	for i := range d.fences {
		if d.fences[i].Site == site && !d.fences[i].ByAdapter {
			d.fences[i].ByAdapter, d.fences[i].Why = true, why
		}
	}
}

// Waive adds a statement that people make by approving.
func (d *Draft) Waive(w dr.Waiver) { d.waivers = append(d.waivers, w) }

// Waivers lists the statements.
func (d *Draft) Waivers() []dr.Waiver { return d.waivers }

// Consequence adds a sentence that people must know before they decide.
func (d *Draft) Consequence(format string, a ...any) {
	d.consequences = append(d.consequences, fmt.Sprintf(format, a...))
}

// Consequences lists them.
func (d *Draft) Consequences() []string { return d.consequences }

// Phases gives the phases in the given order, steps in theirs.
func (d *Draft) Phases(order []dr.Phase) ([]dr.PhasePlan, error) {
	known := map[dr.Phase]bool{}
	ids := map[string]bool{}
	var out []dr.PhasePlan
	for _, p := range order {
		known[p] = true
		pp := dr.PhasePlan{Phase: p}
		if ph := d.phases[p]; ph != nil {
			pp.Empty = ph.empty
			sort.SliceStable(ph.steps, func(i, j int) bool { return ph.steps[i].place < ph.steps[j].place })
			for _, s := range ph.steps {
				if err := dr.CheckStepID(s.step.ID); err != nil {
					return nil, err
				}
				if ids[s.step.ID] {
					return nil, fmt.Errorf("two steps have the ID %s", s.step.ID)
				}
				ids[s.step.ID] = true
				pp.Steps = append(pp.Steps, s.step)
			}
		}
		if len(pp.Steps) > 0 {
			pp.Empty = ""
		} else if pp.Empty == "" {
			pp.Empty = "nothing to do in this phase for this system"
		}
		out = append(out, pp)
	}
	for p, ph := range d.phases {
		if len(ph.steps) > 0 && !known[p] {
			return nil, fmt.Errorf("the phase %q does not belong to this gate", p)
		}
	}
	return out, nil
}
