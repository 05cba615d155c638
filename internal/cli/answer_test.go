package cli

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/switchback-dr/switchback/dr"
)

func TestAGateCanBeDecidedWhereTheRunIsFollowedByItsDigestOnly(t *testing.T) {
	b := newBench(t)
	p, _ := b.atGate(t)
	b.AsksPeople, b.ShowsPeople = true, true
	b.env["NO_COLOR"], b.env["SWITCHBACK_PERSON"] = "1", "eve"
	b.temporal.result = &dr.Result{Ending: dr.Ending{Kind: dr.EndDone, Text: "west is primary", At: noon}}
	typing, keyboard := io.Pipe()
	b.Stdin = typing
	b.Sleep = func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return nil }
	go func() {
		_, _ = io.WriteString(keyboard, "yes\n")
		_, _ = io.WriteString(keyboard, p.Digest[:12]+"\n")
		_ = keyboard.Close()
	}()
	b.temporal.onUpdate = func() { b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED }
	require.Equal(t, ExitDone, b.run("follow", "orders"), b.err)
	require.Contains(t, b.out.String(), "nothing was approved: what was typed is not the digest")
	require.Contains(t, b.out.String(), "counted: 1 of 1")
	d := b.decision(t)
	require.Equal(t, p.Digest, d.Digest)
	require.Equal(t, dr.VerbApprove, d.Decision)
	require.Equal(t, "eve", d.Person)
}

func TestNobodyIsAskedAtAGateWithoutATerminalOrAName(t *testing.T) {
	b := newBench(t)
	f := &follower{a: b.App, in: &input{}, answers: answers{id: identity{person: "eve"}}}
	require.False(t, f.mayAnswer())
	b.AsksPeople, b.ShowsPeople = true, true
	require.True(t, f.mayAnswer())
	f.in.json = true
	require.False(t, f.mayAnswer())
	f.in.json, f.answers.id.person = false, ""
	require.False(t, f.mayAnswer())
}
