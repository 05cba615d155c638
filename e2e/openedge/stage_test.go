// Package openedge_test runs OpenEdge's procedures for real: the embedded
// Temporal server, a worker process, SSH, and the lab's OpenEdge. It breaks
// them and asks the lab's ledger, and the databases' own files, what that cost.
package openedge_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const (
	planned   = `{"system":"depot","mode":"planned","to":"west","reason":"test"}`
	unplanned = `{"system":"depot","mode":"unplanned","to":"west","reason":"test"}`
	failback  = `{"system":"depot","reason":"test"}`
	reseed    = `{"system":"depot","to":"east","reason":"test"}`
)

// stage is where a procedure is played, with what only OpenEdge's tests need.
type stage struct{ *e2e.Stage }

// newStage starts a pair. A backup and a restore take long enough to be hit.
func newStage(t *testing.T, settings ...string) *stage {
	t.Helper()
	settings = append([]string{"backup-ms=400", "restore-ms=400", "step-ms=20", "recovery-backup-arguments=depot.recovery.bck"}, settings...)
	return &stage{e2e.NewStage(t, "openedge", e2e.Settings(settings...)...)}
}

// sh runs a text on a host in the environment that proenv sets.
func (s *stage) sh(site, text string) string {
	s.T.Helper()
	root := s.Lab.Hosts[site].Root
	return strings.TrimSpace(s.Shell(site, "R="+root+"; DLC=$R/usr/dlc; DSRHOME=$DLC; PROMSGS=$DLC/promsgs; PATH=$DLC/bin:$PATH; DB=$R/data/depot; export DLC DSRHOME PROMSGS PATH; "+text))
}

// killed ends the broker of east as a crash does, and waits until west knows.
func (s *stage) killed() {
	s.T.Helper()
	s.Fault("broker-kill", "east")
	e2e.Await(s.T, e2eLimit, "west is in pre-transition", func() (bool, string) {
		out := s.sh("west", "dsrutil $DB -C status -detail")
		return strings.Contains(out, "2080"), out
	})
}

// sent counts the changing commands of a host whose names begin so.
func (s *stage) sent(host, begins string) int {
	s.T.Helper()
	n := 0
	for c, times := range s.Ledger().Commands[host] {
		if strings.HasPrefix(c, begins) {
			n += times
		}
	}
	return n
}

// hold waits for a hold whose text says so.
func (s *stage) hold(says string) *dr.HoldStatus {
	s.T.Helper()
	st := s.Held()
	require.Contains(s.T, st.Hold.Text, says)
	require.NotEmpty(s.T, st.Hold.Next, "every hold says what to do")
	s.T.Logf("held: %s; next: %s", st.Hold.Text, st.Hold.Next)
	return st.Hold
}

// done drives a run to its end and requires that it is done.
func (s *stage) done(run client.WorkflowRun) {
	s.T.Helper()
	s.Drive(run)
	var res dr.Result
	require.NoError(s.T, run.Get(s.T.Context(), &res))
	require.Equal(s.T, dr.EndDone, res.Ending.Kind, res.Ending.Text)
	s.T.Log(res.Ending.Text)
}

// survivesIn drives a run to its end while harm is done once in each of the
// named steps, and requires that every one was hit and the undisturbed end.
func (s *stage) survivesIn(run client.WorkflowRun, harm func(), steps ...string) {
	s.T.Helper()
	stop, done := make(chan struct{}), make(chan []string)
	go func() { done <- s.inSteps(stop, harm, steps) }()
	s.done(run)
	close(stop)
	require.ElementsMatch(s.T, steps, <-done, "each step was hit while it ran")
}

// inSteps does harm once in each step that is seen running, and gives those.
func (s *stage) inSteps(stop <-chan struct{}, harm func(), steps []string) []string {
	var hit []string
	for {
		select {
		case <-stop:
			return hit
		case <-time.After(2 * time.Millisecond):
		}
		_, now := s.PendingStep()
		now, _, _ = strings.Cut(now, "-1")
		if slices.Contains(steps, now) && !slices.Contains(hit, now) {
			hit = append(hit, now)
			harm()
		}
	}
}

// assess gives what the starter tells of the system.
func (s *stage) assess() string {
	s.T.Helper()
	r := e2e.RunStarter(s.T, s.Dev, s.Lab.Inventory, "assess", "depot", "--json")
	require.True(s.T, json.Valid([]byte(r.Stdout)), "%s%s", r.Stdout, r.Stderr)
	return r.Stdout
}

// oneSource requires that no two databases ever took updates and nothing was
// written twice.
func (s *stage) oneSource() {
	s.T.Helper()
	l := s.Ledger()
	require.Empty(s.T, l.TwoPrimaries)
	require.Zero(s.T, l.Doubled)
}
