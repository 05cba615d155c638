package openedge

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func replaceOnce(s, was, now string) string { return strings.Replace(s, was, now, 1) }

// script answers observations by host, and anything else with its block.
type script struct {
	sites map[string]seen
	block string
}

func (s *script) Host(name string) (kit.Host, error) { return &scriptHost{s: s, name: name}, nil }

type scriptHost struct {
	kit.Host
	s    *script
	name string
}

func (h *scriptHost) Read(_ context.Context, c dr.Command) (kit.Output, error) {
	if len(c.Argv) < 3 || !strings.HasSuffix(c.Argv[2], strings.TrimSpace(observeScript)) {
		return kit.Output{Stdout: h.s.block, HostTime: 7}, nil
	}
	s, ok := h.s.sites[h.name]
	if !ok {
		return kit.Output{}, dr.Retry("unreachable", "the host %s did not answer", h.name)
	}
	return kit.Output{Stdout: s.text(), HostTime: 7}, nil
}

func envOf(s *script) kit.Env {
	return kit.Env{Hosts: s, Now: func() time.Time { return time.Unix(0, 0) }, Progress: func(kit.Progress) {}}
}

func placeOf(name string) Place {
	return Place{
		Site: name, Host: "oe-" + name, DLC: "/usr/dlc", DSRHome: "/usr/dlc", ProMsgs: "/usr/dlc/promsgs", Database: "/data/depot", Port: 4501,
		Address: name + ".example", Agent: "ag_" + name, Spool: "/spool",
	}
}

func guardOf[A any](s kit.Spec[A], world *script, a A) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = s.Action().Guard(context.Background(), envOf(world), raw)
	return err
}

func with(s seen, f func(*seen)) seen {
	f(&s)
	return s
}

func verifiedTarget() seen {
	s := closedTarget()
	s.files = map[string][]string{"/spool/depot-aa11.bck.verify": {"Backup for depot verified ok. (6758)"}}
	return s
}

func seededSource() seen {
	s := newSource()
	s.files = map[string][]string{"/spool/depot-aa11.bck.date": {"  Last Full Backup Date : Mon Feb  3 04:05:06 2031"}}
	return s
}

func TestTheGuardOfARestoreSaysNo(t *testing.T) {
	a := restoreArgs{
		Source: placeOf("west"), Target: placeOf("east"), Seed: "/spool/depot-aa11.bck", File: "/spool/depot-aa11.bck", Route: reseedTransition, Overwrite: true, Run: "aa11",
	}
	try := func(east, west seen) error {
		return guardOf(restore, &script{sites: map[string]seen{"oe-east": east, "oe-west": west}}, a)
	}
	require.NoError(t, try(verifiedTarget(), seededSource()))
	require.NoError(t, try(with(verifiedTarget(), func(s *seen) { s.gone, s.fence = true, "aa11" }), seededSource()))
	for name, c := range map[string]struct{ east, west seen }{
		"over an open database":   {with(verifiedTarget(), func(s *seen) { s.holder, s.broker = "16", true }), seededSource()},
		"over a held database":    {with(verifiedTarget(), func(s *seen) { s.holder = "14" }), seededSource()},
		"over a stale lock":       {with(verifiedTarget(), func(s *seen) { s.lock, s.holder = true, "16" }), seededSource()},
		"beside another prorest":  {with(verifiedTarget(), func(s *seen) { s.procs = []string{"prorest"} }), seededSource()},
		"of an unverified backup": {closedTarget(), seededSource()},
		"of a damaged backup":     {with(verifiedTarget(), func(s *seen) { s.files["/spool/depot-aa11.bck.verify"] = []string{"FAILED (8564)", "ok. (6758)"} }), seededSource()},
		"without the seed's date": {verifiedTarget(), newSource()},
		"after another backup": {verifiedTarget(), with(seededSource(), func(s *seen) {
			s.files["/spool/depot-aa11.bck.date"] = []string{"  Last Full Backup Date : Sun Feb  2 04:05:06 2031"}
		})},
		"when the source is closed":  {verifiedTarget(), with(seededSource(), func(s *seen) { s.holder, s.broker = "0", false })},
		"when the source is fenced":  {verifiedTarget(), fencedSource()},
		"when the source is unknown": {verifiedTarget(), with(seededSource(), func(s *seen) { s.role = "" })},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, try(c.east, c.west)) })
	}
	a.Overwrite = false
	require.Error(t, try(verifiedTarget(), seededSource()), "the question is answered only when the plan says so")
	require.NoError(t, try(with(verifiedTarget(), func(s *seen) { s.restore = "aa11 begun" }), seededSource()), "its own wreck is restored again")
}

func TestTheGuardOfATransitionSaysNo(t *testing.T) {
	a := transitionArgs{On: placeOf("west"), From: roleTarget, Want: roleSource, Peer: placeOf("east"), Held: heldByFence, Online: true, Run: "aa11"}
	try := func(east, west seen) error {
		return guardOf(transition, &script{sites: map[string]seen{"oe-east": east, "oe-west": west}}, a)
	}
	require.NoError(t, try(fencedSource(), lostTarget()))
	for name, c := range map[string]struct{ east, west seen }{
		"the fence is gone":             {closedSource(), lostTarget()},
		"the old source is open":        {openSource(false), lostTarget()},
		"it still talks to its server":  {fencedSource(), openTarget(false)},
		"it is closed":                  {fencedSource(), closedTarget()},
		"it is a source":                {fencedSource(), newSource()},
		"it is half restored":           {fencedSource(), with(lostTarget(), func(s *seen) { s.restore = "bb22 begun" })},
		"a transition is under way":     {fencedSource(), with(lostTarget(), func(s *seen) { s.procs = []string{"dsrutil"} })},
		"it belongs to another user":    {fencedSource(), with(lostTarget(), func(s *seen) { s.owner = "root" })},
		"the old source's fence is odd": {with(fencedSource(), func(s *seen) { s.procs = []string{"_mprosrv"} }), lostTarget()},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, try(c.east, c.west)) })
	}
	a.Held = kit.HeldByOutside
	silent := &script{sites: map[string]seen{"oe-west": lostTarget()}}
	require.NoError(t, guardOf(transition, silent, a), "a silent site was fenced from outside, or waived")
	require.Error(t, try(openSource(false), lostTarget()), "it answers again and takes updates")
	a.Held = kit.HeldBySilence
	require.NoError(t, guardOf(transition, silent, a), "it is as silent as it was")
}

func TestASecondSourceIsNeverStarted(t *testing.T) {
	a := startArgs{On: placeOf("west"), Role: roleSource, Peers: []Place{placeOf("east")}, Run: "aa11"}
	west := closedSource()
	try := func(east, west seen) error {
		return guardOf(start, &script{sites: map[string]seen{"oe-east": east, "oe-west": west}}, a)
	}
	require.NoError(t, try(fencedSource(), west))
	require.NoError(t, try(openTarget(false), west))
	require.Error(t, try(openSource(false), west))
	require.Error(t, try(fencedSource(), with(west, func(s *seen) { s.role = "Target" })))
	require.Error(t, try(fencedSource(), with(west, func(s *seen) { s.lock, s.holder = true, "16" })))
	require.Error(t, try(fencedSource(), with(west, func(s *seen) { s.restore = "bb22 begun" })))
	require.Error(t, try(fencedSource(), fencedSource()))
}

func TestAStoppedSourceIsBelievedOnlyWithItsProof(t *testing.T) {
	a := stopArgs{Source: placeOf("east"), Target: placeOf("west"), Minutes: 10}
	line := func(at, n string) string { return logged(at, "1", n, "text") }
	session := []string{line("06:00", "333"), line("06:01", "20258"), line("06:02", "10436"), line("06:03", "20257"), line("06:04", "334")}
	judge := func(log ...string) kit.Effect {
		s := closedSource()
		s.log = log
		return a.judgeShutdown(read(t, s), time.Unix(0, 0))
	}
	require.Equal(t, kit.EffectDone, judge(session...).State)
	require.Equal(t, int64(0), judge(session...).Loss.Amount.Bytes)
	for i := range session[1:] {
		i++
		rest := append(append([]string{}, session[:i]...), session[i+1:]...)
		e := judge(rest...)
		require.Equal(t, kit.EffectNotDone, e.State, "without %s", session[i])
		require.True(t, dr.HasCode(e.Never, "no_proof"))
	}
	require.Error(t, judge(append(session, line("07:00", "333"), line("07:01", "334"))...).Never, "a later session ended without the proof")
}

func TestATransitionThatBrokeOffIsUnknownAndOneThatChangedTheRoleIsDone(t *testing.T) {
	a := transitionArgs{On: placeOf("west"), From: roleTarget, Want: roleSource, Peer: placeOf("east"), Held: heldByFence, Run: "aa11"}
	good := []string{"13:28:51 Opening database   : Succeeded", transcriptEnd}
	half := good[:1]
	west := closedSource()
	judge := func(s seen, file string, lines []string) kit.Effect {
		s.files = map[string][]string{}
		if file != "" {
			s.files[file] = lines
		}
		return a.judge(read(t, s), time.Unix(0, 0))
	}
	require.Equal(t, kit.EffectNotDone, judge(closedTarget(), "", nil).State)
	require.Equal(t, kit.EffectDone, judge(west, a.out(), good).State)
	require.Equal(t, kit.EffectDone, judge(west, "", nil).State, "made by somebody else")
	for name, e := range map[string]kit.Effect{
		"before the role changed": judge(closedTarget(), a.out()+".part", half), "after the role changed": judge(west, a.out()+".part", half),
		"a transcript without its end": judge(west, a.out(), half),
	} {
		require.Equal(t, kit.EffectUnknown, e.State, name)
		require.True(t, dr.HasCode(e.Never, "transition_broken"), name)
	}
	running := judge(with(closedTarget(), func(s *seen) { s.procs = []string{"dsrutil"} }), a.out()+".part", half)
	require.Equal(t, kit.EffectNotDone, running.State)
	require.NoError(t, running.Never)
	require.Contains(t, running.Progress.Text, "Opening database")
}

func TestAFailoverCountsOnlyWhenBothRolesAreExchanged(t *testing.T) {
	a := failoverArgs{Source: placeOf("east"), Target: placeOf("west"), Run: "aa11"}
	judge := func(s, g seen) kit.Effect { return a.judge(read(t, s), read(t, g), time.Unix(0, 0)) }
	require.Equal(t, kit.EffectNotDone, judge(openSource(false), openTarget(false)).State)
	require.Equal(t, kit.EffectDone, judge(closedTarget(), newSource()).State)
	mixed := judge(closedSource(), newSource())
	require.Equal(t, kit.EffectUnknown, mixed.State)
	require.True(t, dr.HasCode(mixed.Never, "roles_mixed"))
	require.NoError(t, judge(with(openSource(false), func(s *seen) { s.role = "" }), openTarget(false)).Never, "a role that is not told is asked for again")
}

func TestABackupCountsOnlyWithAllItsProofs(t *testing.T) {
	a := seedArgs{Source: placeOf("west"), Target: placeOf("east"), File: "/spool/depot-aa11.bck", Run: "aa11"}
	out := []string{"Wrote a total of 6 backup blocks using 1 megabytes of media. (5431)", "", "Backup complete. (3740)"}
	log := []string{logged("06:01", "9", "1362", "Full backup started."), logged("06:02", "9", "1364", "Full backup successfully completed.")}
	date := []string{"  Last Full Backup Date : Mon Feb  3 04:05:06 2031", "size 4096"}
	judge := func(out, log []string) kit.EffectState {
		s := newSource()
		s.files = map[string][]string{a.File: nil, a.File + ".out": out, a.File + ".log": log, a.File + ".date": date}
		return a.judge(read(t, s)).State
	}
	require.Equal(t, kit.EffectDone, judge(out, log))
	good := date
	date = []string{good[0], "size 2731"}
	require.Equal(t, kit.EffectNotDone, judge(out, log), "it was cut off afterwards")
	date = []string{"Last Full Backup Date : earlier", good[1]}
	require.Equal(t, kit.EffectNotDone, judge(out, log), "another backup was taken after it")
	date = good
	require.Equal(t, kit.EffectNotDone, judge(out[:1], log))
	require.Equal(t, kit.EffectNotDone, judge(out, log[:1]))
	require.Equal(t, kit.EffectNotDone, judge([]string{"(3740) is not at the end"}, log))
	require.NoError(t, a.interpret(kit.Job{Stdout: strings.Join(out, "\n"), Exit: 1}), "the exit code decides nothing")
	require.True(t, dr.HasCode(a.interpret(kit.Job{Stdout: "error (10440)"}), "seed_refused"))
	require.True(t, dr.HasCode(a.interpret(kit.Job{Stdout: "No space left on device"}), "backup_failed"))
}

func TestWaitingForATargetEndsWhereItIsInVain(t *testing.T) {
	a := pairArgs{Source: placeOf("west"), Target: placeOf("east"), Seed: "/spool/depot-aa11.bck"}
	following := func(f func(s, g *seen)) kit.Effect {
		s, g := seededSource(), closedTarget()
		s.status, s.agents = "6005", map[string]string{"ag_east": "3048"}
		g.holder, g.broker, g.status = "16", true, "3048"
		f(&s, &g)
		return a.judge(read(t, s), read(t, g), time.Unix(0, 0))
	}
	require.NoError(t, following(func(_, _ *seen) {}).Never)
	for code, f := range map[string]func(s, g *seen){
		"another_backup": func(s, _ *seen) {
			s.files[a.Seed+".date"] = []string{"Last Full Backup Date : earlier"}
		},
		"not_this_target": func(s, _ *seen) { s.agents = map[string]string{"ag_east": "1034"} },
		"target_closed":   func(_, g *seen) { g.holder, g.broker, g.status = "0", false, "exit 2" },
		"server_gone":     func(s, _ *seen) { s.status = "6060" },
		"half_restored":   func(_, g *seen) { g.restore = "bb22 begun" },
	} {
		require.True(t, dr.HasCode(following(f).Never, code), code)
	}
}
