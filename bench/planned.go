package main

import (
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/setup"
)

// pair is a stage on which takeovers go to and fro, in turn by a procedure and
// by a script.
type pair struct {
	*stage
	actions map[string]kit.Action
	hosts   bareHosts
	setup   *setup.Setup
}

func newPair(s *scene) *pair {
	p := &pair{stage: newStage(s), actions: actionsByName()}
	p.startWorker()
	p.hosts = dialLab(s, p.lab)
	var err error
	if p.setup, err = setup.Load(p.inventory); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(p.setup.Close)
	p.steady(time.Now())
	return p
}

// planOnly asks for a plan and rejects it: the script takes its commands.
func (p *pair) planOnly(input map[string]string) dr.Plan {
	run := p.start(dr.ProcTakeover, p.lab.System, input)
	plan := p.gate(p.lab.System, dr.GateDecide)
	p.reject(plan)
	p.ended(run, p.lab.System, dr.EndRejected)
	return plan
}

// carryOut does a step outside of the measured window as the worker would, but
// without Temporal.
func (p *pair) carryOut(plan dr.Plan, st dr.Step) {
	env := p.setup.Env()
	env.Job = kit.JobKey{Workflow: plan.Envelope.Workflow, OriginalRun: plan.Envelope.OriginalRun, Gate: plan.Envelope.Gate, Occurrence: 1, Step: st.ID, Attempt: 1}
	if _, err := kit.Execute(p.ctx, env, p.actions[st.Action], st); err != nil {
		p.Fatalf("the script, %s: %v", st.ID, err)
	}
}

// byScript carries a plan out. The phases from isolate to redirect are sent
// bare, one command after the other; what comes before and behind the outage is
// not measured. It gives when the bare part began.
func (p *pair) byScript(plan dr.Plan) time.Time {
	began := time.Time{}
	for _, ph := range plan.Phases {
		for _, st := range ph.Steps {
			switch {
			case ph.Phase == dr.PhaseIsolate && st.Action == "postgres.ready_standby":
				p.carryOut(plan, st)
			case ph.Phase == dr.PhaseIsolate, ph.Phase == dr.PhasePromote, ph.Phase == dr.PhaseRedirect:
				if began.IsZero() {
					began = time.Now()
				}
				p.hosts.script(p.scene, p.actions, st)
			default:
				p.carryOut(plan, st)
			}
		}
	}
	return began
}

const scriptName = "a script with the same commands of isolate, promote and redirect, one kept SSH connection for each host"

func measurePlanned(s *scene, runs int) ([]Row, error) {
	p := newPair(s)
	r := Row{Name: "planned takeover, outage seen by a client", Unit: "ms"}
	var reference []float64
	to := "west"
	next := func() map[string]string {
		in := map[string]string{"mode": "planned", "to": to}
		to = map[string]string{"west": "east", "east": "west"}[to]
		return in
	}
	var lost Row
	spent := &spans{}
	for i := -1; i < runs; i++ { // the first round warms up
		since := time.Now()
		run := p.start(dr.ProcTakeover, p.lab.System, next())
		p.approve(p.gate(p.lab.System, dr.GateDecide))
		p.ended(run, p.lab.System, dr.EndDone)
		p.steady(time.Now())
		ours := p.outage(since)
		if i >= 0 {
			p.spent(spent, run.GetRunID(), since)
		}

		plan := p.planOnly(next())
		since = p.byScript(plan)
		p.steady(time.Now())
		script := p.outage(since)
		s.Logf("%d of %d: ours %.0f ms, script %.0f ms", i+1, runs, ours, script)
		if i >= 0 {
			r.Values, reference = append(r.Values, ours), append(reference, script)
		}
	}
	l := p.ledger()
	if l.Lost == nil {
		return nil, fmt.Errorf("the ledger could not compare: %s", l.Complaint)
	}
	lost = Row{Name: "planned takeover, acknowledged writes lost", Unit: "count", Values: []float64{float64(*l.Lost)}}
	r = r.beside(scriptName, reference)
	r.Note = spent.String()
	return []Row{r.aims("at most 2 x", r.Ratio <= 2), lost.aims("0", *l.Lost == 0)}, nil
}
