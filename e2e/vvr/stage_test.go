// Package vvr_test runs VVR's procedures for real: the embedded Temporal
// server, worker processes, SSH, and the lab's hosts with real volumes. What a
// run cost is asked of the lab's ledger and of the volumes' files themselves.
package vvr_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
)

const (
	planned   = `{"system":"shop","mode":"planned","to":"west","reason":"move to west"}`
	unplanned = `{"system":"shop","mode":"unplanned","to":"west","reason":"east is dead"}`
	failback  = `{"system":"shop","reason":"east is back"}`
	seedNorth = `{"system":"shop","to":"north","reason":"north holds old data"}`
)

// stage is where a procedure is played.
type stage struct{ *e2e.Stage }

// newStage has three sites whose VVR names are not those of the inventory.
func newStage(t *testing.T, settings ...string) *stage {
	t.Helper()
	settings = append([]string{"heartbeat=1s", "volume-mb=2", "srl-kb=4096"}, settings...)
	return &stage{e2e.NewStage(t, "vvr", append(e2e.Settings(settings...), "--sites", "3")...)}
}

// on runs VVR's programs on a host.
func (s *stage) on(host, script string) string {
	return s.Shell(host, `for d in "$LAB_ROOT/usr/sbin" "$LAB_ROOT/bin"; do PATH=$d:$PATH; done; `+script)
}

// sums is the SHA-256 of each of a host's volumes, by the coreutils.
func (s *stage) sums(host string) string {
	s.T.Helper()
	out := s.Shell(host, `cd "$LAB_ROOT/dev/vx/rdsk/shopdg" && sha256sum *_dv*`)
	require.Contains(s.T, out, "shop_dv01")
	return out
}

// equal requires the same volumes at all sites, once what is under way has
// arrived.
func (s *stage) equal(sites ...string) {
	s.T.Helper()
	e2e.Await(s.T, time.Minute, "equal volumes", func() (bool, string) {
		first := s.sums(sites[0])
		for _, n := range sites[1:] {
			if s.sums(n) != first {
				return false, n + " differs"
			}
		}
		return true, ""
	})
}

// quiet stops the writes for a comparison: the application of the Primary is
// stopped by hand, and started again afterwards.
func (s *stage) quiet(primary string, compare func()) {
	s.T.Helper()
	s.on(primary, "shop stop")
	compare()
	s.on(primary, "shop start")
}

// lose takes the Primary's site away while it holds writes that never left it.
func (s *stage) lose(site string) {
	s.T.Helper()
	s.Writes(10)
	s.Fault("link-cut", site)
	s.Writes(10)
	s.Fault("divergent-writes", site, "3")
	s.Fault("host-down", site)
	s.Unfault("link-cut", site)
}

// takeOver takes over at west from a lost east.
func (s *stage) takeOver() {
	s.T.Helper()
	s.lose("east")
	run := s.Start(dr.ProcTakeover, unplanned)
	s.Approve(dr.GateDecide)
	s.Ended(run, dr.EndDone)
	s.Writes(10)
}

// returns boots east, and waits until VVR shows what came of it.
func (s *stage) returns(sign string) {
	s.T.Helper()
	s.Fault("host-up", "east")
	e2e.Await(s.T, time.Minute, "east to see the takeover", func() (bool, string) {
		out := s.on("east", "vradmin -g shopdg -l printrvg shop_rvg 2>&1; vxprint -g shopdg -l shop_rvg 2>&1 || :")
		return strings.Contains(out, sign), out
	})
}

// held waits for a hold of a step and gives its status.
func (s *stage) held(step string) dr.Status {
	s.T.Helper()
	st := s.Held()
	require.Equal(s.T, step, st.Hold.Step, st.Hold.Text)
	return st
}

// reject rejects the open gate.
func (s *stage) reject(g dr.Gate) {
	s.T.Helper()
	st := s.Gate(g)
	s.Signal(dr.VerbReject, fmt.Sprintf(`{"gate":%q,"digest":%q,"person":"ana","reason":"not today"}`, st.Gate.Gate, st.Gate.Digest))
	s.Await("the rejection", func(now dr.Status) bool { return now.Gate == nil || now.Gate.Digest != st.Gate.Digest })
}

// checkpoints lists the names of a Primary's checkpoints.
func (s *stage) checkpoints(primary string) []string {
	out := s.on(primary, "vxrvg -g shopdg cplist shop_rvg")
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^(\S+) +[0-9]+ `).FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// times requires that a command ran exactly so often on a host.
func (s *stage) times(want int, host, command string) {
	s.T.Helper()
	c := s.Ledger().Commands
	require.Equal(s.T, want, c[host][command], "%v", c)
}

func (s *stage) backTo(run client.WorkflowRun) {
	s.T.Helper()
	res := s.Ended(run, dr.EndDone)
	s.T.Log(res.Ending.Text)
	l := s.Ledger()
	s.T.Logf("outage %.0f ms, lost %d, commands %v", l.OutageMS, *l.Lost, l.Commands)
	require.Empty(s.T, l.TwoPrimaries)
}

// blocks is how many blocks of 64 KiB each of the two volumes has.
const blocks = (2 << 20) / (64 << 10)

// differing counts the blocks that differ between two hosts, from the volumes'
// files and past every program of the lab.
func (s *stage) differing(a, b string) int {
	s.T.Helper()
	n := 0
	for _, volume := range []string{"shop_dv01", "shop_dv02"} {
		var data [2][]byte
		for i, host := range []string{a, b} {
			raw, err := os.ReadFile(filepath.Join(s.Lab.Hosts[host].Root, "dev/vx/rdsk/shopdg", volume))
			require.NoError(s.T, err)
			data[i] = raw
		}
		for at := 0; at < len(data[0]); at += 64 << 10 {
			if !bytes.Equal(data[0][at:at+64<<10], data[1][at:at+64<<10]) {
				n++
			}
		}
	}
	return n
}

// sent is how many blocks the synchronisation sent, by its own account in the
// report.
func (s *stage) sent() int {
	s.T.Helper()
	for _, e := range s.Report().Evidence {
		m := regexp.MustCompile(`about ([0-9.]+) (k|M)?B of them differed`).FindStringSubmatch(e.Text)
		if e.Name != "vvr.synchronised" || m == nil {
			continue
		}
		size, err := strconv.ParseFloat(m[1], 64)
		require.NoError(s.T, err)
		return int(math.Round(size * map[string]float64{"": 1, "k": 1e3, "M": 1e6}[m[2]] / (64 << 10)))
	}
	require.Fail(s.T, "the report has no account of the synchronisation")
	return 0
}
