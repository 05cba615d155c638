package openedge

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// The layouts below are those of the manuals of releases 11.7 to 13.0 and of
// public programs that read the tools' output; names are invented.

// seen describes one site; text renders what the observation prints.
type seen struct {
	gone    bool // there is no control area
	fence   string
	restore string
	lock    bool
	holder  string
	role    string // Source, Target, none or ""
	status  string // a code, "exit 2" or "exit 3"
	agents  map[string]string
	broker  bool
	procs   []string
	log     []string
	props   string
	full    bool
	ack     string // seq of the last acknowledged block
	extents []string
	aiFile  string
	version string
	owner   string
	block   string
	files   map[string][]string
}

func (s seen) text() string {
	var b strings.Builder
	say := func(lines ...string) {
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
	}
	yes := func(name string, v bool) { say(name + map[bool]string{true: " yes", false: " no"}[v]) }
	quoted := func(text string) {
		for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			say("| " + l)
		}
	}
	say("switchback-openedge 1")
	yes("exists", !s.gone)
	yes("lock", s.lock || s.broker)
	yes("fenced", s.fence != "")
	yes("recovery_file", true)
	yes("transition_file", false)
	if s.fence != "" {
		say("fence_run " + s.fence)
	}
	if s.restore != "" {
		say("restore " + s.restore)
	}
	say("me oe")
	if !s.gone {
		say("owner " + def(s.owner, "oe"))
	}
	if s.broker {
		say("proc _mprosrv 4711")
	}
	for _, p := range s.procs {
		say("proc " + p + " 4712")
	}
	if !s.gone {
		say("tool holder " + def(s.holder, "0"))
		say("tool describe 0")
		quoted(s.describe())
		exit, code, _ := strings.Cut(def(s.status, "exit 2"), " ")
		if exit == "exit" {
			say("tool status " + code)
		} else {
			say("tool status 0", "| OpenEdge Release 12.8 as of Mon Feb  3 04:05:06 EST 2031", "| "+exit)
		}
		for a, c := range s.agents {
			say("tool agent:"+a+" 0", "| "+c)
		}
	}
	if !s.gone && s.full {
		say("tool busy 6", "tool extents 0")
		for i, st := range s.extents {
			n := string(rune('1' + i))
			quoted("Extent:  " + n + "\nStatus:  " + st + "\nType:    Fixed Length\nPath:    /data/depot.a" + n + "\nSize:    64000\nUsed:    12\nStart:   Mon Feb  3 04:05:06 2031\nSeqno:   " + n)
		}
		say("tool recovery_server 0")
		quoted("Replication version: 3\nDate created: Mon Feb  3 04:05:06 2031\nNumber of agents: 1")
		say("tool recovery_agent 0")
		if s.ack != "" {
			quoted("Last AI block acknowledged: area: 14, seq: " + s.ack + ", loc: 313, offset: 8124\nLast AI block ACK time: Mon Feb  3 04:05:06 2031\nLast Block: Complete")
		}
	}
	say("log yes")
	for _, l := range s.log {
		say("| " + l)
	}
	if s.full && s.props != "" {
		say("properties yes")
		quoted(s.props)
	}
	say("data_kb 2048", "data_free_kb 9000000", "spool_free_kb 9000000", "structure yes")
	for f, lines := range s.files {
		say("bytes 4096 "+f, "file yes "+f)
		for _, l := range lines {
			say("| " + l)
		}
	}
	say("end 1")
	return b.String()
}

func (s seen) describe() string {
	t := "OpenEdge Database Description\nDatabase Name : depot\nVersion : " + def(s.version, "410.0") + "\nBlock Size : " + def(s.block, "4096") + "\n" +
		"After Imaging Information\n  Begin Date : Mon Feb  3 04:05:06 2031\n  Current File Number : " + def(s.aiFile, "3") + "\n" +
		"Backup Information\n  Last Full Backup Date : Mon Feb  3 04:05:06 2031\n  Last Incremental Backup : *** Not yet performed ***\nDatabase Features\n    ID Feature                            Active Details\n"
	if s.role != "" && s.role != "none" {
		t += "     1 OpenEdge Replication               Yes " + s.role + " database\n"
	}
	if s.role == "" {
		return "OpenEdge Database Description\nDatabase Name : depot\n"
	}
	return t + "     9 64 Bit DBKEYS                      Yes\n"
}

func def(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

// logged makes a line of the database log.
func logged(at, pid, number, text string) string {
	return "[2031/02/03@04:" + at + ".789+0100] P-" + pid + "       T-1 I BROKER  0: (" + number + ") " + text
}

// The sites of the tests: both ends of a working pair, and what becomes of them.
func openSource(full bool) seen {
	return seen{
		holder: "16", role: "Source", status: "6021", agents: map[string]string{"ag_west": "3049"}, broker: true, full: full,
		extents: []string{"FULL", "LOCKED", "BUSY", "EMPTY", "EMPTY"}, props: propertiesOf("ag_east", "ag_west", "west.example"),
		log: []string{logged("05:06", "4711", "333", "Multi-user session begin."), logged("05:07", "4712", "10436", "The source database /data/depot and target are synchronized.")},
	}
}

func openTarget(full bool) seen {
	return seen{
		holder: "16", role: "Target", status: "3049", broker: true, full: full, ack: "3", extents: []string{"EMPTY"},
		props: propertiesOf("ag_west", "ag_east", "east.example"), log: []string{logged("05:06", "4711", "333", "Multi-user session begin.")},
	}
}

func propertiesOf(own, other, host string) string {
	return "[server]\n control-agents=" + other + "\n database=depot\n transition=manual\n defer-agent-startup=240\n" +
		"[control-agent." + other + "]\n name=" + other + "\n database=depot\n host=" + host + "\n port=4501\n critical=0\n" +
		"[agent]\n name=" + own + "\n database=depot\n" +
		"[transition]\n# the manual's properties\n database-role=reverse\n restart-after-transition=1\n recovery-backup-arguments=/spool/depot.recovery.bck\n" +
		" source-startup-arguments=-S 4501 -DBService replserv\n target-startup-arguments=-S 4501 -DBService replagent\n keystore-passphrase=hunter2\n"
}

func read(t *testing.T, s seen) Reading {
	t.Helper()
	r, err := ParseReading(s.text())
	require.NoError(t, err)
	return r
}

func TestAWorkingPairIsRecognised(t *testing.T) {
	s, g := read(t, openSource(true)), read(t, openTarget(true))
	require.Equal(t, roleSource, s.Role())
	require.Equal(t, dr.Yes, s.AcceptsWrites())
	require.Equal(t, codeServerNormal, s.Status.Code)
	require.Equal(t, codeAgentNormal, s.Agents["ag_west"])
	require.Equal(t, 2, s.EmptyExtents())
	require.Equal(t, int64(3), s.Describe.AIFile)
	require.Equal(t, roleTarget, g.Role())
	require.Equal(t, dr.No, g.AcceptsWrites())
	require.Equal(t, []Acknowledged{{Area: 14, Seq: 3, Loc: 313, Offset: 8124, Time: "Mon Feb  3 04:05:06 2031"}}, g.AgentInfo)
	require.True(t, inStep(s, g, "ag_west"))
	require.Equal(t, time.Date(2031, 2, 3, 3, 5, 7, 789e6, time.UTC), s.LastWrite().UTC())
}

func TestWhatIsNotProvenIsUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		s      seen
		writes dr.Tri
	}{
		"multi-user without a broker process (a stale lock)":       {seen{holder: "16", role: "Source", status: "exit 2", lock: true}, dr.Unknown},
		"free with a broker process":                               {seen{holder: "0", role: "Source", status: "6021", broker: true}, dr.Unknown},
		"single user":                                              {seen{holder: "14", role: "Source", status: "exit 2"}, dr.Unknown},
		"an error of holder":                                       {seen{holder: "1", role: "Source", status: "6021", broker: true}, dr.Unknown},
		"a cut-off description":                                    {seen{holder: "16", status: "3049", broker: true}, dr.Unknown},
		"no replication line, but a status":                        {seen{holder: "16", role: "none", status: "3049", broker: true}, dr.Unknown},
		"a source line, but not enabled by its status":             {seen{holder: "16", role: "Source", status: "exit 3", broker: true}, dr.Unknown},
		"a target without a status":                                {seen{holder: "16", role: "Target", status: "exit 2", broker: true}, dr.Unknown},
		"a target with a number that no manual has":                {seen{holder: "16", role: "Target", status: "3999", broker: true}, dr.Unknown},
		"a normal database that is open takes updates":             {seen{holder: "16", role: "none", status: "exit 3", broker: true}, dr.Yes},
		"a source whose server is gone takes updates all the same": {seen{holder: "16", role: "Source", status: "6060", broker: true}, dr.Yes},
		"a fenced database does not":                               {seen{gone: true, fence: "aa"}, dr.No},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.writes, read(t, c.s).AcceptsWrites()) })
	}
}

func TestABrokenFrameIsRefused(t *testing.T) {
	good := openSource(true).text()
	for name, bad := range map[string]string{
		"empty": "", "half": good[:len(good)/2], "without an end": strings.TrimSuffix(good, "end 1\n"), "foreign": "Segmentation fault\n",
		"a part twice": strings.Replace(good, "exists yes\n", "exists yes\nexists no\n", 1), "no exit code": strings.Replace(good, "tool holder 16", "tool holder x", 1),
		"an unknown line": strings.Replace(good, "exists yes", "exists yes\nsurprise yes", 1), "a part missing": strings.Replace(good, "fenced no\n", "", 1),
	} {
		_, err := ParseReading(bad)
		require.Error(t, err, name)
	}
	forged := strings.Replace(good, "| Database Name : depot", "| Database Name : depot\n| tool holder 0\n| end 1", 1)
	r, err := ParseReading(forged)
	require.NoError(t, err)
	require.Equal(t, 16, r.Holder, "what a tool prints is never a line of ours")
}

func TestRoleLinesOfAllReleasesAreRecognised(t *testing.T) {
	for line, want := range map[string]string{
		"     1 OpenEdge Replication               Yes Source database": roleSource,
		"     1 OpenEdge Replication               Yes Target database": roleTarget,
		"     1 Fathom Replication                 Yes Source database": roleSource,
		"     1 Site Replication                   Yes Target database": roleTarget,
		"     1 OpenEdge Replication               No":                  roleNone,
		"     1 OpenEdge Replication               Yes Third database":  "",
	} {
		d := parseDescribe([]string{"Database Name : depot", "Database Features", line})
		require.Equal(t, want, d.Role, line)
	}
}

func TestStatusNumbersAreReadFromEveryForm(t *testing.T) {
	for text, want := range map[string]Code{"6021": 6021, "6021; Server normal processing": 6021, "3049 Normal Processing": 3049, "  2080": 2080} {
		require.Equal(t, Status{Exit: 0, Code: want}, parseStatus(0, []string{"OpenEdge Release 12.2 as of Feb 3 2031", text}), text)
	}
	require.Equal(t, Status{Exit: 2}, parseStatus(2, []string{"cannot be opened"}))
	require.Equal(t, Status{Exit: -1}, parseStatus(0, []string{"60211"}), "five digits are no code")
	require.Equal(t, Status{Exit: -1}, parseStatus(0, []string{"6021", "3049"}), "two answers are none")
	require.Equal(t, Status{Exit: -1}, parseStatus(124, []string{"6021"}), "an exit code that the manual has not")
}

func TestPropertiesAreReadAndCompared(t *testing.T) {
	east := Place{Site: "east", Database: "/data/depot", Agent: "ag_east", Address: "east.example", Port: 4501}
	west := Place{Site: "west", Database: "/data/depot", Agent: "ag_west", Address: "west.example", Port: 4501}
	text := propertiesOf("ag_east", "ag_west", "west.example")
	p := parseProperties(strings.Split(text, "\n"))
	require.Empty(t, p.lacks(east, []Place{west}))
	require.Equal(t, int64(240), p.Deferral())
	require.Equal(t, roleSource, p.AsRole())
	require.NotContains(t, p.Sections["transition"], "keystore-passphrase", "secrets are not kept")
	for was, now := range map[string]string{
		"[agent]": "[agents]", "name=ag_east": "name=ag_other", "control-agents=ag_west": "control-agents=ag_north", "port=4501": "port=4502",
		"host=west.example": "host=elsewhere", "replserv": "replagent", "[transition]": "[transit]", " transition=manual": " transition=manual\n transition=auto",
		"[server]": "nonsense\n[server]",
	} {
		broken := parseProperties(strings.Split(strings.Replace(text, was, now, 1), "\n"))
		require.NotEmpty(t, broken.lacks(east, []Place{west}), now)
	}
	var none *Properties
	require.NotEmpty(t, none.lacks(east, []Place{west}))
}

func TestATranscriptIsGoodOnlyToItsLastSentence(t *testing.T) {
	lines := strings.Split("Transitioning database /data/depot\n---------------\n13:28:51 Opening database                         : Succeeded\n"+
		"13:31:52 Starting database in New Role            : Succeeded\n\n"+transcriptEnd, "\n")
	require.True(t, parseTranscript(lines).good())
	require.False(t, parseTranscript(lines[:4]).good())
	lines[2] = strings.Replace(lines[2], "Succeeded", "Abandoned", 1)
	require.Equal(t, "Opening database: Abandoned", parseTranscript(lines).failed())
	require.False(t, parseTranscript([]string{transcriptEnd}).good(), "a sentence without steps proves nothing")
}

func TestAStructureThatDoesNotFitIsFoundBeforeTheRestore(t *testing.T) {
	areas, err := parseAreas([]string{"OpenEdge Release 12.8", "Area Name: Parts Area", "        Size: 2560, Records/Block: 32, Area Number: 8, Cluster Size: 8"})
	require.NoError(t, err)
	require.Equal(t, int64(80*4), areas[0].needKB(4))
	for st, want := range map[string]string{
		`d "Parts Area":8,32;8 /data/depot_8.d1 f 320`:                                      "",
		`d "Parts Area":8,32;8 /data/depot_8.d1`:                                            "",
		"d \"Parts Area\":8,32;8 /data/depot_8.d1 f 64\nd \"Parts Area\":8,32;8 /data/x.d2": "",
		`d "Parts Area":8,32;8 /data/depot_8.d1 f 256`:                                      "the extents of the area",
		`d "Other Area":9,32;8 /data/depot_9.d1`:                                            "the structure file has no area",
		`d "Parts Area":9,32;8 /data/depot_9.d1`:                                            "the area \"Parts Area\" has the number 9",
		"b /data/depot.b1\na /data/depot.a1 f 64\nd \"Parts Area\":8,64;8 /data/depot_8.d1": "the area \"Parts Area\" has 64 records",
	} {
		files, err := parseStructure(strings.Split(st, "\n"))
		require.NoError(t, err, st)
		if why := misfit(areas, files, 4); want == "" {
			require.Empty(t, why, st)
		} else {
			require.Contains(t, why, want, st)
		}
	}
	for _, bad := range []string{"", "x /data/depot.x1", `d "Parts Area":8,32;8 /data/depot_8.d1 f`} {
		_, err := parseStructure([]string{bad})
		require.Error(t, err, bad)
	}
}

func TestTheLogIsReadByNumbers(t *testing.T) {
	l := logLines(parseLog([]string{
		logged("05:06", "4711", "1362", "Full backup started."), "no line of a log",
		logged("05:07", "4712", "1364", "Full backup successfully completed."), logged("05:08", "4711", "-----", "a message without a number"),
	}))
	require.Len(t, l, 3)
	require.False(t, l.whole(msgFullStart, msgFullDone), "the end belongs to another process")
	l = append(l, LogLine{PID: 4711, Number: msgFullDone})
	require.True(t, l.whole(msgFullStart, msgFullDone))
}

func FuzzParseReading(f *testing.F) {
	f.Add(openSource(true).text())
	f.Add(openTarget(true).text())
	f.Add(seen{gone: true, fence: "aa11"}.text())
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReading(text)
		if err == nil {
			_ = r.AcceptsWrites()
			_ = summary(r)
		}
	})
}

func FuzzParsers(f *testing.F) {
	f.Add(propertiesOf("ag_east", "ag_west", "west.example"))
	f.Add(`d "Parts Area":8,32;8 /data/depot_8.d1 f 320`)
	f.Add("Area Name: Parts Area\n        Size: 2560, Records/Block: 32, Area Number: 8, Cluster Size: 8")
	f.Add("13:28:51 Opening database                         : Succeeded\n\n" + transcriptEnd)
	f.Fuzz(func(_ *testing.T, text string) {
		lines := strings.Split(text, "\n")
		p := parseProperties(lines)
		_ = p.lacks(Place{}, nil)
		files, _ := parseStructure(lines)
		areas, _ := parseAreas(lines)
		_ = misfit(areas, files, 4)
		_ = parseTranscript(lines).good()
		_ = parseExtents(lines)
		_ = parseRecovery(lines)
		_ = logLines(parseLog(lines)).whole(1, 2)
	})
}
