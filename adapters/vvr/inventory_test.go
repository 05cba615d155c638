package vvr

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
)

func decode(settings, site string) (kit.System, error) {
	return New().Decode(kit.Entry{
		Name: "hr", Node: adaptertest.YAML(settings), Hosts: func(h string) bool { return h != "nowhere" },
		Sites: []kit.SiteEntry{{Name: "seattle", Node: adaptertest.YAML("host: a\n" + site)}, {Name: "london", Node: adaptertest.YAML("host: b")}},
	})
}

func TestDefaultsAreThoseOfTheManual(t *testing.T) {
	s, err := decode("disk_group: hrdg\nrvg: hr_rvg", "")
	require.NoError(t, err)
	sys := s.(*system)
	require.Equal(t, "seattle", sys.sites[0].Place.VVRHost)
	require.Equal(t, "/usr/sbin", sys.sites[0].Place.Bin)
	require.Equal(t, systemNode{
		DiskGroup: "hrdg", RVG: "hr_rvg", Bin: "/usr/sbin", VCSBin: "/opt/VRTSvcs/bin", Order: "protect", FastFailback: "on", Reseed: "full", MaxBehindMB: 256, SRLStopPercent: 80,
	}, sys.set)
	require.Empty(t, s.Files())
	require.Len(t, s.Needs(), 2)
}

func TestEverySettingIsCheckedWithOneSentence(t *testing.T) {
	const whole = "disk_group: hrdg\nrvg: hr_rvg\n"
	for _, c := range []struct{ settings, site, want string }{
		{"rvg: hr_rvg", "", "disk_group"},
		{whole + "order: letter", "", `order is "letter", not "protect" or "manual"`},
		{whole + "fast_failback: maybe", "", "fast_failback"},
		{whole + "reseed: copy", "", "reseed"},
		{whole + "bin: usr/sbin", "", "plain absolute path"},
		{whole + "snapshot_cache: 'a b'", "", "snapshot_cache"},
		{whole + "snapshot_cachesize: big", "", "no size"},
		{whole + "snapshot_cache: c\nsnapshot_cachesize: 1g", "", "not both"},
		{whole + "srl_stop_percent: 99", "", "10 to 95"},
		{whole + "max_behind_mb: -1", "", "negative"},
		{whole + "colour: red", "", "colour"},
		{whole, "vvr_host: 'a b'", "vvr_host"},
		{whole, "vvr_host: london", "same vvr_host"},
		{whole, "rvg: 'x;y'", "rvg"},
		{whole, "snapshot: {take: [/snap]}", "snapshot.check"},
		{whole, "snapshot: {take: [/snap, 'a;b'], check: [/c]}", "snapshot.take"},
	} {
		_, err := decode(c.settings, c.site)
		require.ErrorContains(t, err, c.want, "%s %s", c.settings, c.site)
	}
	_, err := New().Decode(kit.Entry{Name: "hr", Node: adaptertest.YAML(whole), Hosts: func(string) bool { return false }, Sites: []kit.SiteEntry{
		{Name: "a", Node: adaptertest.YAML("host: nowhere")}, {Name: "b", Node: adaptertest.YAML("host: b")},
	}})
	require.ErrorContains(t, err, "nowhere")
}

func TestWithSudoEveryCommandBeginsWithItAndTheRulesAreOffered(t *testing.T) {
	s, err := decode("disk_group: hrdg\nrvg: hr_rvg\nsudo: true", "")
	require.NoError(t, err)
	p := s.(*system).sites[0].Place
	require.Equal(t, []string{"sudo", "-n", "/usr/sbin/vradmin", "-g", "hrdg", "-s", "migrate", "hr_rvg", "x"}, p.tool("vradmin", "-s", "migrate", "hr_rvg", "x").Argv)
	require.Contains(t, s.Files()[0].Body, "/usr/sbin/vradmin, /usr/sbin/vxprint")
}
