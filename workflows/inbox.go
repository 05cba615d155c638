package workflows

import (
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// listen opens every way in before the run does anything else: a signal and an
// update for each verb, the queries, and Temporal's Cancel. They are asked for
// at once, so that the Temporal UI lists them from the first moment and no
// early message meets an unknown name.
func (r *run) listen(ctx workflow.Context) error {
	if err := r.queries(); err != nil {
		return err
	}
	for _, verb := range dr.Verbs() {
		r.onSignal(verb)
		if err := r.onUpdate(verb); err != nil {
			return err
		}
	}
	r.onCancel(ctx)
	return nil
}

// onSignal reads a verb's signals raw: a typed receive would silently drop
// what it cannot decode.
func (r *run) onSignal(verb dr.Verb) {
	ch := workflow.GetSignalChannelWithOptions(r.ctx, string(verb), workflow.SignalChannelOptions{Description: verb.Describe()})
	workflow.GoNamed(r.ctx, "signal "+string(verb), func(ctx workflow.Context) {
		for {
			var v converter.RawValue
			if !ch.Receive(ctx, &v) {
				return
			}
			raw, err := jsonInput(v)
			if err != nil {
				_ = r.refuse(verb, dr.Decision{}, fmt.Sprintf("the body cannot be read: %v; %s", err, verb.Describe()))
				continue
			}
			_, _ = r.judge(ctx, verb, raw)
		}
	})
}

// onUpdate answers the sender. Its validator refuses only what cannot be
// decoded or is too large: a refused update leaves no trace in the history, so
// everything else is accepted and then recorded as counted or refused.
func (r *run) onUpdate(verb dr.Verb) error {
	handler := func(ctx workflow.Context, v converter.RawValue) (string, error) {
		raw, err := jsonInput(v)
		if err != nil {
			return "", refusal(dr.Refuse("decision", "%v", err))
		}
		text, err := r.judge(ctx, verb, raw)
		if err != nil {
			return "", refusal(dr.AsError(err, "decision"))
		}
		return text, nil
	}
	validator := func(_ workflow.Context, v converter.RawValue) error {
		raw, err := jsonInput(v)
		if err == nil {
			_, err = dr.DecodeDecision(verb, raw)
		}
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(r.ctx, string(verb), handler, workflow.UpdateHandlerOptions{
		Validator: validator, Description: verb.Describe(),
	})
}

// onCancel makes Temporal's Cancel an abort.
func (r *run) onCancel(ctx workflow.Context) {
	workflow.GoNamed(r.ctx, "cancel", func(walk workflow.Context) {
		ctx.Done().Receive(walk, nil)
		v := &dr.Vote{Verb: dr.VerbAbort, Channel: "Temporal Cancel", Reason: "Temporal's Cancel", At: workflow.Now(walk)}
		if why := r.wishAbort(v); why != "" {
			_ = r.refuse(dr.VerbAbort, dr.Decision{Person: v.Channel}, why)
		}
	})
}

// queries answers what people and programs ask. A query changes nothing.
func (r *run) queries() error {
	set := func(name, what string, f any) error {
		return workflow.SetQueryHandlerWithOptions(r.ctx, name, f, workflow.QueryHandlerOptions{Description: what})
	}
	if err := set(dr.QueryStatus, "What the run does or waits for, now.", func() (dr.Status, error) { return r.status, nil }); err != nil {
		return err
	}
	if err := set(dr.QueryPlan, "The present plan with its exact commands.", func() (dr.Plan, error) { return r.plan, nil }); err != nil {
		return err
	}
	return set(dr.QueryReport, "The report as it would be written now.", func() (dr.Report, error) { return r.asReport(), nil })
}
