package postgres

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// paper is a system and a situation of captured readings, without any server.
type paper struct {
	t   *testing.T
	sys *system
	rs  map[string]Reading
	// silent sites do not answer.
	silent map[string]bool
	base   *dr.Baseline
	memory *dr.Memory
}

func onPaper(t *testing.T, east, west string) *paper {
	t.Helper()
	site := func(n, port string) kit.SiteEntry {
		return kit.SiteEntry{Name: n, Node: adaptertest.YAML("host: db-" + n + "\ndata: /srv/pg/" + n + "\nbin: /usr/lib/postgresql/15/bin\nport: " + port + "\nlisten: 10.0.0.1\nsocket: /run/postgresql\nbackup_dir: /srv/backup\n")}
	}
	s, err := Adapter{}.Decode(kit.Entry{
		Name: "orders", Sites: []kit.SiteEntry{site("east", "5432"), site("west", "5433")},
		Node: adaptertest.YAML("passfile: /srv/pgpass\n"), Hosts: func(string) bool { return true },
	})
	require.NoError(t, err)
	p := &paper{t: t, sys: s.(*system), rs: map[string]Reading{}, silent: map[string]bool{}}
	for n, f := range map[string]string{"east": east, "west": west} {
		r := reading(t, f)
		if r.Server != nil {
			r.Server.Data = "/srv/pg/" + n
		}
		p.rs[n] = r
	}
	return p
}

// mend changes what was read of a site.
func mend(p *paper, site string, f func(*Reading)) *paper {
	r := p.rs[site]
	f(&r)
	p.rs[site] = r
	return p
}

func (p *paper) situation() dr.Situation {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := dr.Situation{System: "orders", Product: "postgres", At: at, Memory: p.memory, Baseline: p.base}
	for _, st := range p.sys.sites {
		if p.silent[st.Name] {
			s.Sites = append(s.Sites, kit.Unread(Adapter{}.Product(), st.SiteName(), st.source(), dr.Retry("unreachable", "the host did not answer"), at))
			continue
		}
		v := describe(st, p.rs[st.Name], at)
		v.Detail, _ = json.Marshal(p.rs[st.Name])
		s.Sites = append(s.Sites, v)
	}
	s.Judgement = p.sys.Judge(s)
	return s
}

func (p *paper) plan(req dr.Request, g dr.Gate) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "orders", "test"
	return d, p.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: p.situation(), RunID: "aa11", Baseline: p.base}, d)
}

// golden compares a draft with the recorded run-book.
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
			b.WriteString("- " + s.ID + " (" + string(s.Kind) + ", skip " + string(s.Skip) + "): " + s.Title + "\n  args: " + string(s.Args) + "\n  proof: " + s.Proof + "\n  guard: " + s.Guard + "\n")
			if s.Undo != nil {
				b.WriteString("  undo: " + s.Undo.Action + " " + string(s.Undo.Args) + "\n")
			}
		}
	}
	for _, c := range d.Consequences() {
		b.WriteString("\n! " + c)
	}
	adaptertest.Golden(p.t, name, b.String())
}

func TestThePlansAreTheRecordedOnes(t *testing.T) {
	onPaper(t, "primary", "standby").golden("planned", takePlanned, dr.GateDecide)
	onPaper(t, "crashed", "standby_alone").golden("unplanned", takeUnplanned, dr.GateDecide)
	silent := onPaper(t, "crashed", "standby_alone")
	silent.silent["east"] = true
	silent.golden("unplanned_silent", takeUnplanned, dr.GateDecide)
	back := onPaper(t, "fenced", "promoted")
	back.base = &dr.Baseline{Primary: "east"}
	back.golden("failback_rewind", goBack, dr.GateConvert)
	back.golden("failback_copy", goBack, dr.GateOverwrite)
	r := back.rs["east"]
	r.WALEnd, _ = back.rs["west"].Switch(1)
	back.rs["east"] = r
	back.golden("failback_start", goBack, dr.GateConvert)
	back.golden("reseed", seedEast, dr.GateOverwrite)
}

func TestWhatMustNotGoOnIsRefusedWithItsName(t *testing.T) {
	pair := func() *paper { return onPaper(t, "primary", "standby") }
	cases := []struct {
		code string
		p    *paper
		req  dr.Request
	}{
		{"two_primaries", onPaper(t, "primary", "promoted"), takePlanned},
		{"managed", mend(pair(), "east", func(r *Reading) { r.Managers = []string{"patroni"} }), takePlanned},
		{"unclear", mend(pair(), "east", func(r *Reading) { *r = Reading{DataExists: dr.Yes, NotOwner: true} }), takePlanned},
		{"other_system", mend(pair(), "west", func(r *Reading) { r.Control.System, r.Server.System = "1", "1" }), takePlanned},
		{"other_version", mend(pair(), "west", func(r *Reading) { r.Major = "14" }), takePlanned},
		{"version", mend(pair(), "west", func(r *Reading) { r.Server.Version = 120011 }), takePlanned},
		{"wrong_server", mend(pair(), "west", func(r *Reading) { r.Server.Data = "/elsewhere" }), takePlanned},
		{"not_streaming", mend(pair(), "east", func(r *Reading) { r.Repl = nil }), takePlanned},
		{"lag", mend(pair(), "east", func(r *Reading) { l := *r.Server.Current + 1<<30; r.Server.Current = &l }), takePlanned},
		{"paused", mend(pair(), "west", func(r *Reading) { s := "paused"; r.Server.Pause = &s }), takePlanned},
		{"base_backup", mend(pair(), "east", func(r *Reading) { r.Server.BaseBackups = 1 }), takePlanned},
		{"rewind_open", mend(pair(), "west", func(r *Reading) { r.Rewind = "/x.rewind-1" }), takePlanned},
		{"no_standby", onPaper(t, "primary", "shutdown"), takePlanned},
		{"primary_alive", pair(), takeUnplanned},
		{"no_primary", onPaper(t, "crashed", "standby_alone"), takePlanned},
		{"no_baseline", onPaper(t, "fenced", "promoted"), goBack},
		{"is_primary", onPaper(t, "fenced", "promoted"), dr.Request{Procedure: dr.ProcReseed, To: "west"}},
		{"tablespaces", mend(onPaper(t, "fenced", "promoted"), "west", func(r *Reading) { r.Server.Tablespaces = 2 }), seedEast},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			g := dr.GateDecide
			switch c.req.Procedure {
			case dr.ProcFailback:
				g = dr.GateConvert
			case dr.ProcReseed:
				g = dr.GateOverwrite
			case dr.ProcTakeover:
			}
			_, err := c.p.plan(c.req, g)
			require.Error(t, err)
			require.True(t, dr.HasCode(err, c.code), "%v", err)
			require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
		})
	}
	paused := mend(pair(), "east", func(r *Reading) { r.Managers, r.Paused = []string{"patroni"}, []string{"patroni"} })
	_, err := paused.plan(takePlanned, dr.GateDecide)
	require.NoError(t, err, "a paused manager undoes nothing")
}

func TestAnUncleanRewindOrMissingHintsAskForACopy(t *testing.T) {
	for name, f := range map[string]func(*Reading){
		"no checksums":           func(r *Reading) { r.Control.Checksums, r.Control.Hints = false, false },
		"another cluster":        func(r *Reading) { r.Control.System = "1" },
		"a rewind that is open":  func(r *Reading) { r.Rewind = "/srv/pg/east.rewind-1" },
		"started after it ended": func(r *Reading) { r.Control.State = stateShutDownInRecovery },
		"no data directory":      func(r *Reading) { *r = Reading{DataExists: dr.No, Running: dr.No} },
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "fenced", "promoted")
			p.base = &dr.Baseline{Primary: "east"}
			r := p.rs["east"]
			f(&r)
			p.rs["east"] = r
			d, err := p.plan(goBack, dr.GateConvert)
			require.NoError(t, err)
			require.Equal(t, dr.GateOverwrite, d.Instead)
			require.NotEmpty(t, d.InsteadWhy)
		})
	}
}

func TestTheLossIsNeverCalledZeroWithoutAProof(t *testing.T) {
	p := onPaper(t, "crashed", "standby_alone")
	d, err := p.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossUnknown, d.Loss.Kind)
	proof := &dr.Proof{At: time.Unix(1000, 0), Site: "west", Primary: "east"}
	p.memory = &dr.Memory{Primary: "east", Proof: proof, Positions: map[string]string{"timeline": "1", "current": "0/9000000"}}
	d, err = p.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, dr.LossWindow, d.Loss.Kind)
	require.Equal(t, proof, d.Loss.Proof)
	held, _ := p.rs["west"].Held()
	require.Equal(t, int64(0x9000000-held), d.Loss.Certain.Bytes)
}

func TestADirectoryThatIsNotThereIsNoFence(t *testing.T) {
	for name, gone := range map[string]Reading{
		"not mounted":         {DataExists: dr.No, Running: dr.No},
		"of somebody else":    {DataExists: dr.Yes, Running: dr.Unknown, NotOwner: true, Control: Control{System: "1"}},
		"below a closed door": {NotOwner: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, "crashed", "standby_alone")
			gone.Control.System = p.rs["east"].Control.System
			p.rs["east"] = gone
			d, err := p.plan(takeUnplanned, dr.GateDecide)
			require.NoError(t, err)
			require.False(t, d.Fences()[0].ByAdapter, "%+v", d.Fences())
		})
	}
}

func TestASynchronousStandbyThatIsBehindIsNoProof(t *testing.T) {
	p := onPaper(t, "primary", "standby")
	p = mend(p, "east", func(r *Reading) {
		require.Len(t, r.Repl, 1)
		behind := *r.Server.Current - 1
		r.Repl[0].Sync, r.Repl[0].Flush = "sync", &behind
	})
	s := p.situation()
	j := p.sys.Judge(s)
	require.Nil(t, j.Proof, "a session with synchronous_commit = off does not wait for it")
	require.NotEqual(t, dr.Yes, j.InSync)
}

func TestNamesInSynchronousStandbyNamesAreExchanged(t *testing.T) {
	for in, want := range map[string]string{
		"west": `"east"`, `"west"`: `"east"`, "*": "*", "ANY 1 (west, north)": `ANY 1 ("east", north)`, "westend": "westend", "FIRST 1 (west-2, west)": `FIRST 1 (west-2, "east")`, "": "",
	} {
		require.Equal(t, want, swapNames(in, "west", "east"))
	}
}

func TestABadInventoryIsRefused(t *testing.T) {
	good := "host: a\ndata: /d\nbin: /b\nport: 5432\nlisten: 10.0.0.1\nsocket: /s\nbackup_dir: /k\n"
	decode := func(node, east string) error {
		_, err := Adapter{}.Decode(kit.Entry{
			Name: "orders", Node: adaptertest.YAML(node), Hosts: func(h string) bool { return h == "a" },
			Sites: []kit.SiteEntry{{Name: "east", Node: adaptertest.YAML(east)}, {Name: "west", Node: adaptertest.YAML(good)}},
		})
		return err
	}
	require.NoError(t, decode("database: postgres\n", good))
	for from, to := range map[string]string{
		"host: a": "host: zzz", "data: /d": "data: d", "bin: /b": "bin: /b/../c", "port: 5432": "port: 0", "listen: 10.0.0.1": "listen: 'x;y'",
		"socket: /s": "socket: '/s $(id)'", "backup_dir: /k": "backup_dir: /d/k",
	} {
		require.Error(t, decode("database: postgres\n", strings.Replace(good, from, to, 1)), to)
	}
	for _, node := range []string{"database: 'x y'\n", "user: Robert\n", "surprise: 1\n", "passfile: secret\n", "slot_prefix: A\n", "synchronous: maybe\n", "replication_user: \"x'\"\n"} {
		require.Error(t, decode(node, good), node)
	}
}

func TestATornLogStillTellsWhatIsLostAtLeast(t *testing.T) {
	p := onPaper(t, "crashed", "standby_alone")
	held, _ := p.rs["west"].Held()
	r := p.rs["east"]
	r.WALReached, r.WALEndText = held+4096, "pg_waldump: error: a torn record"
	p.rs["east"] = r
	d, err := p.plan(takeUnplanned, dr.GateDecide)
	require.NoError(t, err)
	require.Equal(t, int64(4096), d.Loss.Certain.Bytes)
	require.Contains(t, d.Loss.Why, "at least 4.1 kB")
}

func TestAConnectionIsNotSaidToLeadElsewhereWhenTheControlFileIsUnread(t *testing.T) {
	p := onPaper(t, "primary", "standby")
	r := p.rs["west"]
	r.Control = Control{}
	p.rs["west"] = r
	_, err := p.plan(takePlanned, dr.GateDecide)
	require.True(t, dr.HasCode(err, "control_unread"), "%v", err)
	v, _ := p.situation().Site("west")
	require.Equal(t, dr.RoleUnknown, v.Role)
	require.Equal(t, dr.Unknown, v.AcceptsWrites)
}
