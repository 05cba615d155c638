package vvr

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

var normalTime = time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC)

func place(host, site string) Place {
	return Place{Site: site, Host: host, VVRHost: site + "-rep", DG: "hrdg", RVG: "hr_rvg", Bin: "/usr/sbin", VCSBin: "/opt/VRTSvcs/bin", System: "hr"}
}

var (
	sea = place("sea-db", "seattle")
	lon = place("lon-db", "london")
	tok = place("tok-db", "tokyo")
)

// guarded is one action with a scene in which its guard says yes, and changes
// under each of which it must say no.
type guarded struct {
	scene func(t *testing.T) *scene
	guard func(s *scene) error
	no    map[string]func(s *scene)
}

func guardOf[A any](spec kit.Spec[A], a A) func(s *scene) error {
	return func(s *scene) error {
		_, err := spec.Guard(context.Background(), s.env(), a)
		return err
	}
}

func closed(s *scene) *scene {
	for _, h := range s.hosts {
		h.open = false
	}
	return s
}

func at(host string, f func(m *sample)) func(s *scene) {
	return func(s *scene) { f(s.hosts[host]) }
}

// common are the changes that every guard of a host must notice.
func common(host string) map[string]func(s *scene) {
	return map[string]func(s *scene){
		host + ": silent":        at(host, func(m *sample) { m.down = true }),
		host + ": RVG not read":  at(host, func(m *sample) { m.noRVG = true }),
		host + ": no disk group": at(host, func(m *sample) { m.noDG = true }),
		host + ": acting":        at(host, func(m *sample) { m.flags += " acting_secondary"; m.role = rolePrimary }),
		host + ": role exchanged": at(host, func(m *sample) {
			m.role = map[string]string{rolePrimary: roleSecondary, roleSecondary: rolePrimary}[m.role]
		}),
		host + ": RLINKs not read":    at(host, func(m *sample) { m.links[0].flags = "new words" }),
		host + ": another host's RVG": at(host, func(m *sample) { m.vvr = "paris-rep"; m.rds = append([]string{"Secondary paris-rep"}, m.rds...) }),
	}
}

func with(base map[string]func(s *scene), more map[string]func(s *scene)) map[string]func(s *scene) {
	out := map[string]func(s *scene){}
	for _, m := range []map[string]func(s *scene){base, more} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func without(base map[string]func(s *scene), names ...string) map[string]func(s *scene) {
	for k := range base {
		for _, n := range names {
			if strings.HasSuffix(k, n) {
				delete(base, k)
			}
		}
	}
	return base
}

const daemonGone = "VxVM VVR vradmin ERROR V-5-52-0 Cannot connect to vradmind server; vradmind server might not be running"

func guardedActions() map[string]guarded {
	done := func(s *scene) *scene {
		s.hosts["lon-db"].checkpoint = []string{"sbaa11f              12       3      Completed"}
		return s
	}
	sync := syncArgs{Source: lon, Target: sea, Checkpoint: "sbaa11f", MaxPercent: 80}
	return map[string]guarded{
		"migrate": {
			func(t *testing.T) *scene { return closed(normal(t)) }, guardOf(migrate, migrateArgs{Old: sea, New: lon}),
			with(with(common("sea-db"), without(common("lon-db"), "RLINKs not read")), map[string]func(s *scene){
				"open":           at("sea-db", func(m *sample) { m.open = true }),
				"open at target": at("lon-db", func(m *sample) { m.open = true }),
				"behind":         at("sea-db", func(m *sample) { m.links[0].status = late }),
				"another behind": at("sea-db", func(m *sample) { m.links[1].status = late }),
				"cut":            at("sea-db", func(m *sample) { m.links[0].flags = cutOff }),
				"another cut":    at("sea-db", func(m *sample) { m.links[1].flags = cutOff }),
				"detached":       at("sea-db", func(m *sample) { m.links[0].flags = stale }),
				"inconsistent":   at("sea-db", func(m *sample) { m.links[0].flags = catching }),
				"overflowed":     at("sea-db", func(m *sample) { m.links[0].flags = toDCM }),
				"disabled":       at("sea-db", func(m *sample) { m.kernel = "DISABLED" }),
				"daemon":         at("lon-db", func(m *sample) { m.vradmin = daemonGone }),
				"config error":   at("sea-db", func(m *sample) { m.errors = []string{"london-rep: anything"} }),
				"strange status": at("sea-db", func(m *sample) { m.links[1].status = "Rlink @ does something new" }),
			}),
		},
		"takeover": {
			lost, guardOf(takeoverAction, takeoverArgs{On: lon, Old: sea, Fast: fastOn}),
			with(common("lon-db"), map[string]func(s *scene){
				"the Primary answers":    at("sea-db", func(m *sample) { m.down = false }),
				"the Primary is unclear": at("sea-db", func(m *sample) { m.down, m.noRVG = false, true }),
				"still connected":        at("lon-db", func(m *sample) { m.links[0].flags = good }),
				"inconsistent":           at("lon-db", func(m *sample) { m.links[0].flags = "attached inconsistent cant_sync disconnected" }),
				"daemon":                 at("lon-db", func(m *sample) { m.vradmin = daemonGone }),
			}),
		},
		"makesec": {
			twoPrimaries, guardOf(makesec, makesecArgs{On: sea, Primary: lon, Name: "london-rep", Run: "aa11"}),
			with(with(without(common("sea-db"), "RLINKs not read"), without(common("lon-db"), "RLINKs not read")), map[string]func(s *scene){
				"open":            at("sea-db", func(m *sample) { m.open = true }),
				"another name":    at("sea-db", func(m *sample) { m.errors = []string{"paris-rep: Primary-Primary configuration"} }),
				"no error":        at("sea-db", func(m *sample) { m.errors = nil }),
				"fast failback":   at("lon-db", func(m *sample) { m.flags += " failback_logging" }),
				"Primary stopped": at("lon-db", func(m *sample) { m.kernel = "DISABLED" }),
				"daemon":          at("sea-db", func(m *sample) { m.vradmin = daemonGone }),
			}),
		},
		"syncrvg": {
			converted, guardOf(syncrvg, sync),
			with(with(common("lon-db"), without(common("sea-db"), "RLINKs not read")), map[string]func(s *scene){
				"the target is a Primary": at("sea-db", func(m *sample) { m.role = rolePrimary }),
				"the target is open":      at("sea-db", func(m *sample) { m.open = true }),
				"attached":                at("lon-db", func(m *sample) { m.links[0].flags = good }),
				"not in the RDS":          at("lon-db", func(m *sample) { m.rds = m.rds[:1] }),
				"other sizes":             at("lon-db", func(m *sample) { m.sizes = "65535" }),
				"the 47th checkpoint": at("lon-db", func(m *sample) {
					for range maxCheckpoints {
						m.checkpoint = append(m.checkpoint, "c"+strings.Repeat("x", len(m.checkpoint)%15)+"   1  1  Completed")
					}
				}),
				"another started": at("lon-db", func(m *sample) { m.checkpoint = []string{"other 1 1 Started"} }),
				"SRL full":        at("lon-db", func(m *sample) { m.checkpoint = []string{"other 100 85 Completed"} }),
				"daemon":          at("sea-db", func(m *sample) { m.vradmin = daemonGone }),
			}),
		},
		"startrep": {
			func(t *testing.T) *scene { return done(converted(t)) }, guardOf(startrep, startArgs{Primary: lon, Secondary: sea, Checkpoint: "sbaa11f"}),
			with(with(common("lon-db"), without(common("sea-db"), "RLINKs not read")), map[string]func(s *scene){
				"no checkpoint":      at("lon-db", func(m *sample) { m.checkpoint = nil }),
				"not completed":      at("lon-db", func(m *sample) { m.checkpoint = []string{"sbaa11f 12 3 Started"} }),
				"overflowed":         at("lon-db", func(m *sample) { m.checkpoint = []string{"sbaa11f 400 100 Checkpoint overflowed"} }),
				"another run's only": at("lon-db", func(m *sample) { m.checkpoint = []string{"sb01d0f 12 3 Completed"} }),
				"attached":           at("lon-db", func(m *sample) { m.links[0].flags = good }),
				"other sizes":        at("lon-db", func(m *sample) { m.sizes = "1" }),
			}),
		},
		"fbsync": {
			acting, guardOf(fbsync, replayArgs{Primary: lon, Secondary: sea}),
			with(without(common("lon-db"), "RLINKs not read"), map[string]func(s *scene){
				"not acting": at("sea-db", func(m *sample) { m.flags = "enabled" }),
				"open":       at("sea-db", func(m *sample) { m.open = true }),
				"silent":     at("sea-db", func(m *sample) { m.down = true }),
			}),
		},
		"resync": {
			func(t *testing.T) *scene {
				s := normal(t)
				s.hosts["sea-db"].links[0].flags = toDCM
				return s
			}, guardOf(resync, replayArgs{Primary: sea, Secondary: lon}),
			with(with(common("sea-db"), without(common("lon-db"), "RLINKs not read")), map[string]func(s *scene){
				"cut":      at("sea-db", func(m *sample) { m.links[0].flags = "attached consistent disconnected dcm_logging" }),
				"no DCM":   at("sea-db", func(m *sample) { m.links[0].flags = good }),
				"autosync": at("sea-db", func(m *sample) { m.links[0].flags = "attached inconsistent connected dcm_logging autosync" }),
			}),
		},
		"stoprep":     {normal, guardOf(stoprep, pairArgs{Primary: sea, Secondary: tok}), without(common("sea-db"), "RLINKs not read")},
		"checkdelete": {normal, guardOf(checkdelete, checkpointArgs{On: sea, Checkpoint: "sbaa11f"}), without(common("sea-db"), "RLINKs not read", "another host's RVG")},
		"snapshot": {
			normal, guardOf(snapshot, snapshotArgs{On: lon, Take: []string{"/snap"}, Check: []string{"/check"}, Run: "aa11"}),
			map[string]func(s *scene){"silent": at("lon-db", func(m *sample) { m.down = true }), "no RVG": at("lon-db", func(m *sample) { m.noRVG = true })},
		},
	}
}

func TestEveryGuardSaysNoToWhatItsPlanDoesNotRestOn(t *testing.T) {
	for name, g := range guardedActions() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, g.guard(g.scene(t)), "the guard must say yes first")
			for what, change := range g.no {
				s := g.scene(t)
				change(s)
				require.Error(t, g.guard(s), "%s: %s", name, what)
			}
		})
	}
}

func TestAMakesecThatVVRRefusesEndsWithTheManualsReason(t *testing.T) {
	a := makesecArgs{On: sea, Primary: lon, Name: "london-rep", Run: "aa11"}
	st := makesec.Step(kit.At{Phase: dr.PhaseConvert, Slug: "makesec", Title: "Make seattle a Secondary", Timeout: time.Minute}, a)
	for said, want := range map[string]struct {
		code   string
		replan bool
	}{
		"VxVM VVR vradmin ERROR V-5-52-0 Primary RVG hr_rvg is not up-to-date with london-rep":  {"not_up_to_date", true},
		"VxVM VVR vradmin ERROR V-5-52-0 One or more data volumes of RVG hr_rvg are open":       {"volumes_open", false},
		"VxVM VVR vradmin ERROR V-5-52-0 Cannot find host london-rep":                           {"wrong_name", true},
		"VxVM VVR vradmin ERROR V-5-52-0 a sentence that nobody has seen":                       {"no_effect", false},
		"VxVM VVR vradmin ERROR V-5-52-803 Lost connection to host x; terminating the command.": {"no_effect", false},
	} {
		s := twoPrimaries(t)
		s.effect = func(*scene) kit.Job { return kit.Job{Exit: 1, Stderr: said} }
		_, err := kit.Execute(context.Background(), s.env(), makesec.Action(), st)
		require.True(t, dr.HasCode(err, want.code), "%s: %v", said, err)
		require.Equal(t, want.replan, dr.AsError(err, "").Replan, said)
		require.Len(t, s.ran, 1)
	}
	s := twoPrimaries(t)
	s.effect = func(s *scene) kit.Job {
		s.hosts["sea-db"].role = roleSecondary
		return kit.Job{Exit: 1, Stderr: "a lying exit code"}
	}
	res, err := kit.Execute(context.Background(), s.env(), makesec.Action(), st)
	require.NoError(t, err)
	require.Equal(t, dr.StepDone, res.State)
}

func TestMakesecWithForceSaysWhatItThrewAway(t *testing.T) {
	a := makesecArgs{On: sea, Primary: lon, Name: "london-rep", Run: "aa11", Force: true, DiscardKB: 5904, DiscardWrites: 118}
	s := converted(t)
	e := makesec.Probe(context.Background(), s.env(), a)
	require.Equal(t, kit.EffectDone, e.State)
	require.Equal(t, int64(5904*1024), e.Loss.Amount.Bytes)
	require.Contains(t, e.Loss.Text, "118 writes of seattle")
}

func TestUpToDateIsConnectedConsistentAndSaidByVxrlink(t *testing.T) {
	a := linkArgs{Primary: sea, Secondary: lon}
	for _, c := range []struct {
		name, flags, status string
		maxKB               int64
		want                kit.EffectState
	}{
		{"up to date", good, clean, 0, kit.EffectDone},
		{"behind", good, late, 0, kit.EffectNotDone},
		{"behind within the limit", good, late, 5904, kit.EffectDone},
		{"behind past the limit", good, late, 5903, kit.EffectNotDone},
		{"not past the checkpoint's end", catching, clean, 5903, kit.EffectNotDone},
		{"detached", stale, clean, 5903, kit.EffectNotDone},
		{"cut", cutOff, clean, 5903, kit.EffectNotDone},
		{"in the DCM", toDCM, clean, 5903, kit.EffectNotDone},
		{"paused", good + " secondary_paused", clean, 5903, kit.EffectNotDone},
		{"not recognised", good, "Rlink @ is something new", 5903, kit.EffectNotDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := normal(t)
			s.hosts["sea-db"].links[0] = sampleLink{"london-rep", c.flags, c.status}
			a.MaxKB = c.maxKB
			e := waitUpToDate.Probe(context.Background(), s.env(), a)
			require.Equal(t, c.want, e.State, e.Text)
		})
	}
	s := normal(t)
	s.hosts["sea-db"].links[0].flags = toDCM
	require.True(t, dr.HasCode(waitUpToDate.Probe(context.Background(), s.env(), a).Never, "srl_overflow"))
}

func TestATakeoverIsNotSentWhenTheRoleCannotBeRead(t *testing.T) {
	s := lost(t)
	s.hosts["lon-db"].noRVG = true
	st := takeoverAction.Step(kit.At{Phase: dr.PhasePromote, Slug: "takeover", Title: "Take over", Timeout: time.Minute}, takeoverArgs{On: lon, Old: sea, Fast: fastOff})
	_, err := kit.Execute(context.Background(), s.env(), takeoverAction.Action(), st)
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
	require.Empty(t, s.ran)
}

func TestNamesThatVVRWouldNotTakeAreRefusedBeforeAnythingIsSent(t *testing.T) {
	a := syncArgs{Source: lon, Target: sea, Checkpoint: strings.Repeat("x", 20), MaxPercent: 80}
	require.Error(t, a.check(), "a checkpoint's name has at most 19 characters")
	a.Checkpoint = strings.Repeat("x", 19)
	require.NoError(t, a.check())
	a.Target = lon
	require.Error(t, a.check())
	bad := sea
	bad.RVG = "x; reboot"
	require.Error(t, bad.Check())
	p := &planner{s: normal(t).system()}
	p.in.RunID = "ffffffff"
	require.LessOrEqual(t, len(p.checkpoint(p.siteMark("tokyo"))), 19)
}
