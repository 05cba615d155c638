package vvr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

const cplist = "vxrvg -g shopdg cplist shop_rvg"

// synchronise is syncrvg from west to east with a checkpoint.
func synchronise(cp string) string {
	return "vradmin -g shopdg -c " + cp + " syncrvg shop_rvg seattle-rep"
}

func TestASynchronisation(t *testing.T) {
	b := divided(t, labkit.Options{})
	b.sh("east", "vradmin -g shopdg -f makesec shop_rvg london-rep")
	b.sub("meets the checkpoints of earlier runs", meetsLeftovers)
	b.sub("ends when a link is cut, in both directions", endsAtACut)
	b.sub("can be done again however it was broken off", isBrokenOff)
	b.sub("is worthless when the SRL overflows meanwhile", overflowsMeanwhile)
	b.sub("is told from a slow connection and a deported disk group", connectsSlowly)
	b.sub("is believed by startrep -f, wrongly", believesTooMuch)
}

func meetsLeftovers(b bench) {
	b.Fault("leftover-checkpoint", "west", "fb1")
	b.refused("west", synchronise("fb1"), "already exists")
	b.refused("west", synchronise("a2345678901234567890"), "at most 19 characters")
	require.Contains(b.T, b.Fault("checkpoints-full", "west"), "46 checkpoints")
	b.refused("west", synchronise("fb2"), "delete old checkpoints")
	require.Equal(b.T, 46, strings.Count(b.sh("west", cplist), " Completed\n"))
	b.sh("west", "for c in $("+cplist+" | awk 'NR > 2 { print $1 }'); do vxrvg -c $c checkdelete shop_rvg || exit 1; done")
	require.NotContains(b.T, b.sh("west", cplist), "Completed\n\n")
}

// underWay starts a synchronisation and waits until its checkpoint is there; the
// channel gives its exit code and its output.
func (b bench) underWay(cp string) <-chan string {
	b.T.Helper()
	h := b.Host("west")
	done := make(chan string, 1)
	go func() {
		for {
			out, exit, _ := h.Run("/bin/sh", "-lc", synchronise(cp))
			// The target waits a moment for the synchronisation that died.
			if !strings.Contains(out, "Another synchronization") {
				done <- fmt.Sprint(exit.Code, out)
				return
			}
		}
	}()
	b.Until("the synchronisation must run", func() bool { return len(b.view("west").Checkpoints) == 1 })
	return done
}

// synchronised synchronises, again where the target refused it for the moment
// or the two hosts lost each other for one.
func (b bench) synchronised(cp string) {
	b.T.Helper()
	b.Until(synchronise(cp), func() bool {
		_, code := b.try("west", synchronise(cp))
		return code == 0 || b.withdrawn(cp)
	})
}

func endsAtACut(b bench) {
	b.Fault("slow-sync", "west", "30")
	for _, site := range []string{"east", "west"} {
		cp := "cut-" + site
		b.Until("the target must be reachable", func() bool { e, _ := b.view("west").End(east); return e.Heard })
		done := b.underWay(cp)
		b.Fault("link-cut", site)
		out := <-done
		require.Contains(b.T, out, "Lost connection to host seattle-rep; terminating command execution.")
		require.NotEqual(b.T, "0", out[:1])
		b.refused("west", synchronise("more"), "Host seattle-rep not reachable.")
		require.Regexp(b.T, cp+` .*Started\n$`, b.sh("west", cplist))
		b.Repair("link-cut", site)
		b.sh("west", "vxrvg -c "+cp+" checkdelete shop_rvg")
	}
	b.Repair("slow-sync", "west")
}

// withdrawn deletes the checkpoint of a synchronisation that the target refused
// for the moment, so that it can be tried again; it gives false.
func (b bench) withdrawn(checkpoint string) bool {
	b.T.Helper()
	_, _ = b.try("west", "vxrvg -g shopdg -c "+checkpoint+" checkdelete shop_rvg")
	return false
}

func isBrokenOff(b bench) {
	b.Fault("sync-dies-at", "west", "40")
	b.Until("vradmind must die in the middle", func() bool {
		out, _ := b.try("west", synchronise("dies"))
		return strings.Contains(out, "Lost connection to host localhost") || b.withdrawn("dies")
	})
	require.Regexp(b.T, `dies .*Started`, b.sh("west", cplist), "a broken synchronisation leaves its checkpoint without an end")
	b.Repair("vradmind-kill", "west")
	b.Fault("crash-at", "west", "40")
	h := b.Host("west")
	b.Until("the host must go down under the command", func() bool {
		// The target waits a moment for the synchronisation that died.
		_, _, _ = h.Run("/bin/sh", "-lc", synchronise("crash"))
		return !h.On() || b.withdrawn("crash")
	})
	b.Fault("host-up", "west")
	require.Regexp(b.T, `crash .*Started`, b.sh("west", cplist))
	b.start("west")
	b.Fault("slow-sync", "west", "20")
	b.Until("a vradmin must be killed in the middle", func() bool {
		out, _ := b.try("west", synchronise("killed")+` >$HOME/sync.out 2>&1 & p=$!
			while kill -0 $p 2>/dev/null && ! grep -q Eps_time $HOME/sync.out; do sleep 0.05; done; kill -9 $p; wait $p; cat $HOME/sync.out`)
		return strings.Contains(out, "Starting volume synchronization") || b.withdrawn("killed")
	})
	b.Until("without vradmin its synchronisation ends", func() bool {
		out, _ := b.try("west", "vradmin -g shopdg -c again syncrvg shop_rvg tokyo-rep")
		return strings.Contains(out, "not part of the RDS")
	})
	b.Repair("slow-sync", "west")
	for _, cp := range []string{"dies", "crash", "killed"} {
		b.refused("west", "vradmin -g shopdg -c "+cp+" startrep shop_rvg seattle-rep", "it has no end")
		b.sh("west", "vxrvg -g shopdg -c "+cp+" checkdelete shop_rvg")
	}
	b.synchronised("whole")
	b.sh("west", "vxrvg -g shopdg -c whole checkdelete shop_rvg")
	b.refused("west", "vradmin -g shopdg -c whole startrep shop_rvg seattle-rep", "Checkpoint whole does not exist")
}

func overflowsMeanwhile(b bench) {
	b.Fault("srl-size", "west", "300")
	b.Fault("slow-sync", "west", "50")
	done := b.underWay("fb1")
	b.Fault("divergent-writes", "west", "6")
	b.Repair("slow-sync", "west")
	require.Contains(b.T, <-done, "Checkpoint overflowed")
	require.Regexp(b.T, `fb1 +\d+ +100 +Checkpoint overflowed\n`, b.sh("west", cplist))
	b.refused("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep", "Checkpoint overflowed")
	b.sh("west", "vxrvg -g shopdg -c fb1 checkdelete shop_rvg")
	b.Fault("srl-size", "west", "16384")
}

func connectsSlowly(b bench) {
	t := b.T
	b.synchronised("fb2")
	b.Fault("slow-connect", "west", "60000")
	b.sh("west", "vradmin -g shopdg -c fb2 startrep shop_rvg seattle-rep")
	require.Equal(t, "inconsistent", b.status("west", east, "Data status"))
	require.Contains(t, b.sh("west", "vxprint -g shopdg -Pl"), "checkpoint=fb2\n")
	b.Repair("slow-connect", "west")
	b.replicates("west", east)
	b.Fault("diskgroup-deport", "east")
	require.NotContains(t, b.sh("east", "vxdg -q list"), "shopdg")
	b.refused("east", "vxprint -g shopdg -l shop_rvg", "No such disk group")
	b.refused("east", "vradmin -g shopdg repstatus shop_rvg", "No such disk group")
	b.Repair("diskgroup-deport", "east")
	b.stop("west")
	b.replicates("west", east)
	require.Equal(t, b.sums("west"), b.sums("east"))
	b.start("west")
}

func believesTooMuch(b bench) {
	b.sh("west", "vradmin -g shopdg -s stoprep shop_rvg seattle-rep")
	b.synchronised("fb3")
	b.MoreWrites()
	b.sh("west", "vradmin -g shopdg -f startrep shop_rvg seattle-rep")
	b.stop("west")
	b.replicates("west", east)
	require.NotEqual(b.T, b.sums("west"), b.sums("east"), "-f believes what nobody compared")
}
