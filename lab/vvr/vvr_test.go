package vvr_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// showsItself compares the layouts of a pair that is at rest.
func showsItself(b bench) {
	t := b.T
	b.shown("east", west, "Timestamp Information", "behind by  0h 0m 0s")
	require.Equal(t, `Replicated Data Set: shop_rvg
Primary:
  Host name:                  seattle-rep
  RVG name:                   shop_rvg
  DG name:                    shopdg
  RVG state:                  enabled for I/O
  Data volumes:               2
  VSets:                      0
  SRL name:                   shop_srl
  SRL size:                   16.00 M
  Total secondaries:          1
Secondary:
  Host name:                  london-rep
  RVG name:                   shop_rvg
  DG name:                    shopdg
  Data status:                consistent, up-to-date
  Replication status:         replicating (connected)
  Current mode:               asynchronous
  Logging to:                 SRL
  Timestamp Information:      behind by  0h 0m 0s
`, b.sh("west", "vradmin -g shopdg repstatus shop_rvg"))
	require.Equal(t, "Replicated Data Set: shop_rvg\nPrimary:\n\tHostName: seattle-rep\n\tRvgName: shop_rvg\n\tDgName: shopdg\n"+
		"Secondary:\n\tHostName: london-rep    <localhost>\n\tRvgName: shop_rvg\n\tDgName: shopdg\n", b.sh("west", "vradmin printrvg"))
	require.Equal(t, `Disk group: shopdg

Rvg:      shop_rvg
info:     rid=0.1317 version=1 rvg_version=31 last_tag=1
state:    state=ACTIVE kernel=ENABLED
assoc:    datavols=shop_dv01,shop_dv02
          srl=shop_srl
          rlinks=rlk_london-rep_shop_rvg
att:      rlinks=rlk_london-rep_shop_rvg
flags:    closed primary enabled attached
`, b.sh("east", "vxprint -g shopdg -l shop_rvg"))
	require.Contains(t, b.sh("east", "vxprint -g shopdg -Pl"), "flags:    write enabled attached consistent connected asynchronous\n")
	for command, want := range map[string]string{
		"vxprint -g shopdg -qQVF%name":                                   "shop_rvg\n",
		"vxprint -g shopdg -qQVF%datavols shop_rvg":                      "shop_dv01,shop_dv02\n",
		"vxprint -g shopdg -qQVF%srl shop_rvg":                           "shop_srl\n",
		"vxprint -g shopdg -qQVF%rlinks shop_rvg":                        "rlk_london-rep_shop_rvg\n",
		"vxprint -g shopdg -qQPF%remote_host rlk_london-rep_shop_rvg":    "london-rep\n",
		"vxprint -g shopdg -qQPF%local_host rlk_london-rep_shop_rvg":     "seattle-rep\n",
		"vxprint -g shopdg -qQPF%srlprot rlk_london-rep_shop_rvg":        "autodcm\n",
		"vxrlink -g shopdg status rlk_london-rep_shop_rvg":               "VxVM VVR vxrlink INFO V-5-1-4467 Rlink rlk_london-rep_shop_rvg is up to date\n",
		"vxrvg -g shopdg getdatavols shop_rvg":                           "shop_dv01\nshop_dv02\n",
		"vxdg -q list":                                                   "shopdg       enabled              1007063636.1025.seattle-rep\n",
		"vxprint -g shopdg -ht | grep ^rv":                               "rv shop_rvg     1            ENABLED  ACTIVE   primary  2         shop_srl\n",
		"vxprint -g shopdg -ht | grep ^rl | tr -s ' ' | cut -d' ' -f4,5": "CONNECT ACTIVE\n",
	} {
		require.Equal(t, want, b.sh("east", command), command)
	}
}

// refusesWhileOpen asks for what needs closed volumes.
func refusesWhileOpen(b bench) {
	b.refused("east", "vradmin -g shopdg -s migrate shop_rvg london-rep", "are open on host seattle-rep")
	require.Contains(b.T, b.sh("east", "vxprint -g shopdg -l shop_rvg"), "flags:    open primary")
	b.stop("east")
	b.replicates("east", west)
}

// migrates exchanges the roles by hand.
func migrates(b bench) {
	t := b.T
	b.refused("east", "vradmin -g shopdg migrate shop_rvg london-rep </dev/null", "nothing was changed")
	b.refused("west", "vradmin -g shopdg takeover shop_rvg", "is reachable")
	b.refused("east", "vradmin -g shopdg takeover shop_rvg", "already a Primary")
	b.replicates("east", west)
	b.sh("west", "vradmin -g shopdg -s migrate shop_rvg london-rep")
	b.start("west")
	b.replicates("west", east)
	l := b.Lossless()
	require.Equal(t, "west", l.Primary)
	require.Equal(t, 2, l.Commands["west"]["vradmin migrate"], "one of them was refused before")
	require.Equal(t, 1, l.Commands["west"]["kernel: rvg_sectopri"])
	b.stop("west")
	b.replicates("west", east)
	require.Equal(t, b.sums("west"), b.sums("east"))
}

func TestAPair(t *testing.T) {
	b := up(t, labkit.Options{})
	b.sub("refuses a migration while its volumes are open", refusesWhileOpen)
	b.sub("shows itself as the manual does", showsItself)
	b.sub("refuses what the manual does not have", refusesOtherOptions)
	b.sub("goes on without vradmind", livesWithoutVradmind)
	b.sub("answers with old news where it is isolated", isIsolated)
	b.sub("needs a resync after an overflow", overflows)
	b.sub("can be verified and made equal", verifies)
	b.sub("rolls a migration back that the other host refuses", rollsBack)
	b.sub("is taken over by plan and loses nothing", migrates)
}

// divided brings a lab to where the manual's Example 3 begins: the old Primary
// was lost with writes that it never sent, was taken over without fast
// failback, came back and wrote more.
func divided(t *testing.T, o labkit.Options) bench {
	t.Helper()
	b := up(t, o)
	b.Fault("link-cut", "west")
	b.MoreWrites()
	b.Fault("divergent-writes", "east", "3")
	b.Fault("host-down", "east")
	b.Repair("link-cut", "west")
	b.takeover("west", "-N")
	b.start("west")
	b.Fault("divergent-writes", "west", "5")
	b.Fault("host-up", "east")
	b.Until("both know that there are two Primaries", func() bool {
		return strings.Contains(b.sh("east", "vradmin -l printrvg"), "london-rep:\tPrimary-Primary configuration") &&
			strings.Contains(b.sh("west", "vradmin printrvg"), "seattle-rep:\tPrimary-Primary configuration")
	})
	return b
}

var copied = regexp.MustCompile(`(\d+) blocks compared, (\d+) copied`)

// blocks are how many blocks the last synchronisation on a site compared and
// copied.
func (b bench) blocks(site string) (compared, moved int) {
	b.T.Helper()
	all := copied.FindAllStringSubmatch(b.read(site, "var/vx/vras/log/vxrsync"), -1)
	require.NotEmpty(b.T, all)
	_, err := fmt.Sscan(all[len(all)-1][1]+" "+all[len(all)-1][2], &compared, &moved)
	require.NoError(b.T, err)
	return compared, moved
}

func TestExample3OfTheManualBringsTheRolesHomeByDifference(t *testing.T) {
	b := divided(t, labkit.Options{})
	b.sh("east", "shop start")
	b.refused("east", "vradmin -g shopdg -f makesec shop_rvg london-rep", "are open on host seattle-rep")
	b.sh("east", "shop stop")
	b.refused("west", "vradmin -g shopdg makesec shop_rvg tokyo-rep", "has no Primary-Primary configuration error with host tokyo-rep")
	b.refused("east", "vradmin -g shopdg makesec shop_rvg west", "has no Primary-Primary configuration error with host west")
	b.refused("east", "vradmin -g shopdg makesec shop_rvg london-rep", "is not up-to-date")
	b.refused("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep", "it cannot be synchronized as a target")
	require.NotContains(t, b.sh("west", "vxrvg cplist shop_rvg"), "fb1")
	b.sh("east", "vradmin -g shopdg -f makesec shop_rvg london-rep")
	b.refused("east", "vradmin -g shopdg -f makesec shop_rvg london-rep", "is not a Primary RVG")
	require.NotContains(t, b.sh("east", "vradmin printrvg"), "Config Errors")

	differ := b.different("east", "west")
	out := b.sh("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep")
	require.Contains(t, out, "100%")
	require.Contains(t, out, "VxRSync operation completed.")
	compared, moved := b.blocks("west")
	t.Logf("%d blocks compared, %d differed before, %d copied", compared, differ, moved)
	require.Equal(t, 128, compared)
	require.GreaterOrEqual(t, differ, 8)
	require.GreaterOrEqual(t, moved, differ)
	require.LessOrEqual(t, moved, differ+2, "the writer goes on in two blocks at most")
	require.Regexp(t, `fb1 +\d+ +\d+ +Completed`, b.sh("west", "vxrvg -g shopdg cplist shop_rvg"))
	b.MoreWrites()
	b.sh("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep")
	b.refused("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep", "already attached")
	b.replicates("west", east)
	b.stop("west")
	b.replicates("west", east)
	b.sh("west", "vradmin -g shopdg -s migrate shop_rvg seattle-rep")
	require.Equal(t, b.sums("west"), b.sums("east"))
	b.start("east")
	l := b.Ledger()
	require.Equal(t, "east", l.Primary)
	require.NotNil(t, l.Lost, l.Complaint)
	require.NotZero(t, *l.Lost, "what east took after the cut and never sent is thrown away")
	require.Zero(t, l.Doubled)
}

func TestFastFailbackSendsTheUnionOfBothSidesChanges(t *testing.T) {
	b := up(t, labkit.Options{})
	b.Fault("link-cut", "west")
	b.Fault("divergent-writes", "east", "3")
	b.Fault("shop-autostart", "east")
	b.Fault("host-down", "east")
	b.Repair("link-cut", "west")
	b.takeover("west", "")
	require.Contains(t, b.sh("west", "vxprint -l shop_rvg"), "failback_logging")
	b.start("west")
	b.Fault("divergent-writes", "west", "5")
	b.Fault("host-up", "east")
	b.Until("east must be an acting secondary", func() bool {
		return strings.Contains(b.sh("east", "vxprint -l shop_rvg"), "primary enabled attached acting_secondary")
	})
	b.shown("west", east, "Replication status", "logging to DCM (needs failback synchronization)")
	b.refused("east", "vradmin -g shopdg -f makesec shop_rvg london-rep", "use vradmin fbsync")
	b.sh("east", "shop stop")
	b.Until("fbsync must be allowed", func() bool {
		_, code := b.try("west", "vradmin -g shopdg -wait fbsync shop_rvg cachesize=1g")
		return code == 0
	})
	b.replicates("west", east)
	require.Regexp(t, `resync_stopped:shop_rvg:DCM replay to seattle-rep has ended after ([89]|1[0-4]) regions`, b.read("west", "var/vx/vras/log/events"))
	b.stop("west")
	b.replicates("west", east)
	require.Equal(t, b.sums("west"), b.sums("east"))
}

func TestExample4SynchronisesTheThirdSiteFromTheFinalPrimary(t *testing.T) {
	b := up(t, labkit.Options{Sites: 3})
	b.replicates("east", north)
	b.Fault("host-down", "east")
	b.takeover("west", "-N")
	b.start("west")
	b.Fault("host-up", "east")
	b.Until("makesec must go", func() bool {
		_, code := b.try("east", "vradmin -g shopdg -f makesec shop_rvg london-rep")
		return code == 0
	})
	require.Contains(t, b.sh("north", "vradmin printrvg"), "Primary:\n\tHostName: seattle-rep\n", "north still names the old Primary")
	require.Equal(t, "consistent, stale", b.status("west", north, "Data status"))
	b.sh("west", "vradmin -g shopdg -c fb1 syncrvg shop_rvg seattle-rep")
	b.sh("west", "vradmin -g shopdg -c fb1 startrep shop_rvg seattle-rep")
	b.replicates("west", east)
	b.stop("west")
	b.replicates("west", east)
	b.sh("west", "vradmin -g shopdg -s migrate shop_rvg seattle-rep")
	b.refused("east", "vradmin -g shopdg -c cp2 syncrvg shop_rvg tokyo-rep", "is not detached during sync operation")
	b.sh("north", "vxrlink -g shopdg det rlk_seattle-rep_shop_rvg")
	b.sh("east", "vradmin -g shopdg -c cp2 syncrvg shop_rvg tokyo-rep")
	b.sh("east", "vradmin -g shopdg -c cp2 startrep shop_rvg tokyo-rep")
	b.sh("east", "vxrvg -g shopdg -c cp2 checkdelete shop_rvg")
	b.start("east")
	b.replicates("east", north)
	b.stop("east")
	b.replicates("east", north)
	b.replicates("east", west)
	require.Equal(t, b.sums("east"), b.sums("north"))
	require.Equal(t, b.sums("east"), b.sums("west"))
}
