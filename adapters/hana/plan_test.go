package hana

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

const (
	systemYAML = "sid: DRT\ninstance: \"00\"\nuser: SWITCHBACK\ncredential: erp\ntenants: {DRT: {}}\ntls: 'off'\n"
	northYAML  = "host: hana-n\nname: dba01\nsite_name: NORTH\nsql_address: 10.0.0.1\nbackup_dir: /hana/backup\n"
	southYAML  = "host: hana-s\nname: dbb01\nsite_name: SOUTH\nsql_address: 10.0.0.2\nbackup_dir: /hana/backup\n"
	eastYAML   = "host: hana-e\nname: dbc01\nsite_name: EAST\nsql_address: 10.0.0.3\n"
)

func decode(node string, sites ...string) (*system, error) {
	e := kit.Entry{Name: "erp", Node: adaptertest.YAML(node), Hosts: func(h string) bool { return strings.HasPrefix(h, "hana-") }, Credentials: func(c string) bool { return c == "erp" }}
	for i, s := range sites {
		e.Sites = append(e.Sites, kit.SiteEntry{Name: []string{"north", "south", "east"}[i], Node: adaptertest.YAML(s)})
	}
	s, err := Adapter{}.Decode(e)
	if err != nil {
		return nil, err
	}
	return s.(*system), nil
}

// paper is a system and a situation of readings, without any host.
type paper struct {
	t      *testing.T
	sys    *system
	rs     map[string]Reading
	silent map[string]bool
	base   *dr.Baseline
	memory *dr.Memory
	done   []kit.FinishedStep
}

func service(db, port, site, status string) Service {
	return Service{
		Database: db, Host: "dba01", Port: port, Volume: "1", SecondarySite: site, Active: "YES", Mode: "SYNC", Status: status, FullSync: "DISABLED",
		LastPos: "1000", LastTime: "2026-03-14 09:00:00.000000", ShippedPos: "1000", ShippedTime: "2026-03-14 09:00:00.000000",
	}
}

// readingOf makes the reading of a site by its role: primary, secondary,
// suspended, stopped-primary, stopped-secondary.
func readingOf(t *testing.T, role, me, partner, host, partnerHost string) Reading {
	list := func(out string, exit int) Processes {
		p, err := ParseProcesses(out, exit)
		require.NoError(t, err)
		p.Host = host
		return p
	}
	r := Reading{
		Processes: []Processes{list(listOfRunning, listRunning)}, Version: "2.00.077.00.1700000000", SSFS: "aaaa",
		Autostart: map[string]dr.Tri{host: dr.No}, Cluster: &Cluster{dr.No, "there is no cluster manager"}, Gaps: map[string]string{}, Ini: map[string]string{},
	}
	s := State{
		Online: dr.Yes, Mode: "primary", Operation: "primary", SiteName: me, TakeoverActive: dr.No, Suspended: dr.No,
		Links: []Link{{me, partner}}, Modes: map[string]string{me: "primary", partner: "sync"}, Operations: map[string]string{me: "primary", partner: "logreplay"},
	}
	if strings.Contains(role, "secondary") {
		s.Mode, s.Operation, s.Masters = "sync", "logreplay", []string{partnerHost}
		s.Links, s.Modes, s.Operations = []Link{{partner, me}}, map[string]string{me: "sync", partner: "primary"}, map[string]string{me: "logreplay"}
	}
	switch role {
	case "primary":
		rows := []Service{service("SYSTEMDB", "30001", partner, "ACTIVE"), service("DRT", "30003", partner, "ACTIVE")}
		r.Status = &Status{Exit: statusActive, Overall: "ACTIVE", Rows: rows}
		r.SQL = SQL{Login: dr.Yes, SID: "DRT", HistoryRead: true, Rows: rows, Databases: []Database{{"SYSTEMDB", "YES"}, {"DRT", "YES"}}}
		r.Recommendation = "possible"
	case "suspended":
		s.Suspended = dr.Yes
	case "stopped-primary", "stopped-secondary":
		r.Processes = []Processes{list(listOfStopped, listStopped)}
		s.Online = dr.No
	}
	c := s
	r.State, r.Config = &s, &c
	return r
}

func onPaper(t *testing.T, north, south string) *paper {
	t.Helper()
	sys, err := decode(systemYAML, northYAML, southYAML)
	require.NoError(t, err)
	return &paper{
		t: t, sys: sys, silent: map[string]bool{},
		rs: map[string]Reading{"north": readingOf(t, north, "NORTH", "SOUTH", "dba01", "dbb01"), "south": readingOf(t, south, "SOUTH", "NORTH", "dbb01", "dba01")},
	}
}

// mend changes one reading.
func (p *paper) mend(site string, f func(*Reading)) *paper {
	r := p.rs[site]
	f(&r)
	p.rs[site] = r
	return p
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func (p *paper) situation() dr.Situation {
	s := dr.Situation{System: "erp", Product: "hana", At: noon, Memory: p.memory, Baseline: p.base}
	for _, st := range p.sys.sites {
		n := st.Place.Site
		if p.silent[n] {
			s.Sites = append(s.Sites, kit.Unread(Adapter{}.Product(), st.SiteName(), st.source(), dr.Retry("unreachable", "the host did not answer"), noon))
			continue
		}
		v := describe(st.Place, p.rs[n], noon)
		raw, err := json.Marshal(p.rs[n])
		require.NoError(p.t, err)
		v.Detail = raw
		s.Sites = append(s.Sites, v)
	}
	s.Judgement = p.sys.Judge(s)
	return s
}

func (p *paper) plan(req dr.Request, g dr.Gate) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "erp", "test"
	return d, p.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: p.situation(), RunID: "aa11", Baseline: p.base, Finished: p.done}, d)
}

func (p *paper) golden(name string, req dr.Request, g dr.Gate) {
	p.t.Helper()
	d, err := p.plan(req, g)
	require.NoError(p.t, err)
	phases, err := d.Phases(dr.PhasesAfter(req.Procedure, g))
	require.NoError(p.t, err)
	var b strings.Builder
	b.WriteString(d.From + " -> " + d.To + "\nloss: " + string(d.Loss.Kind) + ": " + d.Loss.Why + "\n")
	for _, ph := range phases {
		b.WriteString("\n" + string(ph.Phase) + ": " + ph.Empty + "\n")
		for _, s := range ph.Steps {
			b.WriteString("- " + s.ID + " (" + s.Action + ", " + string(s.Kind) + ", skip " + string(s.Skip) + "): " + s.Title + "\n")
			if s.Kind != dr.KindRead {
				b.WriteString("  " + strings.Join(s.Commands, "\n  ") + "\n  guard: " + s.Guard + "\n")
			}
			b.WriteString("  proof: " + s.Proof + "\n")
			if s.Undo != nil {
				b.WriteString("  undo: " + s.Undo.Action + ": " + strings.Join(s.Undo.Commands, " ") + "\n")
			}
		}
	}
	for _, f := range d.Fences() {
		fmt.Fprintf(&b, "\nfence %s by adapter %v: %s", f.Site, f.ByAdapter, f.Why)
	}
	for _, w := range d.Waivers() {
		b.WriteString("\nwaiver " + w.ID + ": " + w.Text)
	}
	for _, c := range d.Consequences() {
		b.WriteString("\n! " + c)
	}
	adaptertest.Golden(p.t, name, b.String())
}

var (
	toSouth     = takePlanned("south")
	toSouthLost = takeUnplanned("south")
	goBack      = dr.Request{Procedure: dr.ProcFailback}
	seedNorth   = dr.Request{Procedure: dr.ProcReseed, To: "north"}
)

// before is how the pair was before the takeover.
func before() *dr.Baseline {
	return &dr.Baseline{Primary: "north", Sites: []dr.BaselineSite{
		{Site: "north", Role: dr.RolePrimary, Settings: map[string]string{setName: "NORTH", setAutostart: "no"}},
		{Site: "south", Role: dr.RoleSecondary, Upstream: "north", Settings: map[string]string{setName: "SOUTH", setMode: "syncmem", setOperation: "logreplay"}},
	}}
}

func TestThePlansAreTheRecordedOnes(t *testing.T) {
	onPaper(t, "primary", "secondary").golden("planned", toSouth, dr.GateDecide)
	old := onPaper(t, "primary", "secondary").mend("north", func(r *Reading) { r.Version = "2.00.037.00"; r.Autostart["dba01"] = dr.Yes })
	old.sys.set.Hook = true
	old.golden("planned_stop", toSouth, dr.GateDecide)
	onPaper(t, "stopped-primary", "secondary").golden("unplanned", toSouthLost, dr.GateDecide)
	silent := onPaper(t, "stopped-primary", "secondary")
	silent.silent["north"] = true
	silent.golden("unplanned_silent", toSouthLost, dr.GateDecide)
	onPaper(t, "primary", "secondary").mend("north", func(r *Reading) { r.SQL.Rows[1].Status = "SYNCING" }).golden("unplanned_alive", toSouthLost, dr.GateDecide)
	back := onPaper(t, "stopped-primary", "primary")
	back.base = before()
	back.golden("failback", goBack, dr.GateConvert)
	back.golden("reseed", seedNorth, dr.GateOverwrite)
	back.mend("north", func(r *Reading) { r.SSFS = "bbbb" }).golden("failback_ssfs", goBack, dr.GateConvert)
	home := onPaper(t, "secondary", "primary")
	home.base = before()
	home.golden("cutover", goBack, dr.GateCutover)
}

func TestAThirdSiteIsTurnedByItsPlaceInTheChain(t *testing.T) {
	for name, upstream := range map[string]string{"multi_target": "north", "multi_tier": "south"} {
		sys, err := decode(systemYAML, northYAML, southYAML, eastYAML)
		require.NoError(t, err)
		p := onPaper(t, "secondary", "primary")
		p.sys = sys
		p.rs["east"] = readingOf(t, "secondary", "EAST", "NORTH", "dbc01", "dba01")
		p.base = before()
		p.base.Sites = append(p.base.Sites, dr.BaselineSite{Site: "east", Role: dr.RoleSecondary, Upstream: upstream, Settings: map[string]string{setMode: "async", setOperation: "logreplay"}})
		p.golden("cutover_"+name, goBack, dr.GateCutover)
	}
}

func TestWhatMustNotGoOnIsRefusedWithItsName(t *testing.T) {
	pair := func() *paper { return onPaper(t, "primary", "secondary") }
	north := func(f func(*Reading)) *paper { return pair().mend("north", f) }
	south := func(f func(*Reading)) *paper { return pair().mend("south", f) }
	for _, c := range []struct {
		name, code string
		p          *paper
		req        dr.Request
	}{
		{"both online", "two_primaries", onPaper(t, "primary", "primary"), toSouth},
		{"pacemaker in charge", "managed", north(func(r *Reading) { r.Cluster = &Cluster{dr.Yes, "Pacemaker manages SAP HANA"} }), toSouth},
		{"pacemaker not understood", "cluster_unknown", north(func(r *Reading) { r.Cluster = nil }), toSouth},
		{"another name", "wrong_name", south(func(r *Reading) { r.State.SiteName = "WEST" }), toSouth},
		{"another system behind the port", "wrong_system", north(func(r *Reading) { r.SQL.SID = "XYZ" }), toSouth},
		{"one service is not active", "not_in_sync", north(func(r *Reading) { r.SQL.Rows[1].Status = "SYNCING" }), toSouth},
		{"exit code 15 with another word", "not_in_sync", north(func(r *Reading) { r.Status.Overall = "ERROR" }), toSouth},
		{"exit code 15 without rows", "not_in_sync", north(func(r *Reading) { r.Status.Rows = nil }), toSouth},
		{"a tenant without a service", "not_in_sync", north(func(r *Reading) { r.SQL.Rows = r.SQL.Rows[:1] }), toSouth},
		{"the script is not readable", "not_in_sync", north(func(r *Reading) { r.Status = nil }), toSouth},
		{"much to replay", "replay_backlog", north(func(r *Reading) { r.Status.Rows[0].ReplayBacklog = "9000000000" }), toSouth},
		{"no SQL on the primary", "primary_unreadable", north(func(r *Reading) { r.SQL.Login = dr.Unknown }), toSouth},
		{"the primary is stopped", "no_primary", onPaper(t, "stopped-primary", "secondary"), toSouth},
		{"the state of the secondary is cut off", "unclear", south(func(r *Reading) { r.State, r.Config = nil, nil }), toSouthLost},
		{"topology and files contradict", "unclear", south(func(r *Reading) { r.Config.Mode = "primary" }), toSouthLost},
		{"a takeover is going on", "takeover_active", south(func(r *Reading) { r.State.TakeoverActive = dr.Yes }), toSouthLost},
		{"both are stopped primaries", "no_secondary", onPaper(t, "stopped-primary", "stopped-primary"), toSouthLost},
		{"the primary is well", "primary_alive", pair(), toSouthLost},
		{"the secondary does not run", "not_running", onPaper(t, "primary", "stopped-secondary"), toSouth},
		{"nothing to fail back from", "no_primary", onPaper(t, "stopped-primary", "secondary"), goBack},
		{"reseed of the primary", "is_primary", pair(), seedNorth},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := map[dr.Procedure]dr.Gate{dr.ProcTakeover: dr.GateDecide, dr.ProcFailback: dr.GateConvert, dr.ProcReseed: dr.GateOverwrite}[c.req.Procedure]
			c.p.base = before()
			_, err := c.p.plan(c.req, g)
			require.Error(t, err)
			require.True(t, dr.HasCode(err, c.code), "%v", err)
			require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
		})
	}
}

func TestTheModesComeFromTheRecordAndNeverFromNowhere(t *testing.T) {
	p := onPaper(t, "stopped-primary", "primary")
	p.base = before()
	d, err := p.plan(goBack, dr.GateConvert)
	require.NoError(t, err)
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcFailback, dr.GateConvert))
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(phases), "--replicationMode=syncmem --operationMode=logreplay --name=NORTH")
	p.base = &dr.Baseline{Primary: "north", From: "inventory"}
	_, err = p.plan(goBack, dr.GateConvert)
	require.True(t, dr.HasCode(err, "no_mode"), "%v", err)
}

func TestASuspendedPrimaryIsNoSecondOneAndIsRegisteredAgain(t *testing.T) {
	p := onPaper(t, "suspended", "primary")
	p.base = before()
	require.NotContains(t, fmt.Sprint(p.situation().Judgement.Alarms), "two primaries")
	d, err := p.plan(toSouth, dr.GateDecide)
	require.NoError(t, err)
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	require.Empty(t, phases[2].Steps, "nothing is taken over a second time")
	require.Contains(t, fmt.Sprint(phases), "protect.register-north")
	unknown := onPaper(t, "suspended", "primary").mend("north", func(r *Reading) { r.State.Suspended = dr.Unknown })
	_, err = unknown.plan(toSouth, dr.GateDecide)
	require.True(t, dr.HasCode(err, "two_primaries"), "only while it is read as suspended: %v", err)
}

func TestAFinishedTakeoverHasNothingLeft(t *testing.T) {
	d, err := onPaper(t, "stopped-primary", "primary").plan(toSouthLost, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, "south is the primary already", d.Nothing)
}

func TestTheRestOfAPlanIsTheSameInTheMiddle(t *testing.T) {
	whole := onPaper(t, "primary", "secondary")
	d, err := whole.plan(toSouth, dr.GateDecide)
	require.NoError(t, err)
	first, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	rest := onPaper(t, "stopped-primary", "primary")
	rest.base = &dr.Baseline{Primary: "north", Sites: whole.sys.Baseline(whole.situation())}
	rest.done = []kit.FinishedStep{{Action: takeover.Name}, {Action: stopSystem.Name}}
	rest.memory = &dr.Memory{Primary: "north", Positions: map[string]string{positionTakeovers: "0"}}
	d, err = rest.plan(toSouth, dr.GateDecide)
	require.NoError(t, err)
	later, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	require.Equal(t, first[4], later[4])
	require.Equal(t, first[5], later[5])
}
