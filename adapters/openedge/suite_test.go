package openedge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/adapters/openedge"
	"github.com/switchback-dr/switchback/dr"
)

// suiteWorld shows a lab to the suite.
type suiteWorld struct{ *world }

func (s suiteWorld) System() kit.System { return s.sys }
func (s suiteWorld) Env() kit.Env       { return s.setup.Env() }
func (s suiteWorld) Secrets() []string  { return []string{"hunter2"} }

func (s suiteWorld) Input(c adaptertest.Case, run string) kit.PlanInput {
	req := c.Request
	req.System, req.Reason = "depot", "test"
	return kit.PlanInput{Request: req, Gate: c.Gate, Situation: s.observe(), RunID: run, Baseline: s.base}
}

// State tells roles, who is open, fences, marks and records, without positions.
func (s suiteWorld) State() string {
	var b strings.Builder
	for _, n := range s.sys.Sites() {
		o := s.sys.ObserveSite(s.t.Context(), s.setup.Env(), n)
		fmt.Fprintf(&b, "%s: role %s, accepts writes %s, open %s, fenced %s, half restored %s, records %s\n", n, o.Role, o.AcceptsWrites,
			o.Fact("openedge.in_use").Truth, o.Fact("openedge.fenced").Truth, o.Fact("openedge.half_restored").Truth, s.records(n))
	}
	return b.String()
}

// leftovers are what an earlier run of the same procedure left behind.
func (w *world) leftovers() adaptertest.World {
	for _, n := range w.sys.Sites() {
		w.sh(n, `cd $SPOOL; r=depot-01d00001; for f in .bck .bck.out .bck.log .bck.date .bck.verify .bck.begun -east.recovery -west.recovery -east.transition -west.transition .start; do echo old >$r$f; done
for s in east west; do echo "4 $(echo old | sha256sum | cut -c 1-64)" >$r.bck.sum-$s; done; [ -e $DB.switchback-restore ] || echo '01d00001 done' >$DB.switchback-restore
printf '# keystore-passphrase=hunter2\n' >>$DB.repl.properties`)
	}
	return suiteWorld{w}
}

func TestTheAdapterPassesTheSuite(t *testing.T) {
	pair := func(settings ...string) func(t *testing.T) adaptertest.World {
		return func(t *testing.T) adaptertest.World { return newWorld(t, settings...).leftovers() }
	}
	adaptertest.Run(t, adaptertest.Suite{Adapter: openedge.New(), Flips: flips, Cases: []adaptertest.Case{
		{Name: "planned takeover", Request: takePlanned, Gate: dr.GateDecide, Build: pair(), NoUndo: true},
		{Name: "controlled takeover", Request: takePlanned, Gate: dr.GateDecide, Build: pair("takeover=controlled")},
		{Name: "unplanned takeover", Request: takeUnplanned, Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World {
			w := newWorld(t, "extents=mounted")
			w.killed("east")
			return w.leftovers()
		}},
		{Name: "failback without a copy", Request: goBack, Gate: dr.GateConvert, NoUndo: true, Build: func(t *testing.T) adaptertest.World {
			w := newWorld(t)
			w.exchanged()
			w.sh("east", "proshut $DB -by")
			return w.leftovers()
		}},
		{Name: "reseed by transition and copy", Request: seedEast, Gate: dr.GateOverwrite, Build: func(t *testing.T) adaptertest.World {
			return lost(t).leftovers()
		}},
		{Name: "reseed by enabling on a shared device", Request: seedEast, Gate: dr.GateOverwrite, Build: func(t *testing.T) adaptertest.World {
			return lost(t, "reseed=enable", "transfer=shared").leftovers()
		}},
	}})
}

// flips turn what a guard reads into its opposite, for every guard at least
// one: another role, a fence, mark or backup that is gone, a database that is
// open where a closed one is wanted.
func flips(st dr.Step) []func(string) string {
	replacing := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	role := replacing("Yes Source database", "Yes Target database", "Yes Target database", "Yes Source database")
	open := replacing("tool holder 0", "tool holder 16", "tool holder 16", "tool holder 0")
	fenced := replacing("fenced yes", "fenced no", "fenced no", "fenced yes")
	half := replacing("\nowner ", "\nrestore bb22 begun\nowner ", "restore 01d00001 done", "restore bb22 begun", "restore 5117e001 done", "restore bb22 begun")
	step := replacing("| 3049", "| 3048", "| 6021", "| 6005")
	files := replacing("file yes ", "file no ")
	switch st.Action {
	case "openedge.failover", "openedge.stop_source":
		return []func(string) string{role, step, half}
	case "openedge.stop_target":
		return []func(string) string{role}
	case "openedge.fence":
		return []func(string) string{replacing("Yes Target database", "Yes Source database"), replacing("exists yes", "exists no")}
	case "openedge.transition":
		if strings.Contains(string(st.Args), `"unfence":true`) {
			return []func(string) string{replacing("Yes Source database", "Yes Target database")}
		}
		return []func(string) string{open, replacing("fenced yes", "fenced no", "exists no", "exists yes", "Yes Source database", "Yes Target database"), replacing("| 2080", "| 3049", "tool holder 0", "tool holder 14")}
	case "openedge.trigger_transition", "openedge.apply_extent":
		return []func(string) string{half, replacing("| 2080", "| 3049", "Yes Target database", "Yes Source database")}
	case "openedge.start":
		return []func(string) string{role, fenced, half, open}
	case "openedge.restart_server", "openedge.seed_backup":
		return []func(string) string{role, open}
	case "openedge.clear_recovery":
		return []func(string) string{open}
	case "openedge.hash_backup", "openedge.verify_backup":
		return []func(string) string{files}
	case "openedge.copy_backup":
		return nil
	case "openedge.restore":
		return []func(string) string{role, files, replacing("(6758)", "(8564)"), replacing("Last Full Backup Date : ", "Last Full Backup Date : not ", "| Last Full", "|   Last Full")}
	case "openedge.enable_target":
		return []func(string) string{half, role}
	}
	return []func(string) string{role}
}
