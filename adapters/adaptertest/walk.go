package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// runID is the run of the suite's plans; leftovers carry another.
const runID = "5117e001"

// walker carries out one plan.
type walker struct {
	t       *testing.T
	s       Suite
	w       World
	f       *faulty
	attempt int
	results []string
}

func (s Suite) begin(t *testing.T, c Case) (*walker, []dr.Step) {
	w := c.Build(t)
	in := w.Input(c, runID)
	steps, text := s.plan(t, w, in, c)
	again, textAgain := s.plan(t, w, in, c)
	require.Equal(t, steps, again, "equal facts must give an equal plan")
	require.Equal(t, text, textAgain)
	require.NotEmpty(t, steps)
	return &walker{t: t, s: s, w: w, f: &faulty{HostSet: w.Env().Hosts}, results: []string{text}}, steps
}

// plan gives the steps and the whole draft as text.
func (s Suite) plan(t *testing.T, w World, in kit.PlanInput, c Case) ([]dr.Step, string) {
	raw, err := json.Marshal(in)
	require.NoError(t, err)
	var copied kit.PlanInput
	require.NoError(t, json.Unmarshal(raw, &copied), "the input of a plan must survive JSON")
	d := kit.NewDraft()
	require.NoError(t, w.System().Plan(copied, d))
	require.Empty(t, d.Nothing)
	require.Empty(t, d.Instead, d.InsteadWhy)
	phases, err := d.Phases(dr.PhasesAfter(c.Request.Procedure, c.Gate))
	require.NoError(t, err)
	text, err := json.Marshal(struct {
		P, S, C, L any
	}{phases, in.Situation, d.Consequences(), d.Loss})
	require.NoError(t, err)
	return Steps(t, c.Request, c.Gate, d), string(text)
}

// walk carries out the plan of a case and gives the world's end.
func (s Suite) walk(t *testing.T, c Case, m mode) string {
	x, steps := s.begin(t, c)
	for _, st := range steps {
		x.step(st, m)
	}
	x.noSecrets()
	return x.w.State()
}

func (x *walker) action(name string) kit.Action { return Action(x.t, x.s.Adapter, name) }

func (x *walker) env(st dr.Step, resumed bool) kit.Env {
	e := x.w.Env()
	e.Hosts, e.Dial, e.Resumed = x.f, x.f.dial(e.Dial), resumed
	e.Job = kit.JobKey{Workflow: "dr-suite", OriginalRun: runID, Gate: "suite", Occurrence: 1, Step: st.ID, Attempt: x.attempt}
	e.Sleep = withoutOutwaiting(e.Sleep, x.action(st.Action), st)
	return e
}

// withoutOutwaiting leaves out the one pause of a step that outwaits an earlier
// attempt which nothing but time stops: the suite's attempts have ended when the
// next begins, and would take minutes each.
func withoutOutwaiting(sleep func(context.Context, time.Duration) error, a kit.Action, st dr.Step) func(context.Context, time.Duration) error {
	pause := a.Overlap()
	if d := st.Timeout.D(); d > 0 {
		pause = min(pause, d)
	}
	return func(ctx context.Context, d time.Duration) error {
		if pause > 0 && d == pause {
			return ctx.Err()
		}
		return sleep(ctx, d)
	}
}

func (x *walker) execute(a kit.Action, st dr.Step, resumed bool) (kit.StepResult, error) {
	res, err := kit.Execute(context.Background(), x.env(st, resumed), a, st)
	x.results = append(x.results, fmt.Sprintf("%+v %v", res, err))
	return res, err
}

func (x *walker) step(st dr.Step, m mode) {
	a := x.action(st.Action)
	x.rendered(a, st)
	if a.Host(st.Args) == "" && st.Kind != dr.KindRead {
		x.statement(a, st, m)
		return
	}
	if st.Kind == dr.KindRead {
		x.f.read = nil
		_, err := x.execute(a, st, false)
		require.NoError(x.t, err, st.ID)
		for _, c := range x.f.read {
			require.Contains(x.t, st.Commands, c.Shown(), "%s reads by a command that the plan does not show", st.ID)
		}
		return
	}
	if m == undisturbed {
		x.flipGuards(a, st)
	}
	x.attempt++
	before := x.f.starts()
	res, err := x.disturbed(a, st, m)
	require.NoError(x.t, err, "%s: %s", st.ID, res.Output)
	require.LessOrEqual(x.t, x.f.starts()-before, 1, "%s was started more than once", st.ID)
	if x.f.starts() > before {
		require.Equal(x.t, []string{x.f.started[before].Shown()}, st.Commands, "%s: what ran is not what was shown", st.ID)
	}
	x.attempt++
	before = x.f.starts()
	res, err = x.execute(a, st, false)
	require.NoError(x.t, err, "%s, the second time", st.ID)
	require.Equal(x.t, dr.StepAlready, res.State, "%s, the second time", st.ID)
	require.Equal(x.t, before, x.f.starts(), "%s was sent a second time", st.ID)
}

// statement is step for an action that works by SQL: there is no claim, so a
// statement of a worker that was stopped can come late, and the server's own
// state decides.
func (x *walker) statement(a kit.Action, st dr.Step, m mode) {
	if m == undisturbed {
		x.f.statements(st.Commands)
		x.flipGuards(a, st)
		require.Zero(x.t, x.f.sent(), "%s was sent although its guard said no", st.ID)
	}
	if m == twoWorkers && a.Overlap() > 0 {
		m = crashAfter // only time protects it, and time is not played here
	}
	x.f.statements(st.Commands)
	x.attempt++
	res, err := x.disturbed(a, st, m)
	require.NoError(x.t, err, "%s: %s", st.ID, res.Output)
	most := len(st.Commands)
	if m != undisturbed {
		most *= 2
	}
	require.LessOrEqual(x.t, x.f.sent(), most, "%s was sent too often", st.ID)
	x.f.statements(st.Commands)
	x.attempt++
	res, err = x.execute(a, st, false)
	require.NoError(x.t, err, "%s, the second time", st.ID)
	require.Equal(x.t, dr.StepAlready, res.State, "%s, the second time", st.ID)
	require.Zero(x.t, x.f.sent(), "%s was sent a second time", st.ID)
	x.f.statements(nil)
}

func (x *walker) rendered(a kit.Action, st dr.Step) {
	cmds, err := a.Render(st.Args)
	require.NoError(x.t, err, st.ID)
	var shown []string
	for _, c := range cmds {
		shown = append(shown, c.Shown())
	}
	require.Equal(x.t, st.Commands, shown, "%s: shown and rendered differ", st.ID)
	require.NotEmpty(x.t, st.Proof, "%s has no proof in words", st.ID)
	if st.Kind != dr.KindRead {
		require.NotEmpty(x.t, st.Guard, "%s has no guard in words", st.ID)
	}
}

// disturbed carries the step out under the mode's fault.
func (x *walker) disturbed(a kit.Action, st dr.Step, m mode) (kit.StepResult, error) {
	switch m {
	case crashBefore:
		x.f.before = true
	case crashAfter:
		x.f.lost = true
	case twoWorkers:
		return x.stopped(a, st)
	case undisturbed:
	}
	before := x.f.starts()
	res, err := x.execute(a, st, false)
	if err == nil {
		return res, nil // already done, or the action has resolved it itself
	}
	if m == undisturbed {
		return res, err
	}
	require.Equal(x.t, dr.ClassRetry, dr.ClassOf(err), "%s: a lost connection is neither failure nor success: %v", st.ID, err)
	if m == crashBefore {
		require.Equal(x.t, before, x.f.starts())
	}
	return x.execute(a, st, true)
}

// stopped holds a first worker between its guard and its act, lets a second do
// the step, and then lets the first go on.
func (x *walker) stopped(a kit.Action, st dr.Step) (kit.StepResult, error) {
	go1, holding := make(chan struct{}), make(chan struct{})
	x.f.hold, x.f.holding = go1, holding
	first := make(chan error, 1)
	go func() {
		_, err := kit.Execute(context.Background(), x.env(st, false), a, st)
		first <- err
	}()
	select {
	case <-holding:
	case err := <-first:
		x.f.mu.Lock()
		x.f.hold = nil
		x.f.mu.Unlock()
		return kit.StepResult{}, err
	}
	res, err := x.execute(a, st, true)
	close(go1)
	if late := <-first; late != nil {
		x.results = append(x.results, late.Error())
	}
	return res, err
}

// flipGuards makes the guard read garbage, then the opposite of what holds.
func (x *walker) flipGuards(a kit.Action, st dr.Step) {
	flips := []func(string) string{garble}
	if x.s.Flips != nil {
		flips = append(flips, x.s.Flips(st)...)
	}
	require.NotEmpty(x.t, flips)
	if e := a.Probe(context.Background(), x.env(st, false), st.Args); e.State == kit.EffectDone {
		return
	}
	for i, flip := range flips {
		x.attempt++
		before := x.f.starts()
		res, err := x.execute(guarded{a, flip}, st, false)
		require.Error(x.t, err, "%s went on over guard flip %d: %+v", st.ID, i, res)
		require.Equal(x.t, before, x.f.starts(), "%s was sent although its guard said no (flip %d)", st.ID, i)
	}
}

// garble is an answer that no parser may believe.
func garble(string) string { return "Segmentation fault\nbegin 1\nyes\n\x00" }

// undo goes up to the point of no return and takes everything back.
func (s Suite) undo(t *testing.T, c Case) {
	x, steps := s.begin(t, c)
	was := x.w.State()
	var undos []dr.Step
	for _, st := range steps {
		if st.Kind == dr.KindIrreversible {
			break
		}
		if st.Undo != nil {
			undos = append(undos, *st.Undo)
		}
		x.attempt++
		_, err := x.execute(x.action(st.Action), st, false)
		require.NoError(t, err, st.ID)
	}
	require.NotEmpty(t, undos, "no step of the case has an undo")
	for i := len(undos) - 1; i >= 0; i-- {
		x.attempt++
		a := x.action(undos[i].Action)
		x.rendered(a, undos[i])
		_, err := x.execute(a, undos[i], false)
		require.NoError(t, err, undos[i].ID)
	}
	require.Equal(t, was, x.w.State(), "the undo did not restore what was")
	x.noSecrets()
}

// unrecognised hands garbage and cut-off output to the observation and to
// every probe.
func (s Suite) unrecognised(t *testing.T, c Case) {
	x, steps := s.begin(t, c)
	half := func(out string) string { return out[:len(out)/2] }
	for _, rewrite := range []func(string) string{garble, half, func(string) string { return "" }} {
		x.f.rewrite = rewrite
		env := x.w.Env()
		env.Hosts, env.Dial = x.f, x.f.dial(env.Dial)
		for _, site := range x.w.System().Sites() {
			o := x.w.System().ObserveSite(context.Background(), env, site)
			require.Equal(t, dr.Unknown, o.AcceptsWrites, "%s", o.Summary)
			require.Equal(t, dr.RoleUnknown, o.Role)
		}
	}
	x.f.rewrite = garble
	for _, st := range steps {
		e := x.action(st.Action).Probe(context.Background(), x.env(st, false), st.Args)
		require.NotEqual(t, kit.EffectDone, e.State, "%s took garbage for its effect: %s", st.ID, e.Text)
		require.NotEqual(t, kit.EffectNotDone, e.State, "%s took garbage for an answer: %s", st.ID, e.Text)
	}
}

func (x *walker) noSecrets() {
	all := strings.Join(append(x.results, x.f.texts...), "\n")
	for _, secret := range x.w.Secrets() {
		require.NotContains(x.t, all, secret, "a secret is in an output")
	}
}
