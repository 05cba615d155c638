package hana

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// The layouts are those of public sources (the Trento agent's and SUSE
// SAPHanaSR's fixtures, SAP's own scripts) with names and numbers changed;
// HANA 2.0 SPS04 to SPS07 where nothing else is said.

const statePrimary = `SAPCONTROL-OK: <begin>
online=true
mode=primary
operation mode=primary
site id=1
site name=NORTH
isSource=true
isConsumer=false
hasConsumers=true
isTakeoverActive=false
isPrimarySuspended=false
mapping/dba01=SOUTH/dbb01
mapping/dba01=EAST/dbc01
mapping/dba01=NORTH/dba01
siteTier/NORTH=1
siteTier/SOUTH=2
siteTier/EAST=2
siteReplicationMode/NORTH=primary
siteReplicationMode/SOUTH=sync
siteReplicationMode/EAST=async
siteOperationMode/NORTH=primary
siteOperationMode/SOUTH=logreplay
siteOperationMode/EAST=logreplay
siteMapping/NORTH=SOUTH
siteMapping/NORTH=EAST
hintBasedRoutingSite=
SAPCONTROL-OK: <end>
done.
Performing Final Memory Release with 8 threads.
Finished Final Memory Release successfuly.
`

const stateSecondary = `SAPCONTROL-OK: <begin>
online=true
mode=sync
operation mode=logreplay
site id=2
site name=SOUTH
isSource=false
isConsumer=true
hasConsumers=false
isTakeoverActive=false
isPrimarySuspended=false
isTimetravelEnabled=false
replayMode=auto
active primary site=1
primary masters=dba01
mapping/dbb01=SOUTH/dbb01
mapping/dbb01=NORTH/dba01
siteTier/NORTH=1
siteTier/SOUTH=2
siteReplicationMode/NORTH=primary
siteReplicationMode/SOUTH=sync
siteOperationMode/NORTH=primary
siteOperationMode/SOUTH=logreplay
siteMapping/NORTH=SOUTH
hintBasedRoutingSite=
SAPCONTROL-OK: <end>
done.
`

const listOfRunning = `
14.03.2026 09:12:44
GetProcessList
OK
name, description, dispstatus, textstatus, starttime, elapsedtime, pid
hdbdaemon, HDB Daemon, GREEN, Running, 2026 03 12 07:40:02, 49:32:42, 20411
hdbcompileserver, HDB Compileserver, GREEN, Running, 2026 03 12 07:40:09, 49:32:35, 20633
hdbnameserver, HDB Nameserver, GREEN, Running, 2026 03 12 07:40:03, 49:32:41, 20429
hdbindexserver, HDB Indexserver-DRT, GREEN, Running, 2026 03 12 07:40:10, 49:32:34, 20689
`

const listOfStopped = `
14.03.2026 09:12:44
GetProcessList
OK
name, description, dispstatus, textstatus, starttime, elapsedtime, pid
hdbdaemon, HDB Daemon, GRAY, Stopped, , , 4078
`

const landscapeUp = `SAPCONTROL-OK: <begin>
host=dba01
hostActive=yes
hostStatus=ok
failoverStatus=
storageConfigPartition=1
storagePartition=1
nameServerConfigRole=master 1
nameServerActualRole=master
SAPCONTROL-OK: <end>
`

const landscapeOut = `SAPCONTROL-OK: <begin>
host/dba01/hostActive=yes
host/dba01/hostStatus=ok
host/dba02/hostActive=yes
host/dba02/hostStatus=ignore
host/dba02/nameServerActualRole=slave
SAPCONTROL-OK: <end>
`

func serviceLines(port, db, site, status string) string {
	p := "service/dba01/" + port + "/"
	return p + "DATABASE=" + db + "\n" + p + "HOST=dba01\n" + p + "VOLUME_ID=1\n" + p + "SECONDARY_SITE_NAME=" + site + "\n" + p + "SECONDARY_ACTIVE_STATUS=YES\n" +
		p + "REPLICATION_MODE=SYNC\n" + p + "REPLICATION_STATUS=" + status + "\n" + p + "REPLICATION_STATUS_DETAILS=\n" + p + "LAST_LOG_POSITION_TIME=-\n" + p + "REPLAY_BACKLOG_SIZE=4096\n"
}

func statusOutput(overall string, services ...string) string {
	return "SAPCONTROL-OK: <begin>\n" + strings.Join(services, "") + "site/2/SITE_NAME=SOUTH\nsite/2/REPLICATION_STATUS=" + overall + "\noverall_replication_status=" + overall +
		"\nsite/1/REPLICATION_MODE=PRIMARY\nlocal_site_id=1\nSAPCONTROL-OK: <end>\n"
}

func TestAStateKeepsRepeatedKeysAndWhatComesAfterTheEnd(t *testing.T) {
	s, err := ParseState(statePrimary)
	require.NoError(t, err)
	require.Equal(t, "primary", s.Mode)
	require.Equal(t, dr.Yes, s.Online)
	require.Equal(t, dr.No, s.Suspended)
	require.Equal(t, []Link{{"NORTH", "SOUTH"}, {"NORTH", "EAST"}}, s.Links)
	require.Equal(t, "NORTH", s.Source("EAST"))
	require.Equal(t, "async", s.Modes["EAST"])
	s, err = ParseState(stateSecondary)
	require.NoError(t, err)
	require.Equal(t, []string{"dba01"}, s.Masters)
	s, err = ParseState("nameserver dba01:30001 not responding.\nSAPCONTROL-OK: <begin>\nonline=false\nmode=primary\nisSource=unknown\nhasConsumers=unknown\nSAPCONTROL-OK: <end>\ndone.\ndone.\n")
	require.NoError(t, err)
	require.Equal(t, dr.No, s.Online)
	require.Equal(t, dr.Unknown, s.Suspended, "a line that is not printed is unknown")
	s, err = ParseState("SAPCONTROL-OK: <begin>\nonline=true\nmode=none\nSAPCONTROL-OK: <end>\n")
	require.NoError(t, err)
	require.Equal(t, "none", s.Mode)
}

func TestAStateThatIsCutOffOrStrangeIsNoAnswer(t *testing.T) {
	for name, out := range map[string]string{
		"empty":            "",
		"no end":           strings.Replace(statePrimary, "SAPCONTROL-OK: <end>\n", "", 1),
		"half":             statePrimary[:len(statePrimary)/2],
		"no begin":         strings.Replace(statePrimary, "SAPCONTROL-OK: <begin>\n", "", 1),
		"twice":            statePrimary + statePrimary,
		"contradiction":    strings.Replace(statePrimary, "site id=1", "mode=sync", 1),
		"an unknown mode":  strings.Replace(statePrimary, "mode=primary", "mode=prim", 1),
		"no mode":          "SAPCONTROL-OK: <begin>\nonline=true\nSAPCONTROL-OK: <end>\n",
		"no truth value":   strings.Replace(statePrimary, "online=true", "online=maybe", 1),
		"a line without =": strings.Replace(statePrimary, "online=true", "Segmentation fault", 1),
		"the plain form":   "System Replication State\n~~~~\n\nonline: true\n\nmode: primary\ndone.\n",
	} {
		_, err := ParseState(out)
		require.Error(t, err, name)
	}
}

func TestAProcessListCountsOnlyWhenRowsAndExitCodeAgree(t *testing.T) {
	p, err := ParseProcesses(listOfRunning, listRunning)
	require.NoError(t, err)
	require.Equal(t, dr.Yes, p.Running)
	require.Equal(t, "2026 03 12 07:40:02", p.Started)
	p, err = ParseProcesses(listOfStopped, listStopped)
	require.NoError(t, err)
	require.Equal(t, dr.No, p.Running)
	mixed := strings.Replace(listOfRunning, "GREEN, Running, 2026 03 12 07:40:10", "YELLOW, Stopping, 2026 03 12 07:40:10", 1)
	p, err = ParseProcesses(mixed, listMixed)
	require.NoError(t, err)
	require.Equal(t, dr.Unknown, p.Running)
	require.True(t, p.Partial)
	p, err = ParseProcesses("FAIL: NIECONN_REFUSED (Connection refused), NiRawConnect failed in plugin_fopen()\n", listFailed)
	require.ErrorContains(t, err, "StartService")
	require.True(t, p.NoService)
	require.Equal(t, dr.Unknown, p.Running)
	for name, c := range map[string]struct {
		out  string
		exit int
	}{
		"stopped by the code only":   {listOfRunning, listStopped},
		"running by the code only":   {listOfStopped, listRunning},
		"mixed by the rows only":     {mixed, listRunning},
		"killed by timeout":          {listOfRunning, 124},
		"cut off":                    {listOfStopped[:len(listOfStopped)-30], listStopped},
		"no rows":                    {listOfStopped[:strings.Index(listOfStopped, "hdbdaemon")], listStopped},
		"another process is stopped": {strings.Replace(listOfStopped, "hdbdaemon", "hdbnameserver", 1), listStopped},
	} {
		_, err := ParseProcesses(c.out, c.exit)
		require.Error(t, err, name)
	}
}

func TestALandscapeIsReadInBothFormsAndExitCodeZeroIsNoAnswer(t *testing.T) {
	l, err := ParseLandscape(landscapeUp, 4)
	require.NoError(t, err)
	require.Equal(t, []LandscapeHost{{"dba01", "yes", "ok", "master"}}, l.Hosts)
	l, err = ParseLandscape(landscapeOut, 4)
	require.NoError(t, err)
	require.Len(t, l.Hosts, 2)
	require.Equal(t, "ignore", l.Hosts[1].Status)
	for _, exit := range []int{0, 5, 124, 127, 137} {
		_, err = ParseLandscape(landscapeUp, exit)
		require.Error(t, err, "%d", exit)
	}
}

func TestAReplicationStatusStartsANewRecordAtEachRepeatedColumn(t *testing.T) {
	out := statusOutput("ACTIVE", serviceLines("30001", "SYSTEMDB", "SOUTH", "ACTIVE"), serviceLines("30001", "SYSTEMDB", "EAST", "SYNCING"), serviceLines("30003", "DRT", "SOUTH", "ACTIVE"))
	s, err := ParseStatus(out, 14)
	require.NoError(t, err)
	require.Len(t, s.Rows, 3)
	require.Equal(t, "EAST", s.Rows[1].SecondarySite)
	require.Equal(t, "SYNCING", s.Rows[1].Status)
	require.Empty(t, s.Rows[0].LastTime, "- is no time")
	for _, exit := range []int{0, 1, 2, 9, 16, 124, 127, 137} {
		_, err = ParseStatus(out, exit)
		require.Error(t, err, "%d", exit)
	}
	_, err = ParseStatus("SAPCONTROL-OK: <begin>\nstatus=ERROR\nSAPCONTROL-OK: <end>\n", 12)
	require.Error(t, err)
	_, err = ParseStatus(strings.Replace(out, "SAPCONTROL-OK: <end>\n", "", 1), 15)
	require.ErrorContains(t, err, "cut off")
	s, err = ParseStatus("SAPCONTROL-OK: <begin>\nlocal_site_id=0\nSAPCONTROL-OK: <end>\n", statusNoHSR)
	require.NoError(t, err)
	require.Empty(t, s.Rows)
}

func TestTheSmallAnswersAreReadStrictly(t *testing.T) {
	require.Equal(t, "2.00.077.00.1700000000", parseVersion("HDB version info:\n  version:             2.00.077.00.1700000000\n  branch:              fa/hana2sp07\n"))
	require.Empty(t, parseVersion("HDB: command not found"))
	require.Equal(t, dr.Yes, hasHandshake("2.00.077.00.1700000000"))
	require.Equal(t, dr.No, hasHandshake("2.00.037.00"))
	require.Equal(t, dr.Unknown, hasHandshake(""))
	require.Equal(t, "possible", parseRecommendation("takeover possible\n"))
	require.Equal(t, "not decidable", parseRecommendation("Takeover not decidable"))
	require.Empty(t, parseRecommendation("required or possible"))
	require.Empty(t, parseRecommendation("Traceback (most recent call last):"))
	for out, want := range map[string]dr.Tri{"begin\nend\n": dr.No, "begin\nAutostart = 1\nend\n": dr.Yes, "begin\nAutostart=0\nend\n": dr.No} {
		got, err := parseAutostart(out)
		require.NoError(t, err)
		require.Equal(t, want, got, out)
	}
	for _, out := range []string{"", "begin\n", "begin\nAutostart = yes\nend\n"} {
		_, err := parseAutostart(out)
		require.Error(t, err, out)
	}
	a := strings.Repeat("a", 64)
	sum, err := parseSums(a + "  /x/SSFS_DRT.DAT\n" + a + "  /x/SSFS_DRT.KEY\n")
	require.NoError(t, err)
	require.Len(t, sum, 16)
	_, err = parseSums(a + "  /x/SSFS_DRT.DAT\n")
	require.Error(t, err)
	ini := parseIni("[system_replication]\nenable_full_sync = true\n# x = y\n[other]\na = b\n[system_replication_site_masters]\n1 = dba01:30001\n")
	require.Equal(t, "true", ini["system_replication/enable_full_sync"])
	require.Equal(t, []string{"dba01"}, Reading{Ini: ini}.Masters())
	require.NotContains(t, ini, "other/a")
}

func TestAClusterInChargeIsSeenAndOneInMaintenanceIsNot(t *testing.T) {
	for out, want := range map[string]dr.Tri{
		"begin\nend\n":          dr.No,
		"begin\npresent\nend\n": dr.Unknown,
		"":                      dr.Unknown,
		"begin\npresent\ncrm Error: cluster is not available on this node\nend\n":                                            dr.No,
		"begin\npresent\ncrm   * Node List:\ncrm     * Online: [ a b ]\nend\n":                                               dr.No,
		"begin\npresent\ncrm     * rsc_SAPHana_DRT_HDB00 (ocf::suse:SAPHana): Promoted a\nend\n":                             dr.Yes,
		"begin\npresent\ncrm     * rsc_SAPHana_DRT_HDB00 (ocf::suse:SAPHana): Promoted a (unmanaged)\nend\n":                 dr.No,
		"begin\npresent\ncrm *** Resource management is DISABLED ***\ncrm   * rsc_SAPHana (ocf::suse:SAPHana): Started\nend": dr.No,
	} {
		c, err := parseCluster(out)
		if want == dr.Unknown {
			require.Error(t, err, out)
			continue
		}
		require.NoError(t, err, out)
		require.Equal(t, want, c.Managed, out)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add(statePrimary)
	f.Add(stateSecondary)
	f.Fuzz(func(t *testing.T, out string) {
		s, err := ParseState(out)
		if err == nil {
			require.NotEmpty(t, s.Mode)
			_, cut := ParseState(strings.ReplaceAll(out, "<end>", "<en"))
			require.Error(t, cut, "an answer without an end is none")
		}
	})
}

func FuzzParseProcesses(f *testing.F) {
	f.Add(listOfRunning, listRunning)
	f.Add(listOfStopped, listStopped)
	f.Fuzz(func(t *testing.T, out string, exit int) {
		p, err := ParseProcesses(out, exit)
		if err != nil || exit != listStopped {
			require.NotEqual(t, dr.No, p.Running, "only exit code 4 with its row proves a stop")
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	f.Add(statusOutput("ACTIVE", serviceLines("30001", "SYSTEMDB", "SOUTH", "ACTIVE")), 15)
	f.Fuzz(func(t *testing.T, out string, exit int) {
		s, err := ParseStatus(out, exit)
		if err == nil {
			require.GreaterOrEqual(t, s.Exit, 10)
			require.LessOrEqual(t, len(s.Rows), 500)
		}
	})
}

func FuzzParseLandscape(f *testing.F) {
	f.Add(landscapeUp, 4)
	f.Add(landscapeOut, 1)
	f.Fuzz(func(t *testing.T, out string, exit int) {
		l, err := ParseLandscape(out, exit)
		require.Equal(t, err == nil, len(l.Hosts) > 0)
	})
}

func FuzzSmallParsers(f *testing.F) {
	f.Add("begin\npresent\ncrm x SAPHana\nend\n")
	f.Add("[system_replication]\nmode = sync\n")
	f.Fuzz(func(t *testing.T, out string) {
		c, err := parseCluster(out)
		require.Equal(t, err == nil, c.Text != "")
		h, err := parseHook(out)
		if err != nil {
			require.Empty(t, h.Events)
		}
		require.LessOrEqual(t, len(parseIni(out)), 100)
		_, _ = parseAutostart(out)
		_, _ = parseSums(out)
		require.NotContains(t, parseRecommendation(out), "\n")
	})
}
