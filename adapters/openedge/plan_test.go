package openedge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func TestThePlansAreTheRecordedOnes(t *testing.T) {
	pair := func(settings string) *paper { return onPaper(t, settings, openSource(true), openTarget(true)) }
	pair("").golden("planned", takePlanned, dr.GateDecide)
	pair("takeover: controlled\n").golden("planned_controlled", takePlanned, dr.GateDecide)
	onPaper(t, "", closedSource(), lostTarget()).golden("unplanned", takeUnplanned, dr.GateDecide)
	silent := onPaper(t, "", closedSource(), lostTarget())
	silent.silent["east"] = true
	silent.golden("unplanned_silent", takeUnplanned, dr.GateDecide)
	after := func(settings string) *paper {
		p := onPaper(t, settings, fencedSource(), newSource())
		p.base = &dr.Baseline{Primary: "east"}
		return p
	}
	after("").golden("reseed", seedEast, dr.GateOverwrite)
	after("reseed: enable\ntransfer: shared\ncompress: true\ntarget_creation: false\nthreads: 4\n").golden("reseed_enable_shared", seedEast, dr.GateOverwrite)
	after("").golden("failback_copy", goBack, dr.GateOverwrite)
	back := onPaper(t, "", closedTarget(), newSource())
	back.base = &dr.Baseline{Primary: "east"}
	back.golden("failback_follow", goBack, dr.GateConvert)
}

func TestAFailbackOfAFencedSourceAsksForACopy(t *testing.T) {
	half, emergency, gone := closedTarget(), closedTarget(), seen{gone: true, full: true}
	half.restore = "bb22 begun"
	emergency.log = append(emergency.log, logged("06:06", "4711", "5316", "Emergency shutdown."))
	for name, east := range map[string]seen{"fenced": fencedSource(), "a closed source": closedSource(), "half restored": half, "stopped by an emergency shutdown": emergency, "gone": gone} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "", east, newSource())
			p.base = &dr.Baseline{Primary: "east"}
			d, err := p.plan(goBack, dr.GateConvert)
			require.NoError(t, err)
			require.Equal(t, dr.GateOverwrite, d.Instead)
			require.NotEmpty(t, d.InsteadWhy)
		})
	}
}

func TestWhatMustNotGoOnIsRefusedWithItsName(t *testing.T) {
	with := func(s seen, f func(*seen)) seen {
		f(&s)
		return s
	}
	noReverse := func(s *seen) { s.props = propertiesOf("ag_east", "ag_west", "west.example")[:300] }
	cases := []struct {
		code       string
		east, west seen
		req        dr.Request
	}{
		{"two_primaries", openSource(true), newSource(), takePlanned},
		{"owner", with(openSource(true), func(s *seen) { s.owner = "root" }), openTarget(true), takePlanned},
		{"transition_running", with(openSource(true), func(s *seen) { s.status = "6022" }), openTarget(true), takePlanned},
		{"other_release", with(openSource(true), func(s *seen) { s.version = "411.0" }), openTarget(true), takePlanned},
		{"not_in_step", with(openSource(true), func(s *seen) { s.status = "6005" }), openTarget(true), takePlanned},
		{"not_in_step", with(openSource(true), func(s *seen) { s.agents = map[string]string{"ag_west": "1037"} }), openTarget(true), takePlanned},
		{"not_in_step", openSource(true), with(openTarget(true), func(s *seen) { s.status = "3048" }), takePlanned},
		{"not_in_step", with(openSource(true), func(s *seen) { s.status = "6060" }), openTarget(true), takePlanned},
		{"no_source", closedSource(), lostTarget(), takePlanned},
		{"role_after", with(openSource(true), noReverse), openTarget(true), takePlanned},
		{"half_restored", openSource(true), with(closedTarget(), func(s *seen) { s.restore = "bb22 begun" }), takeUnplanned},
		{"primary_alive", openSource(true), openTarget(true), takeUnplanned},
		{"no_target", closedSource(), closedSource(), takeUnplanned},
		{"fenced", closedSource(), fencedSource(), takeUnplanned},
		{"unclear", closedSource(), with(lostTarget(), func(s *seen) { s.broker = false }), takeUnplanned},
		{"no_baseline", fencedSource(), newSource(), goBack},
		{"is_primary", fencedSource(), newSource(), dr.Request{Procedure: dr.ProcReseed, To: "west"}},
		{"in_step", openSource(true), openTarget(true), dr.Request{Procedure: dr.ProcReseed, To: "west"}},
		{"no_empty_extents", fencedSource(), with(newSource(), func(s *seen) { s.extents = []string{"LOCKED", "BUSY"} }), seedEast},
		{"backup_running", fencedSource(), with(newSource(), func(s *seen) { s.procs = []string{"probkup"} }), seedEast},
		{"no_source", fencedSource(), with(newSource(), func(s *seen) { s.role, s.status = "none", "exit 3" }), seedEast},
		{"block_size", with(closedTarget(), func(s *seen) { s.block = "8192" }), newSource(), seedEast},
		{"properties", with(fencedSource(), func(s *seen) { s.props = propertiesOf("ag_east", "ag_north", "north.example") }), newSource(), seedEast},
		{"unclear", with(closedTarget(), func(s *seen) { s.holder = "14" }), newSource(), seedEast},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			g := map[dr.Procedure]dr.Gate{dr.ProcTakeover: dr.GateDecide, dr.ProcFailback: dr.GateConvert, dr.ProcReseed: dr.GateOverwrite}[c.req.Procedure]
			_, err := onPaper(t, "", c.east, c.west).plan(c.req, g)
			require.Error(t, err)
			require.True(t, dr.HasCode(err, c.code), "%v", err)
			require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
		})
	}
}

func TestASiteThatIsSilentMayBeTheSource(t *testing.T) {
	for name, c := range map[string]struct {
		east seen
		req  dr.Request
		g    dr.Gate
	}{
		"the old source is back and open":    {openSource(true), goBack, dr.GateConvert},
		"nobody that answers takes updates":  {closedTarget(), goBack, dr.GateConvert},
		"there is nothing to copy from here": {closedTarget(), seedEast, dr.GateOverwrite},
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "", c.east, newSource())
			p.silent["west"], p.base = true, &dr.Baseline{Primary: "east"}
			_, err := p.plan(c.req, c.g)
			require.True(t, dr.HasCode(err, "unreadable"), "%v", err)
			require.ErrorContains(t, err, "west")
		})
	}
}

func TestTheLossIsNeverCalledZeroWithoutAProof(t *testing.T) {
	p := onPaper(t, "", closedSource(), lostTarget())
	d, err := p.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	require.Contains(t, d.Loss.Why, "AI file 3")
	proof := &dr.Proof{At: time.Unix(1000, 0), Site: "west", Primary: "east"}
	p.memory = &dr.Memory{Primary: "east", Proof: proof}
	d, err = p.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossWindow, d.Loss.Kind)
	require.Equal(t, proof, d.Loss.Proof)
	clean := closedSource()
	clean.log = append(clean.log, logged("06:01", "1", "20258", "All AI sent."), logged("06:02", "1", "20257", "All connected targets are synchronized."), logged("06:03", "1", "334", "Multi-user session end."))
	d, err = onPaper(t, "", clean, lostTarget()).plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossNone, d.Loss.Kind)
}

func TestTheLostSourcesTargetProvesItselfWhatItHoldsFromTheFileThatTheWatchSaw(t *testing.T) {
	seen := time.Unix(5000, 0)
	older := &dr.Proof{At: time.Unix(1000, 0), Site: "west", Primary: "east"}
	for file, want := range map[string]time.Time{"2": seen, "3": older.At} {
		p := onPaper(t, "", openSource(true), lostTarget())
		p.silent["east"] = true
		p.memory = &dr.Memory{Primary: "east", PrimarySeen: &seen, Positions: map[string]string{positionFile: file}, Proof: older}
		d, err := p.plan(takeUnplanned, dr.GateDecide)
		require.NoError(t, err)
		require.Equal(t, dr.LossWindow, d.Loss.Kind)
		require.Equal(t, want, d.Loss.Proof.At, "AI file %s was current, a block of file 3 is acknowledged", file)
		require.Contains(t, d.Loss.Why, "acknowledged Mon Feb  3 04:05:06 2031")
	}
}

func TestATargetIsProvenOnlyByALaterAfterImageFile(t *testing.T) {
	p := onPaper(t, "", openSource(true), openTarget(true))
	seenAt := time.Unix(5000, 0)
	source := p.rs["east"]
	j := p.situation().Judgement
	require.Equal(t, dr.Unknown, j.InSync, "normal processing at both ends is no proof")
	require.Equal(t, "3", j.Positions[positionFile])
	p.memory = &dr.Memory{Primary: "east", PrimarySeen: &seenAt, Positions: map[string]string{positionFile: "3"}}
	for seq, want := range map[int64]dr.Tri{3: dr.Unknown, 4: dr.Yes} {
		source.ServerInfo = []Acknowledged{{Seq: seq}}
		p.rs["east"] = source
		j = p.situation().Judgement
		require.Equal(t, want, j.InSync, "%d", seq)
		if want == dr.Yes {
			require.Equal(t, seenAt, j.Proof.At)
			require.False(t, j.Proof.Complete)
		}
	}
}

func TestAlarmsNameWhatStandsStill(t *testing.T) {
	few, gone := openSource(true), openSource(true)
	few.extents = []string{"LOCKED", "BUSY", "EMPTY"}
	gone.status = "6060"
	stale, auto := closedSource(), openSource(true)
	stale.holder, stale.lock = "16", true
	auto.props = "[server]\ntransition=auto\n"
	half := closedTarget()
	half.restore = "bb22 begun"
	for name, c := range map[string]struct {
		east, west seen
		want       string
	}{
		"AI extents":       {few, openTarget(true), "only 1 of 3 AI extents of east are empty, about 15m0s"},
		"server":           {gone, openTarget(true), "the replication server of east is gone (6060 (server ended)) while its database works"},
		"stale lock":       {stale, openTarget(true), "says multi-user, but no broker process is there"},
		"automatic":        {auto, openTarget(true), "transition=auto"},
		"half restored":    {half, newSource(), "east is half restored"},
		"returned source":  {closedSource(), newSource(), "east is a stopped source and not fenced"},
		"two open sources": {openSource(true), newSource(), "two databases take updates"},
	} {
		t.Run(name, func(t *testing.T) {
			j := onPaper(t, "", c.east, c.west).situation().Judgement
			require.NotEmpty(t, j.Alarms)
			require.Contains(t, j.Alarms[0]+j.Alarms[len(j.Alarms)-1], c.want)
		})
	}
}

func TestARecheckAfterTheBackupGivesTheRestOfTheSamePlan(t *testing.T) {
	p := onPaper(t, "", fencedSource(), newSource())
	before, err := p.plan(seedEast, dr.GateOverwrite)
	require.NoError(t, err)
	now := p.rs["west"]
	now.Status, now.Agents, now.Extents = Status{Exit: 0, Code: codeServerEnded}, map[string]Code{"ag_east": 1063}, []AIExtent{{Number: 1, Path: "/a", Status: "BUSY"}}
	p.rs["west"] = now
	p.did = []kit.FinishedStep{{Phase: dr.PhaseBackup, ID: "backup.seed", Action: "openedge.seed_backup", State: dr.StepDone}}
	after, err := p.plan(seedEast, dr.GateOverwrite)
	require.NoError(t, err, "the seed itself locks the extents")
	want, err := before.Phases(dr.PhasesAfter(dr.ProcReseed, dr.GateOverwrite))
	require.NoError(t, err)
	got, err := after.Phases(dr.PhasesAfter(dr.ProcReseed, dr.GateOverwrite))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestABadInventoryIsRefused(t *testing.T) {
	decode := func(node string, east adaptertest.YAML) error {
		_, err := Adapter{}.Decode(kit.Entry{
			Name: "depot", Node: adaptertest.YAML(node), Hosts: func(h string) bool { return h == "oe-east" || h == "oe-west" },
			Sites: []kit.SiteEntry{{Name: "east", Node: east}, {Name: "west", Node: siteYAML("west")}},
		})
		return err
	}
	good := siteYAML("east")
	require.NoError(t, decode("takeover: controlled\nreseed: enable\ntransfer: shared\ntarget_creation: false\n", good))
	for was, now := range map[string]string{
		"host: oe-east": "host: zzz", "dlc: /usr/dlc": "dlc: usr", "database: /data/depot": "database: /data/depot.db", "port: 4501": "port: 0", "address: east.example": "address: 'x;y'",
		"agent: ag_east": "agent: ALL", "spool: /spool": "spool: /data", "ssh: oe@east.example": "ssh: '-oProxyCommand=x'", "ssh: oe": "surprise: 1\nssh: oe",
		"dlc: ": "arguments: [-S, '1']\ndlc: ", "port: ": "extents: {north: /x}\nport: ", "agent: ag_east\n": "agent: ag_west\n",
	} {
		require.Error(t, decode("{}", adaptertest.YAML(replaceOnce(string(good), was, now))), now)
	}
	for _, node := range []string{"takeover: maybe\n", "reseed: no\n", "transfer: ftp\n", "threads: 65\n", "seed_hours: -1\n", "surprise: 1\n", "sync_hours: 1000\n"} {
		require.Error(t, decode(node, good), node)
	}
}

func TestADatabaseThatIsNotThereIsNoFence(t *testing.T) {
	for name, exists := range map[string]dr.Tri{"not mounted": dr.No, "where the login may not look": dr.Unknown} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "", seen{gone: true, full: true}, lostTarget())
			r := p.rs["east"]
			r.Exists = exists
			p.rs["east"] = r
			d, err := p.plan(takeUnplanned, dr.GateDecide)
			require.NoError(t, err)
			require.False(t, d.Fences()[0].ByAdapter, "%+v", d.Fences())
		})
	}
}

func TestADatabaseThatTheLoginMayNotSeeIsNotCalledAbsent(t *testing.T) {
	open, closed := adaptertest.ClosedDoor(t, "db")
	for database, want := range map[string]dr.Tri{open + "/none/depot": dr.No, closed + "/db/depot": dr.Unknown} {
		p := Place{Site: "east", Host: "db-east", DLC: open + "/dlc", DSRHome: open + "/dlc", Database: database, Spool: open}
		r, err := ParseReading(adaptertest.AsNobody(t, p.observation(full, nil)))
		require.NoError(t, err)
		require.Equal(t, want, r.Exists, database)
		require.Equal(t, want, r.AcceptsWrites(), summary(r))
	}
}
