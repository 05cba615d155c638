package postgres

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

// captured reads an output of the observation script against a real
// PostgreSQL 15.
func captured(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".txt")
	require.NoError(t, err)
	return string(b)
}

func reading(t testing.TB, name string) Reading {
	t.Helper()
	r, err := ParseReading(captured(t, name))
	require.NoError(t, err)
	return r
}

func TestEveryStateOfAServerIsTold(t *testing.T) {
	cases := []struct {
		file    string
		writes  dr.Tri
		role    dr.Role
		running dr.Tri
		tl      uint32
	}{
		{"primary", dr.Yes, dr.RolePrimary, dr.Yes, 1},
		{"standby", dr.No, dr.RoleSecondary, dr.Yes, 1},
		{"standby_alone", dr.No, dr.RoleSecondary, dr.Yes, 1},
		{"crashed", dr.No, dr.RolePrimary, dr.No, 1},
		{"fenced", dr.No, dr.RolePrimary, dr.No, 1},
		{"promoted", dr.Yes, dr.RolePrimary, dr.Yes, 2},
		{"shutdown", dr.No, dr.RolePrimary, dr.No, 2},
		{"rewinding", dr.No, dr.RoleUnknown, dr.No, 0},
	}
	for _, c := range cases {
		t.Run(c.file, func(t *testing.T) {
			r := reading(t, c.file)
			require.Equal(t, c.writes, r.AcceptsWrites())
			require.Equal(t, c.role, roleOf(r))
			require.Equal(t, c.running, r.Running)
			require.Equal(t, c.tl, r.Timeline())
		})
	}
	require.True(t, reading(t, "fenced").Fenced)
	require.Equal(t, "aa11", reading(t, "fenced").Fence)
	require.NotEmpty(t, reading(t, "rewinding").Rewind)
	require.Equal(t, "streaming", reading(t, "primary").Repl[0].State)
}

func TestAnOutputThatIsCutOffOrNotRecognisedIsAnError(t *testing.T) {
	out := captured(t, "primary")
	for i := 0; i < len(out)-1; i += 7 {
		_, err := ParseReading(out[:i])
		require.Error(t, err, "cut at %d", i)
	}
	for _, bad := range []string{
		"", "begin 1\nend ok extra\n", "begin 1\nsurprise x\nend ok\n", "begin 1\nrunning maybe\nend ok\n",
		"begin 1\nsql server {\"version\":1}\nend ok\n", "begin 1\nsql server {\"nonsense\":1}\nend ok\n", "begin 1\ncontrol no colon\nend ok\n",
		"begin 1\nhistory 1 zzz\nend ok\n", strings.Replace(out, "\"recovery\" : false", "\"recovery\" : null", 1),
	} {
		_, err := ParseReading(bad)
		require.Error(t, err, bad)
	}
}

func TestOnlyTheCleanMessageTellsTheEndOfTheLog(t *testing.T) {
	require.Equal(t, LSN(0x3009800), walReached("pg_waldump: error: error in WAL record at 0/3009800: incorrect resource manager data checksum in record at 0/3009838"), "a torn end still shows how far the log reaches")
	require.Equal(t, LSN(0x3009838), walEnd("pg_waldump: error: error in WAL record at 0/3009800: invalid record length at 0/3009838: wanted 24, got 0"))
	for _, s := range []string{
		"", "pg_waldump: error: error in WAL record at 0/3009800: invalid magic number 0000 in log segment 000000010000000000000003, offset 0",
		"pg_waldump: error: error in WAL record at 0/3009800: invalid record length at 0/3009838: wanted 24, got 8",
		"pg_waldump: error: could not find a valid record after 0/3000000",
	} {
		require.Zero(t, walEnd(s), s)
		require.Zero(t, walReached("not even "+s), s)
	}
}

func TestTheEndOfAnOldPrimarysLogDecidesBetweenStartRewindAndCopy(t *testing.T) {
	now := reading(t, "promoted")
	sw, ok := now.Switch(1)
	require.True(t, ok)
	old := reading(t, "crashed")
	require.Equal(t, endUnknown, compareEnds(old, now).Verdict, "an unclean end counts as past the switch")
	old.WALEnd = sw
	require.Equal(t, endsWithin, compareEnds(old, now).Verdict)
	old.WALEnd = sw + 8
	require.Equal(t, endsPast, compareEnds(old, now).Verdict)
	old.WALTimeline = 2
	require.Equal(t, endsApart, compareEnds(old, now).Verdict, "both promoted from the same timeline")
	old.WALTimeline = 3
	require.Equal(t, endsApart, compareEnds(old, now).Verdict, "the old one is further")
	old.WALTimeline, now.History = 1, nil
	require.Equal(t, endsApart, compareEnds(old, now).Verdict, "no common parent")
}

func TestLogPositionsAreReadAndWritten(t *testing.T) {
	for _, s := range []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"} {
		l, err := ParseLSN(s)
		require.NoError(t, err)
		require.Equal(t, s, l.String())
	}
	for _, s := range []string{"", "/", "1/", "1", "g/1", "1/123456789", "-1/0"} {
		_, err := ParseLSN(s)
		require.Error(t, err, s)
	}
}

func FuzzParseReading(f *testing.F) {
	for _, n := range []string{"primary", "standby", "crashed", "fenced", "promoted", "rewinding"} {
		f.Add(captured(f, n))
	}
	f.Fuzz(func(t *testing.T, out string) {
		r, err := ParseReading(out)
		if err != nil {
			require.Equal(t, Reading{}, r, "a refused output must leave nothing to decide on")
			return
		}
		if r.AcceptsWrites() == dr.Yes {
			require.NotNil(t, r.Server)
			require.False(t, *r.Server.Recovery)
		}
		raw, err := json.Marshal(r)
		require.NoError(t, err)
		var back Reading
		require.NoError(t, dr.DecodeStrict(raw, &back), "a reading must survive the situation's JSON")
	})
}
