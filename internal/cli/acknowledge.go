package cli

import (
	"context"
	"strings"

	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

func acknowledgeCommand() command {
	return command{
		name: string(dr.VerbAcknowledge), args: "SYSTEM", min: 1, max: 1,
		what: "Acknowledge that somebody else broke the glass: passed a gate alone.",
		run:  (*App).acknowledge,
		flags: func(in *input) {
			in.personFlags()
			in.set.StringVar(&in.reason, "reason", "", "what you say to it, in a `sentence`")
		},
	}
}

// acknowledge answers the oldest broken glass of a system that waits. It is kept
// by the watch, because it outlives its run.
func (a *App) acknowledge(ctx context.Context, in *input) (int, error) {
	system := in.args[0]
	if err := systemName(system); err != nil {
		return 0, err
	}
	id, err := a.identify(in)
	if err != nil {
		return 0, err
	}
	if id.person == "" {
		return 0, badUsage("say who acknowledges").WithNext("--person YOUR-ID, or set SWITCHBACK_PERSON")
	}
	s, err := a.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer s.c.Close()
	wait, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	v, err := s.c.QueryWorkflow(wait, dr.WatchID(system), "", dr.QueryMemory)
	if err != nil {
		return 0, notAnswered("the watch of "+system, err)
	}
	var m dr.Memory
	if err := v.Get(&m); err != nil {
		return 0, dr.Hold("internal", "the watch's memory cannot be read: %v", err).WithNext("use the starter of the same release as the worker")
	}
	for _, f := range m.FollowUps {
		if f.Acknowledged == nil {
			return a.sendAcknowledgement(wait, in, s, f, id)
		}
	}
	return 0, dr.Refuse("decision", "no broken glass of %s waits for an acknowledgement", system)
}

func (a *App) sendAcknowledgement(ctx context.Context, in *input, s *server, f dr.FollowUp, id identity) (int, error) {
	d := dr.Decision{Decision: dr.VerbAcknowledge, Reason: strings.TrimSpace(in.reason)}
	if err := a.signDecision(&d, dr.Status{Workflow: f.Workflow, OriginalRun: f.OriginalRun, Run: f.Run}, id); err != nil {
		return 0, err
	}
	h, err := s.c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID: d.Nonce, WorkflowID: dr.WatchID(in.args[0]), UpdateName: string(dr.VerbAcknowledge), Args: []any{d},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var text string
	if err == nil {
		err = h.Get(ctx, &text)
	}
	if err != nil {
		return 0, runError(in.args[0], err)
	}
	a.printf("%s\n", dr.CleanLine(text))
	return ExitDone, nil
}
