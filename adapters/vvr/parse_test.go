package vvr

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func read(t *testing.T, s sample) Reading {
	t.Helper()
	r, err := ParseReading(s.output(), "hrdg", "hr_rvg")
	require.NoError(t, err)
	return r
}

func TestAReadingHoldsWhatTheToolsShowed(t *testing.T) {
	s := *twoPrimaries(t).hosts["sea-db"]
	s.checkpoint = []string{"weekly               12       3      Completed", "now 1 0% Started", "big  400   100  Checkpoint overflowed"}
	s.extra = "holder hr_dv01 process 4711 shopd\nmark hr-1-makesec no\n"
	r := read(t, s)
	require.Empty(t, r.Text)
	require.Equal(t, dr.Yes, r.Imported)
	require.Equal(t, &RVG{Role: "primary", Kernel: "ENABLED", State: "ACTIVE", Flags: []string{"enabled", "attached"}, Volumes: []string{"hr_dv01", "hr_dv02"}, SRL: "hr_srl"}, r.RVG)
	require.Len(t, r.RLinks, 2, "RLINKs of other RVGs are left out")
	require.Equal(t, "london-rep", r.RLinks[0].Remote)
	require.Equal(t, "autodcm", r.RLinks[0].SRLProt)
	require.True(t, r.RLinks[0].Has("disconnected"))
	require.Equal(t, LinkStatus{"rlk_london-rep_hr_rvg", linkOutstanding, 118, 5904, 2}, r.Links[0])
	require.Equal(t, []Checkpoint{{"weekly", 3, cpCompleted}, {"now", 0, cpStarted}, {"big", 100, cpOverflowed}}, *r.Checkpoints)
	require.Equal(t, int64(100), r.SRLPercent())
	require.Equal(t, "seattle-rep", r.LocalName())
	name, ok := r.PrimaryPrimary()
	require.True(t, ok)
	require.Equal(t, "london-rep", name)
	require.Equal(t, dr.Yes, r.DCMEverywhere("seattle-rep"))
	require.Equal(t, dr.Yes, r.SizesEqual("seattle-rep", "tokyo-rep"))
	require.Equal(t, []string{"hr_dv01 process 4711 shopd"}, r.Holders)
	text, ok := r.HasMark("hr-1-makesec")
	require.True(t, ok)
	require.Equal(t, "no", text)
}

func TestWhoTakesWritesIsReadFromRoleKernelAndOpenVolumes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *sample)
		want   dr.Tri
		role   dr.Role
	}{
		{"a Primary with open volumes", func(*sample) {}, dr.Yes, dr.RolePrimary},
		{"a Primary whose application is stopped", func(s *sample) { s.open = false }, dr.Yes, dr.RolePrimary},
		{"one of two Primaries, closed", func(s *sample) { s.open, s.errors = false, []string{"london-rep: Primary-Primary configuration"} }, dr.No, dr.RolePrimary},
		{"one of two Primaries, open", func(s *sample) { s.errors = []string{"london-rep: Primary-Primary configuration"} }, dr.Yes, dr.RolePrimary},
		{"an acting Secondary", func(s *sample) { s.flags += " acting_secondary" }, dr.No, dr.RoleSecondary},
		{"a stopped RVG", func(s *sample) { s.kernel = "DISABLED" }, dr.No, dr.RolePrimary},
		{"a Secondary", func(s *sample) { s.role = roleSecondary }, dr.No, dr.RoleSecondary},
		{"no RVG", func(s *sample) { s.noRVG = true }, dr.Unknown, dr.RoleUnknown},
		{"no disk group", func(s *sample) { s.noDG = true }, dr.No, dr.RoleUnknown},
		{"a role that nobody knows", func(s *sample) { s.role = "tertiary" }, dr.Unknown, dr.RoleUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := *normal(t).hosts["sea-db"]
			c.change(&s)
			r := read(t, s)
			require.Equal(t, c.want, r.AcceptsWrites())
			require.Equal(t, c.role, roleOf(r))
		})
	}
}

func TestAnOutputThatIsCutOffOrStrangeIsAnError(t *testing.T) {
	whole := normal(t).hosts["sea-db"].output()
	for _, out := range []string{"", "begin 1\n", whole[:len(whole)/2], "x\n" + whole, strings.Replace(whole, "rc dg 0", "rc dg", 1), strings.Replace(whole, "rvg ", "nonsense ", 1), "begin 1\nend ok\n"} {
		_, err := ParseReading(out, "hrdg", "hr_rvg")
		require.Error(t, err)
	}
}

func TestASectionThatIsNotRecognisedIsUnknownWithItsReason(t *testing.T) {
	for _, c := range []struct{ name, from, to, section string }{
		{"flags", "flags:    open primary", "flags:    ajar primary", "rvg"},
		{"an RLINK's flags", "write enabled attached consistent", "write enabled consistent", "rlink"},
		{"a status", "is up to date", "is nearly up to date", "status"},
		{"a checkpoint", "MBytes  % Log", "MB", "cp"},
		{"printrvg", "rds Primary:", "rds Tertiary:", "rds"},
		{"a volume's size", "sz  65536", "sz  many", "vol"},
		{"a column that is missing", "sz  65536  65536  65536", "sz  65536", "vol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := normal(t).hosts["sea-db"].output()
			require.Contains(t, out, c.from)
			r, err := ParseReading(strings.Replace(out, c.from, c.to, 1), "hrdg", "hr_rvg")
			require.NoError(t, err)
			require.NotEmpty(t, r.Text[c.section], "%+v", r.Text)
		})
	}
}

func TestADaemonThatIsDownIsToldFromOneThatDoesNotAnswer(t *testing.T) {
	s := *normal(t).hosts["lon-db"]
	s.vradmin = "VxVM VVR vradmin ERROR V-5-52-0 Cannot connect to vradmind server; vradmind server might not be running"
	require.Equal(t, dr.No, read(t, s).Vradmind)
	s.vradmin = "VxVM VVR vradmin ERROR V-5-52-803 Lost connection to host x; terminating command execution."
	require.Equal(t, dr.Unknown, read(t, s).Vradmind)
}

func TestFourStatusLinesAreKnownAndNothingElse(t *testing.T) {
	for text, want := range map[string]LinkStatus{
		"Rlink rlk_x is up to date": {"rlk_x", linkUpToDate, 0, 0, 0},
		"Rlink rlk_x has 118 outstanding writes, occupying 5904 Kbytes (2%) on the SRL": {"rlk_x", linkOutstanding, 118, 5904, 2},
		"Rlink rlk_x is in AUTOSYNC. 100864 Kbytes remaining.":                          {"rlk_x", linkAutosync, -1, 100864, -1},
		"DCM is in use on Rlink rlk_x. DCM contains 88832 Kbytes.":                      {"rlk_x", linkDCM, -1, 88832, -1},
	} {
		got, ok := parseLink(text)
		require.True(t, ok, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "Rlink rlk_x is up to date or so", "Rlink rlk_x has many outstanding writes", "rlk_x up to date"} {
		_, ok := parseLink(text)
		require.False(t, ok, text)
	}
}

func TestRepstatusValuesBelongToTheHostOfTheirBlock(t *testing.T) {
	s := *normal(t).hosts["sea-db"]
	s.extra = "rep Replicated Data Set: hr_rvg\nrep Primary:\nrep   Host name:                  seattle-rep\nrep   RVG state:                  enabled for I/O\n" +
		"rep Secondary:\nrep   Host name:                  london-rep\nrep   Data status:                consistent, up-to-date\nrep   Replication status:         replicating (connected)\n" +
		"rep   Logging to:                 SRL\nrep   Timestamp Information:      behind by  0h 0m 0s\n" +
		"rep Secondary:\nrep   Host name:                  tokyo-rep\nrep   Data status:                inconsistent\nrep   Replication status:         resync in progress (autosync)\n" +
		"rep   Logging to:                 DCM (contains 169728 Kbytes) (autosync)\nrep Config Errors:\nrep   x: y\nrc rep 0\n"
	require.Equal(t, []RepStatus{
		{"london-rep", "consistent, up-to-date", "replicating (connected)", "SRL", "behind by  0h 0m 0s"},
		{"tokyo-rep", "inconsistent", "resync in progress (autosync)", "DCM (contains 169728 Kbytes) (autosync)", ""},
	}, read(t, s).Rep)
}

func TestABunkerAndAnUnreachableHostAreSeen(t *testing.T) {
	d, err := parseRDS(strings.Split("Replicated Data Set: r\nPrimary (Unreachable):\n\tHostName: a\n\tRvgName: r\n\tDgName: d\nBunker (Secondary):\n\tHostName: c\nSecondary:\n\tHostName: b <localhost>\n\tRvgName: r\n\tDgName: d", "\n"))
	require.NoError(t, err)
	require.True(t, d.Bunker)
	require.True(t, d.Hosts[0].Unreachable)
	require.True(t, d.Hosts[1].Local)
}

const progressText = `Message from Primary:
VxVM VVR vxrsync INFO V-5-52-2208 Starting volume synchronization to remote
VxVM VVR vxrsync INFO V-5-52-2211     Source host:         oslo
VxVM VVR vxrsync INFO V-5-52-2213     Total volumes:       2
VxVM VVR vxrsync INFO V-5-52-2214     Total size:          3.000 G

Eps_time Dest_host        Src_vol      Dest_vol     F'shed/Tot_sz  Diff  Done
00:00:00 lima             fin_dv01     fin_dv01        0M/1024M      0%    0%
` + "00:00:05 lima             fin_dv01     fin_dv01      512K/1024M      3%    0%\r00:00:10 lima             fin_dv01     fin_dv01      512M/1024M      3%   50%\n" +
	`00:00:21 lima             fin_dv01     fin_dv01     1024M/1024M      2%  100%
00:00:31 lima             fin_dv02     fin_dv02      512M/2048M      0%   25%
`

func TestProgressIsSummedOverVolumesAndNeverTakenForTheEnd(t *testing.T) {
	p, ok := ParseSyncProgress(progressText)
	require.True(t, ok)
	require.Equal(t, int64(1536<<20), p.Done)
	require.Equal(t, int64(3072<<20), p.Total)
	require.InDelta(t, 20.48, float64(p.Differed)/(1<<20), 0.01)
	require.Equal(t, "fin_dv02", p.Volume)
	require.False(t, p.Ended)
	_, ok = ParseSyncProgress("")
	require.False(t, ok)
	p, _ = ParseSyncProgress(progressText + "VxVM VVR vxrsync INFO V-5-52-2219 VxRSync operation completed.\n")
	require.True(t, p.Ended)
}

func FuzzParseReading(f *testing.F) {
	t := &testing.T{}
	for _, s := range []*scene{normal(t), twoPrimaries(t), acting(t)} {
		for _, h := range s.hosts {
			f.Add(h.output())
		}
	}
	f.Fuzz(func(t *testing.T, out string) {
		r, err := ParseReading(out, "hrdg", "hr_rvg")
		if err != nil {
			return
		}
		if r.RVG == nil && r.Imported != dr.No && r.AcceptsWrites() != dr.Unknown {
			t.Fatal("a host without a recognised RVG must be unknown")
		}
		if r.IsPrimary() && r.IsSecondary() {
			t.Fatal("two roles")
		}
		_, _ = r.SRLPercent(), summary(r)
		_ = describe(site{Name: "seattle"}, r, normalTime)
	})
}

func FuzzParseSyncProgress(f *testing.F) {
	f.Add(progressText)
	f.Fuzz(func(t *testing.T, out string) {
		p, ok := ParseSyncProgress(out)
		if ok && (p.Done < 0 || p.Done > p.Total) {
			t.Fatalf("%+v", p)
		}
	})
}
