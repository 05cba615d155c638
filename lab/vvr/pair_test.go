package vvr_test

import (
	"strings"

	"github.com/stretchr/testify/require"
)

// succeeds repeats a command until it is not refused.
func (b bench) succeeds(host, command string) {
	b.T.Helper()
	b.Until(command, func() bool {
		_, code := b.try(host, command)
		return code == 0
	})
}

func refusesOtherOptions(b bench) {
	for _, command := range []string{
		"vradmin", "vradmin frobnicate shop_rvg", "vradmin -g", "vradmin -all syncrvg shop_rvg london-rep", "vradmin -wait -c x syncrvg shop_rvg london-rep",
		"vradmin -f takeover shop_rvg", "vradmin -cache fbsync shop_rvg", "vradmin startrep shop_rvg", "vradmin -a -f startrep shop_rvg",
		"vradmin -N -autofb takeover shop_rvg", "vradmin migrate", "vradmin syncrvg shop_rvg", "vradmin -verify -full syncrvg shop_rvg london-rep",
		"vxrvg -c x checkend shop_rvg", "vxrvg checkstart shop_rvg", "vxrvg getdata shop_rvg", "vxrlink frob rlk_london-rep_shop_rvg",
	} {
		b.refused("east", command, "Usage error: ")
	}
	b.refused("east", "vradmin -g otherdg repstatus shop_rvg", "No such disk group")
	b.refused("east", "vradmin -g shopdg repstatus other_rvg", "does not exist in disk group")
	b.refused("east", "vxrlink status rlk_other", "does not exist")
	b.refused("west", "vxrlink status rlk_seattle-rep_shop_rvg", "is not a Primary RVG")
	b.refused("west", "vxrvg -g shopdg cplist shop_rvg", "is not a Primary RVG")
	b.refused("east", "vradmin verifydata shop_rvg london-rep", "The lab does not simulate")
	require.Contains(b.T, b.sh("east", "vradmin -version"), "simulated")
}

func livesWithoutVradmind(b bench) {
	require.Contains(b.T, b.Fault("vradmind-kill", "east"), "was killed")
	b.refused("east", "vradmin -g shopdg repstatus shop_rvg", "Cannot connect to vradmind server")
	b.Fault("divergent-writes", "east", "2")
	b.replicates("east", west)
	require.Equal(b.T, b.sums("east"), b.sums("west"))
	// Known from before: the kernels go on telling each other.
	b.shown("west", west, "Data status", upToDate)
	require.Contains(b.T, b.sh("west", "vradmin repstatus shop_rvg"), "stale information")
	b.refused("west", "vradmin -g shopdg -s migrate shop_rvg london-rep", "Host seattle-rep not reachable.")
	b.refused("west", "vradmin -g shopdg takeover shop_rvg", "is reachable")
	b.Repair("vradmind-kill", "east")
	b.sh("east", "vradmin -g shopdg repstatus shop_rvg")
}

func isIsolated(b bench) {
	t := b.T
	b.Fault("link-cut", "east")
	b.shown("west", west, "Replication status", "N/A")
	b.shown("east", west, "Replication status", "paused (due to network disconnection)")
	b.Fault("divergent-writes", "east", "4")
	require.Equal(t, upToDate, b.status("west", west, "Data status"))
	require.Contains(t, b.sh("west", "vradmin printrvg"), "Primary (Unreachable):\n\tHostName: seattle-rep\n")
	require.Equal(t, "consistent, behind", b.status("east", west, "Data status"))
	require.Regexp(t, `SRL \(\d+ Kbytes behind, \d+% full\)`, b.status("east", west, "Logging to"))
	require.Regexp(t, `has 4 outstanding writes, occupying \d+ Kbytes \(\d+%\) on the SRL`, b.sh("east", "vxrlink -g shopdg status rlk_london-rep_shop_rvg"))
	b.Repair("link-cut", "east")
	b.replicates("east", west)
	require.Equal(t, b.sums("east"), b.sums("west"))
}

func overflows(b bench) {
	b.Fault("srl-size", "east", "200")
	b.Fault("link-cut", "west")
	b.Until("the link must be down", func() bool { e, _ := b.view("east").End(west); return !e.Connected })
	b.Fault("divergent-writes", "east", "5")
	require.Equal(b.T, "DCM (contains 320 Kbytes) (SRL protection logging)", b.status("east", west, "Logging to"))
	require.Equal(b.T, "logging to DCM (needs dcm resynchronization)", b.status("east", west, "Replication status"))
	require.Contains(b.T, b.sh("east", "vxrlink status rlk_london-rep_shop_rvg"), "DCM is in use on Rlink rlk_london-rep_shop_rvg. DCM contains 320 Kbytes.")
	b.Repair("link-cut", "west")
	b.succeeds("east", "vradmin -g shopdg -wait resync shop_rvg")
	b.replicates("east", west)
	b.Fault("srl-size", "east", "16384")
	require.Equal(b.T, b.sums("east"), b.sums("west"))
}

func verifies(b bench) {
	t := b.T
	b.refused("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep", "while replication to host london-rep is running")
	b.sh("east", "vradmin -g shopdg pauserep shop_rvg london-rep")
	require.Equal(t, "paused (primary paused)", b.status("east", west, "Replication status"))
	require.Contains(t, b.sh("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep"), "The volumes are verified as identical.")
	b.Fault("divergent-writes", "east", "2")
	require.Contains(t, b.sh("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep"), "found differences")
	b.sh("east", "vradmin -g shopdg resumerep shop_rvg london-rep")
	b.replicates("east", west)
	b.sh("east", "vradmin -g shopdg -s stoprep shop_rvg london-rep")
	require.Equal(t, "stopped (primary detached)", b.status("east", west, "Replication status"))
	b.refused("east", "vradmin -g shopdg -s stoprep shop_rvg london-rep", "is detached")
	b.sh("east", "vradmin -g shopdg -full syncrvg shop_rvg london-rep")
	_, moved := b.blocks("east")
	require.Equal(t, 128, moved, "-full copies everything")
	b.Fault("slow-sync", "east", "60")
	b.sh("east", "vradmin -g shopdg -a startrep shop_rvg london-rep")
	b.shown("east", west, "Replication status", "resync in progress (autosync)")
	require.Equal(t, "inconsistent", b.status("east", west, "Data status"))
	require.Regexp(t, `is in AUTOSYNC\. \d+ Kbytes remaining\.`, b.sh("east", "vxrlink status rlk_london-rep_shop_rvg"))
	b.Repair("slow-sync", "east")
	b.replicates("east", west)
}

func rollsBack(b bench) {
	b.Fault("migrate-fails", "west")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "the original configuration was restored")
	require.Contains(b.T, b.sh("east", "vxprint -l shop_rvg"), "closed primary enabled attached")
	require.Contains(b.T, b.sh("west", "vxprint -l shop_rvg"), "closed secondary enabled attached")
	b.Repair("migrate-fails", "west")
	b.Fault("open-before-migrate", "east")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "are open on host")
	b.Repair("open-before-migrate", "east")
	b.Fault("volume-open", "east")
	require.Contains(b.T, b.sh("east", "vxprint -l shop_rvg"), "flags:    open primary")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "are open on host")
	b.Repair("volume-open", "east")
	b.Until("the volumes must be closed", func() bool { return strings.Contains(b.sh("east", "vxprint -l shop_rvg"), "closed") })
	b.replicates("east", west)
}
