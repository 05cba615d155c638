package observer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func row(text string) payload { return payload{Row: &rowChange{Table: "a.b", Values: []string{text}}} }

func opened(t *testing.T, dir string) *stream {
	t.Helper()
	s := &stream{ID: 1001}
	require.NoError(t, s.open(dir))
	t.Cleanup(s.close)
	return s
}

func TestAStreamIsAfterARestartWhatItWas(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	require.NoError(t, s.add(100, row("1")))
	require.NoError(t, s.add(200, row("2")))
	require.NoError(t, s.setSync(250))
	end := s.chainAt(2)
	s.close()
	again := opened(t, dir)
	require.Equal(t, int64(2), again.end())
	require.Equal(t, int64(250), again.Sync)
	require.Equal(t, end, again.chainAt(2))
}

func TestALineThatAKillCutOffWasNeverAcknowledged(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	require.NoError(t, s.add(100, row("1")))
	require.NoError(t, s.add(200, row("2")))
	s.close()
	path := filepath.Join(dir, "ls_1001.log")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	whole := strings.Index(string(b), "\n") + 1
	for cut := whole; cut < len(b); cut++ {
		require.NoError(t, os.WriteFile(path, b[:cut], 0o600))
		again := &stream{ID: 1001}
		require.NoError(t, again.open(dir))
		require.Equal(t, int64(1), again.end(), "cut at %d", cut)
		require.NoError(t, again.add(300, row("3")))
		again.close()
		last := &stream{ID: 1001}
		require.NoError(t, last.open(dir))
		require.Equal(t, int64(2), last.end())
		last.close()
	}
}

func TestADamagedLogIsNoLog(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	require.NoError(t, s.add(100, row("1")))
	require.NoError(t, s.add(200, row("2")))
	s.close()
	path := filepath.Join(dir, "ls_1001.log")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(b), `["1"]`, `["9"]`, 1)), 0o600))
	require.ErrorContains(t, (&stream{ID: 1001}).open(dir), "is damaged at LSN 0")
}

func TestACutTakesWhatIsAboveItAndCanBeRepeated(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	for _, scn := range []int64{100, 200, 300} {
		require.NoError(t, s.add(scn, row("x")))
	}
	for range 2 {
		require.NoError(t, s.cutTo(200))
		require.Equal(t, int64(2), s.end())
		require.Equal(t, int64(200), s.Sync)
	}
	require.ErrorIs(t, s.cutTo(201), errBelow)
	require.NoError(t, s.add(400, row("y")))
	s.close()
	require.Equal(t, int64(3), opened(t, dir).end())
}

func TestTwoObserversNeverShareADirectory(t *testing.T) {
	a := cluster(t, 1, usual)
	_, err := Open(a.conf)
	require.ErrorContains(t, err, "another observer has")
}

func TestAStateFileIsOldOrNewAndNeverHalf(t *testing.T) {
	a := primary(t, usual)
	before := a.one("SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS")
	require.NoError(t, a.Close())
	require.NoError(t, os.WriteFile(filepath.Join(a.conf.Dir, "cluster.json.new"), []byte(`{"half`), 0o600))
	a.open()
	require.Equal(t, before, a.one("SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS"))
}

func TestSecretsAreHiddenInTheLog(t *testing.T) {
	a, b := pair(t, usual)
	require.NoError(t, a.exec("ALTER USER root IDENTIFIED BY 'geheim'", "ALTER USER root IDENTIFIED BY ''"))
	for _, s := range []*site{a, b} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(s.conf.Dir), "log", LogName))
		require.NoError(t, err)
		require.NotContains(t, string(text), "geheim")
		require.NotContains(t, string(text), "secret")
		require.Contains(t, string(text), "statement from root@sys")
	}
}

func FuzzSource(f *testing.F) {
	for _, seed := range []string{"", "SERVICE=1.2.3.4:2881;1.2.3.5:2881 USER=u@t PASSWORD=p", "LOCATION=file:///a", "SERVICE== USER=@ PASSWORD=", "  ", "USER=a@b@c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSource(text)
		if err != nil || s == nil {
			return
		}
		require.Contains(t, []string{"SERVICE", "LOCATION"}, s.Type)
		if s.Type == "SERVICE" {
			require.NotEmpty(t, s.Addresses)
			require.NotContains(t, s.Password, " ")
		}
	})
}
