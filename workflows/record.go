package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// say sets what the run does or waits for, now.
func (r *run) say(state dr.State, sentence string) {
	r.status.State, r.status.Sentence, r.status.Since = state, sentence, workflow.Now(r.ctx)
	r.showDetails()
}

// showDetails refreshes the text at the top of the run's page in the UI.
func (r *run) showDetails() {
	workflow.SetCurrentDetails(r.ctx, dr.DetailsMarkdown(r.status, &r.plan, workflow.Now(r.ctx)))
}

// note adds a line to the timeline.
func (r *run) note(format string, a ...any) {
	r.events = append(r.events, dr.Event{At: workflow.Now(r.ctx), Kind: dr.EventNote, Phase: r.status.Phase, Text: fmt.Sprintf(format, a...)})
}

// took adds work that began at from and ends now.
func (r *run) took(from time.Time, ph dr.Phase, text string) {
	until := workflow.Now(r.ctx)
	r.events = append(r.events, dr.Event{At: from, Until: &until, Kind: dr.EventWork, Phase: ph, Text: text})
}

// record adds one attempt at a step to the timeline.
func (r *run) record(ph dr.Phase, st dr.Step, attempt int, from time.Time, res dr.StepResult, err error) {
	until := workflow.Now(r.ctx)
	e := dr.Event{
		At: from, Until: &until, Kind: dr.EventWork, Phase: ph, Step: st.ID, Attempt: attempt,
		State: res.State, Text: res.Text, Commands: st.Commands, Output: res.Output,
	}
	if err != nil {
		e.State, e.Text = dr.StepHeld, asError(err).Error()
		if st.NoVeto {
			e.State = dr.StepFailed
		}
	}
	r.events = append(r.events, e)
	r.evidence = append(r.evidence, res.Evidence...)
	r.measure(res.Loss)
}

// measure keeps what a step found to be lost. A failback measures twice: what
// the takeover lost, then that its own cutover loses nothing. The second
// measurement takes nothing from the first.
func (r *run) measure(l *dr.LossFound) {
	if l == nil || r.measured != nil && !r.measured.Amount.Zero() && l.Amount.Zero() {
		return
	}
	r.measured = l
}

func (r *run) stepDone(ph dr.Phase, st dr.Step, attempt int, res dr.StepResult) {
	if ph != "" {
		r.finished = append(r.finished, dr.FinishedStep{Phase: ph, ID: st.ID, Action: st.Action, State: res.State})
	}
	if st.StopsClients {
		r.clientsStopped = true
	}
	r.setStep(ph, st.ID, res.State, attempt, res.Text)
}

func (r *run) stepSkipped(ph dr.Phase, st dr.Step, attempt int, h *hold) {
	r.finished = append(r.finished, dr.FinishedStep{Phase: ph, ID: st.ID, Action: st.Action, State: dr.StepSkipped})
	r.setStep(ph, st.ID, dr.StepSkipped, attempt, "skipped by "+who(h.answer))
	r.note("the step %s was skipped by %s", st.ID, who(h.answer))
}

// stepFailed notes the failure of a step that has no veto.
func (r *run) stepFailed(ph dr.Phase, st dr.Step, attempt int, err error) {
	r.finished = append(r.finished, dr.FinishedStep{Phase: ph, ID: st.ID, Action: st.Action, State: dr.StepFailed})
	r.setStep(ph, st.ID, dr.StepFailed, attempt, asError(err).Text)
	r.note("the step %s has no veto and did not succeed: %s; the procedure goes on", st.ID, asError(err).Text)
}

func (r *run) setStep(ph dr.Phase, id string, s dr.StepState, attempt int, text string) {
	now := workflow.Now(r.ctx)
	for i := range r.status.Phases {
		if r.status.Phases[i].Phase != ph {
			continue
		}
		r.status.Phases[i].State = dr.StepRunning
		for j := range r.status.Phases[i].Steps {
			t := &r.status.Phases[i].Steps[j]
			if t.ID != id {
				continue
			}
			if s == dr.StepRunning {
				t.Started, t.Ended = &now, nil
			} else {
				t.Ended = &now
			}
			t.State, t.Attempt, t.Text = s, attempt, dr.Clip(text, 500)
		}
	}
	r.showDetails()
}

func (r *run) phaseDone(ph dr.Phase) {
	order := dr.PhasesAfter(r.req.Procedure, r.plan.Envelope.Gate)
	if i := slices.Index(order, ph); i >= 0 && i+1 < len(order) {
		r.from = order[i+1]
	}
	for i := range r.status.Phases {
		if r.status.Phases[i].Phase == ph {
			r.status.Phases[i].State = dr.StepDone
		}
	}
}

// asReport gives the report as it stands.
func (r *run) asReport() dr.Report {
	requester := r.begun.Requester
	if requester == "" {
		requester = "unknown"
	}
	rep := dr.Report{
		Schema: dr.ReportSchema, Workflow: r.status.Workflow, OriginalRun: r.status.OriginalRun, Run: r.status.Run,
		System: r.req.System, Product: r.begun.Product, Procedure: r.req.Procedure, Mode: r.req.Mode,
		From: r.status.From, To: r.status.To, Reason: r.req.Reason, Requester: requester,
		StartedAt: r.started, WrittenAt: r.status.Since, Status: r.status, Plans: r.plans, Events: r.events,
		Votes: r.votes, Refused: r.status.Refused, Measured: r.measured, Baseline: r.baseline,
		Evidence: r.evidence, Final: r.final, Ending: r.status.Ending,
	}
	if len(r.plans) > 0 {
		rep.Estimated = &r.plans[0].Loss
	}
	return rep
}

// report writes the report and waits until it is written or given up.
func (r *run) report() dr.Written {
	return r.writeReport(r.ctx)
}

// reportLater writes the report while the run waits for people.
func (r *run) reportLater() {
	workflow.GoNamed(r.ctx, "report", func(ctx workflow.Context) { r.writeReport(ctx) })
}

func (r *run) writeReport(ctx workflow.Context) dr.Written {
	options := workflow.GetActivityOptions(shortCall(ctx, "write the report"))
	options.ScheduleToCloseTimeout = 10 * time.Minute
	var w dr.Written
	rep := r.asReport()
	rep.WrittenAt = workflow.Now(ctx)
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), dr.ActReport, dr.ReportCall{Report: rep}).Get(ctx, &w)
	if err != nil {
		r.note("the report could not be written: %s", asError(err).Error())
	}
	return w
}
