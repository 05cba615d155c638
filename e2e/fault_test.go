package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
)

// scene is a procedure of the lab, with what must be true when it has ended.
type scene struct {
	name  string
	stage func(t *testing.T) *stage
	proc  dr.Procedure
	input string
	gates []dr.Gate
	// once are irreversible commands, by host, that may not run twice.
	once map[string][]string
}

func scenes() []scene {
	return []scene{
		{
			name: "takeover", stage: newStage, proc: dr.ProcTakeover, input: planned, gates: []dr.Gate{dr.GateDecide},
			once: map[string][]string{"west": {"psql pg_promote", "server: promote"}},
		},
		{
			name: "failback", stage: takenOver, proc: dr.ProcFailback, input: failback, gates: []dr.Gate{dr.GateConvert, dr.GateCutover},
			once: map[string][]string{"east": {"psql pg_promote", "server: promote"}, "west": {"psql pg_promote", "server: promote"}},
		},
		{
			name: "reseed", stage: takenOver, proc: dr.ProcReseed, input: reseed, gates: []dr.Gate{dr.GateOverwrite},
			once: map[string][]string{"west": {"psql pg_promote", "server: promote"}},
		},
	}
}

// begin starts the scene's procedure.
func (sc scene) begin(t *testing.T) (*stage, client.WorkflowRun) {
	s := sc.stage(t)
	return s, s.Start(sc.proc, sc.input)
}

// ends requires the undisturbed end and that nothing irreversible ran twice.
func (sc scene) ends(s *stage, run client.WorkflowRun) {
	s.T.Helper()
	s.Drive(run)
	var res dr.Result
	require.NoError(s.T, run.Get(s.T.Context(), &res))
	require.Equal(s.T, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	sc.clean(s)
}

// clean requires a ledger without two primaries, without writes that this
// procedure lost, and without an irreversible command that ran twice.
func (sc scene) clean(s *stage) {
	s.T.Helper()
	l := s.Ledger()
	require.Empty(s.T, l.TwoPrimaries)
	require.Zero(s.T, l.Doubled)
	if sc.proc == dr.ProcTakeover {
		s.Clean()
	}
	for host, commands := range sc.once {
		for _, c := range commands {
			require.LessOrEqual(s.T, l.Commands[host][c], 1, "%s on %s: %v", c, host, l.Commands[host])
		}
	}
}

// broken is a fault of a program with its parameters.
type broken struct {
	fault  string
	values []string
}

// breaks runs a scene while a program of a host is broken. The fault is mended
// as soon as the run is on hold, as people would; then they retry.
func (sc scene) breaks(t *testing.T, host, program string, b broken) {
	s := sc.stage(t)
	s.Fault(b.fault, append([]string{host, program}, b.values...)...)
	run := s.Start(sc.proc, sc.input)
	mended := false
	s.DriveWith(run, func(st dr.Status) bool {
		if st.Hold != nil && !mended {
			mended = true
			require.NotEmpty(t, st.Hold.Text)
			s.Unfault(b.fault, host, program)
		}
		return false
	})
	var res dr.Result
	require.NoError(t, run.Get(t.Context(), &res))
	t.Logf("held: %t, ended: %s", mended, res.Ending.Text)
	require.Equal(t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	sc.clean(s)
}

// TestARewindKilledInTheMiddleIsHeldAndThenEnds: a killed pg_rewind
// leaves data that is not usable, which must never be started.
func TestARewindKilledInTheMiddleIsHeldAndThenEnds(t *testing.T) {
	t.Parallel()
	scene{
		stage: diverged, proc: dr.ProcFailback, input: failback,
		once: map[string][]string{"east": {"psql pg_promote"}, "west": {"psql pg_promote"}},
	}.breaks(t, "east", "pg_rewind", broken{"command-killed", []string{"0.01"}})
}

func TestACopyKilledInTheMiddleIsHeldAndThenEnds(t *testing.T) {
	t.Parallel()
	scenes()[2].breaks(t, "east", "pg_basebackup", broken{"command-killed", []string{"0.05"}})
}

func TestAStopWhoseProgramLiesIsBelievedByItsEffectOnly(t *testing.T) {
	t.Parallel()
	scenes()[0].breaks(t, "east", "pg_ctl", broken{"lying-exit", []string{"1"}})
}

// TestAPromotionKilledInTheMiddleHappensOnce kills the client program of the
// promotion; the server may have promoted or not. Where it had not, the run
// holds and a person's retry sends the command once more: the server promotes
// once, and the command is sent once for each attempt that a person asked for.
func TestAPromotionKilledInTheMiddleHappensOnce(t *testing.T) {
	t.Parallel()
	sc := scenes()[0]
	sc.once = map[string][]string{"west": {"server: promote"}}
	s, run := sc.begin(t)
	s.Fault("slow", "west", "60")
	s.Approve(dr.GateDecide)
	s.AwaitStepIn(dr.PhasePromote)
	s.Fault("command-killed", "west", "psql", "0.05")
	began := time.Now()
	mended := false
	s.DriveWith(run, func(st dr.Status) bool {
		if !mended && (st.Hold != nil || time.Since(began) > 3*time.Second) {
			mended = true
			s.Unfault("command-killed", "west", "psql")
		}
		return false
	})
	sc.ends(s, run)
	attempts := 0
	for _, e := range s.Report().Events {
		if e.Step == "promote.promote" {
			attempts = max(attempts, e.Attempt)
		}
	}
	require.LessOrEqual(t, s.Ledger().Commands["west"]["psql pg_promote"], attempts)
}

// TestATakeoverWhoseConnectionsAreCutInEveryPhase cuts all connections once in each phase.
func TestATakeoverWhoseConnectionsAreCutInEveryPhase(t *testing.T) {
	t.Parallel()
	sc := scenes()[0]
	s, run := sc.begin(t)
	s.Slowdown()
	hit := s.Survives(run, s.CutSSH)
	require.GreaterOrEqual(t, len(hit), 4, "%v", hit)
	sc.clean(s)
}

// TestATargetThatDiesAtTheGateAndIsBackLater: the approval meets a dead host;
// nothing is promoted before it is back and people approve again.
func TestATargetThatDiesAtTheGateAndIsBackLater(t *testing.T) {
	t.Parallel()
	scenes()[0].diesAt(t, dr.GateDecide, "west")
}

func TestATargetThatDiesAtTheCutoverAndIsBackLater(t *testing.T) {
	t.Parallel()
	scenes()[1].diesAt(t, dr.GateCutover, "east")
}

// diesAt takes the power of a host away at a gate, has the gate approved, and
// gives it back when the run has noticed.
func (sc scene) diesAt(t *testing.T, at dr.Gate, host string) {
	s, run := sc.begin(t)
	for _, g := range sc.gates {
		st := s.Gate(g)
		if g == at {
			s.Fault("host-down", host)
			s.Signal(dr.VerbApprove, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana"}`, g, st.Gate.Digest))
			now := s.Await("the run to notice", func(now dr.Status) bool {
				return now.Hold != nil || now.Ending != nil || now.Gate != nil && now.Gate.Digest != st.Gate.Digest
			})
			t.Logf("%s: %s", now.State, now.Sentence)
			require.Nil(t, now.Ending, "it waits for the host, or for people")
			s.Fault("host-up", host)
			break
		}
		s.Approve(g)
	}
	sc.ends(s, run)
}
