package workflows

import (
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/switchback-dr/switchback/dr"
)

// followUps lets people acknowledge broken glasses at the watch: as a signal or
// as an update, like any decision.
type followUps struct {
	in   *dr.WatchInput
	busy int
}

// listenForAcknowledgements opens both ways in.
func listenForAcknowledgements(ctx workflow.Context, in *dr.WatchInput) (*followUps, error) {
	f := &followUps{in: in}
	verb := dr.VerbAcknowledge
	ch := workflow.GetSignalChannelWithOptions(ctx, string(verb), workflow.SignalChannelOptions{Description: verb.Describe()})
	workflow.GoNamed(ctx, "acknowledge", func(ctx workflow.Context) {
		for {
			var v converter.RawValue
			if !ch.Receive(ctx, &v) {
				return
			}
			if _, err := f.acknowledge(ctx, v); err != nil {
				workflow.GetLogger(ctx).Info("acknowledgement refused", "why", err.Error())
			}
		}
	})
	err := workflow.SetUpdateHandlerWithOptions(ctx, string(verb), f.acknowledge, workflow.UpdateHandlerOptions{Description: verb.Describe()})
	return f, err
}

// acknowledge judges one acknowledgement with the policy that was pinned when
// the glass was broken; who broke it does not count.
func (f *followUps) acknowledge(ctx workflow.Context, v converter.RawValue) (string, error) {
	f.busy++
	defer func() { f.busy-- }()
	raw, err := jsonInput(v)
	if err != nil {
		return "", refusal(dr.Refuse("decision", "%v", err))
	}
	d, err := dr.DecodeDecision(dr.VerbAcknowledge, raw)
	if err != nil {
		return "", refusal(dr.Refuse("decision", "%v", err))
	}
	u := f.open(d)
	if u == nil {
		return "", refusal(dr.Refuse("decision", "no broken glass of this run waits for an acknowledgement"))
	}
	run := u.OriginalRun
	call := dr.JudgeCall{System: f.in.System, Decision: d, Requester: u.Person, Policy: u.Policy}
	var got dr.Verdict
	if err := workflow.ExecuteActivity(shortCall(ctx, "judge acknowledge by "+d.Person), dr.ActJudge, call).Get(ctx, &got); err != nil {
		return "", refusal(asError(err))
	}
	// The memory may be another one by now.
	u = f.of(run)
	switch {
	case u == nil || u.Acknowledged != nil:
		return "", refusal(dr.Refuse("decision", "it was acknowledged already"))
	case !got.Counts:
		why := got.Why
		if got.Person == u.Person {
			why = fmt.Sprintf("refused: %s broke the glass; somebody else must acknowledge it", u.Person)
		}
		return "", refusal(dr.Refuse("decision", "%s", why))
	}
	u.Acknowledged = &dr.Vote{
		Verb: dr.VerbAcknowledge, Person: got.Person, Channel: d.Channel, Reason: d.Reason, At: workflow.Now(ctx),
		Signed: got.Signed, Gateway: got.Gateway, Account: got.Account, Attested: got.Attested,
	}
	showMemory(ctx, f.in.Memory)
	return fmt.Sprintf("%s acknowledged that %s broke the glass", got.Person, u.Person), nil
}

// open finds the follow-up that a decision is about. Without a run the only
// open one is meant.
func (f *followUps) open(d dr.Decision) *dr.FollowUp {
	var found *dr.FollowUp
	for i := range f.in.Memory.FollowUps {
		u := &f.in.Memory.FollowUps[i]
		switch {
		case u.Acknowledged != nil || d.OriginalRun != "" && d.OriginalRun != u.OriginalRun:
		case d.Workflow != "" && d.Workflow != u.Workflow:
		case found != nil && d.OriginalRun == "":
			return nil
		case found == nil:
			found = u
		}
	}
	return found
}

func (f *followUps) of(run string) *dr.FollowUp {
	for i := range f.in.Memory.FollowUps {
		if u := &f.in.Memory.FollowUps[i]; u.OriginalRun == run && u.Acknowledged == nil {
			return u
		}
	}
	return nil
}

// settle waits until no acknowledgement is being judged.
func (f *followUps) settle(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return f.busy == 0 && workflow.AllHandlersFinished(ctx) })
}
