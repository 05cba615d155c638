package openedge

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

func siteYAML(name string) adaptertest.YAML {
	return adaptertest.YAML("host: oe-" + name + "\ndlc: /usr/dlc\ndatabase: /data/depot\nport: 4501\naddress: " + name + ".example\nagent: ag_" + name + "\nspool: /spool\nssh: oe@" + name + ".example\n")
}

// paper is a system and a situation of captured readings, without any host.
type paper struct {
	t      *testing.T
	sys    *system
	rs     map[string]Reading
	silent map[string]bool
	base   *dr.Baseline
	memory *dr.Memory
	did    []kit.FinishedStep
}

func onPaper(t *testing.T, settings string, east, west seen) *paper {
	t.Helper()
	extents := adaptertest.YAML(siteYAML("west") + "extents: {east: /mnt/east}\n")
	s, err := Adapter{}.Decode(kit.Entry{
		Name: "depot", Node: adaptertest.YAML(def(settings, "{}")), Hosts: func(string) bool { return true },
		Sites: []kit.SiteEntry{{Name: "east", Node: siteYAML("east")}, {Name: "west", Node: extents}},
	})
	require.NoError(t, err)
	return &paper{t: t, sys: s.(*system), rs: map[string]Reading{"east": read(t, east), "west": read(t, west)}, silent: map[string]bool{}}
}

func (p *paper) situation() dr.Situation {
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := dr.Situation{System: "depot", Product: "openedge", At: at, Memory: p.memory, Baseline: p.base}
	for _, st := range p.sys.sites {
		if p.silent[st.Name] {
			s.Sites = append(s.Sites, kit.Unread(Adapter{}.Product(), st.SiteName(), st.source(), dr.Retry("unreachable", "the host did not answer"), at))
			continue
		}
		v := p.sys.describe(st, p.rs[st.Name], at)
		v.Detail, _ = json.Marshal(p.rs[st.Name])
		s.Sites = append(s.Sites, v)
	}
	s.Judgement = p.sys.Judge(s)
	return s
}

func (p *paper) plan(req dr.Request, g dr.Gate) (*kit.Draft, error) {
	d := kit.NewDraft()
	req.System, req.Reason = "depot", "test"
	return d, p.sys.Plan(kit.PlanInput{Request: req, Gate: g, Situation: p.situation(), RunID: "aa11", Baseline: p.base, Finished: p.did}, d)
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
			b.WriteString("- " + s.ID + " (" + s.Action + ", " + string(s.Kind) + ", skip " + string(s.Skip) + "): " + s.Title + "\n  proof: " + s.Proof + "\n  guard: " + s.Guard + "\n")
			if s.Undo != nil {
				b.WriteString("  undo: " + s.Undo.Action + " " + s.Undo.Title + "\n")
			}
		}
	}
	for _, c := range d.Consequences() {
		b.WriteString("\n! " + c)
	}
	for _, f := range d.Fences() {
		fmt.Fprintf(&b, "\nfence %s by adapter %v: %s", f.Site, f.ByAdapter, f.Why)
	}
	adaptertest.Golden(p.t, name, b.String())
}

var (
	takePlanned   = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModePlanned, To: "west"}
	takeUnplanned = dr.Request{Procedure: dr.ProcTakeover, Mode: dr.ModeUnplanned, To: "west"}
	goBack        = dr.Request{Procedure: dr.ProcFailback}
	seedEast      = dr.Request{Procedure: dr.ProcReseed, To: "east"}
)

// What becomes of the two sites.
func lostTarget() seen {
	s := openTarget(true)
	s.status = "2080"
	return s
}

func newSource() seen {
	s := openSource(true)
	s.status, s.agents, s.props = "6002", map[string]string{"ag_east": "1032"}, propertiesOf("ag_west", "ag_east", "east.example")
	return s
}

func closedSource() seen {
	s := openSource(true)
	s.holder, s.broker, s.status, s.agents = "0", false, "exit 2", nil
	return s
}

func fencedSource() seen {
	s := closedSource()
	s.gone, s.fence = true, "bb22"
	return s
}

func closedTarget() seen {
	s := openTarget(true)
	s.holder, s.broker, s.status, s.props = "0", false, "exit 2", propertiesOf("ag_east", "ag_west", "west.example")
	return s
}
