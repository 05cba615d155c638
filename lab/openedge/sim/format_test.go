package sim

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALogLineHasTheColumnsOfTheManual(t *testing.T) {
	db := filepath.Join(t.TempDir(), "depot")
	lg(db, asServer, 'I', msgSynchronised, "west")
	lg(db, asBroker, 'W', text{words: "without a number"})
	b, err := os.ReadFile(db + ".lg")
	require.NoError(t, err)
	require.Regexp(t, `^\[\d{4}/\d\d/\d\d@\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}\] P-\d+ {1,10}T-1 I RPLS   12: \(10436\) The source and target databases on west are synchronised\.\n`+
		`\[\S+\] P-\d+ {1,10}T-1 W BROKER  0: \(-----\) without a number\n$`, string(b))
	server, err := os.ReadFile(db + ".repl.server.lg")
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(server), "\n"), "replication's own log has its own lines only")
}

func TestMessagesEndWithTheirNumber(t *testing.T) {
	require.Equal(t, "Backup complete. (3740)", msgBackupComplete.format())
	require.Equal(t, "171 active blocks out of 189 blocks in depot will be dumped. (6686)", msgActiveBlocks.format(171, 189, "depot"))
	require.Equal(t, "Backed up 171 blocks in 00:00:00", msgBackedUp.format(171, clock(0)))
	require.Equal(t, "Unable to extend data files enough to proceed. (6743)", msgExtendFailed.format())
	require.Equal(t, "25:00:07", clock(25*time.Hour+7*time.Second))
	require.Equal(t, "820.0 KBytes", byteText(839680))
	require.Equal(t, "1.5 GBytes", byteText(3<<29))
}

func TestAStructureFileGivesItsAreasAndIsWrittenAgain(t *testing.T) {
	text := "#\nb /d/depot.b1\n#\nd \"Schema Area\":6,32;1 /d/depot.d1\n#\nd \"Parts Area\":8,32;8 /d/depot_8.d1 f 2048\nd \"Parts Area\":8,32;8 /d/depot_8.d2\n#\na /d/depot.a1 f 256\n#\na /d/depot.a2\n"
	areas, err := parseStructure(text, "/d/depot")
	require.NoError(t, err)
	require.Len(t, areas, 5)
	require.Equal(t, area{Name: "Parts Area", Number: 8, Kind: "d", PerRec: 32, Cluster: 8, Extents: []extent{{"/d/depot_8.d1", 2048}, {"/d/depot_8.d2", 0}}}, areas[2])
	require.Equal(t, "After Image Area 2", areas[4].Name)
	require.Equal(t, text, structureText(areas))
	relative, err := parseStructure("d \"Schema Area\" sub/x.d1\n", "/d/depot")
	require.NoError(t, err)
	require.Equal(t, "/d/sub/x.d1", relative[0].Extents[0].Path)
	for _, bad := range []string{"x /d/a\n", "d\n", "d \"Area /d/x\n", "b /d/x f\n"} {
		_, err := parseStructure(bad, "/d/depot")
		require.ErrorContains(t, err, "is not valid", bad)
	}
}

func FuzzStructure(f *testing.F) {
	f.Add("b x.b1\nd \"Schema Area\":6,32;1 x.d1 f 8\na x.a1\n")
	f.Add("d \"\":999999999999999999999,1;1 /x")
	f.Fuzz(func(t *testing.T, text string) {
		areas, err := parseStructure(text, "/d/depot")
		if err != nil {
			return
		}
		again, err := parseStructure(structureText(areas), "/d/depot")
		if err == nil {
			require.Len(t, again, len(areas))
		}
	})
}

func writeProperties(t *testing.T, text string) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "depot")
	require.NoError(t, os.WriteFile(db+".repl.properties", []byte(text), 0o600))
	return db
}

func TestPropertiesKnowTheirAgents(t *testing.T) {
	const agent = "[control-agent.ag_east]\nname=ag_east\nhost=east.example\nport=4501\ncritical=1\n"
	p, err := readProperties(writeProperties(t, "# a comment\n[SERVER]\n Control-Agents = ag_east\ndefer-agent-startup=240\n"+agent))
	require.NoError(t, err)
	agents, err := p.agents()
	require.NoError(t, err)
	require.Equal(t, []controlAgent{{"ag_east", "east.example:4501", 120, true}}, agents)
	require.Equal(t, 240, p.deferral())
	for text, want := range map[string]string{
		"[server]\ncontrol-agents=\n":                        "names no agent",
		"[server]\ncontrol-agents=ag_west\n":                 "ag_west is not configured",
		"[server]\ncontrol-agents=all\n":                     "all is not allowed",
		"[server]\ncontrol-agents=a_name_that_is_too_long\n": "is not allowed",
		"[server]\ncontrol-agents=ag_east,ag_east,ag_east\n": "At most two agents",
	} {
		p, err := readProperties(writeProperties(t, text+agent))
		require.NoError(t, err)
		_, err = p.agents()
		require.ErrorContains(t, err, want)
	}
	for _, text := range []string{"name=value\n", "[server]\nnothing\n"} {
		_, err = readProperties(writeProperties(t, text))
		require.ErrorContains(t, err, "is no property")
	}
	_, err = readProperties(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "cannot be read")
}

func TestADeferralOutsideItsBoundsIsNone(t *testing.T) {
	for value, want := range map[string]int{"0": 0, "4": 0, "5": 5, "10080": 10080, "10081": 0, "soon": 0} {
		p := properties{"server": {"defer-agent-startup": value}}
		require.Equal(t, want, p.deferral(), value)
	}
}

func FuzzProperties(f *testing.F) {
	f.Add("[server]\ncontrol-agents=a\n[control-agent.a]\nname=a\nhost=h\nport=1\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readProperties(writeProperties(t, text))
		if err != nil {
			return
		}
		if agents, err := p.agents(); err == nil {
			require.NotEmpty(t, agents)
			require.LessOrEqual(t, len(agents), 2)
		}
		_ = p.complaints()
	})
}

func FuzzNotes(f *testing.F) {
	f.Add(encodeNotes([]note{{kindRecord, 1, 2, 3}, {kindFiller, 2, -1, 0}}))
	f.Add([]byte("NOTE"))
	f.Fuzz(func(t *testing.T, b []byte) {
		notes := parseNotes(b)
		require.True(t, bytes.HasPrefix(b, encodeNotes(notes)) || len(notes)*NoteSize <= len(b))
	})
}

// aVolume makes a whole backup of a database with some records.
func aVolume(t *testing.T) []byte {
	t.Helper()
	e := newEngine(t)
	commitUpTo(t, e, 1, 100)
	s, err := e.snapshot(true)
	require.NoError(t, err)
	device := filepath.Join(t.TempDir(), "backup")
	p := &proc{out: io.Discard, cfg: Config{}}
	_, err = (&backupJob{proc: p, db: e.db, device: device}).blocks(s)
	require.NoError(t, err)
	b, err := os.ReadFile(device)
	require.NoError(t, err)
	return b
}

// read reads a volume to its end.
func read(t *testing.T, b []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	v, err := openVolume(path)
	if err != nil {
		return err
	}
	defer v.close()
	for {
		_, _, _, done, err := v.next()
		if err != nil || done {
			return err
		}
	}
}

func TestABackupIsWholeOnlyWithEveryByte(t *testing.T) {
	whole := aVolume(t)
	require.NoError(t, read(t, whole))
	for cut := 0; cut < len(whole); cut += 97 {
		require.Error(t, read(t, whole[:cut]), "cut at %d of %d", cut, len(whole))
	}
	require.Error(t, read(t, whole[:len(whole)-1]))
	header := bytes.Index(whole, []byte("CHNK"))
	for at := header + chunkHeader; at < len(whole)-chunkHeader; at += 513 {
		broken := bytes.Clone(whole)
		broken[at] ^= 0x40
		require.Error(t, read(t, broken), "changed at %d", at)
	}
}

func FuzzVolume(f *testing.F) {
	f.Add([]byte("OEBK\x02\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, b []byte) { require.Error(t, read(t, b)) })
}
