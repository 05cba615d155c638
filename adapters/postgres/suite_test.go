package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// suiteWorld shows a world to the suite.
type suiteWorld struct{ *world }

func (s suiteWorld) System() kit.System { return s.sys }
func (s suiteWorld) Env() kit.Env       { return s.env() }
func (s suiteWorld) Secrets() []string  { return []string{"hunter2"} }

func (s suiteWorld) Input(c adaptertest.Case, run string) kit.PlanInput {
	req := c.Request
	req.System, req.Reason = "orders", "test"
	return kit.PlanInput{Request: req, Gate: c.Gate, Situation: s.observe(), RunID: run, Baseline: s.base}
}

// State tells roles, slots, settings and rows, without positions.
func (s suiteWorld) State() string {
	var b strings.Builder
	primary := len(s.observe().Primaries()) == 1
	for _, n := range s.sys.Sites() {
		r, _, err := s.sys.sitePlace(n).read(s.t.Context(), s.env(), brief)
		require.NoError(s.t, err)
		fmt.Fprintf(&b, "%s: running %s, recovery %s, signal %v, fenced %v", n, r.Running, r.InRecovery(), r.StandbySignal, r.Fenced)
		if r.Server != nil {
			fmt.Fprintf(&b, ", sync %q, rows %s, slots", r.Server.Synchronous, s.sql(n, "select count(*) from t"))
			for _, v := range r.Slots {
				b.WriteString(" " + v.Name)
			}
			s.eventually(func() bool {
				if !primary {
					return true
				}
				out, err := s.try(`"$1/psql" -X -At -h "$2/sock" -p "$3" -U postgres -d postgres -c 'select count(*) from pg_stat_wal_receiver'`, s.bin, s.dir, fmt.Sprint(s.ports[n]))
				return err == nil && (r.InRecovery() != dr.Yes || out == "1\n" || r.Server.Slot == "")
			}, n+" receives")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s *system) sitePlace(n string) Place {
	v, _ := s.site(n)
	return v.Place
}

// leftovers are what an earlier run of the same procedure left behind.
func (w *world) leftovers() suiteWorld {
	for _, n := range w.sys.Sites() {
		w.sh(`for r in 01d00001; do mkdir -p "$1.switchback/$r/conf" "$2"; for f in checkpoint test-write-east test-write-west rewound upstream.conf auto.conf; do : >"$1.switchback/$r/$f"; done
mkdir -p "$2/orders-$r.verified" "$2/orders-$r" "$2/lost-orders-$r"; : >"$2/orders-$r.verified/ok"; : >"$2/orders-$r/backup_manifest"; : >"$2/orders-$r.used"; done`,
			w.dir+"/"+n, w.dir+"/backup/"+n)
	}
	w.sql("west", "select pg_create_physical_replication_slot('switchback_east_01d00001', true)")
	return suiteWorld{w}
}

func TestTheAdapterPassesTheSuite(t *testing.T) {
	pair := func(t *testing.T) adaptertest.World {
		w := newWorld(t, "west")
		// A password in the standby's own settings must appear nowhere.
		w.sql("west", fmt.Sprintf("alter system set primary_conninfo = 'host=127.0.0.1 port=%d user=replicator application_name=west password=hunter2'", w.ports["east"]))
		w.sql("west", "select pg_reload_conf()")
		w.eventually(func() bool {
			return w.sql("east", "select count(*) from pg_stat_replication where state='streaming'") == "1" && w.sql("west", "select count(*) from pg_stat_wal_receiver") == "1"
		}, "west streams")
		return w.leftovers()
	}
	adaptertest.Run(t, adaptertest.Suite{Adapter: New(), Flips: flips, Cases: []adaptertest.Case{
		{Name: "planned takeover", Request: takePlanned, Gate: dr.GateDecide, Build: pair},
		{Name: "unplanned takeover", Request: takeUnplanned, Gate: dr.GateDecide, Build: func(t *testing.T) adaptertest.World {
			w := pair(t)
			w.(suiteWorld).kill("east")
			return w
		}},
		{Name: "failback by rewind", Request: goBack, Gate: dr.GateConvert, Build: func(t *testing.T) adaptertest.World { return takenOver(t, 1).leftovers() }},
		{Name: "failback without a rewind", Request: goBack, Gate: dr.GateConvert, Build: func(t *testing.T) adaptertest.World { return takenOver(t, 0).leftovers() }},
		{Name: "reseed", Request: seedEast, Gate: dr.GateOverwrite, Build: func(t *testing.T) adaptertest.World { return takenOver(t, 0).leftovers() }},
	}})
}

// flips turn what a guard reads into its opposite, for every guard at least
// one: another cluster, another role, a server that may run where a stopped one
// is wanted, a fence or signal that is gone, a copy that is not there.
func flips(st dr.Step) []func(string) string {
	replacing := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	cluster := replacing("system identifier:           7", "system identifier:           8")
	role := replacing(`"recovery" : true`, `"recovery" : false`, `"recovery" : false`, `"recovery" : true`, "running no", "running unknown")
	signal := replacing("file standby.signal\n", "", "fence ", "fence_broken yes\nfence ")
	switch st.Action {
	case "postgres.save_config":
		return []func(string) string{replacing("data yes", "data no")}
	case "postgres.verify_backup":
		return []func(string) string{replacing("yes", "no")}
	case "postgres.create_slot", "postgres.drop_slot", "postgres.set_synchronous", "postgres.fence":
		return []func(string) string{cluster}
	case "postgres.stop":
		return []func(string) string{cluster, role, signal, replacing("streaming", "startup"), replacing("not paused", "paused"), replacing(`"timeline" : 1`, `"timeline" : 2`)}
	case "postgres.promote":
		return []func(string) string{cluster, role, signal, replacing("running no", "running yes")}
	case "postgres.start_standby":
		return []func(string) string{cluster, role, replacing("file standby.signal\n", ""), replacing("running no", "running no\nfence x")}
	}
	return []func(string) string{cluster, role}
}
