package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// How a stage or a step can end other than by being done.
var (
	// errReplan: observe again, plan from r.from, open the gate again.
	errReplan = errors.New("replan")
	// errStop: the run ends as r.stopKind says, after its undo.
	errStop = errors.New("stop")
)

// stop carries how a run ends before its page is done.
type stop struct {
	kind dr.EndingKind
	text string
}

func (s *stop) Error() string { return s.text }

// Is makes every stop an errStop.
func (s *stop) Is(e error) bool { return e == errStop }

// stage is one gate and the phases behind it. A replan observes again, plans
// the phases that have not begun and opens the gate again, in the same run.
func (r *run) stage(g dr.Gate, body func() error) error {
	r.noReturn, r.undos, r.from, r.again = false, nil, "", ""
	r.status.NoReturn = false
	for {
		err := r.openGate(g)
		if err == nil {
			err = body()
		}
		if errors.Is(err, errReplan) {
			continue
		}
		var s *stop
		if errors.As(err, &s) && s.kind != dr.EndAbandoned {
			err = r.takeBack(s)
			if errors.Is(err, errReplan) {
				continue
			}
		}
		return err
	}
}

// openGate plans, and asks people when the plan changes anything.
func (r *run) openGate(g dr.Gate) error {
	if err := r.makePlan(g); err != nil {
		return err
	}
	if r.plan.Nothing != "" {
		return &stop{dr.EndNothing, r.plan.Nothing}
	}
	if !r.plan.Changes() {
		r.note("nothing behind the gate %s changes anything: it is not asked", r.plan.Envelope.Gate)
		return nil
	}
	return r.ask()
}

// makePlan has the plan for a gate made. A refusal ends the run before anybody
// was asked; anything else that goes wrong is a hold, because the situation may
// change.
func (r *run) makePlan(g dr.Gate) error {
	r.status.Phase = ""
	r.say(dr.StateAssessing, "observing all sites and planning")
	for attempt := 1; ; attempt++ {
		r.occurrence[g]++
		call := dr.PlanCall{
			Request: r.req, Gate: g, Occurrence: r.occurrence[g], Finished: slices.Clone(r.finished),
			From: r.from, OriginalRun: r.status.OriginalRun, Baseline: r.baseline,
		}
		from := workflow.Now(r.ctx)
		var p dr.Planned
		err := workflow.ExecuteActivity(shortCall(r.ctx, "observe all sites and plan "+string(g)), dr.ActPlan, call).Get(r.ctx, &p)
		if err == nil {
			r.took(from, "", "observed all sites and planned")
			r.adopt(p)
			return nil
		}
		de := asError(err)
		if de.Class == dr.ClassRefuse && len(r.plans) == 0 {
			return de
		}
		if err := r.holdOn(holdOf("plan."+string(g), "Plan "+string(g), attempt, de, dr.SkipNever)); err != nil {
			return err
		}
	}
}

func (r *run) adopt(p dr.Planned) {
	r.plan = p.Plan
	r.plans = append(r.plans, p.Plan)
	if r.baseline == nil {
		r.baseline = p.Baseline
	}
	r.status.From, r.status.To = p.Plan.From, p.Plan.To
	r.status.Mode = p.Plan.Mode
	if r.goBack && r.past(p.Plan.BackTo) {
		r.from = p.Plan.BackTo
	}
	r.goBack = false
	phases := make([]dr.PhaseStatus, 0, len(p.Plan.Phases))
	for _, ph := range p.Plan.Phases {
		if ph.Phase == dr.PhaseSafeStop {
			r.safeStop = ph.Steps
			continue
		}
		ps := dr.PhaseStatus{Phase: ph.Phase, State: dr.StepPending, Empty: ph.Empty}
		for _, s := range ph.Steps {
			ps.Steps = append(ps.Steps, dr.StepStatus{ID: s.ID, Title: s.Title, State: dr.StepPending})
		}
		if i := slices.IndexFunc(r.status.Phases, func(o dr.PhaseStatus) bool { return o.Phase == ph.Phase }); i >= 0 && r.past(ph.Phase) {
			ps = r.status.Phases[i]
		}
		phases = append(phases, ps)
	}
	r.status.Phases = append(r.earlierStages(p.Plan), phases...)
}

// earlierStages keeps the phases of stages that are over in the status.
func (r *run) earlierStages(p dr.Plan) []dr.PhaseStatus {
	var keep []dr.PhaseStatus
	for _, ps := range r.status.Phases {
		if _, same := p.Phase(ps.Phase); !same && ps.State != dr.StepPending {
			keep = append(keep, ps)
		}
	}
	return keep
}

// past says whether a phase lies before the first one that has not begun.
func (r *run) past(ph dr.Phase) bool {
	if r.from == "" {
		return false
	}
	order := dr.PhasesAfter(r.req.Procedure, r.plan.Envelope.Gate)
	at, first := slices.Index(order, ph), slices.Index(order, r.from)
	return at >= 0 && first >= 0 && at < first
}

// restored announces the service as restored: after verify, whatever protect
// may still find.
func (r *run) restored() {
	now := workflow.Now(r.ctx)
	r.status.RestoredAt = &now
	r.note("service restored: %s is primary and clients reach it", r.plan.To)
	r.report()
}

// inSync marks that the failback has reached cutover: from here a stop is
// safe, and what the first stage did is no longer undone.
func (r *run) inSync() {
	r.synced = true
	r.clientsStopped = false
	r.note("%s is in sync; nothing has been handed back yet", r.plan.To)
}
