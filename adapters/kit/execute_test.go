package kit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// fakeHost keeps one claim in memory and counts what was started.
type fakeHost struct {
	kit.Host
	job     kit.Job
	started int
	// effect is what the command does.
	effect func()
	// lose makes the answer of the next Start get lost: before or after the
	// command was started.
	lose string
	// ends is what happens while somebody waits for the job.
	ends func()
}

// only is a set of one host.
type only struct{ host kit.Host }

func (o only) Host(string) (kit.Host, error) { return o.host, nil }

func (h *fakeHost) Look(context.Context, kit.JobKey) (kit.Job, error) { return h.job, nil }

func (h *fakeHost) Start(context.Context, kit.JobKey, dr.Command, kit.HostTime, time.Duration) (kit.Job, error) {
	lose := h.lose
	h.lose = ""
	if lose == "before" {
		return kit.Job{}, dr.Retry("unreachable", "the connection was lost")
	}
	if h.job.State != kit.JobNone {
		return h.job, nil
	}
	h.started++
	h.effect()
	h.job = kit.Job{State: kit.JobFinished}
	if lose == "after" {
		return kit.Job{}, dr.Retry("unreachable", "the connection was lost")
	}
	return kit.Job{State: kit.JobFinished, Started: true}, nil
}

func (h *fakeHost) Void(_ context.Context, _ kit.JobKey, why string) (kit.Job, error) {
	if h.job.State == kit.JobNone {
		h.job = kit.Job{State: kit.JobVoid, Text: why}
	}
	return h.job, nil
}

func (h *fakeHost) Wait(context.Context, kit.JobKey, time.Duration) (kit.Job, error) {
	if h.ends != nil {
		h.ends()
	}
	return h.job, nil
}

type args struct {
	N int `json:"n"`
}

// bench is one action on one fake host, with a clock that only moves in sleeps.
type bench struct {
	host  *fakeHost
	env   kit.Env
	now   time.Time
	spec  kit.Spec[args]
	state kit.EffectState
	guard error
}

func newBench() *bench {
	b := &bench{now: time.Unix(0, 0), state: kit.EffectNotDone}
	b.host = &fakeHost{job: kit.Job{State: kit.JobNone}, effect: func() { b.state = kit.EffectDone }}
	b.env = kit.Env{
		Hosts: only{b.host}, Progress: func(kit.Progress) {}, Now: func() time.Time { return b.now },
		Sleep: func(ctx context.Context, d time.Duration) error { b.now = b.now.Add(d); return ctx.Err() },
	}
	b.spec = kit.Spec[args]{
		Name: "t.act", Kind: dr.KindIrreversible,
		Commands: func(args) []dr.Command { return []dr.Command{{Host: "db", Argv: []string{"act"}}} },
		Probe:    func(context.Context, kit.Env, args) kit.Effect { return kit.Effect{State: b.state, Text: "read"} },
		Guard:    func(context.Context, kit.Env, args) (kit.HostTime, error) { return 1, b.guard },
	}
	return b
}

func (b *bench) run() (kit.StepResult, error) {
	st := b.spec.Step(kit.At{Phase: dr.PhasePromote, Slug: "act", Title: "Act", Timeout: time.Minute}, args{N: 1})
	return kit.Execute(context.Background(), b.env, b.spec.Action(), st)
}

func TestAnEffectThatIsThereIsNotMadeAgain(t *testing.T) {
	b := newBench()
	b.state = kit.EffectDone
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepAlready, res.State)
	require.Zero(t, b.host.started)
	require.Equal(t, kit.JobVoid, b.host.job.State, "a late worker can never start it")
}

func TestTheProbeAfterTheCommandDecidesNotTheExitCode(t *testing.T) {
	b := newBench()
	b.host.effect = func() {}
	_, err := b.run()
	require.True(t, dr.HasCode(err, "no_effect"), "%v", err)
	require.Equal(t, dr.ClassHold, dr.ClassOf(err))
	require.Equal(t, 1, b.host.started)
}

func TestAWorkerThatDiedAfterItSawTheEffectIsFollowedByOneThatSaysSo(t *testing.T) {
	b := newBench()
	b.state, b.env.Resumed = kit.EffectDone, true
	b.host.job = kit.Job{State: kit.JobVoid, Text: "the effect was there"}
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepAlready, res.State)
	require.Zero(t, b.host.started)
}

func TestAGuardThatSaysNoSendsNothingAndClosesTheAttempt(t *testing.T) {
	b := newBench()
	b.guard = dr.Hold("role", "west is no standby any more")
	_, err := b.run()
	require.True(t, dr.HasCode(err, "guard"), "%v", err)
	require.True(t, dr.AsError(err, "").NotSent)
	require.Zero(t, b.host.started)
	b.guard, b.env.Resumed = nil, true
	_, err = b.run()
	require.True(t, dr.HasCode(err, "void"), "the same attempt stays closed: %v", err)
	require.Zero(t, b.host.started)
}

func TestAnUnknownStateSendsNothing(t *testing.T) {
	b := newBench()
	b.state = kit.EffectUnknown
	_, err := b.run()
	de := dr.AsError(err, "")
	require.True(t, de.Unknown)
	require.True(t, de.NotSent)
	require.Zero(t, b.host.started)
	require.GreaterOrEqual(t, b.now.Sub(time.Unix(0, 0)), 20*time.Second, "an unknown state is asked for again first")
}

func TestALostAnswerIsResolvedByTheClaimNotByASecondCommand(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			b := newBench()
			b.host.lose = when
			res, err := b.run()
			if when == "before" {
				require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "%v", err)
				require.Zero(t, b.host.started)
				b.env.Resumed = true
				res, err = b.run()
			}
			require.NoError(t, err)
			require.Equal(t, dr.StepDone, res.State)
			require.Equal(t, 1, b.host.started)
		})
	}
}

func TestAJobWhoseEndIsNotRecordedIsUnknownUnlessItsEffectIsThere(t *testing.T) {
	b := newBench()
	b.env.Resumed = true
	b.host.job = kit.Job{State: kit.JobLost, Text: "the host was restarted"}
	_, err := b.run()
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.False(t, dr.AsError(err, "").NotSent)
	b.state = kit.EffectDone
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Zero(t, b.host.started)
}

func TestAWaitEndsAtItsDeadlineWithTheLastAnswer(t *testing.T) {
	b := newBench()
	b.spec.Kind, b.spec.Guard = dr.KindRead, nil
	b.env.Sleep = func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() }
	st := b.spec.Step(kit.At{Phase: dr.PhaseVerify, Slug: "wait", Title: "Wait", Timeout: time.Millisecond}, args{})
	_, err := kit.Execute(context.Background(), b.env, b.spec.Action(), st)
	require.True(t, dr.HasCode(err, "deadline"), "%v", err)
	require.ErrorContains(t, err, "read")
}

func TestAWaitThatCanNeverEndGoesOnHoldAtOnce(t *testing.T) {
	b := newBench()
	b.spec.Kind, b.spec.Guard = dr.KindRead, nil
	b.spec.Probe = func(context.Context, kit.Env, args) kit.Effect {
		return kit.Effect{State: kit.EffectNotDone, Never: dr.HoldReplan("wal_gone", "the WAL is gone")}
	}
	st := b.spec.Step(kit.At{Phase: dr.PhaseVerify, Slug: "wait", Title: "Wait", Timeout: time.Hour}, args{})
	_, err := kit.Execute(context.Background(), b.env, b.spec.Action(), st)
	require.True(t, dr.HasCode(err, "wal_gone"), "%v", err)
	require.True(t, dr.AsError(err, "").Replan)
	require.Zero(t, b.now.Sub(time.Unix(0, 0)))
}

func TestArgumentsOfAnotherReleaseAreRefused(t *testing.T) {
	b := newBench()
	st := b.spec.Step(kit.At{Phase: dr.PhasePromote, Slug: "act", Title: "Act", Timeout: time.Minute}, args{N: 1})
	st.Args = []byte(`{"n":1,"more":true}`)
	_, err := kit.Execute(context.Background(), b.env, b.spec.Action(), st)
	var de *dr.Error
	require.ErrorAs(t, err, &de)
	require.Zero(t, b.host.started)
}

func TestARetryFollowsACommandOfAnEarlierAttemptThatStillRuns(t *testing.T) {
	b := newBench()
	b.env.Job.Attempt = 2
	b.host.job = kit.Job{State: kit.JobRunning}
	b.host.ends = func() { b.host.job, b.state = kit.Job{State: kit.JobFinished}, kit.EffectDone }
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Zero(t, b.host.started, "two commands of one step never run side by side")
}

// sql turns the bench's action into one that only time protects: it has no host
// command, and says nothing of a lock.
func (b *bench) sql() (sent *int) {
	sent = new(int)
	b.spec.Act = func(context.Context, kit.Env, args) error {
		*sent++
		b.state = kit.EffectDone
		return nil
	}
	return sent
}

func TestANewAttemptOfAnUnprotectedStatementWaitsUntilTheFirstCannotActAnyMore(t *testing.T) {
	b := newBench()
	sent := b.sql()
	b.env.Resumed = true
	// The worker that was cut off acts while the new attempt waits.
	sleep := b.env.Sleep
	b.env.Sleep = func(ctx context.Context, d time.Duration) error {
		b.state = kit.EffectDone
		return sleep(ctx, d)
	}
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepAlready, res.State)
	require.Zero(t, *sent)
	require.GreaterOrEqual(t, b.now.Sub(time.Unix(0, 0)), time.Minute)
}

func TestAStatementThatTheServersLockProtectsIsTriedAgainAtOnce(t *testing.T) {
	b := newBench()
	sent := b.sql()
	b.spec.Lock = "the server refuses a second one"
	b.env.Resumed = true
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Equal(t, 1, *sent)
	require.Equal(t, time.Unix(0, 0), b.now)
}

func TestAnUnprotectedStatementIsNotSentLongAfterItsAttemptBegan(t *testing.T) {
	b := newBench()
	sent := b.sql()
	probe := b.spec.Probe
	b.spec.Probe = func(ctx context.Context, env kit.Env, a args) kit.Effect {
		b.now = b.now.Add(2 * time.Minute)
		return probe(ctx, env, a)
	}
	_, err := b.run()
	require.True(t, dr.HasCode(err, "late"), "%v", err)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	require.Zero(t, *sent)
}

func TestWhenAStepsTimeIsOverItsStateIsReadOnceMore(t *testing.T) {
	b := newBench()
	b.host.effect = func() {}
	over, end := context.WithCancel(context.Background())
	acted := false
	b.spec.Act = func(context.Context, kit.Env, args) error {
		acted = true
		end() // stands for the step's own time-out
		return dr.HoldUnknown("timeout", "no answer in time")
	}
	b.spec.Lock = "the server's"
	b.spec.Probe = func(ctx context.Context, _ kit.Env, _ args) kit.Effect {
		if ctx.Err() != nil || acted && over.Err() == nil {
			return kit.NotKnown("the server did not answer")
		}
		return kit.NotDone("the tenant is half-way")
	}
	b.env.Sleep = func(context.Context, time.Duration) error { return over.Err() }
	_, err := b.run()
	require.ErrorContains(t, err, "the tenant is half-way")
	require.True(t, dr.AsError(err, "").Unknown)
}

func TestAFollowedCommandTellsHowFarItIsLikeOneThatWasStartedHere(t *testing.T) {
	b := newBench()
	b.host.job = kit.Job{State: kit.JobRunning}
	b.env.Resumed = true
	waits := 0
	b.host.ends = func() {
		if waits++; waits == 3 {
			b.host.job, b.state = kit.Job{State: kit.JobFinished}, kit.EffectDone
		}
	}
	b.spec.Probe = func(context.Context, kit.Env, args) kit.Effect {
		return kit.Effect{State: b.state, Text: "read", Progress: &kit.Progress{Text: "40 %", Done: 40, Total: 100}}
	}
	var told []string
	b.env.Progress = func(p kit.Progress) { told = append(told, p.Text) }
	res, err := b.run()
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
	require.Equal(t, []string{"40 %", "40 %"}, told)
	require.Zero(t, b.host.started)
}
