package vvr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// ready brings a lab to where syncrvg may begin on west: Example 3 up to the
// makesec.
func ready(t *testing.T, o labkit.Options) bench {
	t.Helper()
	b := divided(t, o)
	b.sh("east", "vradmin -g shopdg -f makesec shop_rvg london-rep")
	return b
}

const cplist = "vxrvg -g shopdg cplist shop_rvg"

// succeeds repeats a command until it is not refused.
func (b bench) succeeds(host, command string) {
	b.t.Helper()
	b.until(command, func() bool {
		_, code := b.try(host, command)
		return code == 0
	})
}

func TestASynchronisationThatIsBrokenOffInAnyWayCanBeDoneAgain(t *testing.T) {
	b := ready(t, labkit.Options{})
	sync := func(cp string) (string, int) {
		return b.try("west", "vradmin -g shopdg -c "+cp+" syncrvg shop_rvg seattle-rep")
	}
	b.fault("sync-dies-at", "west", "40")
	out, code := sync("dies")
	require.NotZero(t, code)
	require.Contains(t, out, "Lost connection to host")
	require.Regexp(t, `dies .*Started`, b.sh("west", cplist), "a broken synchronisation leaves its checkpoint without an end")
	b.refused("west", "vradmin -g shopdg repstatus shop_rvg", "Cannot connect to vradmind server")
	b.repair("vradmind-kill", "west")

	b.fault("crash-at", "west", "40")
	h, err := b.Host("west")
	require.NoError(t, err)
	b.until("the host must go down under the command", func() bool {
		// The target waits a moment for the synchronisation that died.
		_, _, _ = h.Run("/bin/sh", "-lc", "vradmin -g shopdg -c crash syncrvg shop_rvg seattle-rep")
		return !h.On()
	})
	b.fault("host-up", "west")
	require.Regexp(t, `crash .*Started`, b.sh("west", cplist))
	b.start("west")

	b.fault("slow-sync", "west", "20")
	b.until("a vradmin must be killed in the middle", func() bool {
		out, _ := b.try("west", `vradmin -g shopdg -c killed syncrvg shop_rvg seattle-rep >$HOME/sync.out 2>&1 & p=$!
			while kill -0 $p 2>/dev/null && ! grep -q Eps_time $HOME/sync.out; do sleep 0.02; done; kill -9 $p; wait $p; cat $HOME/sync.out`)
		return strings.Contains(out, "Starting volume synchronization")
	})
	b.until("without vradmin its synchronisation ends", func() bool {
		out, code := b.try("west", "vradmin -g shopdg -c cp-again syncrvg shop_rvg tokyo-rep")
		return code != 0 && strings.Contains(out, "not part of the RDS")
	})
	b.repair("slow-sync", "west")

	for _, cp := range []string{"dies", "crash", "killed"} {
		b.refused("west", "vradmin -g shopdg -c "+cp+" startrep shop_rvg seattle-rep", "it has no end")
		b.sh("west", "vxrvg -g shopdg -c "+cp+" checkdelete shop_rvg")
	}
	b.succeeds("west", "vradmin -g shopdg -c whole syncrvg shop_rvg seattle-rep")
	b.sh("west", "vradmin -g shopdg -c whole startrep shop_rvg seattle-rep")
	b.replicates("west", east)
	b.stop("west")
	b.replicates("west", east)
	require.Equal(t, b.sums("west"), b.sums("east"))
}

func TestACutLinkEndsASynchronisationInBothDirections(t *testing.T) {
	for _, site := range []string{"east", "west"} {
		t.Run(site, func(t *testing.T) {
			b := ready(t, labkit.Options{})
			b.fault("slow-sync", "west", "30")
			done := make(chan string, 1)
			h, err := b.Host("west")
			require.NoError(t, err)
			go func() {
				out, exit, _ := h.Run("/bin/sh", "-lc", "vradmin -g shopdg -c cut syncrvg shop_rvg seattle-rep")
				done <- fmt.Sprint(exit.Code, out)
			}()
			b.until("the synchronisation must run", func() bool { return strings.Contains(b.sh("west", cplist), "cut") })
			b.fault("link-cut", site)
			out := <-done
			require.Contains(t, out, "Lost connection to host seattle-rep; terminating command execution.")
			require.NotEqual(t, "0", out[:1])
			b.refused("west", "vradmin -g shopdg -c more syncrvg shop_rvg seattle-rep", "Host seattle-rep not reachable.")
			require.NotContains(t, b.sh("west", cplist), "more")
		})
	}
}

func TestAnSRLThatOverflowsDuringASynchronisationMakesItsCheckpointWorthless(t *testing.T) {
	b := ready(t, labkit.Options{WriteEvery: 2 * time.Millisecond})
	b.fault("srl-size", "west", "24")
	b.fault("slow-sync", "west", "25")
	out, code := b.try("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep")
	require.NotZero(t, code)
	require.Contains(t, out, "Checkpoint overflowed")
	require.Contains(t, b.sh("west", cplist), "Checkpoint overflowed")
	b.refused("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep", "Checkpoint overflowed")
	b.sh("west", "vxrvg -g shopdg -c fb1 checkdelete shop_rvg")
	b.repair("slow-sync", "west")
	b.fault("srl-size", "west", "4096")
	b.sh("west", "vradmin -g shopdg -c fb2 syncrvg shop_rvg seattle-rep")
	b.sh("west", "vradmin -g shopdg -c fb2 startrep shop_rvg seattle-rep")
	b.replicates("west", east)
}

func TestAnOverflowOfReplicationNeedsAResync(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: 2 * time.Millisecond})
	b.replicates("east", west)
	b.fault("srl-size", "east", "24")
	b.fault("link-cut", "west")
	b.until("the SRL must overflow", func() bool {
		return strings.Contains(b.status("east", west, "Logging to"), "(SRL protection logging)")
	})
	require.Equal(t, "logging to DCM (needs dcm resynchronization)", b.status("east", west, "Replication status"))
	require.Regexp(t, `DCM is in use on Rlink rlk_london-rep_shop_rvg. DCM contains \d+ Kbytes.`, b.sh("east", "vxrlink status rlk_london-rep_shop_rvg"))
	b.repair("link-cut", "west")
	b.succeeds("east", "vradmin -g shopdg -wait resync shop_rvg")
	b.replicates("east", west)
}

func TestWithoutVradmindReplicationGoesOnAndTheCommandsSaySo(t *testing.T) {
	b := up(t, labkit.Options{})
	require.Contains(t, b.fault("vradmind-kill", "east"), "was killed")
	b.refused("east", "vradmin -g shopdg repstatus shop_rvg", "Cannot connect to vradmind server")
	b.stop("east")
	b.until("replication goes on", func() bool {
		return strings.Contains(b.sh("east", "vxrlink -g shopdg status rlk_london-rep_shop_rvg"), "is up to date")
	})
	require.Equal(t, b.sums("east"), b.sums("west"))
	require.Equal(t, upToDate, b.status("west", west, "Data status"), "known from before")
	require.Contains(t, b.sh("west", "vradmin repstatus shop_rvg"), "stale information")
	b.refused("west", "vradmin -g shopdg -s migrate shop_rvg london-rep", "Host seattle-rep not reachable.")
	b.refused("west", "vradmin -g shopdg takeover shop_rvg", "is reachable")
	b.repair("vradmind-kill", "east")
	b.sh("east", "vradmin -g shopdg repstatus shop_rvg")
}

func TestAnIsolatedSecondaryAnswersWithWhatItKnewBefore(t *testing.T) {
	b := up(t, labkit.Options{})
	b.stop("east")
	b.replicates("east", west)
	b.fault("link-cut", "east")
	b.until("east must be out of reach", func() bool { return b.status("west", west, "Replication status") == "N/A" })
	b.until("east must know it as well", func() bool {
		return b.status("east", west, "Replication status") == "paused (due to network disconnection)"
	})
	b.fault("divergent-writes", "east", "4")
	require.Equal(t, upToDate, b.status("west", west, "Data status"))
	require.Contains(t, b.sh("west", "vradmin printrvg"), "Primary (Unreachable):\n\tHostName: seattle-rep\n")
	require.Equal(t, "consistent, behind", b.status("east", west, "Data status"))
	require.Equal(t, "paused (due to network disconnection)", b.status("east", west, "Replication status"))
	require.Regexp(t, `SRL \(\d+ Kbytes behind, \d+% full\)`, b.status("east", west, "Logging to"))
	require.Regexp(t, `has 4 outstanding writes, occupying \d+ Kbytes \(\d+%\) on the SRL`, b.sh("east", "vxrlink -g shopdg status rlk_london-rep_shop_rvg"))
	b.repair("link-cut", "east")
	b.replicates("east", west)
	require.Equal(t, b.sums("east"), b.sums("west"))
}

func TestAMigrationThatTheOtherHostRefusesIsRolledBack(t *testing.T) {
	b := up(t, labkit.Options{})
	b.stop("east")
	b.replicates("east", west)
	b.fault("migrate-fails", "west")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "the original configuration was restored")
	require.Contains(t, b.sh("east", "vxprint -l shop_rvg"), "closed primary enabled attached")
	require.Contains(t, b.sh("west", "vxprint -l shop_rvg"), "closed secondary enabled attached")
	b.repair("migrate-fails", "west")
	b.fault("open-before-migrate", "east")
	b.succeeds("east", "vradmin -g shopdg -l printrvg")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "are open on host")
	b.repair("open-before-migrate", "east")
	b.fault("volume-open", "east")
	require.Contains(t, b.sh("east", "vxprint -l shop_rvg"), "flags:    open primary")
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "are open on host")
	b.repair("volume-open", "east")
	b.succeeds("east", "vradmin -g shopdg -s migrate shop_rvg london-rep")
	b.start("west")
}

func TestCheckpointsOfEarlierRunsAreInTheWay(t *testing.T) {
	b := ready(t, labkit.Options{})
	b.fault("leftover-checkpoint", "west", "fb1")
	b.refused("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep", "already exists")
	b.refused("west", "vradmin -g shopdg -c a2345678901234567890 syncrvg shop_rvg seattle-rep", "at most 19 characters")
	require.Contains(t, b.fault("checkpoints-full", "west"), "46 checkpoints")
	b.refused("west", "vradmin -g shopdg -c fb2 syncrvg shop_rvg seattle-rep", "delete old checkpoints")
	require.Equal(t, 46, strings.Count(b.sh("west", cplist), " Completed\n"))
}

func TestASlowConnectAndADeportedDiskGroupAreToldAsSuch(t *testing.T) {
	b := ready(t, labkit.Options{})
	b.sh("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep")
	b.fault("slow-connect", "west", "1500")
	b.sh("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep")
	require.Equal(t, "inconsistent", b.status("west", east, "Data status"))
	require.Contains(t, b.sh("west", "vxprint -g shopdg -Pl"), "checkpoint=fb1\n")
	require.Contains(t, b.sh("west", "vxprint -g shopdg -ht"), "ENABLED  ACTIVE   seattle-rep")
	b.replicates("west", east)
	b.fault("diskgroup-deport", "east")
	require.NotContains(t, b.sh("east", "vxdg -q list"), "shopdg")
	b.refused("east", "vxprint -g shopdg -l shop_rvg", "No such disk group")
	b.refused("east", "vradmin -g shopdg repstatus shop_rvg", "No such disk group")
	b.repair("diskgroup-deport", "east")
	b.replicates("west", east)
}

func TestAnOldPrimaryWhoseApplicationStartsByItselfMakesTwoPrimaries(t *testing.T) {
	b := up(t, labkit.Options{Settings: map[string]string{"autostart": "on"}})
	b.fault("host-down", "east")
	b.takeover("west", "-N")
	b.start("west")
	require.Empty(t, b.ledger().TwoPrimaries)
	b.fault("host-up", "east")
	b.until("two writable sites must be noticed", func() bool { return len(b.ledger().TwoPrimaries) == 1 })
	b.sh("east", "shop stop")
	b.sh("east", "shop disable")
	b.fault("reboot", "east")
	b.sh("east", "vxprint -l shop_rvg | grep 'closed primary'")
	b.fault("old-primary-returns", "east")
	b.sh("east", "shop status")
	b.fault("shop-kill", "east")
	b.until("a killed program has nothing open", func() bool {
		return strings.Contains(b.sh("east", "vxprint -l shop_rvg"), "closed primary")
	})
}

func TestVerifySaysWhetherTheCopiesAreEqual(t *testing.T) {
	b := up(t, labkit.Options{})
	b.refused("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep", "while replication to host london-rep is running")
	b.stop("east")
	b.replicates("east", west)
	b.sh("east", "vradmin -g shopdg pauserep shop_rvg london-rep")
	require.Equal(t, "paused (primary paused)", b.status("east", west, "Replication status"))
	require.Contains(t, b.sh("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep"), "The volumes are verified as identical.")
	b.fault("divergent-writes", "east", "2")
	require.Contains(t, b.sh("east", "vradmin -g shopdg -s -verify syncrvg shop_rvg london-rep"), "found differences")
	b.sh("east", "vradmin -g shopdg resumerep shop_rvg london-rep")
	b.replicates("east", west)
	b.sh("east", "vradmin -g shopdg -s stoprep shop_rvg london-rep")
	require.Equal(t, "stopped (primary detached)", b.status("east", west, "Replication status"))
	b.refused("east", "vradmin -g shopdg -s stoprep shop_rvg london-rep", "is detached")
	b.sh("east", "vradmin -g shopdg -full syncrvg shop_rvg london-rep")
	_, moved := b.blocks("east")
	require.Equal(t, 128, moved, "-full copies everything")
	b.sh("east", "vradmin -g shopdg -a startrep shop_rvg london-rep")
	b.replicates("east", west)
}

func TestOptionsThatTheManualDoesNotHaveAreUsageErrors(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
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
	b.refused("west", cplist, "is not a Primary RVG")
	b.refused("east", "vradmin verifydata shop_rvg london-rep", "The lab does not simulate")
	require.Contains(t, b.sh("east", "vradmin -version"), "simulated")
}
