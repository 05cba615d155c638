package vvr

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestAPlannedTakeoverMigratesOnlyWhatIsClosedAndUpToDate(t *testing.T) {
	s := normal(t)
	require.Equal(t, []string{
		"isolate: sea-db wait_closed",
		"isolate: sea-db wait_up_to_date london",
		"isolate: sea-db wait_up_to_date tokyo",
		"promote: sea-db vradmin -g hrdg -s migrate hr_rvg london-rep",
		"verify: lon-db check_primary",
		"protect: lon-db wait_up_to_date nearly seattle",
		"protect: lon-db wait_up_to_date nearly tokyo",
	}, s.lines(takePlanned, dr.GateDecide))
	d, err := s.plan(takePlanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossNone, d.Loss.Kind)
	require.Len(t, d.Fences(), 1)
	require.True(t, d.Fences()[0].ByAdapter)
}

func TestAPlannedTakeoverIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		name, code string
		change     func(s *scene)
	}{
		{"the link is cut", "not_replicating", func(s *scene) { s.hosts["sea-db"].links[0].flags = cutOff }},
		{"the SRL overflowed", "srl_overflow", func(s *scene) { s.hosts["sea-db"].links[0].flags = toDCM }},
		{"it is far behind", "lag", func(s *scene) { s.hosts["sea-db"].links[0].status = far }},
		{"another Secondary is behind a cut link", "sibling", func(s *scene) { s.hosts["sea-db"].links[1].flags = cutOff }},
		{"the Primary is lost", "unreadable", func(s *scene) { s.hosts["sea-db"].down = true }},
		{"vradmind is down", "vradmind", func(s *scene) {
			s.hosts["lon-db"].vradmin = "VxVM VVR vradmin ERROR V-5-52-0 Cannot connect to vradmind server; vradmind server might not be running"
		}},
		{"a configuration error", "configuration", func(s *scene) { s.hosts["sea-db"].errors = []string{"london-rep: some other error"} }},
		{"the status is not recognised", "not_replicating", func(s *scene) { s.hosts["sea-db"].links[0].status = "Rlink @ is doing something new" }},
		{"VCS is in charge", "managed", func(s *scene) {
			s.hosts["lon-db"].extra = "vcs rvgpri lon-db\nrc vcs 0\ngroup grp\nrc group 0\nfrozen 0\nrc frozen 0\nfrozen 0\nrc frozen 0\n"
		}},
		{"two write", "two_primaries", func(s *scene) {
			l := s.hosts["lon-db"]
			l.role, l.open = rolePrimary, true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := normal(t)
			c.change(s)
			_, err := s.plan(takePlanned, dr.GateDecide)
			require.True(t, dr.HasCode(err, c.code), "%v", err)
			require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
			require.NotEmpty(t, dr.AsError(err, "").Next)
		})
	}
}

func TestAFrozenGroupOfVCSIsNotInTheWay(t *testing.T) {
	s := normal(t)
	s.hosts["lon-db"].extra = "vcs rvgpri lon-db\nrc vcs 0\ngroup grp\nrc group 0\nfrozen 1\nrc frozen 0\nfrozen 0\nrc frozen 0\n"
	_, err := s.plan(takePlanned, dr.GateDecide)
	require.NoError(t, err)
}

// lost is normal with a dead Primary and cut links.
func lost(t *testing.T) *scene {
	s := normal(t)
	s.hosts["sea-db"].down = true
	s.hosts["lon-db"].links[0].flags = cutOff
	s.hosts["tok-db"].links[0].flags = cutOff
	return s
}

func TestAnUnplannedTakeoverIsMadeInTheFormOfThePolicy(t *testing.T) {
	for set, want := range map[string]string{"": "takeover hr_rvg", "fast_failback: auto": "-autofb takeover hr_rvg", "fast_failback: off": "-N takeover hr_rvg"} {
		s := lost(t)
		s.set = set
		require.Equal(t, []string{
			"isolate: lon-db wait_disconnected",
			"promote: lon-db vradmin -g hrdg " + want,
			"verify: lon-db check_primary",
			"protect: lon-db vradmin -g hrdg -s stoprep hr_rvg tokyo-rep",
		}, s.lines(takeUnplanned, dr.GateDecide))
	}
	s := lost(t)
	s.hosts["lon-db"].noDCM = true
	require.Contains(t, s.lines(takeUnplanned, dr.GateDecide), "promote: lon-db vradmin -g hrdg -N takeover hr_rvg", "fast failback needs a DCM on every volume")
	d, err := s.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.False(t, d.Fences()[0].ByAdapter, "nothing on the lost site proves that it takes no writes")
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	require.Equal(t, "reseed", d.Leaves.Next)
}

func TestTheLossOfAnUnplannedTakeoverIsBoundedOnlyByAProofOfThisPair(t *testing.T) {
	s := lost(t)
	at := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
	s.memo = &dr.Memory{Primary: "seattle", Proof: &dr.Proof{At: at, Site: "london", Primary: "seattle"}}
	d, err := s.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossWindow, d.Loss.Kind)
	s.memo.Proof.Site = "tokyo"
	d, err = s.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
}

func TestAnUnplannedTakeoverIsRefusedWhileThePrimaryAnswers(t *testing.T) {
	s := lost(t)
	s.hosts["sea-db"].down = false
	_, err := s.plan(takeUnplanned, dr.GateDecide)
	require.True(t, dr.HasCode(err, "primary_alive"), "%v", err)
	s.hosts["sea-db"].noRVG = true
	_, err = s.plan(takeUnplanned, dr.GateDecide)
	require.True(t, dr.HasCode(err, "primary_unclear"), "%v", err)
	s.hosts["sea-db"].noDG = true
	_, err = s.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err, "without its disk group the old Primary takes no writes")
	s = lost(t)
	s.hosts["lon-db"].links[0].flags = "attached inconsistent cant_sync disconnected asynchronous"
	_, err = s.plan(takeUnplanned, dr.GateDecide)
	require.True(t, dr.HasCode(err, "inconsistent"), "%v", err)
}

func TestExample3IsPlannedToTheLetter(t *testing.T) {
	s := twoPrimaries(t)
	require.Equal(t, []string{"london"}, s.observe().Primaries(), "the Primary that came back with closed volumes is no second one")
	require.Equal(t, []string{
		"prepare: sea-db wait_closed",
		"convert: sea-db vradmin -g hrdg makesec hr_rvg london-rep",
		"resynchronise: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep",
		"resynchronise: lon-db vradmin -g hrdg -c sbaa11bb22f startrep hr_rvg seattle-rep",
		"resynchronise: lon-db wait_up_to_date nearly seattle",
		"resynchronise: lon-db vxrvg -g hrdg -c sbaa11bb22f checkdelete hr_rvg",
	}, s.lines(goBack, dr.GateConvert))
	d, err := s.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.Equal(t, dr.Bytes(5904*1024), d.Loss.Certain)
	require.Equal(t, []string{
		"quiesce: lon-db wait_closed",
		"catch-up: lon-db wait_up_to_date seattle",
		"hand-back: lon-db vradmin -g hrdg -s migrate hr_rvg seattle-rep",
		"verify: sea-db check_primary",
		"protect: sea-db wait_up_to_date nearly london",
		"protect: sea-db vradmin -g hrdg -s stoprep hr_rvg tokyo-rep",
		"protect: sea-db vradmin -g hrdg -c sbaa11bb22s2 syncrvg hr_rvg tokyo-rep",
		"protect: sea-db vradmin -g hrdg -c sbaa11bb22s2 startrep hr_rvg tokyo-rep",
		"protect: sea-db wait_up_to_date nearly tokyo",
		"protect: sea-db vxrvg -g hrdg -c sbaa11bb22s2 checkdelete hr_rvg",
	}, synced(t).lines(goBack, dr.GateCutover), "Example 4 comes behind the announcement that the service is restored")
}

func TestInTheManualsOrderTheApplicationStopsBeforeStartrepAndTokyoComesBeforeItsStart(t *testing.T) {
	s := twoPrimaries(t)
	s.set = "order: manual"
	require.Equal(t, []string{
		"prepare: sea-db wait_closed",
		"convert: sea-db vradmin -g hrdg makesec hr_rvg london-rep",
		"resynchronise: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep",
		"safe-stop: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep",
		"safe-stop: lon-db vradmin -g hrdg -c sbaa11bb22f startrep hr_rvg seattle-rep",
		"safe-stop: lon-db wait_up_to_date nearly seattle",
		"safe-stop: lon-db vxrvg -g hrdg -c sbaa11bb22f checkdelete hr_rvg",
	}, s.lines(goBack, dr.GateConvert))
	s = converted(t)
	s.set = "order: manual"
	s.hosts["lon-db"].checkpoint = []string{"sbaa11bb22f           12       3      Completed"}
	cutover := []string{
		"quiesce: lon-db wait_closed",
		"catch-up: lon-db vradmin -g hrdg -c sbaa11bb22f startrep hr_rvg seattle-rep",
		"catch-up: lon-db wait_up_to_date seattle",
		"catch-up: lon-db vxrvg -g hrdg -c sbaa11bb22f checkdelete hr_rvg",
		"hand-back: lon-db vradmin -g hrdg -s migrate hr_rvg seattle-rep",
		"hand-back: sea-db vradmin -g hrdg -s stoprep hr_rvg tokyo-rep",
		"hand-back: sea-db vradmin -g hrdg -c sbaa11bb22s2 syncrvg hr_rvg tokyo-rep",
		"hand-back: sea-db vradmin -g hrdg -c sbaa11bb22s2 startrep hr_rvg tokyo-rep",
		"hand-back: sea-db wait_up_to_date nearly tokyo",
		"hand-back: sea-db vxrvg -g hrdg -c sbaa11bb22s2 checkdelete hr_rvg",
		"verify: sea-db check_primary",
		"protect: sea-db wait_up_to_date nearly london",
	}
	require.Equal(t, cutover, s.lines(goBack, dr.GateCutover))
	d, err := s.plan(goBack, dr.GateCutover)
	require.NoError(t, err)
	require.Equal(t, "vvr.watch_checkpoint", d.Watch.Action)
	watch := func() kit.Effect {
		return watchCheckpoint.Probe(t.Context(), s.env(), checkpointArgs{On: lon, Checkpoint: "sbaa11bb22f"})
	}
	require.Equal(t, kit.EffectNotDone, watch().State)
	require.NoError(t, watch().Never, "it is watched as long as it can be started from")
	s.hosts["lon-db"].checkpoint = []string{"sbaa11bb22f           400     100     Checkpoint overflowed"}
	require.Error(t, watch().Never)
	again := append([]string{"quiesce: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep"}, cutover...)
	s.from = dr.PhaseCatchUp
	require.Contains(t, s.lines(goBack, dr.GateCutover), "catch-up: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep", "a replan with stopped applications synchronises there")
	s.from = ""
	require.Equal(t, again, s.lines(goBack, dr.GateCutover), "a checkpoint does not wait for people: the new plan synchronises again before the applications stop")
}

func TestMakesecWithForceIsPlannedOnlyAfterThisRunsOwnRefusal(t *testing.T) {
	s := twoPrimaries(t)
	forced := "convert: sea-db vradmin -g hrdg -f makesec hr_rvg london-rep"
	s.hosts["sea-db"].extra = "mark hr-01d00001-makesec VxVM VVR vradmin ERROR V-5-52-0 Primary RVG is not up-to-date\n"
	require.NotContains(t, s.lines(goBack, dr.GateConvert), forced, "a refusal of another run counts for nothing")
	s.hosts["sea-db"].extra = "mark hr-aa11bb22-makesec VxVM VVR vradmin ERROR V-5-52-0 data volumes are open\n"
	require.NotContains(t, s.lines(goBack, dr.GateConvert), forced, "-f does not help with open volumes")
	s.hosts["sea-db"].extra = "mark hr-aa11bb22-makesec VxVM VVR vradmin ERROR V-5-52-0 Primary RVG is not up-to-date\n"
	require.Contains(t, s.lines(goBack, dr.GateConvert), forced)
	d, err := s.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	require.Contains(t, d.Loss.Why, "118 writes (6 MB) in the SRL of seattle never reached london")
	require.Contains(t, strings.Join(d.Consequences(), "\n"), "makesec -f discards at seattle: 118 writes")
}

func TestAnActingSecondaryGoesBackByFbsyncWithoutMakesec(t *testing.T) {
	s := acting(t)
	s.set = "snapshot_cachesize: 2g"
	require.Equal(t, []string{
		"prepare: sea-db wait_closed",
		"convert: lon-db vradmin -g hrdg fbsync hr_rvg cachesize=2g",
		"resynchronise: lon-db wait_up_to_date nearly seattle",
	}, s.lines(goBack, dr.GateConvert))
	d, err := s.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.Empty(t, d.Waivers())
	s.set = ""
	d, err = s.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.Equal(t, "snapshot:seattle", d.Waivers()[0].ID, "without a snapshot people say so by name")
	s.snap = true
	require.Contains(t, s.lines(goBack, dr.GateConvert), "prepare: sea-db$ /opt/dr/snap take aa11bb22")
}

func TestAFailbackThatWasBegunByHandIsTakenUpWhereItIs(t *testing.T) {
	require.Equal(t, []string{
		"resynchronise: lon-db vradmin -g hrdg -c sbaa11bb22f syncrvg hr_rvg seattle-rep",
		"resynchronise: lon-db vradmin -g hrdg -c sbaa11bb22f startrep hr_rvg seattle-rep",
		"resynchronise: lon-db wait_up_to_date nearly seattle",
		"resynchronise: lon-db vxrvg -g hrdg -c sbaa11bb22f checkdelete hr_rvg",
	}, converted(t).lines(goBack, dr.GateConvert))
	require.Equal(t, []string{"resynchronise: lon-db wait_up_to_date nearly seattle"}, synced(t).lines(goBack, dr.GateConvert))
	s := synced(t)
	s.hosts["lon-db"].links[0].flags = toDCM
	require.Equal(t, []string{
		"resynchronise: lon-db vradmin -g hrdg resync hr_rvg",
		"resynchronise: lon-db wait_up_to_date nearly seattle",
	}, s.lines(goBack, dr.GateConvert))
}

func TestCheckpointsOfEarlierRunsAreDeletedAndOthersAreNot(t *testing.T) {
	s := converted(t)
	s.hosts["lon-db"].checkpoint = []string{
		"sb01d00001f           12       3      Completed", "weekly                12       3      Completed", "sbaa11bb22f           12       3      Started",
	}
	require.Equal(t, "prepare: lon-db vxrvg -g hrdg -c sb01d00001f checkdelete hr_rvg", s.lines(goBack, dr.GateConvert)[0])
	require.Len(t, s.lines(goBack, dr.GateConvert), 5)
}

func TestAFailbackIsRefusedWithTheManualsReason(t *testing.T) {
	for _, c := range []struct {
		name, code string
		change     func(s *scene)
	}{
		{"programs write at the Primary that came back", "two_primaries", func(s *scene) { s.hosts["sea-db"].open = true }},
		{"they do while the new Primary is stopped", "open_volumes", func(s *scene) {
			s.hosts["sea-db"].open = true
			s.hosts["lon-db"].open = false
		}},
		{"no error is shown", "no_error", func(s *scene) {
			s.hosts["sea-db"].errors = nil
			s.hosts["sea-db"].kernel = "DISABLED"
		}},
		{"the error names another host", "name", func(s *scene) { s.hosts["sea-db"].errors = []string{"paris-rep: Primary-Primary configuration"} }},
		{"the error names two hosts", "name", func(s *scene) {
			s.hosts["sea-db"].errors = []string{"paris-rep: Primary-Primary configuration", "london-rep: Primary-Primary configuration"}
		}},
		{"the takeover was with fast failback", "fast_failback", func(s *scene) { s.hosts["lon-db"].flags = "enabled failback_logging" }},
		{"nobody is Primary", "no_primary", func(s *scene) {
			s.hosts["sea-db"].role, s.hosts["lon-db"].role = roleSecondary, roleSecondary
		}},
		{"the new Primary is silent and the old one is back", "unreadable", func(s *scene) { s.hosts["lon-db"].down = true }},
		{"the RVG of the new Primary is not read", "no_rvg", func(s *scene) { s.hosts["lon-db"].noRVG = true }},
		{"nobody is Primary that answers", "unreadable", func(s *scene) {
			s.hosts["sea-db"].role = roleSecondary
			s.hosts["lon-db"].down = true
		}},
		{"the site is lost", "unreadable", func(s *scene) { s.hosts["sea-db"].down = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := twoPrimaries(t)
			c.change(s)
			_, err := s.plan(goBack, dr.GateConvert)
			require.True(t, dr.HasCode(err, c.code), "%v", err)
			require.NotEmpty(t, dr.AsError(err, "").Next)
		})
	}
	s := twoPrimaries(t)
	s.base = nil
	_, err := s.plan(goBack, dr.GateConvert)
	require.True(t, dr.HasCode(err, "no_baseline"), "%v", err)
}

func TestAFurtherSecondaryThatCannotBeSynchronisedStaysNamedAsUnprotected(t *testing.T) {
	s := synced(t)
	s.hosts["tok-db"].down = true
	d, err := s.plan(goBack, dr.GateCutover)
	require.NoError(t, err)
	require.Equal(t, "reseed", d.Leaves.Next)
	s = synced(t)
	s.hosts["sea-db"].links = s.hosts["sea-db"].links[:1]
	d, err = s.plan(goBack, dr.GateCutover)
	require.NoError(t, err)
	require.Contains(t, d.Leaves.Why, "no RLINK")
}

func TestAReseedCopiesEverythingOrLetsVVRDoIt(t *testing.T) {
	s := normal(t)
	s.hosts["sea-db"].links[1].flags = stale
	s.hosts["tok-db"].links[0].flags = stale
	require.Equal(t, []string{
		"transfer: sea-db vradmin -g hrdg -c sbaa11bb22s2 -full syncrvg hr_rvg tokyo-rep",
		"start-replication: sea-db vradmin -g hrdg -c sbaa11bb22s2 startrep hr_rvg tokyo-rep",
		"start-replication: sea-db wait_up_to_date nearly tokyo",
		"start-replication: sea-db vxrvg -g hrdg -c sbaa11bb22s2 checkdelete hr_rvg",
		"verify: sea-db wait_up_to_date nearly tokyo",
	}, s.lines(seedTokyo, dr.GateOverwrite))
	s.set = "reseed: autosync"
	s.hosts["sea-db"].links[1].flags = good
	require.Equal(t, []string{
		"transfer: sea-db vradmin -g hrdg -s stoprep hr_rvg tokyo-rep",
		"start-replication: sea-db vradmin -g hrdg -a startrep hr_rvg tokyo-rep",
		"start-replication: sea-db wait_up_to_date nearly tokyo",
		"verify: sea-db wait_up_to_date nearly tokyo",
	}, s.lines(seedTokyo, dr.GateOverwrite))
	s.hosts["sea-db"].links[1].flags = toDCM
	require.Equal(t, "start-replication: sea-db vradmin -g hrdg resync hr_rvg", s.lines(seedTokyo, dr.GateOverwrite)[0])
	d, err := s.plan(seedTokyo, dr.GateOverwrite)
	require.NoError(t, err)
	require.Equal(t, "snapshot:tokyo", d.Waivers()[0].ID)
}

func TestWhatIsDoneIsNotDoneAgain(t *testing.T) {
	s := normal(t)
	req := takePlanned
	req.To = "seattle"
	d, err := s.plan(req, dr.GateDecide)
	require.NoError(t, err)
	require.NotEmpty(t, d.Nothing)
	d, err = s.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	require.NotEmpty(t, d.Nothing)
	s = twoPrimaries(t)
	s.hosts["sea-db"].down = true
	require.Equal(t, []string{"verify: lon-db check_primary"}, s.lines(takeUnplanned, dr.GateDecide), "a takeover made by hand is completed: applications and clients follow")
}

func TestAReplanBehindTheHandBackPlansWhatIsLeft(t *testing.T) {
	s := normal(t)
	s.from = dr.PhaseProtect
	s.hosts["sea-db"].links[1].flags = stale
	s.hosts["sea-db"].checkpoint = []string{"sbaa11bb22s1 1 1 Completed", "sbaa11bb22s2 1 1 Started"}
	require.Equal(t, []string{
		"verify: sea-db check_primary",
		"protect: sea-db wait_up_to_date nearly london",
		"protect: sea-db vxrvg -g hrdg -c sbaa11bb22s1 checkdelete hr_rvg",
		"protect: sea-db vradmin -g hrdg -s stoprep hr_rvg tokyo-rep",
		"protect: sea-db vradmin -g hrdg -c sbaa11bb22s2 syncrvg hr_rvg tokyo-rep",
		"protect: sea-db vradmin -g hrdg -c sbaa11bb22s2 startrep hr_rvg tokyo-rep",
		"protect: sea-db wait_up_to_date nearly tokyo",
		"protect: sea-db vxrvg -g hrdg -c sbaa11bb22s2 checkdelete hr_rvg",
	}, s.lines(goBack, dr.GateCutover))
}
