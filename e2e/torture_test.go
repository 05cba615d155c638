//go:build torture

package e2e_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// The full matrix, hours: `make torture`. Continuous integration runs the rows
// of the other files.

func TestMain(m *testing.M) {
	if os.Getenv("SWITCHBACK_TORTURE") != "yes" {
		_, _ = os.Stderr.WriteString("the torture takes hours: run it with `make torture`\n")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// TestHarmInEveryPhaseOfEveryProcedure: the worker killed, the connections cut, and Temporal
// killed, once in every phase of every procedure.
func TestHarmInEveryPhaseOfEveryProcedure(t *testing.T) {
	harms := map[string]func(*stage){
		"the worker is killed": (*stage).KillWorker,
		"SSH is cut":           (*stage).CutSSH,
		"Temporal is killed": func(s *stage) {
			s.Dev.Kill(s.T)
			s.Dev.Restart(s.T)
		},
	}
	for _, sc := range scenes() {
		for name, harm := range harms {
			t.Run(sc.name+", "+name, func(t *testing.T) {
				t.Parallel()
				s, run := sc.begin(t)
				s.Slowdown()
				s.Survives(run, func() { harm(s) })
				sc.clean(s)
			})
		}
	}
}

// TestEveryHostDeadAtEveryGateAndBackLater: each host loses its power at each gate.
func TestEveryHostDeadAtEveryGateAndBackLater(t *testing.T) {
	for _, sc := range scenes() {
		for _, g := range sc.gates {
			for _, host := range []string{"east", "west"} {
				t.Run(sc.name+" "+string(g)+" "+host, func(t *testing.T) {
					t.Parallel()
					sc.diesAt(t, g, host)
				})
			}
		}
	}
}

// programFaults are all ways in which a program can misbehave.
func programFaults() []broken {
	return []broken{
		{"command-hangs", nil},
		{"command-hangs-after", nil},
		{"command-killed", []string{"0"}},
		{"command-killed", []string{"0.05"}},
		{"command-killed", []string{"0.5"}},
		{"lying-exit", []string{"0"}},
		{"lying-exit", []string{"1"}},
		{"lying-idle", []string{"0"}},
		{"lying-idle", []string{"1"}},
		{"truncated-output", []string{"0"}},
		{"truncated-output", []string{"20"}},
	}
}

// TestEveryProgramBrokenInEveryWay breaks each program that a procedure uses on
// each site, in each way. After the program was mended the run reaches the
// undisturbed end, or a hold with its reason.
func TestEveryProgramBrokenInEveryWay(t *testing.T) {
	programs := map[string][]string{
		"takeover": {"psql", "pg_ctl", "pg_controldata", "pg_waldump"},
		"failback": {"psql", "pg_ctl", "pg_controldata", "pg_waldump", "pg_rewind"},
		"reseed":   {"psql", "pg_ctl", "pg_controldata", "pg_basebackup", "pg_verifybackup"},
	}
	for _, sc := range scenes() {
		if sc.name == "failback" {
			sc.stage = diverged // only then there is something to rewind
		}
		for _, host := range []string{"east", "west"} {
			for _, program := range programs[sc.name] {
				for _, b := range programFaults() {
					name := sc.name + " " + host + " " + program + " " + b.fault
					for _, v := range b.values {
						name += " " + v
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						sc.breaksAtGate(t, host, program, b)
					})
				}
			}
		}
	}
}

// breaksAtGate breaks a program when the first gate is open, so that the plan
// could be made, and mends it when the run holds, or asks again, or has been
// stuck for longer than any step of the lab may take.
func (sc scene) breaksAtGate(t *testing.T, host, program string, b broken) {
	s, run := sc.begin(t)
	s.Gate(sc.gates[0])
	s.Fault(b.fault, append([]string{host, program}, b.values...)...)
	stuck := time.Now().Add(90 * time.Second)
	mended, holds := false, map[string]bool{}
	named := ""
	s.DriveWith(run, func(st dr.Status) bool {
		again := st.Gate != nil && st.Gate.Again != ""
		if !mended && (st.Hold != nil || again || time.Now().After(stuck)) {
			mended = true
			if st.Hold != nil {
				require.NotEmpty(t, st.Hold.Text)
			}
			s.Unfault(b.fault, host, program)
			s.endHung(host)
		}
		if st.Hold != nil {
			holds[st.Hold.Step+" "+st.Hold.Since.String()] = true
			named = st.Hold.Text
		}
		return st.Ending == nil && len(holds) > 4
	})
	if len(holds) > 4 {
		// Neither a retry nor another plan helps: the hold says why.
		require.NotEmpty(t, named)
		t.Logf("held for good: %s", named)
		sc.clean(s)
		return
	}
	var res dr.Result
	require.NoError(t, run.Get(t.Context(), &res))
	t.Logf("mended: %t, ended: %s", mended, res.Ending.Text)
	require.Equal(t, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	sc.clean(s)
}

// endHung ends the programs that a fault made hang, as an administrator would.
func (s *stage) endHung(host string) {
	s.Shell(host, `for p in /proc/[0-9]*; do
  [ "$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)" = "sleep 2147483647 " ] && grep -qz "^HOME=`+s.Lab.Hosts[host].Root+`" "$p/environ" 2>/dev/null && kill "${p#/proc/}"
done; true`)
}
