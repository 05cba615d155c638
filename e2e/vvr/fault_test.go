package vvr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

// shows waits until a script on a host prints a text.
func (s *stage) shows(host, script, text string) {
	s.T.Helper()
	e2e.Await(s.T, 3*time.Minute, host+" shows "+text, func() (bool, string) {
		out := s.on(host, script+" 2>&1 || :")
		return strings.Contains(out, text), out
	})
}

// stalled waits until a command on a host stands between its two halves.
func (s *stage) stalled(host, command string) {
	s.T.Helper()
	s.shows(host, `ls "$LAB_ROOT/var/vx/faults"`, "stalled-"+command)
}

// synchronising waits until the synchronisation of this attempt compares blocks.
func (s *stage) synchronising(attempt int) {
	s.T.Helper()
	s.shows("west", s.output(attempt), "Eps_time")
}

// output prints what an attempt of the synchronisation has said so far.
func (s *stage) output(attempt int) string {
	return fmt.Sprintf(`find "$LAB_ROOT" -path '*/resynchronise.sync-east-%d/*' -type f -exec cat {} +`, attempt)
}

// retried mends what is broken and has the held step done again.
func (s *stage) retried(step string, mend func()) {
	s.T.Helper()
	st := s.held(step)
	s.T.Logf("%s - %s", st.Hold.Text, st.Hold.Next)
	mend()
	s.Answer(st.Hold, dr.VerbRetry)
}

// TestWhateverIsCutUnderAFailbackItsCommandsAreFollowedOrHeld breaks SSH, the
// network between the sites, vradmind and hosts in the middle of syncrvg, of
// startrep and of migrate.
func TestWhateverIsCutUnderAFailbackItsCommandsAreFollowedOrHeld(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off")
	s.takeOver()
	s.returns("Primary-Primary")
	run := s.Start(dr.ProcFailback, failback)
	s.Fault("slow-sync", "west", "400")
	s.forced()
	s.breaksSyncrvg()
	s.breaksStartrep()
	s.Approve(dr.GateCutover)
	s.breaksMigrate()
	s.backTo(run)
	l := s.Ledger()
	require.Equal(t, 1, l.Commands["west"]["vradmin takeover"], "%v", l.Commands)
	require.Equal(t, 1, l.Commands["east"]["kernel: rvg_sectopri"], "east became Primary once")
	require.Zero(t, l.Commands["east"]["vradmin syncrvg makesec"])
	s.quiet("east", func() { s.equal("east", "west", "north") })
}

// breaksSyncrvg leaves the run at the stalled startrep behind a synchronisation
// that was cut in every way.
func (s *stage) breaksSyncrvg() {
	s.T.Helper()
	const step = "resynchronise.sync-east"
	s.synchronising(1)
	s.CutSSH()
	s.AwaitStepIn(dr.PhaseResynchronise)
	s.Fault("link-cut", "east")
	s.retried(step, func() {
		s.times(1, "west", "vradmin syncrvg") // it was followed
		s.Unfault("link-cut", "east")
	})
	s.synchronising(2)
	s.Fault("host-down", "east")
	s.retried(step, func() { s.Fault("host-up", "east") })
	s.synchronising(3)
	s.Fault("reboot", "west")
	s.retried(step, func() {
		s.Unfault("slow-sync", "west")
		s.Fault("stall-startrep", "west", "120000")
		s.on("west", "shop start")
	})
}

// breaksStartrep leaves the run at the cutover gate. A startrep that broke off
// between its halves leaves the Secondary's end attached: only a new plan, which
// detaches it, helps.
func (s *stage) breaksStartrep() {
	s.T.Helper()
	s.stalled("west", "startrep")
	s.CutSSH()
	s.Fault("vradmind-kill", "west")
	st := s.held("resynchronise.start-east")
	s.T.Logf("%s - %s", st.Hold.Text, st.Hold.Next)
	s.Unfault("vradmind-kill", "west")
	s.Answer(st.Hold, dr.VerbReplan)
	s.Fault("stall-startrep", "west", "120000")
	s.Approve(dr.GateConvert)
	s.stalled("west", "startrep")
	s.Fault("reboot", "west")
	st = s.held("resynchronise.start-east")
	s.T.Logf("%s - %s", st.Hold.Text, st.Hold.Next)
	s.on("west", "shop start")
	s.Answer(st.Hold, dr.VerbReplan)
	s.Fault("stall-startrep", "west", "120000")
	s.Approve(dr.GateConvert)
	s.stalled("west", "startrep")
	s.CutSSH()
	s.KillWorker()
	s.Fault("link-cut", "east")
	s.Unfault("stall-startrep", "west")
	s.shows("west", "vxprint -g shopdg -Pl rlk_seattle-rep_shop_rvg", "attached")
	s.Unfault("link-cut", "east")
	s.Gate(dr.GateCutover)
}

// breaksMigrate leaves the run behind the hand-back.
func (s *stage) breaksMigrate() {
	s.T.Helper()
	const step = "hand-back.migrate"
	stalled := func() {
		s.T.Helper()
		s.Fault("stall-migrate", "west", "120000")
	}
	stalled()
	s.stalled("west", "migrate")
	s.CutSSH()
	s.KillWorker()
	s.Fault("link-cut", "east")
	s.Unfault("stall-migrate", "west")
	s.retried(step, func() {
		s.Unfault("link-cut", "east")
		s.upToDate()
		stalled()
	})
	s.stalled("west", "migrate")
	s.Fault("vradmind-kill", "west")
	s.Unfault("vradmind-kill", "west")
	s.retried(step, func() {
		s.upToDate()
		stalled()
	})
	s.stalled("west", "migrate")
	s.Fault("reboot", "west")
	s.retried(step, func() {
		s.Unfault("stall-migrate", "west")
		s.upToDate()
	})
}

// upToDate waits until west is Primary and east has everything, as before a
// migration.
func (s *stage) upToDate() {
	s.T.Helper()
	s.shows("west", "vxrlink -g shopdg status rlk_seattle-rep_shop_rvg", "is up to date")
}

// TestStartrepWithForceIsFoundByTheComparison proves the proof: with -f in the
// place of -c the writes that were made during the synchronisation are missing,
// and the volumes' checksums tell.
func TestStartrepWithForceIsFoundByTheComparison(t *testing.T) {
	t.Parallel()
	s := newStage(t, "fast_failback=off")
	s.takeOver()
	s.returns("Primary-Primary")
	s.on("west", `cd "$LAB_ROOT/usr/sbin" && mv vradmin vradmin.true && cat >vradmin <<'END'
#!/bin/sh
# Somebody's helpful wrapper: startrep -c CHECKPOINT becomes startrep -f.
case " $* " in
*' startrep '*) exec "$0.true" "$1" "$2" -f startrep "$6" "$7" ;;
esac
exec "$0.true" "$@"
END
chmod +x vradmin`)
	run := s.Start(dr.ProcFailback, failback)
	s.Fault("slow-sync", "west", "100")
	s.forced()
	s.synchronising(1)
	// Two blocks at the end of the first volume, which is compared first: they
	// are written again when the comparison has passed them.
	s.shows("west", s.output(1), "shop_dv02")
	s.Fault("divergent-writes", "west", "2")
	s.Unfault("slow-sync", "west")
	s.Approve(dr.GateCutover)
	s.backTo(run)
	s.on("east", "shop stop")
	s.shows("east", "vxrlink -g shopdg status rlk_london-rep_shop_rvg", "is up to date")
	require.NotEqual(t, s.sums("east"), s.sums("west"), "-f believes what nobody compared")
	require.NotZero(t, s.differing("east", "west"))
}
