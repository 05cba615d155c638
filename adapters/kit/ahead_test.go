package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// piped is a host whose file the command makes; it carries reads behind a start.
type piped struct {
	kit.Host
	made   bool
	reads  []string // how each read was carried out
	answer func(kit.Output) kit.Output
	none   bool // nothing is answered behind the start
}

func (p *piped) read(how string) kit.Output {
	p.reads = append(p.reads, how)
	exit := 1
	if p.made {
		exit = 0
	}
	return kit.Output{Exit: exit, HostTime: 7}
}

func (p *piped) Read(context.Context, dr.Command) (kit.Output, error) { return p.read("alone"), nil }

func (p *piped) StartThen(_ context.Context, _ kit.JobKey, _ dr.Command, _ kit.HostTime, _ time.Duration, reads []dr.Command) (kit.Job, []kit.Output, error) {
	p.made = true
	if p.none {
		return kit.Job{State: kit.JobFinished, Started: true}, nil, nil
	}
	var outs []kit.Output
	for range reads {
		outs = append(outs, p.answer(p.read("behind")))
	}
	return kit.Job{State: kit.JobFinished, Started: true}, outs, nil
}

func (p *piped) Start(context.Context, kit.JobKey, dr.Command, kit.HostTime, time.Duration) (kit.Job, error) {
	p.made = true
	return kit.Job{State: kit.JobFinished, Started: true}, nil
}

func touching(login bool) kit.Spec[args] {
	asks := func(ctx context.Context, env kit.Env) (kit.Output, error) {
		h, err := env.Hosts.Host("db")
		if err != nil {
			return kit.Output{}, err
		}
		return h.Read(ctx, dr.Command{Host: "db", Argv: []string{"test", "-e", "file"}})
	}
	return kit.Spec[args]{
		Name: "lab.touch", Kind: dr.KindChange, Doc: "makes a file",
		Commands: func(args) []dr.Command {
			return []dr.Command{{Host: "db", Argv: []string{"touch", "file"}, Login: login}}
		},
		Probe: func(ctx context.Context, env kit.Env, _ args) kit.Effect {
			out, err := asks(ctx, env)
			switch {
			case err != nil:
				return kit.NotKnown("%v", err)
			case out.Exit == 0:
				return kit.Done("the file is there")
			}
			return kit.NotDone("there is no file")
		},
		Guard: func(context.Context, kit.Env, args) (kit.HostTime, error) { return 7, nil },
	}
}

func TestTheProbeAfterAnActIsReadBehindIt(t *testing.T) {
	same := func(o kit.Output) kit.Output { return o }
	for name, c := range map[string]struct {
		host  *piped
		login bool
		reads []string
	}{
		"in the same round trip":                    {&piped{answer: same}, false, []string{"alone", "behind"}},
		"and anew when nothing was answered":        {&piped{none: true}, false, []string{"alone", "alone"}},
		"and anew when the effect came later":       {&piped{answer: func(o kit.Output) kit.Output { o.Exit = 1; return o }}, false, []string{"alone", "behind", "alone"}},
		"but not in a shell with other start files": {&piped{answer: same}, true, []string{"alone", "alone"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := touching(c.login)
			st := spec.Step(kit.At{Phase: dr.PhasePrepare, Slug: "touch", Title: "Make a file", Timeout: time.Minute}, args{N: 1})
			env := kit.Env{
				Hosts: only{c.host}, Now: time.Now, Sleep: func(context.Context, time.Duration) error { return nil }, Progress: func(kit.Progress) {},
				Job: kit.JobKey{Attempt: 1},
			}
			res, err := kit.Execute(t.Context(), env, spec.Action(), st)
			require.NoError(t, err)
			require.Equal(t, dr.StepDone, res.State)
			require.Equal(t, c.reads, c.host.reads)
		})
	}
}
